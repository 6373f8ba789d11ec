"""One thought about one turn: facts, understanding, decision, and all that follows in one commit.

Between reading the facts and writing the result no connection is held and no transaction is open:
that is where a model may think for seconds.
"""

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from app.ai import knowledge, speaking, values
from app.ai.interpreter import Heard, Tier, Understood, interpret_within
from app.ai.reading import consent, departments, phones, private
from app.extensions import db
from app.tenancy import acting_for
from app.voice import facts as tenant_facts
from app.voice import forwarding, late, means, meanwhile, performing, sharing, spoken
from app.voice.before import Before
from app.voice.flow import decide
from app.voice.flow import messages as m
from app.voice.inbox import Claim
from app.voice.means import Means
from app.voice.told import asking
from app.voice.transcribing import Said
from app.voice.webhook import Kind

if TYPE_CHECKING:
    from app.voice.minds import Minds

THINK_SECONDS = 4.0


def think(claimed: Claim, before: Before, minds: "Minds") -> str:
    """Decide a claimed turn and commit it; the TwiML that is now stored for it."""
    began = time.monotonic()
    if (answer := _beside(claimed, before)) is not None:
        return answer
    facts = _facts(claimed, before)
    if claimed.delivery.kind == Kind.VOICE:  # while the caller is greeted
        knowledge.prepare(facts.passages, facts.language)
        departments.prepare(facts.departments, facts.language)
    event, understood = _understand(claimed, before, facts, minds)
    decision = decide(before.state, event, m.Context(facts, before.memory))
    if any(isinstance(effect, m.Dial) for effect in decision.effects):
        before, facts, decision = _afford(before, facts, decision, event)
    said = Said(
        words=str(claimed.event["speech"]),
        keys=str(claimed.event["digits"]),
        understood=understood,
        milliseconds=round((time.monotonic() - began) * 1000),
    )
    return performing.commit(claimed, before, facts, decision, said)


def _beside(claimed: Claim, before: Before) -> str | None:
    """The answer to what the flow does not decide."""
    if meanwhile.is_news(claimed, before.known):
        return meanwhile.answer(claimed, before.found)
    if before.over or before.turn != claimed.delivery.turn:
        return late.answer(claimed, before.found)
    if before.refusal:
        return performing.refuse(claimed, before)
    if before.forwarded:
        return forwarding.ended(claimed, before.found)
    to = before.found.forwards_to(before.now)
    if to and claimed.delivery.kind == Kind.VOICE and not before.limited:
        granted = _to_talk(before)
        return forwarding.forward(claimed, before.found, to, granted) if granted else None
    return None


def _facts(claimed: Claim, before: Before) -> m.Facts:
    """Of this moment, within what the call may still use."""
    told = claimed.event
    facts = tenant_facts.build(
        before.found,
        before.now,
        caller=str(told["caller"]),
        called=str(told["called"]),
        chosen=before.memory.language,
    )
    if told.get("rung"):  # their telephones ring for this caller already
        facts = replace(facts, staff_first=None)
    if before.limited:
        facts = replace(_connecting_nobody(facts), message_only=True)
    if before.means.running_out or before.means.time_is_up:
        facts = replace(
            _connecting_nobody(facts),
            running_out=before.means.running_out,
            time_is_up=before.means.time_is_up,
        )
    return facts


def _connecting_nobody(facts: m.Facts) -> m.Facts:
    return replace(facts, limits=replace(facts.limits, max_transfers=0))


def _afford(
    before: Before, facts: m.Facts, decision: m.Decision, event: m.Event
) -> tuple[Before, m.Facts, m.Decision]:
    """Reserve what the transfer may cost, or decide again as nobody can be rung for it."""
    granted = _to_talk(before)
    if granted is None:
        facts = _connecting_nobody(facts)
        return before, facts, decide(before.state, event, m.Context(facts, before.memory))
    limits = replace(facts.limits, talk_seconds=granted.talk_seconds)
    return replace(before, means=granted), replace(facts, limits=limits), decision


def _to_talk(before: Before) -> Means | None:
    with acting_for(before.here.tenant_id):
        granted = means.to_talk(before.found, before.here, before.means)
        db.session.commit()
    db.session.remove()
    return granted


def _understand(
    claimed: Claim, before: Before, facts: m.Facts, minds: "Minds"
) -> tuple[m.Event, Understood | None]:
    told = claimed.event
    match claimed.delivery.kind:
        case Kind.VOICE:
            return m.CallStarted(), None
        case Kind.TRANSFER_STATUS:
            return m.DialEnded(bool(told["dial_bridged"]), str(told["dial_status"])), None
        case Kind.MESSAGE:
            return m.MessageRecorded(int(told["recording_seconds"])), None
    keys, words = str(told["digits"]), private.unmarked(str(told["speech"]).strip())
    if keys:  # when both come, keys are the surer ones
        return m.KeysPressed(_as_number(keys, before.memory, facts)), None
    if told.get("unkept") and not re.search(r"\w", words):
        return m.KeysPressed(""), None  # nothing is left that anybody could understand
    if not words:
        return m.CallerSilent(), None
    refuses = False
    if asked := before.memory.recording:
        refuses, words = consent.refusal(words, asked=asked == m.Consent.ASKED)
        if not words:
            return m.CallerSpoke("", no_recording=True), None
    heard = Heard(words, before.state, m.Context(facts, before.memory), before.history)
    understood = _grounded(_interpret(before, heard, minds), facts, words)
    passing = values.told(heard)
    event = m.CallerSpoke(words, understood.proposal, refuses, understood.besides, passing)
    return event, understood


def _interpret(before: Before, heard: Heard, minds: "Minds") -> Understood:
    facts = heard.context.facts
    # No key, no money left; or the first thinker died, and the caller has waited long enough.
    model = minds.model(facts.model) if before.means.model else None
    if model is None:
        return minds.offline.interpret(heard)
    guard = minds.guard(facts.model)
    with asking(), sharing.aside():
        return interpret_within(model, minds.offline, heard, THINK_SECONDS, minds.calls, guard)


def _grounded(understood: Understood, facts: m.Facts, words: str) -> Understood:
    """What no source says is not spoken as fact, whoever proposed it."""
    if understood.tier is not Tier.MODEL or understood.proposal is None:
        return understood
    speech = spoken.speech(facts.language)
    proposal, refused = speaking.grounded(
        understood.proposal, facts, lambda day: spoken.hours((day.day,), facts, speech), [words]
    )
    reason = "ungrounded" if refused else understood.reason
    return replace(understood, proposal=proposal, reason=reason, unsaid=refused)


def _as_number(keys: str, before: m.Memory, facts: m.Facts) -> str:
    if before.asking != m.Ask.PHONE or len(keys) < 7:
        return keys
    return phones.e164(keys.strip("*#"), facts.region) or keys
