"""The frame around every screen: what its templates may ask for."""

from typing import Any

from flask import Flask, current_app, request
from flask_babel import get_locale
from flask_login import current_user

from app.views import act_as, assets, failures, moments, navigation, words, written

THEMES = ("auto", "light", "dark")


def install(app: Flask) -> None:
    app.config.setdefault("FAB_BASE_TEMPLATE", "frame/base.html")
    assets.install(app)
    failures.install(app)
    # Globals, because what Flask-AppBuilder calls widgets sees no context processor.
    app.jinja_env.globals.update(
        product=product, theme=theme, languages=languages, language=language,
        groups=navigation.groups, thumb=navigation.thumb, test_call=navigation.test_call,
        business=business,
        acting_for=act_as.acting_for,
        is_super_admin=act_as.is_super_admin, words_of=words.of, initials=initials,
        badge=written.badge, choice=written.choice, phone=written.phone, mail=written.mail,
        phone_text=written.phone_text, when=moments.when, day=moments.day, due=written.due,
        length=written.length, position=written.position, money=written.money,
        number=written.number, missing=written.missing, kept_args=kept_args,
    )  # fmt: skip


def product() -> str:
    return str(current_app.extensions["settings"].product_name)


def theme() -> str:
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else THEMES[0]


def language() -> str:
    return str(get_locale() or moments.DEFAULT_LOCALE).replace("_", "-")


def languages() -> dict[str, Any]:
    """Those of the interface; a menu of one is no menu."""
    found: dict[str, Any] = current_app.appbuilder.languages  # type: ignore[attr-defined]
    return found


def business() -> str:
    """The name of the tenant in scope, or nothing."""
    return moments.business().name if current_user.is_authenticated else ""


def initials(user: Any) -> str:
    found = f"{(user.first_name or '')[:1]}{(user.last_name or '')[:1]}"
    return (found or user.username[:2]).upper()


def kept_args(*dropped: str) -> list[tuple[str, str]]:
    """The address's arguments but these and the page: what a form of the list carries on."""
    pairs = request.args.items(multi=True)
    return [(k, v) for k, v in pairs if k not in dropped and not k.startswith("page_")]
