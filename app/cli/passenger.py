"""The application for a WSGI server of the host's, such as Passenger: deploy/passenger/."""

import atexit
import threading
from dataclasses import replace

from flask import Flask

from app import create_app, logs
from app.cli import behind, needs, web
from config import BadSetting, Settings


def application() -> Flask:
    """Checked as `run.py web` is. Raises BadSetting."""
    settings = behind.joined(Settings.load())
    if "public_base_url" not in settings.given:
        raise BadSetting(
            "PUBLIC_BASE_URL must be set: the host's server does not tell its address."
        )
    needs.database(settings)
    needs.replica(settings)
    logs.install()
    # Nobody listens on PORT: the telephone in the browser calls by the way that everybody comes.
    app = create_app(replace(settings, served_at=settings.public_base_url))
    threading.Thread(target=web.report, args=(app,), daemon=True).start()
    atexit.register(web.leave, app)
    return app
