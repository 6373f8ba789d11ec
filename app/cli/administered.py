"""The database of this installation, a managed one or our own: for its administrator, and for a
command that does one thing with the product's own login."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from app.cli import migrate, needs
from app.embedded import EmbeddedPostgres, EmbeddedServiceError
from config import BadSetting, Settings


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[str]:
    """The administrator's URL of the product's database; our own server is joined if it runs, and
    else started for as long as this lasts. Raises BadSetting, EmbeddedServiceError."""
    if settings.database_url:
        yield migrate.with_database(managed(settings), migrate.database_of(settings.database_url))
        return
    with _own(settings) as own:
        yield own.url(migrate.DATABASE)


@contextlib.contextmanager
def settings_in_use(settings: Settings) -> Iterator[Settings]:
    """With a DATABASE_URL that leads there, also if the database is our own. Raises BadSetting."""
    with contextlib.ExitStack() as stack:
        if not settings.database_url:
            try:
                own = stack.enter_context(_own(settings))
            except EmbeddedServiceError as problem:
                raise BadSetting(str(problem)) from problem
            login = migrate.login_url_for(own.admin_url, settings)
            settings = replace(settings, database_url=login)
        needs.database(settings)
        yield settings


@contextlib.contextmanager
def _own(settings: Settings) -> Iterator[EmbeddedPostgres]:
    """Our own server: joined if it runs, and else started for as long as this lasts."""
    if not (settings.data_dir / "postgres_password").exists():
        raise BadSetting(
            f"There is no database in {settings.data_dir} yet: start `python3 run.py` first, or "
            "set DATABASE_URL."
        )
    own = EmbeddedPostgres(settings.data_dir)
    if own.join():
        yield own
        return
    with own:
        yield own


def managed(settings: Settings) -> str:
    """Raises BadSetting."""
    if not (settings.database_url and settings.database_admin_url):
        raise BadSetting(
            "Set DATABASE_URL (the product's login) and DATABASE_ADMIN_URL (who may create roles)."
        )
    return settings.database_admin_url
