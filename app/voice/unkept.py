"""Card and social-security numbers that callers say or key: taken out at the border, before a turn
is claimed, so that no row, no model and no log ever holds them.

A number may be said in parts over several turns. Its earlier parts are kept by then, as nobody
could know what they were the beginning of: they are taken out again when the last one comes.
"""

import re
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from app.ai.reading import numbers, phones, private
from app.extensions import db
from app.models import CallSession, InboundRequest, Lead, Speaker, Transcript
from app.voice import facts
from app.voice.gate import Admitted
from app.voice.webhook import Webhook

FEWEST_DIGITS = 2  # in a turn that may end such a number
TURNS_BACK = 8
_TELLING = ("reason", "notes", "name")


def cleaned(admitted: Admitted) -> Admitted:
    """The same request without such numbers; `unkept` says that there was one. In the tenant's
    scope. Adds to the open transaction what must be taken out of earlier turns; never commits.
    One more statement only when the turn holds digits and no such number by itself."""
    hook = admitted.webhook
    if not (hook.speech or hook.digits):
        return admitted
    found = _alone(hook, facts.region(admitted.called))
    if not found.unkept:
        found = _with_earlier_turns(hook, admitted)
    return replace(admitted, webhook=found) if found is not hook else admitted


def _alone(hook: Webhook, region: str) -> Webhook:
    speech = private.scrub(hook.speech, region=region, asked=hook.ask)
    keyed = private.spans(re.sub(r"\D", "", hook.digits), region=region, asked=hook.ask)
    if speech == hook.speech and not keyed:
        return hook
    if keyed:
        return replace(hook, speech=speech or keyed[0].mark, digits="", unkept=True)
    return replace(hook, speech=speech, unkept=True)


def _with_earlier_turns(hook: Webhook, admitted: Admitted) -> Webhook:
    words = hook.digits or hook.speech
    if admitted.call_id is None or len(numbers.digits_in(words)) < FEWEST_DIGITS:
        return hook
    region = facts.region(admitted.called)
    said = [row for row in _said_before(admitted.call_id, hook.turn) if row.text]
    parts = [*(row.text for row in _since_a_whole_number(said, region)), words]
    if len(parts) < 2:
        return hook
    whole = _without_parts(parts, region)
    if whole == parts:
        return hook
    _take_back(admitted, dict(zip(parts[:-1], whole[:-1], strict=True)))
    return replace(hook, speech=whole[-1], digits="", unkept=True)


def _said_before(call_id: int, turn: int) -> list[Any]:
    """Oldest first."""
    newest = (
        select(Transcript.id, Transcript.text)
        .where(
            Transcript.call_id == call_id,
            Transcript.speaker == Speaker.CALLER,
            Transcript.turn < turn,
        )
        .order_by(Transcript.id.desc())
        .limit(TURNS_BACK)
    )
    return list(reversed(db.session.execute(newest).all()))


def _since_a_whole_number(said: list[Any], region: str) -> list[Any]:
    """A telephone number said in one turn is no part of another number."""
    read = [phones.read(row.text, region) for row in said]
    whole = [at for at, number in enumerate(read) if private.rings(number, region)]
    return said[whole[-1] + 1 if whole else 0 :]


def _without_parts(parts: list[str], region: str) -> list[str]:
    """Each part with marks for what of it belongs to a number that the last one ends."""
    joined = ". ".join(parts)
    begins = [len(". ".join(parts[:at])) + (2 if at else 0) for at in range(len(parts))]
    found = private.spans(joined, region=region, bare=False)
    ending = [span for span in found if span.start < begins[-1] < span.end]
    cleaned = []
    for begin, part in zip(begins, parts, strict=True):
        inside = [
            private.Span(max(s.start, begin) - begin, min(s.end, begin + len(part)) - begin, s.mark)
            for s in ending
            if s.start < begin + len(part) and begin < s.end
        ]
        cleaned.append(private.marked(part, inside))
    return cleaned


def _take_back(admitted: Admitted, instead: dict[str, str]) -> None:
    """What the earlier turns of this call kept of it: transcript, inbox, memory and message."""
    own = {old: new for old, new in instead.items() if old != new}
    call_id, call_sid = admitted.call_id, admitted.webhook.call_sid
    lines = select(Transcript).where(
        Transcript.call_id == call_id, Transcript.speaker == Speaker.CALLER
    )
    for line in db.session.scalars(lines):
        line.text = own.get(line.text, line.text)
    inbox = select(InboundRequest).where(InboundRequest.call_sid == call_sid)
    for delivery in db.session.scalars(inbox):
        delivery.event = _replaced(delivery.event, own)
    for call in db.session.scalars(select(CallSession).where(CallSession.id == call_id)):
        call.memory = _replaced(call.memory, own)
    for lead in db.session.scalars(select(Lead).where(Lead.call_id == call_id)):
        lead.answers = _replaced(lead.answers, own)
        for column in _TELLING:
            setattr(lead, column, _replaced(getattr(lead, column), own))
    db.session.flush()


def _replaced(value: Any, instead: dict[str, str]) -> Any:
    """In texts wherever they stand in JSON."""
    match value:
        case str():
            for old, new in instead.items():
                inside = rf"(?<!\w){re.escape(old)}(?!\w)"
                value = re.sub(inside, new.replace("\\", r"\\"), value)
            return value
        case dict():
            return {key: _replaced(one, instead) for key, one in value.items()}
        case list():
            return [_replaced(one, instead) for one in value]
    return value
