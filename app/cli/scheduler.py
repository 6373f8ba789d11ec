"""Periodic work."""

import argparse

from app import create_app, logs
from app.cli import needs
from app.jobs import schedule
from config import Settings


def main(argv: list[str], settings: Settings) -> int:
    argparse.ArgumentParser(prog="run.py scheduler", description=__doc__).parse_args(argv)
    needs.database(settings)
    needs.redis(settings)
    logs.install()
    schedule.serve(create_app(settings, admin=False))
    return 0
