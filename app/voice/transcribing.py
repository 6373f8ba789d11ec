"""What was said in a turn, and what it rested on: the rows of the transcript."""

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import insert

from app.ai.interpreter import Understood
from app.extensions import db
from app.models import CallSession, Speaker, Transcript
from app.voice import twiml
from app.voice.flow import messages as m


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller did and how it was understood, for the transcript."""

    words: str
    keys: str
    understood: Understood | None
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the transcript, but for whose call it is of and which turn."""

    speaker: str
    text: str
    state: str
    evidence: dict[str, Any]


def lines(
    decision: m.Decision, said: Said, effects: list[twiml.Part], facts: m.Facts
) -> list[Line]:
    """What was said in a turn, in order."""
    found = []
    if said.words or said.keys:
        words = twiml.xml_safe(said.keys or said.words)
        evidence = _how_understood(said, decision)
        found.append(Line(Speaker.CALLER, words, decision.path[0], evidence))
    spoken = " ".join(part.text for part in effects if isinstance(part, twiml.Spoken))
    if spoken:
        evidence = _what_it_rested_on(decision, facts)
        found.append(Line(Speaker.RECEPTIONIST, twiml.xml_safe(spoken), decision.state, evidence))
    return found


def transcribe(call: CallSession, turn: int, found: list[Line]) -> None:
    """The caller commits."""
    owner = {"tenant_id": call.tenant_id, "call_id": call.id, "turn": turn}
    if found:
        db.session.execute(insert(Transcript), [owner | asdict(line) for line in found])


def _how_understood(said: Said, decision: m.Decision) -> dict[str, Any]:
    evidence: dict[str, Any] = {"milliseconds": said.milliseconds}
    if said.keys:
        evidence["keyed"] = True
    if said.understood:
        proposal = said.understood.proposal
        evidence |= {
            "tier": str(said.understood.tier),
            "proposal": type(proposal).__name__ if proposal else None,
        }
        if said.understood.reason:
            evidence["instead_of_model"] = said.understood.reason
        if said.understood.unsaid:
            evidence["unsaid"] = [twiml.xml_safe(one) for one in said.understood.unsaid]
        if said.understood.model:
            evidence["model"] = said.understood.model
    if decision.refused:
        evidence["refused"] = decision.refused
    return evidence


def _what_it_rested_on(decision: m.Decision, facts: m.Facts) -> dict[str, Any]:
    evidence: dict[str, Any] = {
        "sources": _sources(decision, facts),
        "path": list(decision.path),
    }
    unanswered = [effect.words for effect in decision.effects if isinstance(effect, m.NoteGap)]
    if unanswered:
        evidence["unanswered"] = twiml.xml_safe(unanswered[0])
    return evidence


def _sources(decision: m.Decision, facts: m.Facts) -> list[dict[str, Any]]:
    """What the words rested on: knowledge entries with their version, or days of the hours."""
    named = {
        source for effect in decision.effects if isinstance(effect, m.Say)
        for source in effect.sources
    }  # fmt: skip
    entries = [
        {"id": p.id, "entry_id": p.entry_id, "version": p.version}
        for p in facts.passages
        if p.id in named
    ]
    return entries + [{"id": d.id} for d in facts.hours if d.id in named]
