"""Stylesheets, scripts, icons and the font: served by us, under addresses that change with them."""

import gzip
import hashlib
from functools import cache
from logging import getLogger
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, request, url_for
from markupsafe import Markup

from app.views import brand

# Joined in this order into one file each. What only one screen needs it links itself, by `asset`.
SHEETS = ("tokens", "base", "shell", "parts", "list", "form", "feedback")
SCRIPTS = ("theme", "menus", "tenants", "dialogs", "toasts", "forms", "lists", "filters")
PACKED = ("text/css", "text/javascript", "image/svg+xml")
FOREVER = "public, max-age=31536000, immutable"
STATIC = Path(__file__).parent.parent / "static"

log = getLogger(__name__)
look = Blueprint("look", __name__)


def install(app: Flask) -> None:
    app.register_blueprint(look)
    app.after_request(_keep)
    app.jinja_env.globals.update(
        asset=asset, icon=icon, look_css=look_css, look_js=look_js, look_brand=look_brand
    )
    chosen = _colour(app)
    if brand.accent(chosen) != chosen:
        log.warning(
            "PRODUCT_COLOUR is too light to be read on white: a darker shade is used",
            extra={"chosen": chosen, "used": brand.accent(chosen)},
        )


@look.get("/look.css")
def sheet() -> Response:
    return Response(_sheet(), mimetype="text/css")


@look.get("/look.js")
def script() -> Response:
    return Response(_script(), mimetype="text/javascript")


@look.get("/brand.css")
def colours() -> Response:
    return Response(brand.stylesheet(_colour()), mimetype="text/css")


@look.get("/brand.svg")
def mark() -> Response:
    text = (STATIC / "icons" / "mark.svg").read_text(encoding="utf-8")
    made = text.replace(brand.DEFAULT, brand.accent(_colour()))
    return Response(made, mimetype="image/svg+xml")


def asset(path: str) -> str:
    """The address of a file under app/static, with its version."""
    return url_for("static", filename=path, v=_version(_read(path)))


def icon(name: str) -> Markup:
    """One of app/static/icons/icons.svg. It says nothing aloud: a word stands beside it."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(
        asset("icons/icons.svg"), name
    )


def look_css() -> str:
    return url_for("look.sheet", v=_version(_sheet().encode()))


def look_js() -> str:
    return url_for("look.script", v=_version(_script().encode()))


def look_brand() -> str | None:
    """None while the colour is the tokens' own."""
    chosen = _colour()
    return url_for("look.colours", v=chosen[1:]) if chosen != brand.DEFAULT else None


def _keep(response: Response) -> Response:
    """Only what names its version: the address of another version is another address."""
    ours = request.endpoint == "static" or (request.blueprint == "look")
    if ours and response.status_code in (200, 304) and "v" in request.args:
        response.headers["Cache-Control"] = FOREVER
        _pack(response)
    return response


def _pack(response: Response) -> None:
    """For those that read gzip. Pages are not packed: their length would tell of the secrets in
    them (BREACH)."""
    if response.status_code != 200 or response.mimetype not in PACKED:
        return
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        response.direct_passthrough = False
        response.set_data(_gzipped(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"


@cache
def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _colour(app: Flask | None = None) -> str:
    return str((app or current_app).extensions["settings"].product_colour)


@cache
def _sheet() -> str:
    return "\n".join(_read(f"css/{name}.css").decode() for name in SHEETS)


@cache
def _script() -> str:
    return "\n".join(_read(f"js/{name}.js").decode() for name in SCRIPTS)


@cache
def _read(path: str) -> bytes:
    return (STATIC / path).read_bytes()


@cache
def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
