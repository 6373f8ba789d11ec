"""Times as people read them: in the zone of the tenant in scope, in the language of the reader."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from flask import g
from flask_babel import get_locale, gettext, ngettext
from markupsafe import Markup
from phonenumbers import NumberParseException, parse, region_code_for_number
from sqlalchemy import select

from app.extensions import db
from app.models import Tenant, TwilioNumber
from app.tenancy import current_tenant_id

LONG_AGO = timedelta(days=300)  # with the year from then on
DEFAULT_LOCALE = "en"


@dataclass(frozen=True, slots=True)
class Business:
    """Whose screens these are; across tenants it has no name, and time is UTC."""

    name: str
    zone: tzinfo
    region: str  # two letters, of its first number: how telephone numbers are written


def business() -> Business:
    """Of the tenant in scope, looked up once a request."""
    if "business" not in g:
        g.business = _business(current_tenant_id())
    found: Business = g.business
    return found


def _business(tenant_id: int | None) -> Business:
    if tenant_id is None:
        return Business("", UTC, "US")
    first = (
        select(TwilioNumber.number)
        .order_by(TwilioNumber.practice, TwilioNumber.id)
        .limit(1)
        .scalar_subquery()
    )
    row = db.session.execute(
        select(Tenant.name, Tenant.timezone, first).where(Tenant.id == tenant_id)
    ).one_or_none()
    if row is None:
        return Business("", UTC, "US")
    return Business(row[0], ZoneInfo(row[1]), _region(row[2] or ""))


def _region(number: str) -> str:
    try:
        return region_code_for_number(parse(number)) or "US"
    except NumberParseException:
        return "US"


def zone() -> tzinfo:
    return business().zone


def language() -> str:
    return str(get_locale() or DEFAULT_LOCALE)


def today() -> date:
    return datetime.now(zone()).date()


def when(moment: datetime) -> Markup:
    """“Today, 1:52 pm”; all of it, with seconds and zone, in the title."""
    local = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone())
    full = format_datetime(local, "full", locale=language())
    text = gettext("%(day)s, %(time)s", day=_day(local.date()), time=clock(local))
    return _time(local.isoformat(timespec="seconds"), full, text)


def day(value: date) -> Markup:
    return _time(value.isoformat(), format_date(value, "full", locale=language()), _day(value))


def clock(local: datetime) -> str:
    """“1:52 pm”, or “13:52” where people count to 24."""
    if language().startswith("en"):
        return format_time(local, "h:mm a", locale="en").lower()
    return format_time(local, "HH:mm", locale=language())


def date_text(value: date) -> str:
    """“24 December 2026”, in the reader's language."""
    return format_date(value, "long", locale=language())


def _day(value: date) -> str:
    ahead = (value - today()).days
    if ahead in (-1, 0, 1):
        return {-1: gettext("Yesterday"), 0: gettext("Today"), 1: gettext("Tomorrow")}[ahead]
    if 1 < ahead < 7:
        return ngettext("in %(num)d day", "in %(num)d days", ahead)
    pattern = "EEE d MMM" if abs(ahead) < LONG_AGO.days else "d MMM y"
    return format_date(value, pattern, locale=language())


def _time(machine: str, full: str, text: str) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(machine, full, text)
