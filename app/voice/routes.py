"""Twilio's webhooks: gate, parse, call the desk, answer. No webhook ever answers a traceback."""

import logging
import time
from collections.abc import Callable

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from app.voice import desk, gate, notices, twiml, webhook
from app.voice.gate import Admitted, Refused, UnknownNumber
from app.voice.webhook import Kind

twilio = Blueprint("twilio", __name__, url_prefix="/twilio")
log = logging.getLogger(__name__)
# GET is routed only to be refused like everything else that is not a signed form.
_METHODS = ["GET", "POST"]


@twilio.before_request
def _bound_the_body() -> None:
    request.max_content_length = gate.LARGEST_BODY
    request.max_form_memory_size = gate.LARGEST_BODY
    request.max_form_parts = 200


@twilio.errorhandler(Refused)
def _refused(refusal: Refused) -> Response:
    log.warning("webhook refused", extra={"reason": refusal.reason, "path": request.path})
    return Response("Refused", refusal.status, mimetype="text/plain")


@twilio.errorhandler(UnknownNumber)
def _unknown_number(_unknown: UnknownNumber) -> Response:
    log.warning("call to a number that no tenant has")
    return _xml(twiml.hang_up(notices.not_set_up(notices.DEFAULT_LANGUAGE), twiml.VoiceSettings()))


@twilio.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> Response:
    return Response("Refused", error.code or 400, mimetype="text/plain")


@twilio.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    """Before or beside the turn itself (most likely the database): keep the caller, ask again."""
    log.exception("webhook failed", extra={"call_sid": request.form.get("CallSid", "")[:34]})
    if request.endpoint in ("twilio.call_status", "twilio.recording_status"):
        return Response("Try again", 503, mimetype="text/plain")  # Twilio's rc=1 does
    turn, wait = (request.args.get(name, 0, type=int) for name in ("turn", "wait"))
    retold = webhook.retold(request.form, request.args)
    return _xml(desk.hold(request.path, turn, wait, retold))


@twilio.route("/voice", methods=_METHODS)
def voice() -> Response:
    return _turn(Kind.VOICE)


@twilio.route("/gather", methods=_METHODS)
def gather() -> Response:
    return _turn(Kind.GATHER)


@twilio.route("/transfer-status", methods=_METHODS)
def transfer_status() -> Response:
    return _turn(Kind.TRANSFER_STATUS)


@twilio.route("/message", methods=_METHODS)
def message() -> Response:
    return _turn(Kind.MESSAGE)


@twilio.route("/screen", methods=_METHODS)
def screen() -> Response:
    return _xml(desk.screen(gate.admit(Kind.SCREEN, request)))


@twilio.route("/fallback", methods=_METHODS)
def fallback() -> Response:
    return _xml(desk.resume(gate.admit(Kind.FALLBACK, request)))


@twilio.route("/call-status", methods=_METHODS)
def call_status() -> Response:
    return _told(Kind.CALL_STATUS, desk.hear_of_end)


@twilio.route("/recording-status", methods=_METHODS)
def recording_status() -> Response:
    return _told(Kind.RECORDING_STATUS, desk.hear_of_recording)


def _turn(kind: Kind) -> Response:
    arrived = time.monotonic()
    return _xml(desk.take_turn(gate.admit(kind, request), arrived))


def _told(kind: Kind, hear: Callable[[Admitted], None]) -> Response:
    hear(gate.admit(kind, request))
    return Response(status=204)


def _xml(document: str) -> Response:
    return Response(document, mimetype="text/xml")
