"""A Python prompt inside the application, seeing every tenant."""

import argparse
import code

from app import create_app
from app.cli import needs
from app.extensions import db
from app.tenancy import across_tenants, acting_for
from config import Settings


def main(argv: list[str], settings: Settings) -> int:
    argparse.ArgumentParser(prog="run.py shell", description=__doc__).parse_args(argv)
    needs.database(settings)
    app = create_app(settings, admin=False)
    with app.app_context(), across_tenants():
        names = app.make_shell_context() | {"db": db, "acting_for": acting_for}
        code.interact("Every tenant's rows are visible. Names: " + ", ".join(names), local=names)
    return 0
