"""How a decided turn changes its call's row; the turn that only talks is kept by one statement."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from app.models import CallSession, CallState
from app.tenancy import apart
from app.voice import memory
from app.voice.before import Before
from app.voice.flow import State
from app.voice.flow import messages as m
from app.voice.inbox import Claim
from app.voice.transcribing import Line, Said
from app.voice.webhook import Kind

# As most turns do. Who moves the call locks it; where it has moved already, is over, or the claim
# is lost, nothing comes back.
_TALK: Final = text("""
    with moved as (
        update call_session
        set turn = turn + 1, state = :state, memory = cast(:memory as jsonb), answers = :answers,
            tokens_in = tokens_in + :tokens_in, tokens_out = tokens_out + :tokens_out,
            model = coalesce(:model, model), reserved = reserved + :reserved,
            settled = settled + :settled, line_paid = coalesce(:line_paid, line_paid),
            last_turn_at = clock_timestamp(), updated_at = now()
        where tenant_id = :tenant and call_sid = :sid and turn = :turn and outcome is null
        returning id
    ),
    said as (
        insert into transcript (tenant_id, call_id, turn, speaker, text, state, evidence)
        select :tenant, moved.id, :turn, line->>'speaker', line->>'text', line->>'state',
               line->'evidence'
        from moved, jsonb_array_elements(cast(:lines as jsonb)) with ordinality as l(line, at)
        order by at
    )
    update inbound_request set twiml = :answer from moved
    where tenant_id = :tenant and call_sid = :sid and kind = :kind and inbound_request.turn = :turn
      and lease_token = :token and twiml is null
    returning inbound_request.id
""")


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


def only_talks(claimed: Claim, decision: m.Decision) -> bool:
    """Whether nothing is to be kept but what was said."""
    talks = all(isinstance(effect, m.Say | m.Listen) for effect in decision.effects)
    ends = decision.state in (State.ENDED, State.TRANSFER_ATTEMPT)
    of_words = claimed.delivery.kind == Kind.GATHER and not claimed.event.get("unkept")
    return talks and of_words and not ends


def talk(claimed: Claim, step: Step, lines: list[Line], answer: str) -> bool:
    """Keep a turn that only talks, and commit; False: it is not ours any more."""
    delivery = claimed.delivery
    given = asdict(step) | {
        "memory": json.dumps(step.memory), "lines": json.dumps([asdict(one) for one in lines]),
        "tenant": delivery.tenant_id, "sid": delivery.call_sid, "kind": str(delivery.kind),
        "turn": delivery.turn, "token": claimed.token, "answer": answer,
    }  # fmt: skip
    with apart(delivery.tenant_id) as connection:
        done = connection.execute(_TALK, given).first() is not None
        if not done:
            connection.rollback()
    return done
