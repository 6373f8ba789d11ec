"""Says in a few sentences what a call was about, once it has ended."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app import breaker, limits, rates, spending
from app.ai.interpreter import InterpreterError, Speaker, Turn
from app.ai.summary import Client, Summary, summarise
from app.carrier import BY_TONE
from app.extensions import db
from app.jobs import ledger, outbox
from app.jobs.outbox import Work
from app.models import (
    CallSession,
    CallSummary,
    Channel,
    JobKind,
    Lead,
    ReceptionistConfig,
    Recording,
    SpendKind,
    Transcript,
)
from app.spending import MODEL_SHARE, Offer
from app.voice.spoken import speech

MOST_TURNS = 200
MODEL_SECONDS = 30.0  # nobody is waiting on the telephone
FAILURES, REST = 3, 60.0
PROMPT, CHARACTERS = 6_000, 3  # of a request besides its transcript; of a token, at least
MOST_TOKENS = 400  # that it writes
FIELDS = ("name", "phone", "email", "reason")


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
    story = _story(work.call_id)
    if story is None:
        return {"skipped": "the call is gone"}
    heard = any(turn.speaker == Speaker.CALLER for turn in story.transcript)
    asks = heard and _has_model()
    reserved = _reserved(work, story) if asks and story.counted else 0
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


def _story(call_id: int | None) -> Story | None:
    call = db.session.scalar(select(CallSession).where(CallSession.id == call_id))
    if call is None:
        return None
    config = db.session.scalar(select(ReceptionistConfig))
    lead = db.session.scalar(select(Lead).where(Lead.call_id == call_id))
    lines = db.session.scalars(
        select(Transcript)
        .where(Transcript.call_id == call_id)
        .order_by(Transcript.turn, Transcript.id)
        .limit(MOST_TURNS)
    )
    return Story(
        transcript=tuple(Turn(Speaker(line.speaker), line.text) for line in lines),
        lead_fields=_fields(lead) if lead else {},
        outcome=call.outcome or "",
        language=config.language if config else "en-US",
        model=(config.model if config else "") or current_app.extensions["settings"].openai_model,
        counted=call.channel != Channel.TEST,
        recorded=_recorded(call_id),
    )


def _recorded(call_id: int | None) -> bool:
    spoken = select(Recording.id).where(Recording.call_id == call_id, Recording.source == BY_TONE)
    return db.session.scalar(spoken.limit(1)) is not None


def _fields(lead: Lead) -> dict[str, str]:
    own = {key: getattr(lead, key) for key in FIELDS if getattr(lead, key)}
    return own | {key: str(value) for key, value in lead.answers.items()}


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
