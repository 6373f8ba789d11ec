"""/metrics, for Prometheus: of the whole installation, whichever node is asked."""

import time

from flask import Blueprint, Response, request

from app import database
from app.metrics import exposition
from app.views import knowing

metrics = Blueprint("metrics", __name__)
SECONDS = 5.0


@metrics.get("/metrics")
def show() -> Response:
    if not knowing.may_look_inside():
        return Response(knowing.REFUSAL, 403, mimetype="text/plain")
    with database.by(time.monotonic() + SECONDS):
        text, content_type = exposition.exposed(request.headers.get("Accept", ""))
    return Response(text, content_type=content_type, headers={"Cache-Control": "no-store"})
