"""One turn of a call, delivered once or many times: claim it, think in a bounded pool, answer.

TwiML leaves within about 1.8 s of arrival: a slow mind costs the caller a filler that redirects to
the same turn, while the thought goes on and commits by itself (see inbox.py for the protocol).
"""

import importlib
import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING

from flask import Flask, current_app

from app.ai import meaning
from app.ai.interpreter import Interpreter
from app.ai.offline import OfflineInterpreter
from app.extensions import db
from app.tenancy import acting_for
from app.voice import after, facts, inbox, learning, notices, performing, thinking, twiml
from app.voice.gate import Admitted
from app.voice.inbox import Claim, Delivery
from app.voice.sharing import FairPool, Shares
from app.voice.webhook import Kind
from config import Settings

if TYPE_CHECKING:
    from app.ai.openai import OpenAIInterpreter

ANSWER_WITHIN = 1.6  # seconds from arrival until a filler goes out
POLL_FIRST, POLL_LONGEST = 0.03, 0.25
MOST_FILLERS = 8  # then something is broken: the caller gets to speak a message instead
HOLD_PAUSE = 2  # seconds; with MOST_FILLERS a caller is held some 20 s
MOST_ATTEMPTS = 3
LARGEST_POOL = 256
MOST_WAITING = 64  # turns of one tenant on one node, before no more of its calls are answered

log = logging.getLogger(__name__)


class Minds:
    """Who understands words on this node, and the pools they think in. Built lazily, so that each
    process has its own threads and clients after a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, OpenAIInterpreter] = {}
        self.offline: Interpreter = OfflineInterpreter()
        if settings.openai_api_key:
            # It takes a second to import: before the first call, and before the fork.
            importlib.import_module("app.ai.openai")

    @cached_property
    def turns(self) -> FairPool:
        return FairPool(min(self._settings.web_threads, LARGEST_POOL), "turn")

    @cached_property
    def requests(self) -> Shares:
        """Of this node's web threads, which wait for the thoughts."""
        return Shares(self._settings.web_threads)

    @cached_property
    def calls(self) -> ThreadPoolExecutor:
        # Abandoned model calls keep their thread until the client's own timeout.
        return ThreadPoolExecutor(min(2 * self._settings.web_threads, LARGEST_POOL), "model")

    def close(self) -> None:
        """End the threads and connections of this process."""
        if "turns" in vars(self):
            vars(self).pop("turns").close()
        if "calls" in vars(self):
            vars(self).pop("calls").shutdown(cancel_futures=True)
        for model in self._models.values():
            model.close()
        self._models.clear()

    def model(self, name: str) -> Interpreter | None:
        """The interpreter for a tenant's model name ("": the installation's), if there is a key."""
        if not self._settings.openai_api_key:
            return None
        name = name or self._settings.openai_model
        if name not in self._models:
            from app.ai import openai

            self._models[name] = openai.OpenAIInterpreter(
                api_key=self._settings.openai_api_key,
                base_url=self._settings.openai_base_url,
                model=name,
            )
        return self._models[name]


def install(app: Flask, settings: Settings) -> None:
    meaning.listen(settings.data_dir if settings.encoder else None)
    learning.install()
    app.extensions["minds"] = Minds(settings)


def take_turn(admitted: Admitted, arrived: float) -> str:
    """The TwiML of one delivery. `arrived` is the monotonic time at which it came in.

    A tenant whose requests hold more than its share of the threads is not waited for: its callers
    are asked for patience at once, and while even their turns pile up, nobody new is let in.
    """
    minds: Minds = current_app.extensions["minds"]
    with minds.requests.held(admitted.tenant_id) as within:
        if not within and admitted.webhook.kind == Kind.VOICE and _flooded(admitted, minds):
            return twiml.reject()
        if within:
            return _taken(admitted, arrived + ANSWER_WITHIN)
        return _taken(admitted, arrived, HOLD_PAUSE)


def _flooded(admitted: Admitted, minds: Minds) -> bool:
    """Said of calls alone that begin: they have cost nothing yet."""
    if minds.turns.waiting(admitted.tenant_id) < MOST_WAITING:
        return False
    log.warning("flooded: a call is not answered", extra={"tenant_id": admitted.tenant_id})
    return True


