"""What runs jobs in tests: a mail server, a carrier, and the outbox's own state."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import create_app, models
from app.extensions import db
from app.jobs import running
from app.tenancy import across_tenants
from config import Settings
from tests.fakes.mail_sink import MailSink

PATIENCE = 120.0  # seconds for what takes one or two on a machine that has nothing else to do


@pytest.fixture(scope="session")
def _sink() -> Iterator[MailSink]:
    sink = MailSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def sink(_sink: MailSink) -> MailSink:
    _sink.reset()
    return _sink


@pytest.fixture
def make_light(settings: Settings) -> Iterator[Callable[..., Flask]]:
    """make_light(**changes): a worker's application with these settings changed."""
    made: list[Flask] = []

    def make(**changes: Any) -> Flask:
        made.append(create_app(replace(settings, **changes), admin=False))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()
        bell = app.extensions.get("outbox_bell")
        if bell:
            bell.close()


@pytest.fixture
def mail_app(make_light: Callable[..., Flask], sink: MailSink) -> Flask:
    """A light app whose mail goes to the sink."""
    return make_light(
        mail_server="127.0.0.1",
        mail_port=sink.port,
        mail_use_tls=False,
        public_base_url="https://reception.example.com",
    )


class Outbox:
    """The outbox of a database, as an operator sees it."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def run(self, app: Flask | None = None) -> int:
        with (app or self.app).app_context():
            return running.run_due()

    def jobs(self, kind: str | None = None) -> list[models.Job]:
        return [j for j in self.all(models.Job) if kind is None or j.kind == kind]

    def job(self, kind: str) -> models.Job:
        (found,) = self.jobs(kind)
        return found

    def all(self, model: type) -> list[Any]:
        """Detached and loaded."""
        with self.app.app_context(), across_tenants():
            found = list(db.session.scalars(select(model).order_by(model.id)))
            db.session.expunge_all()
            db.session.rollback()
            return found

    def execute(self, statement: str, **values: Any) -> None:
        with self.app.app_context(), across_tenants():
            db.session.execute(text(statement), values)
            db.session.commit()

    def make_due(self) -> None:
        """As if the back-off had passed."""
        self.execute("update job set run_at = clock_timestamp() where status = 'waiting'")


@pytest.fixture
def outbox_of(light_app: Flask) -> Outbox:
    return Outbox(light_app)


def until(condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Poll until it holds; its value."""
    deadline = time.monotonic() + patience
    while True:
        if found := condition():
            return found
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
