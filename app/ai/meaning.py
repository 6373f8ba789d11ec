"""How alike sentences are in meaning, where this process has an encoder to ask."""

from collections.abc import Sequence
from pathlib import Path

from app.ai.encoder import wire
from app.ai.encoder.client import PATIENCE, Client, Texts

LANGUAGE = "en"

# One encoder per machine, so one client per process, like the connection to a database.
_client: Client | None = None


def listen(data_dir: Path | None, patience: float = PATIENCE) -> None:
    """Ask the encoder of this DATA_DIR from now on; None: nobody, all is lexical."""
    global _client
    _client = Client(wire.socket_of(data_dir), patience) if data_dir else None


def alike(words: str, texts: Texts, language: str = "en") -> Sequence[float] | None:
    """The cosine of `words` and each text; None when no encoder answers in time, or when it does
    not know the language: there it finds anything alike."""
    return _client.alike(words, texts) if _client and _knows(language) else None


def prepare(texts: Texts, language: str = "en") -> None:
    """Have the texts ready before somebody asks."""
    if _client and _knows(language):
        _client.prepare(texts)


def _knows(language: str) -> bool:
    return language.lower().startswith(LANGUAGE)


def state() -> str:
    """ok, learning, not running, or off."""
    return _client.state() if _client else "off"
