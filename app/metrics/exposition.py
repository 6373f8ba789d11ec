"""What Prometheus reads: the counted figures of the whole installation, and how things stand.

While the database is away only this node's view is left: the counters are absent then rather than
wrong, so that no rate is made of them.
"""

from collections.abc import Iterable, Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString
from sqlalchemy.exc import SQLAlchemyError

from app.metrics import catalogue, keeping, standing
from app.metrics.counting import BUCKET, COUNT, INFINITE, SUM, Series
from app.metrics.standing import Gauge

Totals = dict[Series, float]


def exposed(accept: str) -> tuple[bytes, str]:
    """The text and its content type, in the format that `accept` asks for. Never raises for want of
    a database."""
    keeping.keep()
    try:
        families = [*_counted(keeping.totals()), *map(_gauge, standing.gauges())]
    except SQLAlchemyError:
        families = [_gauge(gauge) for gauge in standing.without_database()]
    encoder, content_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(families))
    return encoder(registry), content_type


class _Given(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _counted(totals: Totals) -> Iterator[Metric]:
    for metric in catalogue.COUNTED:
        yield (_histogram if metric.buckets else _counter)(metric, totals)


def _counter(metric: catalogue.Metric, totals: Totals) -> Metric:
    family = CounterMetricFamily(metric.name, metric.help, labels=metric.label_names)
    for values in _values(metric, totals, metric.name):
        family.add_metric(values, totals.get((metric.name, values), 0.0))
    return family


def _histogram(metric: catalogue.Metric, totals: Totals) -> Metric:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.label_names)
    bounds = [*(f"{bound:g}" for bound in metric.buckets), INFINITE]
    for values in _values(metric, totals, metric.name + COUNT):
        below, buckets = 0.0, []
        for bound in bounds:
            below += totals.get((metric.name + BUCKET, (*values, bound)), 0.0)
            buckets.append((floatToGoString(float(bound)), below))
        family.add_metric(values, buckets, totals.get((metric.name + SUM, values), 0.0))
    return family


def _values(metric: catalogue.Metric, totals: Totals, name: str) -> list[tuple[str, ...]]:
    """What its labels have said, and what they are known to say."""
    counted = {labels for sample, labels in totals if sample == name}
    fitting = {labels for labels in counted if len(labels) == len(metric.labels)}
    return sorted(fitting | set(metric.combinations()))


def _gauge(gauge: Gauge) -> Metric:
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
    for values, value in gauge.samples:
        family.add_metric(values, value)
    return family
