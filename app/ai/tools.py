"""The tools a model is offered, derived from the proposals, and the strict reading of its calls."""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import date, time
from typing import Any

from app.ai import spoken_by
from app.ai.interpreter import Heard, InterpreterError
from app.ai.reading import emails, phones, private
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask, Facts, Known, Noted
from app.voice.flow.states import MAY_PROPOSE, State

Schema = dict[str, Any]  # JSON Schema is a dict in the vendor's interface

LONGEST_TEXT = 600
LONGEST_QUESTION = 240
LONGEST_FIELD = 500
LONGEST_ARGUMENTS = 8_000

_SAYS: dict[str, str] = {
    "text": "One or two short spoken sentences. Every figure, day and promise in it must stand in"
    " the sources.",
    "sources": "The ids of the knowledge entries or days that hold the answer.",
    "days": "The days asked about; none: today and the next opening.",
    "at": "The time of day asked about, as HH:MM on a 24-hour clock; null: none.",
    "piece": "What was said of the value, in the caller's words; empty: they only need time.",
    "question": "One short question to the caller, ending with a question mark.",
    "department_id": "The department's id; null: whoever answers for a person.",
    "fields": "Only what the caller said; null for what was not said.",
    "unanswered": "True when the message is taken because no source answers the question.",
    "accepted": "True for a clear yes to what was just asked, else false.",
}


def name(proposal: type) -> str:
    """TakeMessage -> take_message."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", proposal.__name__).lower()


def offered(state: State, facts: Facts) -> list[Schema]:
    """The tools of a state, in a stable order so that the vendor's prompt cache can match."""
    return [_tool(proposal, facts) for proposal in _offered(state, facts)]


def _offered(state: State, facts: Facts) -> list[type]:
    proposals = sorted(MAY_PROPOSE[state], key=lambda proposal: proposal.__name__)
    needs = {m.Answer: facts.sources, m.TellHours: facts.hours}
    return [proposal for proposal in proposals if needs.get(proposal, True)]


def read(called: str, arguments: str, heard: Heard) -> m.Proposal:
    """The proposal of a tool call. Raises InterpreterError when anything about it is not as it was
    offered, or when it notes what the caller never said."""
    facts = heard.context.facts
    proposals = {name(proposal): proposal for proposal in _offered(heard.state, facts)}
    if called not in proposals:
        known = {name(proposal) for all_of in MAY_PROPOSE.values() for proposal in all_of}
        raise InterpreterError("tool not offered" if called in known else "unknown tool")
    if len(arguments) > LONGEST_ARGUMENTS:
        raise InterpreterError("oversized")
    proposal = proposals[called]
    given = _object(arguments, {field.name for field in fields(proposal)})
    given = _scrubbed(given, facts.region)
    return proposal(**{key: _READERS[key](value, heard) for key, value in given.items()})


def keys(facts: Facts) -> tuple[str, ...]:
    """The fields a message may hold for this tenant."""
    own = (question.key for question in facts.intake)
    asked = (Ask.NAME, Ask.PHONE, Ask.EMAIL, Ask.REASON, *facts.required, *own)
    return tuple(dict.fromkeys(asked))


# --- Schemas ----------------------------------------------------------------------------------


def _tool(proposal: type, facts: Facts) -> Schema:
    properties = {field.name: _schema(field.name, facts) for field in fields(proposal)}
    return {
        "type": "function",
        "function": {
            "name": name(proposal),
            "description": " ".join((proposal.__doc__ or "").split()),
            "strict": True,
            "parameters": _strict(properties),
        },
    }


def _schema(key: str, facts: Facts) -> Schema:
    made: dict[str, Callable[[Facts], Schema]] = {
        "text": lambda _: {"type": "string"},
        "question": lambda _: {"type": "string"},
        "at": lambda _: {"type": ["string", "null"]},
        "piece": lambda _: {"type": "string"},
        "sources": lambda f: _some_of(sorted(f.sources)),
        "days": lambda f: _some_of([day.day.isoformat() for day in f.hours]),
        "department_id": lambda f: {
            "type": ["integer", "null"],
            "enum": [*(d.id for d in f.departments), None],
        },
        "unanswered": lambda _: {"type": "boolean"},
        "accepted": lambda _: {"type": "boolean"},
        "fields": lambda f: _strict({k: {"type": ["string", "null"]} for k in keys(f)}),
    }
    return {**made[key](facts), "description": _SAYS[key]}


def _some_of(values: list[str]) -> Schema:
    return {"type": "array", "items": {"type": "string", "enum": values}}


