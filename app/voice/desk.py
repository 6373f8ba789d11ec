"""One turn of a call, delivered once or many times: claim it, think in a bounded pool, answer.

TwiML leaves within about 1.8 s of arrival: a slow mind costs the caller a filler that redirects to
the same turn, while the thought goes on and commits by itself (see inbox.py for the protocol).
"""

import logging
import secrets
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from dataclasses import fields, replace

from flask import Flask, current_app

from app import database
from app.ai import meaning
from app.extensions import db
from app.metrics import catalogue, counting
from app.tenancy import acting_for
from app.voice import (
    after,
    before,
    facts,
    failing,
    inbox,
    learning,
    legs,
    meanwhile,
    notices,
    outage,
    thinking,
    told,
    twiml,
    unkept,
)
from app.voice.before import Standing
from app.voice.facts import Snapshot
from app.voice.gate import Admitted
from app.voice.inbox import Claim, Delivery
from app.voice.manner import voice_of
from app.voice.minds import Minds
from app.voice.sharing import Pace
from app.voice.webhook import Kind, Webhook
from config import Settings

ANSWER_WITHIN = 1.6  # seconds from arrival until a filler goes out
POLL_FIRST, POLL_LONGEST = 0.03, 0.25
MOST_FILLERS = 8  # then something is broken: the caller gets to speak a message instead
MOST_ATTEMPTS = 3
MOST_RESUMED = 3  # times that one call comes back from Twilio's own fallback
_NOT_OF_THE_CALLER = {
    "account_sid", "wait", "attempt", "ask", "since", "parent_call_sid", "error_code", "failed",
    "failed_turn",
}  # fmt: skip
_OF_THE_CALLER = [one.name for one in fields(Webhook) if one.name not in _NOT_OF_THE_CALLER]
HOLD_PAUSE = 2  # seconds until a caller whose tenant is flooded comes back
MOST_WAITING = 64  # turns of one tenant on one node, before no more of its calls are answered

log = logging.getLogger(__name__)


class Outdated(Exception):
    """The tenant's account or its token is not what the request was let in by: look again."""


def install(app: Flask, settings: Settings) -> None:
    meaning.listen(settings.data_dir if settings.encoder else None)
    learning.install()
    app.extensions["minds"] = Minds(settings)


def take_turn(admitted: Admitted, arrived: float) -> str:
    """The TwiML of one delivery. `arrived` is the monotonic time at which it came in.

    Raises Outdated.

    A tenant whose requests hold more than its share of the threads is not waited for: its callers
    are asked for patience at once, and while even their turns pile up, nobody new is let in.
    """
    if admitted.webhook.kind == Kind.GATHER and admitted.call_id is None:
        admitted = _from_the_start(admitted)  # its beginning was not kept
    if (question := meanwhile.question_again(admitted)) is not None:
        return question
    minds: Minds = current_app.extensions["minds"]
    with minds.requests.held(admitted.tenant_id) as within:
        if not within and _begins(admitted.webhook) and _flooded(admitted, minds):
            return twiml.reject()
        if within:
            return _taken(admitted, arrived + ANSWER_WITHIN)
        return _taken(admitted, arrived, HOLD_PAUSE)


def _begins(hook: Webhook) -> bool:
    """And has cost nothing yet: whoever waits already has been answered."""
    return hook.kind == Kind.VOICE and not hook.wait


def _flooded(admitted: Admitted, minds: Minds) -> bool:
    if minds.turns.waiting(admitted.tenant_id) < MOST_WAITING:
        return False
    log.warning("flooded: a call is not answered")
    return True


def _taken(admitted: Admitted, answer_by: float, pause: int = 0) -> str:
    """`pause`: seconds after which a caller who must wait comes back."""
    hook = admitted.webhook
    minds: Minds = current_app.extensions["minds"]
    delivery = Delivery(admitted.tenant_id, hook.call_sid, hook.kind, hook.turn)
    with minds.pace.at_work(admitted.tenant_id), acting_for(admitted.tenant_id):
        admitted = unkept.cleaned(admitted)
        standing = before.take(delivery, _event(admitted), admitted.kept)
        db.session.remove()
    if standing is None:
        raise Outdated
    claimed = standing.claim
    if claimed is None:
        return _await(delivery, answer_by) or _filler(admitted, pause)
    if claimed.attempts > MOST_ATTEMPTS:
        return _give_up(admitted, "failed")
    if claimed.attempts > 1:  # whoever thought about it first died
        failing.note(admitted.tenant_id, hook.call_sid, str(hook.turn))
    thought = _start(claimed, standing)
    try:
        return thought.result(max(0.0, answer_by - time.monotonic()))
    except Late:
        return _filler(admitted, pause)
    except Exception:  # the edge: a caller always hears a sentence, and the turn is tried again
        log.exception("turn failed")
        return _filler(admitted)


def _from_the_start(admitted: Admitted) -> Admitted:
    return replace(admitted, webhook=replace(admitted.webhook, kind=Kind.VOICE, turn=0))


def _start(claimed: Claim, standing: Standing) -> "Future[str]":
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    minds: Minds = app.extensions["minds"]
    submitted = time.monotonic()
    ends = submitted + inbox.LEASE_SECONDS
    delivery = claimed.delivery

    def run() -> str:
        account = told.turn(claimed, submitted)
        at_work, scope = minds.pace.at_work(delivery.tenant_id), acting_for(delivery.tenant_id)
        with app.app_context(), account, at_work, database.by(ends), scope:
            return thinking.think(claimed, before.read(claimed, standing, minds), minds)

    thought = minds.turns.submit(delivery.tenant_id, run)
    minds.thoughts[delivery] = thought
    thought.add_done_callback(lambda _: minds.thoughts.pop(delivery, None))
    return thought


