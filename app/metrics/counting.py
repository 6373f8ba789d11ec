"""Adds to this process's own figures: a microsecond, no wait, and nothing that can fail."""

import os
import re
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from app.metrics.catalogue import OTHER, Metric

Series = tuple[str, tuple[str, ...]]
"""A sample's name, and its labels' values in their order; of a bucket its bound comes last."""
MOST_SERIES: Final = 64
"""Of one metric in one process: values that are not known beforehand cannot grow without bound."""
BUCKET, SUM, COUNT = "_bucket", "_sum", "_count"
INFINITE: Final = "+Inf"

_WORD = re.compile(r"[a-z0-9_]{1,40}")
_lock = threading.Lock()
_added: dict[Series, float] = defaultdict(float)
_seen: dict[str, set[tuple[str, ...]]] = defaultdict(set)


def count(metric: Metric, by: float = 1, **labels: object) -> None:
    """`labels`: all of the metric's, by name."""
    if by > 0:
        series = (metric.name, _values(metric, labels))
        with _lock:
            _added[series] += by


def observe(metric: Metric, value: float, **labels: object) -> None:
    """Of a histogram. `value` in the unit of its name."""
    values = _values(metric, labels)
    place = bisect_left(metric.buckets, value)
    bound = f"{metric.buckets[place]:g}" if place < len(metric.buckets) else INFINITE
    with _lock:
        _added[metric.name + BUCKET, (*values, bound)] += 1
        _added[metric.name + SUM, values] += value
        _added[metric.name + COUNT, values] += 1


def taken() -> dict[Series, float]:
    """What was added since the last time, to be kept elsewhere."""
    global _added
    with _lock:
        found, _added = _added, defaultdict(float)
    return dict(found)


def give_back(added: Mapping[Series, float]) -> None:
    """It could not be kept: the next time."""
    with _lock:
        for series, value in added.items():
            _added[series] += value


def _values(metric: Metric, labels: Mapping[str, object]) -> tuple[str, ...]:
    found = []
    for name, known in metric.labels:
        value = str(labels[name])
        fits = value in known if known else _WORD.fullmatch(value)
        found.append(value if fits else OTHER)
    values = tuple(found)
    seen = _seen[metric.name]
    if values not in seen:
        if len(seen) >= MOST_SERIES:
            return tuple(OTHER for _ in values)
        seen.add(values)
    return values


def _begin_anew() -> None:
    """After a fork: what the parent had not kept yet is the parent's."""
    global _lock, _added
    _lock, _added = threading.Lock(), defaultdict(float)


os.register_at_fork(after_in_child=_begin_anew)
