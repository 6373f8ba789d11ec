"""The texts that a model is given; one file each."""

from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent


@cache
def text(name: str) -> str:
    return (_HERE / f"{name}.txt").read_text(encoding="utf-8").strip()
