"""A Python prompt inside the application, seeing every tenant."""

import argparse
import code

from app import create_app
from app.cli import administered
from app.extensions import db
from app.tenancy import across_tenants, acting_for
from config import Settings


def main(argv: list[str], settings: Settings) -> int:
    argparse.ArgumentParser(prog="run.py shell", description=__doc__).parse_args(argv)
    with administered.settings_in_use(settings) as used:
        app = create_app(used, admin=False)
        with app.app_context(), across_tenants():
            names = app.make_shell_context() | {"db": db, "acting_for": acting_for}
            hint = "Every tenant's rows are visible. Names: " + ", ".join(names)
            code.interact(hint, local=names)
    return 0
