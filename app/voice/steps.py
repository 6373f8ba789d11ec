"""How a decided turn changes its call's row; one that only talks, as most do, is kept by one
statement."""

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from app import at_once, calls
from app.models import CallSession, CallState
from app.voice import memory
from app.voice.before import Before
from app.voice.flow import State
from app.voice.flow import messages as m
from app.voice.inbox import Claim
from app.voice.transcribing import Line, Said
from app.voice.webhook import Kind

# Where the claim is lost, or the call is not as it was, nothing is written and nothing comes back.
_KEEP: Final = """
    with mine as (
        select id from inbound_request
        where tenant_id = :tenant and call_sid = :sid and kind = :kind and turn = :turn
          and lease_token = :token and twiml is null
        for update
    ),
    moved as ({}),
    said as (
        insert into transcript (tenant_id, call_id, turn, speaker, text, state, evidence)
        select :tenant, moved.id, :turn, line->>'speaker', line->>'text', line->>'state',
               line->'evidence'
        from moved, jsonb_array_elements(cast(:lines as jsonb)) with ordinality as l(line, at)
        order by at
    )
    update inbound_request as delivery set twiml = :answer
    from mine, moved where delivery.id = mine.id
    returning delivery.id
"""
_TALK: Final = text(
    _KEEP.format("""
        update call_session as call
        set turn = call.turn + 1, state = :state, memory = cast(:memory as jsonb),
            answers = :answers, tokens_in = call.tokens_in + :tokens_in,
            tokens_out = call.tokens_out + :tokens_out, model = coalesce(:model, call.model),
            reserved = call.reserved + :reserved, settled = call.settled + :settled,
            line_paid = coalesce(:line_paid, call.line_paid),
            last_turn_at = clock_timestamp(), updated_at = now()
        from mine
        where call.tenant_id = :tenant and call.call_sid = :sid and call.turn = :turn
          and call.outcome is null
        returning call.id
    """)
)
_BEGIN: Final = text(
    _KEEP.format(f"""
        insert into call_session
            (tenant_id, call_sid, channel, number_id, caller, called, started_at, last_turn_at,
             turn, state, memory, limited, reserved, settled, line_paid)
        select :tenant, :sid, {calls.CHANNEL}, number.id, :caller, :called, :began, :began,
               1, :state, cast(:memory as jsonb), :limited, :reserved, :settled,
               coalesce(:line_paid, 0)
        from mine
        left join twilio_number as number on number.tenant_id = :tenant and number.number = :called
        on conflict (call_sid) do nothing
        returning id
    """)
)


@dataclass(frozen=True, slots=True)
class Step:
    """`tokens_in` to `settled` are added to the row's. `model`: whose tokens these are; `line_paid`
    None: as it is (of test calls nothing is paid)."""

    state: str
    memory: dict[str, Any]
    answers: int
    tokens_in: int
    tokens_out: int
    model: str | None
    reserved: int
    settled: int
    line_paid: int | None


def step(before: Before, decision: m.Decision, said: Said, model: str, cost: int) -> Step:
    """`cost`: of the turn's tokens, in millionths of the currency. A transfer counts as if it
    lasted as long as it may, until its end is known."""
    used, means, free = said.understood, before.means, before.here.test
    return Step(
        state=decision.state,
        memory=memory.to_json(decision.memory),
        answers=decision.memory.answers,
        tokens_in=used.tokens_in if used else 0,
        tokens_out=used.tokens_out if used else 0,
        model=model if used and used.tokens_in else None,
        reserved=0 if free else means.granted,
        settled=0 if free else cost + means.talk,
        line_paid=None if free else means.line_paid,
    )


def onto(call: CallSession, step: Step, now: datetime) -> None:
    call.turn += 1
    call.state, call.memory, call.answers = CallState(step.state), step.memory, step.answers
    call.tokens_in += step.tokens_in
    call.tokens_out += step.tokens_out
    call.model = step.model or call.model
    call.reserved += step.reserved
    call.settled += step.settled
    call.line_paid = call.line_paid if step.line_paid is None else step.line_paid
    call.last_turn_at = now


def only_talks(claimed: Claim, before: Before, decision: m.Decision) -> bool:
    """Whether nothing is to be kept but what was said, and that a call began."""
    talks = all(isinstance(effect, m.Say | m.Listen) for effect in decision.effects)
    ends = decision.state in (State.ENDED, State.TRANSFER_ATTEMPT)
    of_words = claimed.delivery.kind == Kind.GATHER and not claimed.event.get("unkept")
    return talks and not ends and (of_words or begins(claimed, before))


def begins(claimed: Claim, before: Before) -> bool:
    """A test call has its row before anybody dials."""
    return claimed.delivery.kind == Kind.VOICE and not before.known


def talk(claimed: Claim, before: Before, step: Step, lines: list[Line], answer: str) -> bool:
    """Keep a turn that only talks, by one statement, and commit; False: it is not ours any more, or
    the call that begins has a row by now."""
    delivery, told = claimed.delivery, claimed.event
    given = _plain(step) | {
        "memory": json.dumps(step.memory), "lines": json.dumps([_plain(one) for one in lines]),
        "tenant": delivery.tenant_id, "sid": delivery.call_sid, "kind": str(delivery.kind),
        "turn": delivery.turn, "token": claimed.token, "answer": answer,
        "caller": told["caller"], "called": told["called"], "began": before.now,
        "limited": before.limited,
    }  # fmt: skip
    statement = _BEGIN if begins(claimed, before) else _TALK
    return at_once.row(delivery.tenant_id, statement, given) is not None


def _plain(one: Step | Line) -> dict[str, Any]:
    """As dataclasses.asdict, which copies all that they hold."""
    return {field.name: getattr(one, field.name) for field in fields(one)}
