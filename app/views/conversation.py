"""A call as a dialogue: who said what and when, what it rested on, what was refused and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app.extensions import db
from app.models import (
    CallSession,
    CallState,
    Channel,
    KnowledgeEntry,
    Recording,
    RecordingStatus,
    Speaker,
    Transcript,
    TransferAttempt,
    TransferStatus,
)
from app.views import moments, tones

MOST_LINES = 500  # a call ends by itself long before
GONE = (RecordingStatus.DELETING, RecordingStatus.DELETED)
BY_TONE = "RecordVerb"  # a message after the tone, not the call
# Why something was set aside, as the flow and the interpreters name it.
WHY = {
    "ungrounded": _("It was in none of your answers, so it was not said."),
    "answer without a source": _("The answer named no source, so it was not said."),
    "no such hours": _("The hours it named are not yours, so they were not said."),
    "closed": _("The department was closed, so nobody was rung."),
    "unknown department": _("There is no such department, so nobody was rung."),
    "nobody to ring": _("There is no telephone to ring, so a message was offered."),
    "turn limit": _("The call had become too long, so it was brought to an end."),
    "asked for a person again": _("The caller had asked for a person before."),
    "timeout": _("The language model was too slow, so the receptionist went on without it."),
}
RANG = {
    TransferStatus.RINGING: _("Rang %(department)s"),
    TransferStatus.ANSWERED: _("Put through to %(department)s"),
    TransferStatus.BUSY: _("Rang %(department)s. The line was busy."),
    TransferStatus.NO_ANSWER: _("Rang %(department)s. Nobody picked up."),
    TransferStatus.REFUSED: _("Rang %(department)s. Somebody picked up and did not take the call."),
    TransferStatus.FAILED: _("Rang %(department)s. It did not work."),
}


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer rested on. `version` is the one it was spoken from, `now` the entry's today
    (0: it is deleted); without an entry it is the hours of a day."""

    title: str
    version: int = 0
    now: int = 0
    entry_id: int = 0
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """`at`: when, `position`: seconds into the call. `unanswered` is what nothing answers."""

    who: str  # "caller", "receptionist" or "event"
    at: datetime
    position: int
    text: Any
    icon: str = ""
    state: Any = ""
    keyed: bool = False
    tier: str = ""
    model: str = ""
    milliseconds: int | None = None
    why: Any = ""
    turn: int | None = None
    unanswered: str = ""
    unsaid: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording that can be heard, and when it began."""

    id: int
    began: datetime
    duration: int | None
    is_message: bool

    def offset(self, at: datetime) -> int | None:
        """Where in it, in seconds; None: before or after it."""
        found = round((at - self.began).total_seconds())
        return found if 0 <= found <= (self.duration or found) else None


def of(call: CallSession, attempts: Iterable[TransferAttempt]) -> list[Line]:
    return told(call, spoken(call), attempts)


def spoken(call: CallSession, after: int = 0) -> list[Transcript]:
    """What was said on it, later than the line of this id."""
    return list(
        db.session.scalars(
            select(Transcript)
            .where(Transcript.call_id == call.id, Transcript.id > after)
            .order_by(Transcript.id)
            .limit(MOST_LINES)
        )
    )


def told(
    call: CallSession, spoken: list[Transcript], attempts: Iterable[TransferAttempt]
) -> list[Line]:
    """These, in the order of time, and the end of the call if it has ended."""
    entries = _entries(spoken)
    lines = [_line(call, one, entries) for one in spoken]
    lines += [_rang(call, attempt) for attempt in attempts]
    if call.ended_at:
        lines.append(_ended(call, call.ended_at))
    return sorted(lines, key=lambda line: (line.at, line.who == "event"))


def _ended(call: CallSession, at: datetime) -> Line:
    return Line("event", at, into(call, at), gettext("Call ended"), "phone-off")


def into(call: CallSession, at: datetime) -> int:
    """Seconds since it began."""
    return max(0, round((at - call.started_at).total_seconds()))


def _line(call: CallSession, one: Transcript, entries: dict[int, KnowledgeEntry]) -> Line:
    kept = one.evidence or {}
    why = str(kept.get("refused") or kept.get("instead_of_model") or "")
    return Line(
        who=str(one.speaker),
        at=one.created_at,
        position=into(call, one.created_at),
        text=one.text,
        state=tones.said(CallState, one.state).text if one.state else "",
        keyed=bool(kept.get("keyed")),
        tier=str(kept.get("tier") or ""),
        model=str(kept.get("model") or ""),
        milliseconds=kept.get("milliseconds") if one.speaker == Speaker.CALLER else None,
        turn=one.turn,
        unanswered=str(kept.get("unanswered") or ""),
        why=WHY.get(why) or (why and gettext("Set aside: %(reason)s", reason=why)),
        unsaid=[str(sentence) for sentence in kept.get("unsaid") or ()],
        sources=[_source(named, entries) for named in kept.get("sources") or ()],
    )


def _entries(spoken: Iterable[Transcript]) -> dict[int, KnowledgeEntry]:
    """Those that were spoken from, by one statement."""
    named = {
        source["entry_id"]
        for one in spoken
        for source in (one.evidence or {}).get("sources") or ()
        if source.get("entry_id")
    }
    if not named:
        return {}
    found = db.session.scalars(select(KnowledgeEntry).where(KnowledgeEntry.id.in_(named)))
    return {entry.id: entry for entry in found}


def _source(named: dict[str, Any], entries: dict[int, KnowledgeEntry]) -> Source:
    number = int(named.get("entry_id") or 0)
    if not number:
        return Source(_hours(str(named.get("id", ""))))
    version, entry = int(named.get("version") or 0), entries.get(number)
    if entry is None:
        return Source(gettext("An answer that is deleted"), version)
    return Source(entry.question, version, entry.version, entry.id, entry.answer)


def _hours(named: str) -> str:
    try:
        day = date.fromisoformat(named.partition(":")[2])
    except ValueError:
        return named
    return gettext("Opening hours of %(day)s", day=moments.day(day).striptags())


def _rang(call: CallSession, attempt: TransferAttempt) -> Line:
    position = into(call, attempt.created_at)
    return Line("event", attempt.created_at, position, rang(attempt), "phone-forwarded")


def rang(attempt: TransferAttempt) -> str:
    """What came of a transfer, as a sentence."""
    name = attempt.department.name if attempt.department else gettext("a department")
    if attempt.forwarded:
        name = gettext("the telephone that all calls were sent to")
    said = RANG.get(TransferStatus(attempt.status), RANG[TransferStatus.FAILED])
    return str(said) % {"department": name}


def sounds(call: CallSession) -> list[Sound]:
    """What can be heard of it: the call first, then messages after the tone. Of a test call there
    is no sound anywhere."""
    if call.channel == Channel.TEST:
        return []
    found = db.session.scalars(
        select(Recording)
        .where(Recording.call_id == call.id, Recording.status.not_in(GONE))
        .order_by(Recording.id)
    )
    return sorted(map(_sound, found), key=lambda sound: sound.is_message)


def _sound(recording: Recording) -> Sound:
    """The row of a message is written when it is over, that of a call when its recording begins."""
    is_message = recording.source == BY_TONE
    earlier = timedelta(seconds=(recording.duration or 0) if is_message else 0)
    began = recording.created_at - earlier
    return Sound(recording.id, began, recording.duration, is_message)
