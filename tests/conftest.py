"""Real services for every test that asks for them: PostgreSQL, Valkey, a fresh database, the app.

`app` is built once per process, because Flask-AppBuilder's boot is slow, and finds a new database
under the same name for every test. Identifiers of tenants and users never repeat in a process, so
that nothing an app has remembered can be mistaken for this test's.

No fixture holds an application context open: the login extension would keep the former user.
"""

import contextlib
import itertools
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as examples

from app import breaker
from app.cli.migrate import DATABASE, LOGIN, alone, make_schema, migrate
from app.embedded import EmbeddedPostgres, EmbeddedValkey
from app.metrics import counting
from app.voice import gate, proven
from config import Settings
from tests.fakes.twilio_rest import TwilioRest
from tests.fresh import Fresh
from tests.served import listening

if TYPE_CHECKING:
    from tests.factories import Rows

# The same examples every time, however slow the machine: a test that fails fails again.
examples.register_profile(
    "everywhere", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
examples.load_profile("everywhere")

FRESH = "recep_test"
STEP = 1_000
"""Between the first ids of two tests."""


LONGEST = ("test_crawler.py", "test_screens.py", "test_bad_input.py", "test_openapi.py")
"""Begun first, or else one process would end up alone with them. All else comes in random order."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@dataclass(frozen=True)
class Services:
    """`settings` lead to the fresh database; `admin_url` is the superuser's, of any database."""

    settings: Settings
    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    copy: Fresh
    fresh: str = FRESH

    def admin_url(self, name: str = FRESH) -> str:
        return self.postgres.url(name)

    def execute(self, *statements: str, name: str = "postgres") -> None:
        connection = psycopg2.connect(self.admin_url(name))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="recep-test-") as made:
        folder = Path(made)
        folder.chmod(0o711)  # PostgreSQL does not run as root, and must get through
        yield folder


@pytest.fixture(scope="session")
def services(data_dir: Path) -> Iterator[Services]:
    with launched(data_dir) as found:
        yield found


@contextlib.contextmanager
def launched(data_dir: Path) -> Iterator[Services]:
    """Both servers, and the migrated database that all others are copies of."""
    postgres = EmbeddedPostgres(data_dir, durable=False)
    valkey = EmbeddedValkey(data_dir, durable=False)
    try:
        postgres.launch()
        valkey.launch()
        postgres.wait_ready()
        valkey.wait_ready()
        settings = Settings.load(
            {"DATA_DIR": str(data_dir), "REDIS_URL": valkey.url, "DB_POOL_SIZE": "4"}
        )
        with alone(postgres.admin_url) as admin:
            login_url = make_schema(admin, postgres.admin_url, settings)
        fresh = urlsplit(login_url)._replace(path=f"/{FRESH}").geturl()
        copy = Fresh(postgres, FRESH, DATABASE, LOGIN)
        yield Services(replace(settings, database_url=fresh), postgres, valkey, copy)
    finally:
        postgres.stop()
        valkey.stop()


@pytest.fixture(scope="session")
def permissions(services: Services) -> None:
    """The roles and permissions of the admin panel, in every database made from now on."""
    migrate(services.postgres.admin_url, replace(services.settings, database_url=""))
    services.copy.outdated()


@pytest.fixture(scope="session")
def _apps() -> dict[Any, Flask]:
    return {}


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def settings(services: Services, _apps: dict[Any, Flask], _numbers: Iterator[int]) -> Settings:
    """Settings that lead to a database with tables and nobody's rows, to an empty Valkey, and to a
    mail folder without mails."""
    for app in _apps.values():
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
    breaker.forget()
    proven.forget()
    gate.forget()
    counting.taken()  # what earlier tests counted is not this one's
    services.copy.renew(next(_numbers) * STEP)
    with redis.Redis.from_url(services.settings.redis_url) as valkey:
        valkey.flushall()
    shutil.rmtree(services.settings.data_dir / "mail", ignore_errors=True)
    return services.settings


@pytest.fixture
def make_app(
    permissions: None, settings: Settings, _apps: dict[Any, Flask]
) -> Callable[..., Flask]:
    """make_app(**changes): the whole application with these settings changed, built once each."""
    return lambda **changes: _built(_apps, settings, True, changes)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The whole application, on a fresh database."""
    return make_app()


@pytest.fixture
def light_app(settings: Settings, _apps: dict[Any, Flask]) -> Flask:
    """Database, tenancy and mail without the admin panel, on a fresh database."""
    return _built(_apps, settings, False, {})


def _built(
    apps: dict[Any, Flask], settings: Settings, admin: bool, changes: dict[str, Any]
) -> Flask:
    from app import create_app
    from app.ai import meaning

    key = (admin, *sorted(changes.items()))
    if key not in apps:
        apps[key] = create_app(replace(settings, **changes), admin=admin)
        apps[key].testing = True
    if admin:  # one encoder is asked per process, not per app: another test may have named its own
        chosen = apps[key].extensions["settings"]
        meaning.listen(chosen.data_dir if chosen.encoder else None)
    return apps[key]


@pytest.fixture
def rows(light_app: Flask) -> "Rows":
    """Makes committed rows: see tests/factories.py."""
    from tests.factories import Rows

    return Rows(light_app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def port() -> Iterator[socket.socket]:
    """A port for an application that calls its own web server: `make_app(port=…)`, `serving`."""
    with listening() as made:
        yield made


@pytest.fixture(scope="session")
def _twilio() -> Iterator[TwilioRest]:
    with TwilioRest() as fake:
        yield fake


@pytest.fixture
def twilio(_twilio: TwilioRest) -> TwilioRest:
    _twilio.reset()
    return _twilio
