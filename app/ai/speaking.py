"""What a model proposes to say, cut down to what the tenant's own sources say."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.ai import grounding
from app.voice.flow.messages import Answer, Clarify, DayHours, Facts, Proposal, TakeMessage


def grounded(
    proposal: Proposal,
    facts: Facts,
    render_hours: Callable[[DayHours], str],
    said: Sequence[str] = (),
) -> tuple[Proposal, tuple[str, ...]]:
    """The proposal as it may be spoken, and the sentences that may not. An answer of which nothing
    is left becomes a message for somebody who knows. A question back may repeat what was `said` by
    the caller."""
    match proposal:
        case Answer(text, ids):
            verdict = grounding.check(text, _sources(facts, ids, render_hours))
            if not verdict.spoken:
                return TakeMessage(unanswered=True), verdict.refused
            return replace(proposal, text=verdict.spoken), verdict.refused
        case Clarify(question):
            offered = _sources(facts, facts.sources, render_hours)
            verdict = grounding.check(question, (*offered, *said))
            if not verdict.spoken.endswith("?"):
                return TakeMessage(unanswered=True), verdict.refused
            return Clarify(verdict.spoken), verdict.refused
    return proposal, ()


def _sources(
    facts: Facts, ids: Sequence[str] | frozenset[str], render_hours: Callable[[DayHours], str]
) -> tuple[str, ...]:
    passages = [f"{p.question}\n{p.answer}" for p in facts.passages if p.id in ids]
    hours = [_hours(day, render_hours) for day in facts.hours if day.id in ids]
    names = [facts.business, *(d.name for d in facts.departments)]
    return (*passages, *hours, *names)


def _hours(day: DayHours, render_hours: Callable[[DayHours], str]) -> str:
    spans = " ".join(f"{start} {end}" for start, end in day.spans)
    return f"{day.day:%A %B} {day.day.day} {spans} {day.note}\n{render_hours(day)}"
