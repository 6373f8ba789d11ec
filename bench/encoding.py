"""The encoder for a measurement: a process of its own, as a running product has it."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from app.ai import meaning
from app.ai.encoder.client import Texts
from app.cli import encoder as command
from config import Settings

PATIENCE = 120.0
_ANSWER = 10.0  # seconds for one question: here a busy machine must not change what is found


class NoEncoder(Exception):
    """It did not come up, or does not get done."""


@contextlib.contextmanager
def encoder(wanted: bool) -> Iterator[None]:
    """Asked by whatever matches in this process; without it all is lexical. Raises NoEncoder."""
    if not wanted:
        meaning.listen(None)
        yield
        return
    with tempfile.TemporaryDirectory(prefix="recep-bench-") as made, started(Path(made)):
        meaning.listen(Path(made), _ANSWER)
        yield


@contextlib.contextmanager
def started(data_dir: Path) -> Iterator[int]:
    """The id of a process that is ready to be asked, in a fresh interpreter as `run.py` starts
    it. Raises NoEncoder."""
    settings = Settings.load({"DATA_DIR": str(data_dir)})
    process = get_context("spawn").Process(target=command.main, args=([], settings), daemon=True)
    process.start()
    try:
        meaning.listen(data_dir)
        deadline = time.monotonic() + PATIENCE
        while meaning.state() == "not running":
            if not process.is_alive() or time.monotonic() > deadline:
                raise NoEncoder("The encoder did not start; what it printed stands above.")
            time.sleep(0.02)
        yield process.pid or 0
    finally:
        meaning.listen(None)
        process.kill()
        process.join()


def wait_known(texts: Texts) -> None:
    """Until the encoder, if there is one, has read the texts: a call in the meantime would be
    answered by words."""
    deadline = time.monotonic() + PATIENCE
    while meaning.state() != "off" and meaning.alike("ready?", texts) is None:
        if time.monotonic() > deadline:
            raise NoEncoder("The encoder does not get done.")
        time.sleep(0.05)
