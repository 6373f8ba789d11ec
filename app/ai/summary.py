"""What a call was about, in two to four sentences, for people who were not on it."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from app.ai import prompts, usage, wording
from app.ai.interpreter import InterpreterError, Speaker, Tier, Turn
from app.ai.reading import private

LONGEST = 1200
_MOST_TRANSCRIPT = 24_000
_MOST_TOKENS = 400
_SENTENCES = 4

_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "summary",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"summary": {"type": "string"}},
            "required": ["summary"],
            "additionalProperties": False,
        },
    },
}


def _(message: str) -> str:
    """Marks a sentence for `pybabel extract`; `tell` translates it."""
    return message


_SAID, _NOTHING = _('The caller said: "{wanted}".'), _("The caller said nothing usable.")
_SPOKEN = _("The caller spoke a message after the tone.")
_TOLD, _NOTED = _('They were told: "{told}".'), _("Noted: {noted}.")
_ENDED = {
    "lead": _("A message was taken."),
    "transferred": _("The caller was connected."),
    "answered": _("The question was answered."),
    "abandoned": _("The caller hung up before it was dealt with."),
    "blocked": _("The call was refused."),
    "failed": _("The call ended through a fault of ours."),
}
_LABELS = {"name": _("Name"), "phone": _("Phone"), "email": _("E-mail")}


class Client(Protocol):
    """What openai.Clients offers."""

    def complete(self, model: str, body: dict[str, Any]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Summary:
    """`reason` says why a model's text was set aside."""

    text: str
    tier: Tier
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    reason: str = ""


def summarise(
    transcript: Sequence[Turn],
    lead_fields: Mapping[str, str],
    outcome: str,
    language: str = "en-US",
    client: Client | None = None,
    model: str = "",
    tell: Callable[..., str] = str.format,
    *,
    recorded: bool = False,
) -> Summary:
    """By the model when there is a client, else, and when it fails, out of the words themselves.
    `tell(sentence, **values)` says a sentence of ours in the language of the reader. `recorded`:
    there is a message to be listened to."""
    extract = partial(_extract, transcript, lead_fields, outcome, tell, recorded)
    if client is None:
        return Summary(extract(), Tier.OFFLINE)
    tokens = (0, 0)
    try:
        reply = client.complete(model, _request(transcript, lead_fields, outcome, language))
        tokens = usage.tokens(reply)[:2]  # of what is set aside, too: it was paid for
        return Summary(_text(reply), Tier.MODEL, model, *tokens)
    except InterpreterError as error:
        return Summary(extract(), Tier.OFFLINE, "", *tokens, reason=error.reason)


def clean(text: str) -> str:
    """Links, markup and control characters out; at most so long, cut at a sentence. It lands in
    mails, and its words come from strangers."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]*>|(?:https?://|www\.)\S+|[*_#`~|<>]+", " ", text)
    text = " ".join(re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", " ", text).split())
    if len(text) <= LONGEST:
        return text
    cut = text[:LONGEST]
    return cut[: cut.rfind(". ") + 1] or cut


def _request(
    transcript: Sequence[Turn], lead_fields: Mapping[str, str], outcome: str, language: str
) -> dict[str, Any]:
    told = "\n".join(f"{turn.speaker}: {clean(turn.text)}" for turn in transcript)
    noted = "; ".join(f"{key}: {clean(value)}" for key, value in lead_fields.items() if value)
    about = f"Language: {language}\nOutcome: {outcome}\nNoted: {noted or 'nothing'}"
    return {
        "messages": [
            {"role": "system", "content": prompts.text("summary")},
            {"role": "user", "content": f"{about}\nTranscript:\n{told[-_MOST_TRANSCRIPT:]}"},
        ],
        "response_format": _SCHEMA,
        "max_completion_tokens": _MOST_TOKENS,
        "store": False,
    }


def _text(reply: Any) -> str:
    choices = getattr(reply, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    if getattr(choice, "finish_reason", "") == "length":
        raise InterpreterError("truncated")
    if getattr(message, "refusal", None):
        raise InterpreterError("refusal")
    try:
        given = json.loads(getattr(message, "content", None) or "")
    except (TypeError, ValueError):
        raise InterpreterError("malformed reply") from None
    text = given.get("summary") if isinstance(given, dict) else None
    if not isinstance(text, str) or not (text := clean(private.scrub(text, bare=False))):
        raise InterpreterError("empty reply")
    return " ".join(re.split(r"(?<=[.!?])\s+", text)[:_SENTENCES])


def _extract(
    transcript: Sequence[Turn],
    lead_fields: Mapping[str, str],
    outcome: str,
    tell: Callable[..., str],
    recorded: bool,
) -> str:
    """What the caller wanted, what they were told, what was noted, how it ended."""
    wanted = lead_fields.get("reason") or _opening(transcript)
    told = _answer_to(transcript, wanted) if outcome == "answered" else ""
    labels = {key: tell(_LABELS[key]) if key in _LABELS else key for key in lead_fields}
    noted = "; ".join(f"{labels[k]}: {v}" for k, v in lead_fields.items() if v and k != "reason")
    parts = [
        tell(_SAID, wanted=_short(wanted)) if wanted else tell(_SPOKEN if recorded else _NOTHING),
        tell(_TOLD, told=_short(told)) if told else "",
        tell(_NOTED, noted=_short(noted)) if noted else "",
        tell(_ENDED[outcome]) if outcome in _ENDED else "",
    ]
    return clean(" ".join(part for part in parts if part))


def _opening(transcript: Sequence[Turn]) -> str:
    """The first thing the caller said that says something."""
    said = [turn.text for turn in transcript if turn.speaker == Speaker.CALLER]
    telling = (text for text in said if len(wording.content(text)) > 1)
    return next(telling, said[0] if said else "")


def _answer_to(transcript: Sequence[Turn], wanted: str) -> str:
    """What the receptionist said right after it."""
    after = False
    for turn in transcript:
        if after and turn.speaker == Speaker.RECEPTIONIST:
            return turn.text
        after = after or (turn.speaker == Speaker.CALLER and turn.text == wanted)
    return ""


def _short(text: str, longest: int = 240) -> str:
    text = clean(text).replace('"', "'").rstrip(". ")
    return text if len(text) <= longest else text[:longest].rsplit(" ", 1)[0] + " …"
