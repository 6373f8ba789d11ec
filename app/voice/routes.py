"""Twilio's webhooks: gate, parse, call the desk, answer. No webhook ever answers a traceback."""

import logging
import time
from collections.abc import Callable
from functools import wraps

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from app import database, logs
from app.extensions import db
from app.metrics import catalogue, counting
from app.voice import desk, gate, notices, outage, told, twiml, webhook
from app.voice.gate import Admitted, Refused, UnknownNumber
from app.voice.webhook import Kind

twilio = Blueprint("twilio", __name__, url_prefix="/twilio")
log = logging.getLogger(__name__)
# GET is routed only to be refused like everything else that is not a signed form.
_METHODS = ["GET", "POST"]
HEARD_WITHIN = 5.0  # seconds for what Twilio only tells; nginx asks the next node after six
View = Callable[[], Response]


@twilio.before_request
def _bound_the_body() -> None:
    request.max_content_length = gate.LARGEST_BODY
    request.max_form_memory_size = gate.LARGEST_BODY
    request.max_form_parts = 200


@twilio.before_request
def _name_the_call() -> None:
    """Every line of this request is about the call that it claims to be of, let in or not."""
    named = "ParentCallSid" if request.endpoint == "twilio.screen" else "CallSid"
    logs.bind(call_sid=webhook.call_sid_in(request.form.get(named, "")), path=request.path)


@twilio.teardown_request
def _about_nothing(_error: BaseException | None) -> None:
    logs.unbind()


@twilio.errorhandler(Refused)
def _refused(refusal: Refused) -> Response:
    log.warning("webhook refused", extra={"reason": refusal.reason})
    counting.count(catalogue.REFUSED, reason=refusal.about)
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
    away = database.is_away(error)
    log.error(
        "webhook failed", exc_info=None if away else error, extra={"error": type(error).__name__}
    )
    told.went_down("outage", "database" if away else "failed")
    kind = Kind(str(request.endpoint).removeprefix("twilio."))
    if kind in (Kind.CALL_STATUS, Kind.RECORDING_STATUS):
        return Response("Try again", 503, mimetype="text/plain")  # Twilio's rc=1 does
    try:
        return _xml(outage.answer(gate.recognise(kind, request), desk.base_url()))
    except Refused as refusal:
        return _refused(refusal)


def _within(seconds: float, hurried: bool) -> Callable[[View], View]:
    """The database answers in time, or counts as away."""

    def limit(view: View) -> View:
        @wraps(view)
        def answer() -> Response:
            with database.by(time.monotonic() + seconds, hurried):
                try:
                    return view()
                finally:
                    db.session.remove()

        return answer

    return limit


_hurried = _within(desk.ANSWER_WITHIN, hurried=True)  # a caller waits
_unhurried = _within(HEARD_WITHIN, hurried=False)


@twilio.route("/voice", methods=_METHODS)
@_hurried
def voice() -> Response:
    return _turn(Kind.VOICE)


@twilio.route("/gather", methods=_METHODS)
@_hurried
def gather() -> Response:
    return _turn(Kind.GATHER)


@twilio.route("/transfer-status", methods=_METHODS)
@_hurried
def transfer_status() -> Response:
    return _turn(Kind.TRANSFER_STATUS)


@twilio.route("/message", methods=_METHODS)
@_hurried
def message() -> Response:
    return _turn(Kind.MESSAGE)


@twilio.route("/screen", methods=_METHODS)
@_hurried
def screen() -> Response:
    return _xml(desk.screen(_admitted(Kind.SCREEN)))


@twilio.route("/fallback", methods=_METHODS)
@_hurried
def fallback() -> Response:
    arrived = time.monotonic()
    return _xml(desk.resume(_admitted(Kind.FALLBACK), arrived))


@twilio.route("/call-status", methods=_METHODS)
@_unhurried
def call_status() -> Response:
    return _told(Kind.CALL_STATUS, desk.hear_of_end)


@twilio.route("/recording-status", methods=_METHODS)
@_unhurried
def recording_status() -> Response:
    return _told(Kind.RECORDING_STATUS, desk.hear_of_recording)


def _turn(kind: Kind) -> Response:
    arrived, admitted = time.monotonic(), _admitted(kind)
    try:
        return _xml(desk.take_turn(admitted, arrived))
    except desk.Outdated:
        gate.forget(admitted.webhook.call_sid)
        return _xml(desk.take_turn(_admitted(kind), arrived))


def _told(kind: Kind, hear: Callable[[Admitted], None]) -> Response:
    hear(_admitted(kind))
    return Response(status=204)


def _admitted(kind: Kind) -> Admitted:
    found = gate.admit(kind, request)
    logs.bind(tenant_id=found.tenant_id, turn=found.webhook.turn)
    return found


def _xml(document: str) -> Response:
    return Response(document, mimetype="text/xml")
