"""What a model is told about a call: first what never changes, then the tenant, last the moment.

The order is what makes the vendor's prompt cache work: a prefix that is the same byte for byte.
"""

import re
from typing import Any

from app.ai import knowledge, prompts
from app.ai.interpreter import Heard, Speaker
from app.voice.flow.messages import Facts, Passage

Message = dict[str, Any]

MOST_KNOWLEDGE = 12_000  # characters; beyond it only what may answer is shown
_BEST = 8
_LONGEST_WORDS = 2_000
_LEAK = 8  # words in a row that give the instructions away


def messages(heard: Heard) -> list[Message]:
    facts = heard.context.facts
    return [
        {"role": "system", "content": prompts.text("instructions")},
        {"role": "system", "content": _business(facts)},
        *_history(heard),
        {"role": "system", "content": _moment(heard)},
        {"role": "user", "content": _quoted(heard.words)},
    ]


def leaks(text: str) -> bool:
    """Whether eight words in a row of `text` stand in the instructions."""
    words = _bare(text).split()
    rules = f" {_bare(prompts.text('instructions'))} "
    rows = (" ".join(words[at : at + _LEAK]) for at in range(len(words) - _LEAK + 1))
    return any(f" {row} " in rules for row in rows)


def _business(facts: Facts) -> str:
    parts = [f"Business: {facts.business}", f"Language: {facts.language}"]
    if facts.persona:
        parts.append(f"Your name: {facts.persona}")
    parts.append("Departments (id: name: what it does)")
    parts += [f"{d.id}: {d.name}: {d.description}" for d in facts.departments] or ["none"]
    if fits_whole(facts):
        parts += ["Knowledge", *map(_entry, facts.passages)]
    return "\n".join(parts)


def fits_whole(facts: Facts) -> bool:
    return sum(len(_entry(passage)) + 1 for passage in facts.passages) <= MOST_KNOWLEDGE


def _entry(passage: Passage) -> str:
    return f"[{passage.id}] Q: {passage.question} A: {passage.answer}"


def _moment(heard: Heard) -> str:
    facts, memory = heard.context.facts, heard.context.memory
    lines = [f"Today: {facts.today:%A %Y-%m-%d}" if facts.today else "Today: unknown"]
    lines.append(f"The business is {'open' if facts.is_open else 'closed'} now.")
    lines += [_day(day.id, day.spans, day.note) for day in facts.hours]
    closed = [str(d.id) for d in facts.departments if not d.is_open]
    lines += [f"Departments closed now: {', '.join(closed)}"] if closed else []
    if not fits_whole(facts):
        found = knowledge.find(facts.passages, heard.words, _BEST, facts.language)
        lines += ["Knowledge that may answer", *(_entry(match.passage) for match in found)]
    lines.append(f"State of the call: {heard.state}")
    if own := [f"{i.key}: {i.question}" for i in facts.intake]:
        lines.append(f"Fields of this business: {'; '.join(own)}")
    if memory.asking:
        asked = next((i.question for i in facts.intake if i.key == memory.asking), memory.asking)
        lines.append(f"The caller was just asked for: {asked}")
    if memory.offered:
        lines.append("They were offered to be called back on the number they call from.")
    if facts.caller_number:
        lines.append(f"They call from: {facts.caller_number}")
    if memory.pieces:
        lines.append(f"Said of it so far: {_inert(memory.pieces)}")
    noted = [f"{field.key}={_inert(field.value)}" for field in memory.draft.fields]
    lines += [f"Noted so far (said by the caller): {'; '.join(noted)}"] if noted else []
    return "\n".join(lines)


def _day(ident: str, spans: tuple[tuple[str, str], ...], note: str) -> str:
    open_ = ", ".join(f"{start} to {end}" for start, end in spans) or "closed"
    return f"[{ident}] {open_}{f' ({note})' if note else ''}"


def _history(heard: Heard) -> list[Message]:
    roles = {Speaker.CALLER: "user", Speaker.RECEPTIONIST: "assistant"}
    return [
        {
            "role": roles[Speaker(turn.speaker)],
            "content": _quoted(turn.text) if turn.speaker == Speaker.CALLER else turn.text,
        }
        for turn in heard.history
    ]


def _quoted(words: str) -> str:
    return f"<caller>{_inert(words)}</caller>"


def _inert(words: str) -> str:
    """Callers' words cannot end the quotation that they stand in."""
    return re.sub(r"[<>\x00-\x1f]", " ", words)[:_LONGEST_WORDS]


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
