"""A backup's rows into an empty database: what `restore` and `move` have in common."""

import sys
from dataclasses import replace
from pathlib import Path

from app import snapshot
from app.cli import migrate
from config import Settings

OTHER_KEYS = (
    "Stored credentials cannot be read with these ENCRYPTION_KEYS: set those of the installation "
    "that the rows are from, or enter the credentials again."
)


def fill(admin_url: str, settings: Settings, path: Path) -> snapshot.Manifest:
    """Into the database that `settings.database_url` names on the server of `admin_url`, which is
    made if it is missing. Raises snapshot.NotUsable, BadSetting, psycopg2.Error."""
    own_url = migrate.with_database(admin_url, migrate.database_of(settings.database_url))
    snapshot.read_manifest(path)  # before anything is touched

    def make_tables(revision: str) -> None:
        with migrate.alone(admin_url) as admin:
            migrate.make_roles_and_database(admin, own_url, settings.database_url)
            if not snapshot.is_empty(own_url):
                raise snapshot.NotUsable(
                    "There are businesses or people in the database of DATABASE_URL. Make a new "
                    "database and name it there: this one stays as it is."
                )
            migrate.make_schema(admin, admin_url, settings, revision)

    made = snapshot.fill(own_url, path, make_tables)
    login_url = migrate.migrate(admin_url, settings)
    if not _opens(replace(settings, database_url=login_url)):
        print(OTHER_KEYS, file=sys.stderr)
    return made


def _opens(settings: Settings) -> bool:
    """Whether what is sealed can be read; true if nothing is."""
    from sqlalchemy import select

    from app import create_app
    from app.extensions import db
    from app.models import Tenant
    from app.models.sealed import SealBroken
    from app.tenancy import across_tenants

    app = create_app(settings, admin=False)
    with app.app_context():
        try:
            with across_tenants():
                sealed = select(Tenant).where(Tenant.sealed_auth_token.is_not(None)).limit(1)
                for tenant in db.session.scalars(sealed):
                    _ = tenant.auth_token
        except SealBroken:
            return False
        finally:
            db.session.remove()
            db.engine.dispose()
    return True
