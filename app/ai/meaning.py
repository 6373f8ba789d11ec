"""How alike sentences are in meaning, where this process has an encoder to ask."""

from collections.abc import Sequence
from pathlib import Path

from app.ai.encoder import wire
from app.ai.encoder.client import PATIENCE, Client, Texts

# One encoder per machine, so one client per process, like the connection to a database.
_client: Client | None = None


def listen(data_dir: Path | None, patience: float = PATIENCE) -> None:
    """Ask the encoder of this DATA_DIR from now on; None: nobody, all is lexical."""
    global _client
    _client = Client(wire.socket_of(data_dir), patience) if data_dir else None


def alike(words: str, texts: Texts) -> Sequence[float] | None:
    """The cosine of `words` and each text; None when no encoder answers in time."""
    return _client.alike(words, texts) if _client else None


def prepare(texts: Texts) -> None:
    """Have the texts ready before somebody asks."""
    if _client:
        _client.prepare(texts)


def state() -> str:
    """ok, not running, or off."""
    if _client is None:
        return "off"
    return "ok" if _client.is_there() else "not running"
