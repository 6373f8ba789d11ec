"""Plugs the admin panel, its REST API and the health checks into the application."""

from typing import TYPE_CHECKING, Any

import prison
from flask import Flask, jsonify, request
from flask_appbuilder import AppBuilder, BaseView
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import RequestEntityTooLarge

from app import roles
from app.extensions import db
from app.views import frame, headers, keys
from app.views.act_as import ActAs
from app.views.dashboard import Dashboard
from app.views.finding import Finding
from app.views.health import health
from app.views.links import Passwords
from app.views.metrics import metrics
from app.views.second_factor import SecondFactors
from app.views.sessions import LONGEST
from app.views.signin import SignIn, lead_to_enrolment
from app.views.signins import SignIns
from app.views.uploads import InMemory

if TYPE_CHECKING:
    from app.views.entity import Entity

DEEPEST = 200  # brackets in `q`
SETTINGS = {
    "AUTH_ROLE_ADMIN": str(roles.RoleName.SUPER_ADMIN),
    "FAB_ROLES": roles.patterns(),
    "JWT_REFRESH_TOKEN_EXPIRES": LONGEST,
    "FAB_API_MAX_PAGE_SIZE": 100,
    "FAB_API_SWAGGER_UI": True,
    "FAB_OPENAPI_SERVERS": [{"url": "/"}],
    "WTF_CSRF_TIME_LIMIT": None,  # as long as the session
}


def install(
    app: Flask, entities: "tuple[Entity, ...]", screens: tuple[type[BaseView], ...] = ()
) -> None:
    for name, value in SETTINGS.items():
        app.config.setdefault(name, value)
    app.request_class = InMemory
    csrf = CSRFProtect(app)
    if "twilio" in app.blueprints:  # Twilio signs instead
        csrf.exempt(app.blueprints["twilio"])
    headers.install(app)
    app.register_blueprint(health)
    app.register_blueprint(metrics)
    frame.install(app)
    app.before_request(_small_enough)
    app.before_request(_readable)
    app.before_request(keys.prove)  # ahead of Flask-AppBuilder's own
    app.before_request(lead_to_enrolment)
    with app.app_context():
        appbuilder = AppBuilder(app, db.session, security_manager_class=SignIn, indexview=Dashboard)
        for screen in (ActAs, Finding, Passwords, SecondFactors, SignIns, *screens):
            _add_screen(appbuilder, screen)
        for entity in entities:
            entity.register(appbuilder)


def _add_screen(appbuilder: AppBuilder, screen: Any) -> None:
    if hasattr(screen, "menu_name"):
        names = screen.menu_name, screen.menu_icon, screen.menu_category
        appbuilder.add_view(screen, names[0], icon=names[1], category=names[2])
    else:
        appbuilder.add_view_no_menu(screen)


def _small_enough() -> None:
    """Said before a body is read: Flask-AppBuilder's REST would take the refusal for an error."""
    most = request.max_content_length
    if most is not None and (request.content_length or 0) > most:
        raise RequestEntityTooLarge


def _readable() -> Any:
    """The parsers of `q` recurse: on many brackets, and without end on unclosed ones."""
    asked = request.args.get("q", "")
    if not request.path.startswith("/api/") or not asked:
        return None
    try:
        if sum(map(asked.count, "([{")) <= DEEPEST:
            prison.loads(asked)
            return None
    except prison.decoder.ParserException:
        return None  # JSON, perhaps
    except RecursionError:
        pass
    return jsonify(message="The query cannot be read."), 400
