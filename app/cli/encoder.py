"""The sentence encoder of this machine: its web server asks it what means alike."""

import argparse
import os
import sys

from app import logs
from app.ai.encoder import wire
from config import Settings


def main(argv: list[str], settings: Settings) -> int:
    argparse.ArgumentParser(prog="run.py encoder", description=__doc__).parse_args(argv)
    logs.install()
    # Read by NumPy's arithmetic as it is imported: threads that wait for each other cost more
    # than they bring on sentences, and several questions share the cores anyway.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from app.ai.encoder import model, server

    try:
        served = server.Server(wire.socket_of(settings.data_dir), model.load())
    except (OSError, model.NoWeights) as problem:
        print(f"The encoder cannot start: {problem}", file=sys.stderr)
        return 1
    with served:
        served.serve_forever()
    return 0