def _await(delivery: Delivery, answer_by: float) -> str | None:
    """Somebody else thinks about it, or has: their answer, if it comes in time. One of this node
    says so itself; the database is asked for another's."""
    minds: Minds = current_app.extensions["minds"]
    if thought := minds.thoughts.get(delivery):
        with suppress(Exception):  # whoever began it logs it; by now another one may have the turn
            return thought.result(max(0.0, answer_by - time.monotonic()))
    pause = POLL_FIRST
    while True:
        with acting_for(delivery.tenant_id):
            found = inbox.answer_of(delivery)
        db.session.remove()
        if found is not None or time.monotonic() + pause > answer_by:
            return found
        time.sleep(pause)
        pause = min(pause * 1.5, POLL_LONGEST)


def _filler(admitted: Admitted, pause: int = 0) -> str:
    if admitted.webhook.wait >= MOST_FILLERS:
        return _give_up(admitted, "unanswered")
    counting.count(catalogue.FILLERS)
    hook, found = admitted.webhook, _manner(admitted)
    again = _links(hook.turn).again(hook.kind, hook.wait + 1, hook.retold())
    patience = notices.one_moment(hook.wait, found.language)
    return twiml.filler(again, patience, voice_of(found), pause)


def _manner(admitted: Admitted) -> Snapshot:
    """How this tenant's receptionist sounds: as this process remembers it, as time is short."""
    found = facts.remembered(admitted.tenant_id)
    if found is None:
        with acting_for(admitted.tenant_id):
            found = facts.current()
        db.session.remove()
    return found


def _give_up(admitted: Admitted, reason: str) -> str:
    """Nothing here works for this call any more: let the caller at least speak a message. Whoever
    just did is not asked again."""
    hook = admitted.webhook
    log.error("call cannot go on", extra={"reason": reason})
    told.went_down("message", reason)
    failing.note(admitted.tenant_id, hook.call_sid, str(hook.turn))
    found, links = _manner(admitted), _links(hook.turn)
    if hook.kind == Kind.MESSAGE:
        return outage.recorded(hook, found, links)
    return twiml.leave_message(notices.apology(found.language), links, voice_of(found))


def _links(turn: int) -> twiml.Links:
    return twiml.Links(base_url(), turn)


def base_url() -> str:
    return str(current_app.extensions["settings"].public_base_url)


def _event(admitted: Admitted) -> dict[str, object]:
    """What the caller did, as JSON: enough to decide the turn again without the request."""
    kept = {name: getattr(admitted.webhook, name) for name in _OF_THE_CALLER}
    return {**kept, "called": admitted.called, "ours": admitted.ours, "rung": admitted.rung}


def screen(admitted: Admitted) -> str:
    """The leg that picked up: hears who calls and why, and takes the call by pressing 1."""
    with acting_for(admitted.tenant_id):
        return after.screen(admitted, base_url())


def hear_of_end(admitted: Admitted) -> None:
    with _pace().at_work(admitted.tenant_id), acting_for(admitted.tenant_id):
        after.call_ended(admitted)
        db.session.remove()


def hear_of_recording(admitted: Admitted) -> None:
    with _pace().at_work(admitted.tenant_id), acting_for(admitted.tenant_id):
        after.recording_ready(admitted)
        db.session.remove()


def _pace() -> Pace:
    minds: Minds = current_app.extensions["minds"]
    return minds.pace


def resume(admitted: Admitted, arrived: float) -> str:
    """/twilio/fallback: Twilio could not have, or not use, an answer; go on where the call stands.

    What it could not have decides: words that were lost are asked for again, by the newest answer;
    a Dial that is over is not repeated, and a message that was spoken not asked for again.
    """
    hook = admitted.webhook
    log.error("twilio fell back", extra={"code": hook.error_code})
    what = f"fallback {secrets.token_hex(6)}"
    if failing.note(admitted.tenant_id, hook.call_sid, what) > MOST_RESUMED or _unusable(hook):
        return _give_up(admitted, "twilio")
    told.went_down("resumed", "twilio")
    if hook.failed == Kind.MESSAGE:  # it is at Twilio, and will be found there
        found = _manner(admitted)
        return twiml.hang_up(notices.thanks(found.language), voice_of(found))
    if hook.failed == Kind.TRANSFER_STATUS:
        return take_turn(_dial_over(admitted), arrived)
    with acting_for(admitted.tenant_id):
        newest = inbox.latest_answer(admitted.tenant_id, hook.call_sid)
    db.session.remove()
    return newest or take_turn(_from_the_start(admitted), arrived)


def _unusable(hook: Webhook) -> bool:
    """Whether Twilio had an answer and could not use it: the same would fail again. Codes:
    https://www.twilio.com/docs/api/errors"""
    return hook.error_code[:2] in ("12", "13", "14", "21") or hook.error_code == "11750"


def _dial_over(admitted: Admitted) -> Admitted:
    """Twilio does not say again how it ended: whoever pressed 1 talked, else nobody did."""
    hook = admitted.webhook
    with acting_for(admitted.tenant_id):
        taken = legs.was_taken(hook.call_sid, hook.failed_turn)
    db.session.remove()
    status = "completed" if taken else "failed"
    over = replace(
        hook, kind=Kind.TRANSFER_STATUS, turn=hook.failed_turn, dial_status=status,
        dial_bridged=taken,
    )  # fmt: skip
    return replace(admitted, webhook=over)
