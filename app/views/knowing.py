"""Who may look inside without being a person: monitoring, by a token or from this very machine."""

import hmac

from flask import current_app, request

LOOPBACK = ("127.0.0.1", "::1")
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")
REFUSAL = (
    "Send METRICS_TOKEN as a bearer token. Without that setting only this machine itself may ask, "
    "and no proxy for somebody else.\n"
)


def may_look_inside() -> bool:
    """With METRICS_TOKEN set whoever sends it, and nobody else. Without it only who asks from this
    machine directly: what a proxy here passes on comes from loopback, too."""
    wanted = str(current_app.extensions["settings"].metrics_token)
    if wanted:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        same = hmac.compare_digest(token.strip().encode(), wanted.encode())
        return scheme.lower() == "bearer" and same
    passed_on = any(name in request.headers for name in _FORWARDED)
    return request.remote_addr in LOOPBACK and not passed_on
