"""Live calls: who is talking to the receptionist right now, up to date while it is looked at."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, flash, redirect, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.api import protect, safe
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import and_, func, select
from sqlalchemy.orm import defer, selectinload

from app import ending
from app.carrier import CarrierError
from app.extensions import db
from app.models import CallSession, CallState, Channel, Speaker, Transcript, TransferAttempt
from app.views import tones, written
from app.views.interface import is_id
from app.views.refusals import Refused

MOST = 100  # calls that are shown, those that are on longest
END = "end"


@dataclass(frozen=True, slots=True)
class Live:
    """A call that is going on, `seconds` old. `said` is what was said last, by `speaker`; None if
    nothing was, or whoever asks may not read it."""

    call: CallSession
    tenant: Any
    state: Any
    seconds: int
    speaker: Speaker | None
    said: str | None


class LiveCalls(BaseView):
    route_base = "/live"
    default_view = "show"
    class_permission_name = "CallSession"
    method_permission_name = {"show": "read", "listing": "read", "end": END}
    base_permissions = ["can_read", f"can_{END}"]

    @expose("/", methods=["GET"])
    @has_access
    def show(self) -> Any:
        return self._page("live/page.html")

    @expose("/listing", methods=["GET"])
    @has_access
    def listing(self) -> Any:
        """What the page asks for every few seconds."""
        return self._page("live/listing.html")

    @expose("/end/<pk>", methods=["POST"])
    @has_access
    def end(self, pk: str) -> Any:
        call = db.session.get(CallSession, int(pk)) if is_id(pk) else None
        try:
            over = ending.end(*_named(call or abort(404)))
            flash(_said(over), "success")
        except CarrierError as problem:
            flash(problem.reason, "danger")
        return redirect(url_for("LiveCalls.show"))

    def _page(self, template: str) -> Any:
        may = self.appbuilder.sm.has_access
        calls = list(db.session.scalars(_going_on().limit(MOST + 1)))
        found = _live(calls[:MOST], words=may("can_read", "Transcript"))
        return self.render_template(
            template, calls=found, there_are_more=len(calls) > MOST, most=MOST, channels=Channel,
            speaker_of=lambda speaker: tones.said(Speaker, speaker).text,
            may_end=may(f"can_{END}", "CallSession"),
        )  # fmt: skip


class EndingApi:
    @expose("/<int:pk>/end", methods=["POST"])
    @protect()
    @safe
    @permission_name(END)
    def end(self, pk: int) -> Response:
        """End a call that is going on
        ---
        post:
          description: >-
            A real call is hung up at Twilio; its outcome follows when Twilio tells that it is over
          parameters:
          - in: path
            name: pk
            required: true
            schema:
              type: integer
          responses:
            202:
              description: It is over, or is being ended
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      message:
                        type: string
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        """
        return self._act(lambda: self._ended(pk))  # type: ignore[attr-defined]

    def _ended(self, pk: int) -> Response:
        named = _named(self._found(pk))  # type: ignore[attr-defined]
        try:
            said = _said(ending.end(*named))
        except CarrierError as problem:
            raise Refused(problem.reason) from problem
        answer: Any = self.response(202, message=said)  # type: ignore[attr-defined]
        return answer


def _named(call: CallSession) -> tuple[int, int]:
    return call.tenant_id, call.id


def _said(over: bool) -> str:
    return gettext("The call is over.") if over else gettext("The call is being ended.")


def _going_on() -> Any:
    """The longest first, so that a new one moves none of the others."""
    only_registered = and_(CallSession.channel == Channel.TEST, CallSession.turn == 0)
    return (
        select(CallSession)
        .where(CallSession.outcome.is_(None), ~only_registered)
        .options(defer(CallSession.memory))
        .order_by(CallSession.started_at, CallSession.id)
    )


def _live(calls: list[CallSession], *, words: bool) -> list[Live]:
    now = datetime.now(UTC)
    written.remember_tenants({call.tenant_id for call in calls})
    last = {line.call_id: line for line in _last_words(calls)} if words else {}
    ringing = {attempt.call_id: attempt for attempt in _ringing(calls)}
    return [
        Live(
            call=call,
            tenant=written.tenant_name(call.tenant_id),
            state=_state(call, ringing.get(call.id)),
            seconds=max(0, round((now - call.started_at).total_seconds())),
            speaker=Speaker(line.speaker) if (line := last.get(call.id)) else None,
            said=line.text if line else None,
        )
        for call in calls
    ]


def _state(call: CallSession, attempt: TransferAttempt | None) -> Any:
    if call.state != CallState.TRANSFER_ATTEMPT or attempt is None or attempt.department is None:
        return tones.said(CallState, call.state).text
    name = attempt.department.name
    if attempt.accepted_by:
        return gettext("Talking with %(department)s", department=name)
    return gettext("Ringing %(department)s", department=name)


def _of(model: Any, calls: list[CallSession]) -> Any:
    """Of these calls; with the tenants, which the index begins with."""
    tenants, ids = {call.tenant_id for call in calls}, [call.id for call in calls]
    return select(model).where(model.tenant_id.in_(tenants), model.call_id.in_(ids))


def _last_words(calls: list[CallSession]) -> Any:
    last = func.max(Transcript.id)
    newest = _of(Transcript, calls).with_only_columns(last).group_by(Transcript.call_id)
    lines = select(Transcript).where(Transcript.id.in_(newest))
    return db.session.scalars(lines.options(defer(Transcript.evidence)))


def _ringing(calls: list[CallSession]) -> Any:
    """The last attempt of each."""
    every = _of(TransferAttempt, calls).order_by(TransferAttempt.id)
    return db.session.scalars(every.options(selectinload(TransferAttempt.department)))
