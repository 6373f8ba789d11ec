"""Says in a few sentences what a call was about, once it has ended."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from flask import current_app
from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert

from app import at_once, breaker, limits, rates, spending
from app.ai.interpreter import InterpreterError, Speaker, Turn
from app.ai.summary import Client, Summary, summarise
from app.carrier import BY_TONE
from app.extensions import db
from app.jobs import ledger, outbox
from app.jobs.outbox import Work
from app.models import CallSummary, Channel, JobKind, SpendKind
from app.spending import MODEL_SHARE, Offer
from app.voice.spoken import speech

MOST_TURNS = 200
MODEL_SECONDS = 30.0  # nobody is waiting on the telephone
FAILURES, REST = 3, 60.0
PROMPT, CHARACTERS = 6_000, 3  # of a request besides its transcript; of a token, at least
MOST_TOKENS = 400  # that it writes
FIELDS = ("name", "phone", "email", "reason")
# Written out, as every call asks it.
_STORY: Final = text(f"""
    select call.outcome, call.channel, config.language, config.model, to_jsonb(lead) as lead,
           exists (
               select from recording
               where tenant_id = :tenant and call_id = :call and source = '{BY_TONE}'
           ) as recorded,
           (
               select json_agg(json_build_array(speaker, text) order by turn, id)
               from (
                   select id, turn, speaker, text from transcript
                   where tenant_id = :tenant and call_id = :call
                   order by turn, id limit {MOST_TURNS}
               ) as line
           ) as lines
    from call_session as call
    left join receptionist_config as config on config.tenant_id = call.tenant_id
    left join lead on lead.tenant_id = call.tenant_id and lead.call_id = call.id
    where call.tenant_id = :tenant and call.id = :call
""")


@dataclass(frozen=True, slots=True)
class Story:
    """What a summary is made of."""

    transcript: tuple[Turn, ...]
    lead_fields: dict[str, str]
    outcome: str
    language: str
    model: str
    counted: bool
    recorded: bool  # a message was spoken after the tone


class Guarded:
    """The model, unless it failed several times just now: a queue of calls must not wait for it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def complete(self, model: str, body: dict[str, Any]) -> Any:
        guard = breaker.of(f"summaries by {model}", FAILURES, REST)
        if not guard.asks():
            raise InterpreterError("left alone", away=True)
        try:
            reply = self._client.complete(model, body)
        except InterpreterError as error:
            if error.away:
                guard.failed()
            raise
        guard.passed()
        return reply


def summarise_call(work: Work) -> dict[str, Any]:
    """Saves the summary, in place of an earlier one, and adds the mail that carries it."""
    story = _story(work)
    if story is None:
        return {"skipped": "the call is gone"}
    heard = any(turn.speaker == Speaker.CALLER for turn in story.transcript)
    asks = heard and _has_model()
    reserved = _reserved(work, story) if asks and story.counted else 0
    if asks:
        db.session.commit()  # no connection is held while the model thinks
    with _client() if asks and reserved is not None else contextlib.nullcontext() as client:
        summary = _written(story, client)
    row = {"text": summary.text, "tier": str(summary.tier), "model": summary.model}
    db.session.execute(
        insert(CallSummary)
        .values(tenant_id=work.tenant_id, call_id=work.call_id, **row)
        .on_conflict_do_update(
            constraint="uq_call_summary__call_id", set_={**row, "updated_at": func.now()}
        )
    )
    outbox.add(
        JobKind.CALL_SUMMARY_MAIL, key=f"call_summary_mail:{work.call_id}", call_id=work.call_id
    )
    if story.counted:
        _book(summary, work.call_id, story.model)
        cost = _cost(story, summary.tokens_in, summary.tokens_out)
        spending.charge(cast(int, work.tenant_id), cost - (reserved or 0))
    return {"tier": str(summary.tier), "reason": "spent" if reserved is None else summary.reason}


def _written(story: Story, client: Client | None) -> Summary:
    return summarise(
        story.transcript,
        story.lead_fields,
        story.outcome,
        story.language,
        client,
        story.model,
        speech(story.language).tell,
        recorded=story.recorded,
    )


def _reserved(work: Work, story: Story) -> int | None:
    """What the model may cost; None: the tenant's money does not reach, and it is not asked."""
    read = (PROMPT + sum(len(turn.text) for turn in story.transcript)) // CHARACTERS
    offer = Offer(_cost(story, read, MOST_TOKENS), MODEL_SHARE)
    tenant_id = cast(int, work.tenant_id)
    fits = spending.reserve(tenant_id, limits.of_tenant(tenant_id), [offer]) is not None
    return offer.micros if fits else None


def _cost(story: Story, read: int, written: int) -> int:
    if not read and not written:  # no model was asked, and no price needs be read
        return 0
    return rates.current().tokens(read, written, datetime.now(UTC).date(), story.model)


def _story(work: Work) -> Story | None:
    told = {"tenant": work.tenant_id, "call": work.call_id}
    found = at_once.row(cast(int, work.tenant_id), _STORY, told)
    if found is None:
        return None
    return Story(
        transcript=tuple(Turn(Speaker(speaker), words) for speaker, words in found.lines or ()),
        lead_fields=_fields(found.lead) if found.lead else {},
        outcome=found.outcome or "",
        language=found.language or "en-US",
        model=found.model or current_app.extensions["settings"].openai_model,
        counted=found.channel != Channel.TEST,
        recorded=found.recorded,
    )


def _fields(lead: Mapping[str, Any]) -> dict[str, str]:
    own = {key: lead[key] for key in FIELDS if lead[key]}
    return own | {key: str(value) for key, value in lead["answers"].items()}


def _book(summary: Summary, call_id: int | None, model: str) -> None:
    """Not under the keys of the call's own tokens, which are booked when it ends."""
    for kind, quantity in (
        (SpendKind.TOKENS_IN, summary.tokens_in),
        (SpendKind.TOKENS_OUT, summary.tokens_out),
    ):
        key = f"{kind}:summary:{call_id}"
        ledger.book(kind, quantity, key=key, call_id=call_id, model=model)


def _has_model() -> bool:
    return bool(current_app.extensions["settings"].openai_api_key)


@contextlib.contextmanager
def _client() -> Iterator[Client]:
    from app.ai.openai import Clients  # a second and 58 MiB, which the scheduler can do without

    settings = current_app.extensions["settings"]
    clients = Clients(settings.openai_api_key, settings.openai_base_url, MODEL_SECONDS)
    with contextlib.closing(clients):
        yield Guarded(clients)
