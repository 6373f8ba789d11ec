"""One way to write each kind of value: badge, telephone number, date, length, money.

Lists, show pages and hand-made screens use the same; all of them are globals of the templates.
"""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any

from babel.numbers import format_currency, format_decimal
from flask import current_app, g, url_for
from flask_babel import gettext, ngettext
from markupsafe import Markup, escape
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    format_number,
    parse,
    region_code_for_number,
)
from sqlalchemy import Boolean, inspect, select

from app.extensions import db
from app.models import Tenant
from app.views import moments, tones

Written = Callable[[Any], Any]
PHONES = frozenset(
    {"phone", "caller", "called", "number", "accepted_by", "fallback_number", "suspension_number"}
)
LENGTHS = frozenset({"duration", "seconds"})
CENTS = Decimal("0.10")  # below, three decimals say more


def missing() -> Markup:
    """An en dash, read aloud as words."""
    return Markup('<span aria-hidden="true">–</span><span class="sr-only">{}</span>').format(
        gettext("Not set")
    )


def badge(tone: str, text: str) -> Markup:
    return Markup('<span class="badge {}">{}</span>').format(tone, text)


def choice(kind: type[StrEnum], value: Any) -> Any:
    """A closed choice in words: a badge if its tone says something."""
    if not value:
        return missing()
    found = tones.said(kind, value)
    return badge(found.tone, found.text) if found.tone else found.text


def phone(value: Any) -> Any:
    """In the business's own form, and to be rung by a tap; what is no number is left as it is."""
    if not value:
        return missing()
    text = phone_text(value)
    if text == str(value) and not text.startswith("+"):
        return text
    return Markup('<a class="tel" href="tel:{}">{}</a>').format(value, text)


def phone_text(value: Any) -> str:
    region = moments.business().region
    try:
        number = parse(str(value), region)
    except NumberParseException:
        return str(value)
    near = region_code_for_number(number) == region
    form = PhoneNumberFormat.NATIONAL if near else PhoneNumberFormat.INTERNATIONAL
    return format_number(number, form)


def mail(value: Any) -> Any:
    return Markup('<a href="mailto:{0}">{0}</a>').format(value) if value else missing()


def length(seconds: Any) -> Any:
    """“1 min 27 s”."""
    if seconds is None:
        return missing()
    minutes, rest = divmod(int(seconds), 60)
    if not minutes:
        return gettext("%(seconds)d s", seconds=rest)
    return gettext("%(minutes)d min %(seconds)02d s", minutes=minutes, seconds=rest)


def position(seconds: Any) -> str:
    """Inside a call: “1:27”."""
    minutes, rest = divmod(int(seconds or 0), 60)
    return f"{minutes}:{rest:02d}"


def money(amount: Any, currency: str = "USD") -> Any:
    if amount is None:
        return missing()
    value = Decimal(amount)
    small = value and abs(value) < CENTS
    form = "¤0.000" if small else None
    return format_currency(
        value, currency, form, locale=moments.language(), currency_digits=not small
    )


def number(value: Any) -> Any:
    if value is None:
        return missing()
    return format_decimal(value, locale=moments.language())


def due(value: date | None) -> Any:
    """A day by which something should have been done."""
    if value is None:
        return missing()
    late = (moments.today() - value).days
    if late > 0:
        return badge("bad", ngettext("%(num)d day late", "%(num)d days late", late))
    return badge("warn", gettext("Today")) if late == 0 else moments.day(value)


def yes(value: Any) -> str:
    return gettext("Yes") if value else gettext("No")


def flag(tone: str, text: str, value: Any) -> Any:
    """A badge for what is so, and nothing to read for what is not."""
    return badge(tone, text) if value else missing()


def plain(value: Any) -> Any:
    """By what kind of value it is."""
    match value:
        case None | "" | [] | {}:
            return missing()
        case bool():
            return yes(value)
        case datetime():
            return moments.when(value)
        case date():
            return moments.day(value)
        case time():
            return value.strftime("%H:%M")
        case int():
            return number(value)
        case dict():
            return Markup("<pre>{}</pre>").format(json.dumps(value, ensure_ascii=False, indent=1))
        case list():
            return Markup("<br>").join(escape(one) for one in value)
    return value


def row(value: Any) -> Any:
    """Another row by its name, as a link for who may read it."""
    if value is None or isinstance(value, list):
        return plain(value)
    page = _page_of(type(value).__name__)
    if page is None:
        return str(value)
    url = url_for(f"{page.endpoint}.show", pk=value.id)
    return Markup('<a href="{}">{}</a>').format(url, page.title_of(value))


def _page_of(model: str) -> Any:
    """The page of a model's rows if whoever asks may read them, looked up once a request."""
    known = g.setdefault("readable_pages", {})
    if model not in known:
        appbuilder = current_app.appbuilder  # type: ignore[attr-defined]
        views = (view for view in appbuilder.baseviews if view.endpoint == f"{model}Page")
        known[model] = next(views, None) if appbuilder.sm.has_access("can_read", model) else None
    return known[model]


def formatters(model: type) -> dict[str, Written]:
    """How the columns of a model are written in lists and on show pages."""
    mapper: Any = inspect(model)
    made: dict[str, Written] = dict.fromkeys(mapper.relationships.keys(), row)
    made |= {name: _formatter(name, column) for name, column in mapper.columns.items()}
    return made | {"tenant_id": tenant_name}


def _formatter(name: str, column: Any) -> Written:
    if kind := column.info.get("choices"):
        return partial(choice, kind) if issubclass(kind, StrEnum) else plain
    if name in PHONES:
        return phone
    if name in LENGTHS:
        return length
    if name == "email":
        return mail
    return yes if isinstance(column.type, Boolean) else plain


def remember_tenants(tenants: set[int]) -> None:
    """The names of the tenants in a list, by one statement."""
    if tenants:
        found = db.session.execute(select(Tenant.id, Tenant.name).where(Tenant.id.in_(tenants)))
        g.tenant_names = {tenant: name for tenant, name in found}


def tenant_name(tenant_id: int | None) -> Any:
    """Of a list they are known already."""
    if tenant_id and tenant_id not in g.get("tenant_names", {}):
        remember_tenants({tenant_id})
    return g.get("tenant_names", {}).get(tenant_id) or missing()
