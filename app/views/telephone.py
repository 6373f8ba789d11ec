"""A telephone in the browser: a test call to a number of the tenant, turn by turn.

Each turn is one request of the page. It plays Twilio against the webhooks of this machine's own web
server (see calling.py) and answers what was said, as the lines of a call's page.
"""

import re
from dataclasses import replace
from typing import Any

from flask import current_app, jsonify, render_template, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from marshmallow import ValidationError
from sqlalchemy import select

from app.extensions import db
from app.models import CallSession, Channel
from app.phone import CallDropped, Line, TransferResult, Turn
from app.views import act_as, calling, checks, dialable, overhearing
from app.views.calling import Held, Unable
from app.views.fields import storable
from app.views.overhearing import Did
from app.views.refusals import Refused
from app.views.registering import asking, registered

LONGEST = 500  # characters of what a caller says in a turn
KEYS = re.compile(r"[0-9*#]{1,32}")
SPEAKING = ("say", "press", "silence")
ACTS = (*SPEAKING, "wait", "hang_up")
WITHHELD = "anonymous"  # Twilio's word
TRANSFERS = {
    TransferResult.ANSWERED: _("Somebody takes the call"),
    TransferResult.NO_ANSWER: _("Nobody picks up"),
    TransferResult.BUSY: _("The line is busy"),
    TransferResult.REFUSED: _("Somebody picks up and declines"),
    TransferResult.NO_BRIDGE: _("An answering machine picks up"),
    TransferResult.FAILED: _("The number cannot be reached"),
}
UNREAD = _("This cannot be read. Load the page again.")
DROPPED = _("The call broke off, as a real one would have: the server did not answer. Try again.")
UNSIGNED = _(
    "The call was refused because its signature does not fit. Look under Tenants whether account "
    "SID and auth token are those of the same Twilio account."
)


class Telephone(BaseView):
    route_base = "/telephone"
    default_view = "show"
    class_permission_name = "CallSession"
    method_permission_name = {"show": "test", "dial": "test", "turn": "test"}
    base_permissions = ["can_test"]

    @expose("/", methods=["GET"])
    @has_access
    def show(self) -> Any:
        act_as.tenant_needed()
        choices = dialable.choices()
        return self.render_template(
            "telephone/show.html", choices=choices, chosen=request.args.get("number", ""),
            caller=dialable.example(choices), transfers=TRANSFERS, longest=LONGEST,
            has_model=bool(current_app.extensions["settings"].openai_api_key),
            may_add=self.appbuilder.sm.has_access("can_write", "TwilioNumber"),
        )  # fmt: skip

    @expose("/dial", methods=["POST"])
    @has_access
    def dial(self) -> Any:
        act_as.tenant_needed()
        return self._told(self._dialled)

    @expose("/turn", methods=["POST"])
    @has_access
    def turn(self) -> Any:
        act_as.tenant_needed()
        return self._told(self._gone_on)

    def _told(self, act: Any) -> Any:
        """What cannot be done is told as a sentence; `over`: this call cannot go on."""
        try:
            return act()
        except Refused as refusal:
            return jsonify(error=refusal.text), 422
        except Unable as problem:
            db.session.rollback()
            return jsonify(error=str(problem), over=problem.status == 410), problem.status

    def _dialled(self) -> Any:
        caller, transfer = _caller(), _transfer()
        call = registered(request.form.get("number", "")[:20])
        db.session.add(call)
        db.session.commit()
        held = Held(asking(), call.tenant_id, call.call_sid, call.called, caller)
        return self._played(held, transfer, "dial", Did())

    def _gone_on(self) -> Any:
        transfer, held = _transfer(), calling.opened(request.form.get("line", ""))
        act, did = request.form.get("act", ""), Did(_words(), _keys())
        needed = {"say": did.words, "press": did.keys}
        if act not in ACTS or not needed.get(act, "nothing"):
            raise Refused(str(UNREAD))
        return self._played(held, transfer, act, replace(did, acted=act in SPEAKING))

    def _played(self, held: Held, transfer: TransferResult, act: str, did: Did) -> Any:
        _call(held)  # before anything is signed for it
        turn, error = None, ""
        try:
            with calling.line(held, transfer) as line:
                waiting = line.waiting.name if line.waiting else ""
                if act == "wait" and waiting != "Redirect":
                    raise Refused(str(UNREAD))
                if act in SPEAKING and waiting == "Redirect":  # nobody listens while it thinks
                    act, did = "wait", Did()
                did = replace(did, to_recorder=waiting == "Record")
                turn = _play(line, act, did)
                _note(line.warnings, held)
        except CallDropped as dropped:
            _note([dropped.reason], held)
            error = str(UNSIGNED if "HTTP 403" in dropped.reason else DROPPED)
        return self._answer(held, did, turn, error)

    def _answer(self, held: Held, did: Did, turn: Turn | None, error: str) -> Any:
        """The new lines of the dialogue, as the call's page has them, and what the page needs to
        speak them and to go on."""
        call = _call(held)
        found = overhearing.lines(call, held, did, turn)
        html = render_template(
            "telephone/lines.html", lines=found.lines, call=call, who=gettext("You"),
            may_answer=self.appbuilder.sm.has_access("can_write", "KnowledgeEntry"),
        )  # fmt: skip
        answer: dict[str, Any] = {
            "html": html, "error": error, "over": turn is None or turn.ended,
            "call": url_for("CallSessionPage.show", pk=call.id),
        }  # fmt: skip
        if turn:
            answer |= _to_go_on(held, found, turn)
        return jsonify(answer)


