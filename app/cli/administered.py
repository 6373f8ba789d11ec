"""The database of this installation for its administrator: a managed one, or our own."""

import contextlib
from collections.abc import Iterator

from app.cli import migrate
from app.embedded import EmbeddedPostgres
from config import BadSetting, Settings


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[str]:
    """The administrator's URL of the product's database; our own server is joined if it runs, and
    else started for as long as this lasts. Raises BadSetting, EmbeddedServiceError."""
    if settings.database_url:
        yield migrate.with_database(managed(settings), migrate.database_of(settings.database_url))
        return
    own = EmbeddedPostgres(settings.data_dir)
    if own.join():
        yield own.url(migrate.DATABASE)
        return
    with own:
        yield own.url(migrate.DATABASE)


def managed(settings: Settings) -> str:
    """Raises BadSetting."""
    if not (settings.database_url and settings.database_admin_url):
        raise BadSetting(
            "Set DATABASE_URL (the product's login) and DATABASE_ADMIN_URL (who may create roles)."
        )
    return settings.database_admin_url
