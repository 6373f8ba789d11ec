"""Would calls reach us: each number at Twilio compared with what it should be."""

import argparse

from app import create_app, doctor, survey
from app.cli import administered
from config import Settings


def main(argv: list[str], settings: Settings) -> int:
    """1 if anything is wrong."""
    argparse.ArgumentParser(prog="run.py doctor", description=__doc__).parse_args(argv)
    with (
        administered.settings_in_use(settings) as used,
        create_app(used, admin=False).app_context(),
    ):
        found = [*_address(settings), *_numbers()]
    for line in found or ["Nothing is wrong."]:
        print(line)
    return 1 if found else 0


def _address(settings: Settings) -> list[str]:
    problem = doctor.certificate(settings.public_base_url)
    return [problem] if problem else []


def _numbers() -> list[str]:
    found: list[str] = []
    first = 0
    while page := survey.survey(first):
        first += len(page)
        for business in page:
            found += [f"{business.name}: {business.unknown}"] if business.unknown else []
            found += [f"{business.name}: {p.number}: {p.text}" for p in business.problems]
    return found
