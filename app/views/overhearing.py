"""A turn of a test call as lines of its dialogue: what was kept of it, and what only the telephone
knows (what was typed a moment ago, fillers, silence, a message after the tone)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.models import CallSession, TransferAttempt
from app.phone import Turn
from app.views import conversation
from app.views.calling import Held
from app.views.conversation import Line


@dataclass(frozen=True, slots=True)
class Did:
    """What the caller did; neither words nor keys is silence, if `acted` at all."""

    words: str = ""
    keys: str = ""
    acted: bool = False
    to_recorder: bool = False


@dataclass(frozen=True, slots=True)
class Overheard:
    """Lines in order, and the newest ids of what they were made of."""

    lines: tuple[Line, ...]
    line_id: int
    attempt_id: int


def lines(call: CallSession, before: Held, did: Did, turn: Turn | None) -> Overheard:
    """What the page does not have yet. Without a turn the call has dropped."""
    spoken = conversation.spoken(call, after=before.line_id)
    attempts = _attempts(call, before.attempt_id)
    kept = conversation.told(call, spoken, attempts)
    return Overheard(
        (*_done(call, before, did, kept), *_heard(call, before, turn, kept)),
        max([before.line_id, *(row.id for row in spoken)]),
        max([before.attempt_id, *(row.id for row in attempts)]),
    )


def _attempts(call: CallSession, after: int) -> list[TransferAttempt]:
    return list(
        db.session.scalars(
            select(TransferAttempt)
            .where(TransferAttempt.call_id == call.id, TransferAttempt.id > after)
            .options(selectinload(TransferAttempt.department))
            .order_by(TransferAttempt.id)
        )
    )


def _done(call: CallSession, before: Held, did: Did, kept: list[Line]) -> Iterator[Line]:
    """The caller's side, unless it was kept."""
    if did.to_recorder and (did.words or did.keys):
        said = did.words or did.keys
        yield _now(call, "caller", said, keyed=not did.words, turn=before.turn)
        yield _event(call, gettext("A message after the tone: its words are not kept."), "mic")
    elif did.words or did.keys:
        if not any(line.who == "caller" for line in kept):
            said = did.keys or did.words
            yield _now(call, "caller", said, keyed=bool(did.keys), turn=before.turn)
    elif did.acted:
        yield _event(call, gettext("You stay silent"), "ellipsis")


def _heard(call: CallSession, before: Held, turn: Turn | None, kept: list[Line]) -> Iterator[Line]:
    """What was kept, with the time that the caller waited for it; fillers, which nobody keeps; and
    sentences that are said when nothing works."""
    answers = [line for line in kept if line.who == "receptionist"]
    if turn and turn.holds:
        words = " ".join(turn.said)
        yield _event(call, gettext("While it thinks: “%(words)s”", words=words), "hourglass")
    waited = round(1000 * (before.waited + (turn.seconds if turn else 0)))
    for line in kept:
        if line.who == "caller":
            yield replace(line, milliseconds=None)
        elif answers and line is answers[-1]:
            yield replace(line, milliseconds=waited)
        else:
            yield line
    if turn and turn.spoken and not turn.holds and not answers:
        yield _now(call, "receptionist", " ".join(turn.said), milliseconds=waited)


def _event(call: CallSession, text: str, icon: str) -> Line:
    return _now(call, "event", text, icon=icon)


def _now(call: CallSession, who: str, text: str, **more: object) -> Line:
    at = datetime.now(UTC)
    return Line(who, at, conversation.into(call, at), text, **more)  # type: ignore[arg-type]
