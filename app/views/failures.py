"""Pages for what went wrong: what happened, what it means, what to do. Nothing of the inside."""

import secrets
from logging import getLogger
from typing import Any, NamedTuple

from flask import Flask, Response, current_app, g, render_template, request
from flask_babel import lazy_gettext as _
from werkzeug.exceptions import HTTPException

from app.extensions import db

log = getLogger(__name__)
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is taken for another
BARE = ("/api/", "/twilio/", "/healthz", "/readyz")  # answered to programs


class Told(NamedTuple):
    title: Any
    text: Any


PAGES = {
    400: Told(
        _("This page cannot be used any more"),
        _("It was open too long, or its address was changed. Nothing was saved. Open it again."),
    ),
    403: Told(
        _("You may not see this"),
        _("Your role does not include this page. Ask an admin of your business to change it."),
    ),
    404: Told(
        _("Nothing is here"),
        _("It was deleted, belongs to another business, or the address has a typing error."),
    ),
    405: Told(_("This cannot be opened like that"), _("Go back and use the button on the page.")),
    413: Told(
        _("This is too large"), _("Send a smaller file or a shorter text. Nothing was saved.")
    ),
    429: Told(_("Too many attempts"), _("Wait a little and try again.")),
    500: Told(
        _("Something broke on our side"),
        _("Nothing was saved. Try again. If it happens once more, tell us the reference."),
    ),
    502: Told(
        _("Another service did not answer"), _("Nothing was changed. Try again in a minute.")
    ),
    503: Told(_("We are busy right now"), _("Nothing was saved. Try again in a minute.")),
}  # fmt: skip


def install(app: Flask) -> None:
    app.register_error_handler(HTTPException, _answer)


def _answer(error: HTTPException) -> Any:
    """REST is answered in JSON, also for what goes wrong before it is reached."""
    if error.code is None or error.response is not None:
        return error
    if request.path.startswith("/api/"):
        response = current_app.json.response(message=error.description)
        response.status_code = error.code
        return response
    return error if request.path.startswith(BARE) else page(error)


def page(error: HTTPException) -> Response:
    code = error.code or 500
    broken = code >= 500
    db.session.rollback()  # after an error nothing more is answered in its transaction
    told = PAGES.get(code) or PAGES[500 if broken else 400]
    reference = "".join(secrets.choice(LETTERS) for _letter in range(6)) if broken else ""
    if broken:
        log.error("a page failed", extra={"reference": reference, "status": code})
    text = render_template(
        "frame/failure.html", told=told, code=code, reference=reference,
        is_alone=broken or "user" not in g,  # what asks the database might fail, too
        base_template=current_app.config["FAB_BASE_TEMPLATE"],
    )  # fmt: skip
    response = Response(text, code)
    response.headers.extend(
        (name, value) for name, value in error.get_headers() if name.lower() == "retry-after"
    )
    return response
