"""One worker for the work after a call."""

import argparse

from app import create_app, logs
from app.cli import needs
from app.jobs import worker
from config import Settings


def main(argv: list[str], settings: Settings) -> int:
    argparse.ArgumentParser(prog="run.py worker", description=__doc__).parse_args(argv)
    needs.database(settings)
    needs.redis(settings)
    logs.install()
    worker.serve(create_app(settings, admin=False))
    return 0
