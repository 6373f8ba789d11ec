"""Sends what was noted to a collector: OTLP over HTTP, in its JSON encoding
(https://opentelemetry.io/docs/specs/otlp/#otlphttp), which needs no package of OpenTelemetry's.

Never while a caller waits: the web server's own thread sends every ten seconds, a worker's child
when its look is over. A collector that is away is left alone for a while.
"""

import json
import os
import socket
from logging import getLogger
from typing import Any, Final

import urllib3
from flask import current_app

from app import breaker
from app.tracing import spans
from app.tracing.spans import Span, Value

BATCH: Final = 512
MOST_BATCHES: Final = 8
SECONDS: Final = 3.0
FAILURES, REST = 2, 60.0
PATH: Final = "/v1/traces"
_AGAIN = (429, 502, 503, 504)  # by the protocol; whatever else is refused would be refused again
_SPAN_INTERNAL, _STATUS_ERROR = 1, 2

log = getLogger(__name__)


def send() -> None:
    """What waits, as far as the collector takes it. Never raises."""
    if not spans.is_on():
        return
    if lost := spans.dropped():
        log.warning("spans were dropped", extra={"spans": lost})
    guard = breaker.of("tracing", FAILURES, REST)
    for _ in range(MOST_BATCHES):
        if not guard.asks() or not (batch := spans.taken(BATCH)):
            return
        if not _sent(batch):
            guard.failed()
            spans.give_back(batch)
            return
        guard.passed()


def _sent(batch: list[Span]) -> bool:
    """Also what the collector will never take is dealt with."""
    settings = current_app.extensions["settings"]
    url = settings.otel_exporter_otlp_endpoint.rstrip("/") + PATH
    headers = {"Content-Type": "application/json", **dict(settings.otel_exporter_otlp_headers)}
    try:
        with urllib3.PoolManager(timeout=SECONDS, retries=False) as pool:
            answer = pool.request("POST", url, body=encoded(batch), headers=headers, redirect=False)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        log.warning("spans not sent", extra={"error": type(error).__name__})
        return False
    if 200 <= answer.status < 300:
        return True
    log.warning("spans not taken", extra={"status": answer.status})
    return answer.status not in _AGAIN


def encoded(batch: list[Span]) -> bytes:
    resource = {
        "service.name": "receptionist",
        "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
    }
    scope = {"scope": {"name": "receptionist"}, "spans": [_span(span) for span in batch]}
    whole = {"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}
    return json.dumps({"resourceSpans": [whole]}, separators=(",", ":")).encode()


def _span(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id,
        "spanId": span.span_id or spans.new_id(),
        "parentSpanId": span.parent_id,
        "name": span.name,
        "kind": _SPAN_INTERNAL,
        "startTimeUnixNano": str(span.began),
        "endTimeUnixNano": str(span.ended),
        "attributes": _attributes(span.attributes),
        "status": {"code": _STATUS_ERROR} if span.failed else {},
    }


def _attributes(values: Any) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items()]


def _value(value: Value) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
    return {"stringValue": value}