def _taken(admitted: Admitted, answer_by: float, pause: int = 0) -> str:
    """`pause`: seconds after which a caller who must wait comes back."""
    hook = admitted.webhook
    delivery = Delivery(admitted.tenant_id, hook.call_sid, hook.kind, hook.turn)
    with acting_for(admitted.tenant_id):
        claimed = inbox.claim(delivery, _event(admitted))
        db.session.commit()
    db.session.remove()
    if claimed is None:
        return _await(delivery, answer_by) or _filler(admitted, pause)
    if claimed.attempts > MOST_ATTEMPTS:
        return _give_up(admitted)
    thought = _start(claimed)
    try:
        return thought.result(max(0.0, answer_by - time.monotonic()))
    except Late:
        return _filler(admitted, pause)
    except Exception:  # the edge: a caller always hears a sentence, and the turn is tried again
        log.exception("turn failed", extra={"call_sid": hook.call_sid, "turn": hook.turn})
        return _filler(admitted)


def _start(claimed: Claim) -> "Future[str]":
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    minds: Minds = app.extensions["minds"]

    def run() -> str:
        with app.app_context(), acting_for(claimed.delivery.tenant_id):
            return thinking.think(claimed, minds)

    return minds.turns.submit(claimed.delivery.tenant_id, run)


def _await(delivery: Delivery, answer_by: float) -> str | None:
    """Somebody else thinks about it, or has: their answer, if it comes in time."""
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
        return _give_up(admitted)
    hook, found = admitted.webhook, _manner(admitted)
    again = _links(hook.turn).again(hook.kind, hook.wait + 1, hook.retold())
    return twiml.filler(again, notices.one_moment(hook.wait, found.language), found, pause)


def _manner(admitted: Admitted) -> twiml.VoiceSettings:
    """How this tenant's receptionist sounds; asked of the cache, as time is short here."""
    with acting_for(admitted.tenant_id):
        found = facts.current()
    db.session.remove()
    return performing.voice_of(found)


def _give_up(admitted: Admitted) -> str:
    """Nothing here works for this call any more: let the caller at least speak a message."""
    hook = admitted.webhook
    log.error("call cannot go on", extra={"call_sid": hook.call_sid, "turn": hook.turn})
    return plain_apology(hook.turn)


def plain_apology(turn: int) -> str:
    """Needs no tenant and no database."""
    voice = twiml.VoiceSettings()
    return twiml.leave_message(notices.apology(voice.language), _links(turn), voice)


def hold(path: str, turn: int, wait: int, retold: Mapping[str, str]) -> str:
    """The request could not even be looked up (no database, say): bring it back in a moment.
    `retold` is what it must not forget."""
    if wait >= MOST_FILLERS:
        return plain_apology(turn)
    kind = path.rsplit("/", 1)[-1]
    voice = twiml.VoiceSettings()
    words = "" if wait % 3 else notices.one_moment(wait // 3, voice.language)
    again = _links(turn).again(kind, wait + 1, retold)
    return twiml.filler(again, words, voice, pause=HOLD_PAUSE)


def _links(turn: int) -> twiml.Links:
    return twiml.Links(_base_url(), turn)


def _base_url() -> str:
    return str(current_app.extensions["settings"].public_base_url)


def _event(admitted: Admitted) -> dict[str, object]:
    """What the caller did, as JSON: enough to decide the turn again without the request."""
    kept = asdict(admitted.webhook)
    for ours in ("account_sid", "wait", "attempt", "parent_call_sid"):
        del kept[ours]
    return {**kept, "called": admitted.called, "ours": admitted.ours, "rung": admitted.rung}


def screen(admitted: Admitted) -> str:
    """The leg that picked up: hears who calls and why, and takes the call by pressing 1."""
    with acting_for(admitted.tenant_id):
        return after.screen(admitted, _base_url())


def hear_of_end(admitted: Admitted) -> None:
    with acting_for(admitted.tenant_id):
        after.call_ended(admitted)


def hear_of_recording(admitted: Admitted) -> None:
    with acting_for(admitted.tenant_id):
        after.recording_ready(admitted)


def resume(admitted: Admitted) -> str:
    """/twilio/fallback: the primary answer could not be had; go on where the call stands."""
    with acting_for(admitted.tenant_id):
        found = inbox.latest_answer(admitted.tenant_id, admitted.webhook.call_sid)
    if found is not None:
        return found
    return _give_up(admitted)
