"""create_app(): the only place where the parts are plugged together.

Imports stand inside: the supervisor imports this package too, and has no use for Flask.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from config import DB_POOL_OVERFLOW, Settings

if TYPE_CHECKING:
    from flask import Flask


def create_app(settings: Settings, admin: bool = True) -> "Flask":
    """The web application; with `admin=False` the light one that workers and commands use:
    database, tenancy and mail, but no admin panel, no webhooks and no permission tables read."""
    from flask import Flask

    from app import database, masking, tenancy, unquoted
    from app.extensions import db, mail
    from app.jobs import changed
    from app.metrics import committed
    from app.models import audit  # with it come all tables: a session needs to know them
    from app.tracing import spans

    app = Flask(__name__)
    app.config.update(_flask_config(settings))
    app.extensions["settings"] = settings
    database.install()
    masking.hide(settings.secret_values)
    db.init_app(app)
    mail.init_app(app)
    unquoted.install()
    tenancy.install()
    audit.install()
    changed.install()
    committed.install()
    spans.switch(bool(settings.otel_exporter_otlp_endpoint))
    if admin:
        _plug_in_the_web(app, settings)
    return app


def _plug_in_the_web(app: "Flask", settings: Settings) -> None:
    from werkzeug.middleware.proxy_fix import ProxyFix

    from app import replica, views
    from app.views import turnstile
    from app.voice import desk, routes

    if settings.proxy_hops:
        hops = settings.proxy_hops
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    if settings.database_replica_url:
        options = app.config["SQLALCHEMY_ENGINE_OPTIONS"]
        replica.install(app, settings.sqlalchemy_replica_url, options)
    desk.install(app, settings)
    app.register_blueprint(routes.twilio)
    views.install(app)
    turnstile.install(app, settings.web_threads, settings.db_pool_size + DB_POOL_OVERFLOW)


def _flask_config(settings: Settings) -> dict[str, Any]:
    from app import database

    return {
        "SECRET_KEY": settings.secret_key,
        "ENCRYPTION_KEYS": settings.encryption_keys,
        "SQLALCHEMY_DATABASE_URI": settings.sqlalchemy_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_size": settings.db_pool_size,
            "max_overflow": DB_POOL_OVERFLOW,
            "pool_timeout": 1,
            "pool_recycle": 1800,
            "hide_parameters": True,  # see app/unquoted.py
            "poolclass": database.Pool,
            "connect_args": {
                "connection_factory": database.Connection,
                "application_name": "receptionist",
            },
        },
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": settings.public_base_url.startswith("https://"),
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,  # a previewed file comes back as a field
        "MAIL_SERVER": settings.mail_server,
        "MAIL_PORT": settings.mail_port,
        "MAIL_USERNAME": settings.mail_username or None,
        "MAIL_PASSWORD": settings.mail_password or None,
        "MAIL_USE_TLS": settings.mail_use_tls,
        "MAIL_DEFAULT_SENDER": settings.mail_default_sender,
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_API_KEY_ENABLED": False,
    }