def _strict(properties: dict[str, Schema]) -> Schema:
    """OpenAI's strict subset: every property required, nothing else allowed."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# --- Arguments --------------------------------------------------------------------------------


def _object(arguments: str, wanted: set[str]) -> dict[str, Any]:
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        raise InterpreterError("malformed arguments") from None
    if not isinstance(given, dict) or set(given) != wanted:
        raise InterpreterError("bad arguments")
    return given


def _scrubbed(value: Any, region: str) -> Any:
    """A model may have made up, or been talked into, what is taken out of a caller's words."""
    match value:
        case str():
            return private.scrub(value, region=region, bare=False)
        case list():
            return [_scrubbed(one, region) for one in value]
        case dict():
            return {key: _scrubbed(one, region) for key, one in value.items()}
    return value


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise InterpreterError("bad arguments")
    return " ".join(value.split())


def _read_text(value: Any, heard: Heard) -> str:
    return _text(value, LONGEST_TEXT)


def _read_question(value: Any, heard: Heard) -> str:
    question = _text(value, LONGEST_QUESTION)
    if not question.endswith("?"):
        raise InterpreterError("not a question")
    return question


def _read_time(value: Any, heard: Heard) -> time | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise InterpreterError("bad arguments")
    return time.fromisoformat(value)


def _read_piece(value: Any, heard: Heard) -> str:
    """Given as it was said: what is put together later must not hold a model's own digits."""
    if not isinstance(value, str):
        raise InterpreterError("bad arguments")
    if value.strip() and not spoken_by.verbatim(value, heard.words):
        raise InterpreterError("piece not said")
    return value.strip()


def _read_accepted(value: Any, heard: Heard) -> bool:
    """A yes must have been said: without it nothing is marked confirmed, whatever a model says."""
    if _read_flag(value, heard) and not spoken_by.agreed(heard.words):
        raise InterpreterError("yes not said")
    return bool(value)


def _read_flag(value: Any, heard: Heard) -> bool:
    if not isinstance(value, bool):
        raise InterpreterError("bad arguments")
    return value


def _read_sources(value: Any, heard: Heard) -> tuple[str, ...]:
    sources = _strings(value)
    if not sources or not heard.context.facts.sources.issuperset(sources):
        raise InterpreterError("unknown source")
    return sources


def _read_days(value: Any, heard: Heard) -> tuple[date, ...]:
    told = {day.day.isoformat(): day.day for day in heard.context.facts.hours}
    if not told.keys() >= set(days := _strings(value)):
        raise InterpreterError("unknown day")
    return tuple(told[day] for day in days)


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InterpreterError("bad arguments")
    return tuple(dict.fromkeys(value))


def _read_department(value: Any, heard: Heard) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise InterpreterError("bad arguments")
    if heard.context.facts.department(value) is None:
        raise InterpreterError("unknown department")
    return value


def _read_fields(value: Any, heard: Heard) -> tuple[Noted, ...]:
    allowed = keys(heard.context.facts)
    if not isinstance(value, dict) or not set(value) <= set(allowed):
        raise InterpreterError("bad arguments")
    given = {key: text for key, text in value.items() if text not in (None, "")}
    return tuple(_noted(key, _text(text, LONGEST_FIELD), heard) for key, text in given.items())


def _noted(key: str, text: str, heard: Heard) -> Noted:
    """A field as it is written down. Digits and letters must come from the caller: a number that
    the model made up would be called back."""
    facts, said = heard.context.facts, heard.said()
    if key == Ask.PHONE:
        number = phones.e164(text, facts.region)
        if not number:
            raise InterpreterError("phone not readable")
        if number == facts.caller_number:
            return Noted(key, number, Known.CALLER_ID)
        if not _phone_said(number, heard):
            raise InterpreterError("phone not said")
        return Noted(key, number)
    if key == Ask.EMAIL:
        address = text.lower().replace(" ", "")
        if not emails.is_address(address) or not emails.occurs(address, said):
            raise InterpreterError("email not said")
        return Noted(key, address)
    if not spoken_by.likely(text, said):
        raise InterpreterError(f"{'name' if key == Ask.NAME else 'words'} not said")
    return Noted(key, text)


def _phone_said(number: str, heard: Heard) -> bool:
    region, current = heard.context.facts.region, heard.context.memory.draft.get(Ask.PHONE)
    said = heard.said()
    return (
        number == current
        or phones.occurs(number, said)
        or any(phones.read(words, region) == number for words in said)
        or phones.corrected(current, heard.words, region) == number
    )


_READERS: dict[str, Callable[[Any, Heard], Any]] = {
    "text": _read_text,
    "question": _read_question,
    "sources": _read_sources,
    "days": _read_days,
    "department_id": _read_department,
    "fields": _read_fields,
    "unanswered": _read_flag,
    "accepted": _read_accepted,
    "at": _read_time,
    "piece": _read_piece,
}