def _play(line: Line, act: str, did: Did) -> Turn:
    match act:
        case "dial":
            return line.dial()
        case "say":
            return line.say(did.words)
        case "press":
            return line.press(did.keys)
        case "silence":
            return line.stay_silent()
        case "wait":
            return line.go_on()
        case _:
            return line.hang_up()


def _call(held: Held) -> CallSession:
    """Raises Unable when it is nobody's any more, or was never this person's test call."""
    found = db.session.scalar(
        select(CallSession).where(
            CallSession.call_sid == held.call_sid,
            CallSession.channel == Channel.TEST,
            CallSession.placed_by == held.person,
        )
    )
    if found is None:
        raise Unable(calling.LEFT_ALONE, 410)
    return found


def _to_go_on(held: Held, found: overhearing.Overheard, turn: Turn) -> dict[str, Any]:
    waited = held.waited + turn.seconds if turn.holds else 0.0
    now = replace(
        held, url=turn.url, document=turn.document, lasted=turn.lasted, turn=turn.turn,
        line_id=found.line_id, attempt_id=found.attempt_id, waited=waited,
    )  # fmt: skip
    return {
        "line": "" if turn.ended else calling.sealed(now),
        "turn": turn.turn,
        "spoken": [{"text": one.text, "language": one.language} for one in turn.spoken],
        "language": turn.language,
        "keys": turn.keys,
        "records": turn.records,
        "holds": turn.holds,
    }


def _note(warnings: list[str], held: Held) -> None:
    """What Twilio's debugger would show."""
    for warning in warnings:
        current_app.logger.warning(
            "a test call went wrong", extra={"call_sid": held.call_sid, "warning": warning}
        )


# --- What is asked for ---------------------------------------------------------------------------


def _caller() -> str:
    given = request.form.get("caller", "").strip()[:40]
    try:
        return checks.phone(given) if given else WITHHELD
    except ValueError as error:
        raise Refused(str(error), "caller") from error


def _transfer() -> TransferResult:
    try:
        return TransferResult(request.form.get("transfer", TransferResult.ANSWERED))
    except ValueError:
        raise Refused(str(UNREAD)) from None


def _words() -> str:
    try:
        return storable(" ".join(request.form.get("words", "").split())[:LONGEST])
    except ValidationError as error:
        raise Refused(str(error.messages[0])) from error


def _keys() -> str:
    given = request.form.get("keys", "").replace(" ", "")
    if given and not KEYS.fullmatch(given):
        raise Refused(gettext("Press the keys 0 to 9, * and #, at most 32 of them."))
    return given
