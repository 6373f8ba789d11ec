"""How most calls end: the caller hangs up, and nothing is begun, unsettled or to be told anybody.

By two statements, as each call pays for them: one sees how the call stands, one ends it if it still
stands so. All others are ended by calls.finish_call, which knows every case.
"""

import json
from typing import Final

from sqlalchemy import Row, text

from app import at_once, calls, leases, rates, settling, spending
from app.extensions import db
from app.jobs import ledger
from app.metrics import catalogue, committed
from app.models import CallSession, CallState, Channel, JobKind, Outcome, WebhookEvent
from app.tenancy import acting_for
from app.voice import memory
from app.voice.flow import State, decide
from app.voice.flow.messages import CallerHungUp, Context

_COLUMNS: Final = (
    "id", "tenant_id", "call_sid", "channel", "caller", "state", "turn", "answers", "memory",
    "started_at", "duration", "tokens_in", "tokens_out", "model", "reserved", "settled",
)  # fmt: skip
_STANDS: Final = text(f"""
    select {", ".join(f"call.{name}" for name in _COLUMNS)},
        {calls.FOUND.replace(":call", "call.id")},
        exists (
            select from webhook_endpoint
            where tenant_id = :tenant and active
              and events @> array['{WebhookEvent.CALL_ENDED}']::text[]
        ) as told
    from call_session as call join tenant on tenant.id = call.tenant_id
    where call.tenant_id = :tenant and call.call_sid = :sid and call.outcome is null
      and call.state <> '{CallState.TRANSFER_ATTEMPT}'
""")
# The account before the lease, as where a call begins: voice/callers.py.
_END: Final = text(f"""
    with ended as (
        update call_session
        set state = '{CallState.ENDED}', outcome = :outcome, memory = cast(:memory as jsonb),
            ended_at = :now, duration = :duration, reserved = :cost, updated_at = now()
        where tenant_id = :tenant and id = :call and outcome is null and turn = :turn
          and state = :state and reserved = :reserved and settled = :settled
        returning id
    ),
    charged as ({spending.CHARGE.format("and :micros <> 0 and exists (select from ended)")}),
    booked as ({ledger.BOOK.format("where exists (select from ended)")}),
    added as (
        insert into job (tenant_id, kind, key, call_id, args, run_at)
        select :tenant, '{JobKind.SUMMARISE_CALL}', '{JobKind.SUMMARISE_CALL}:' || id, id, '{{}}',
               clock_timestamp()
        from ended
        on conflict on constraint uq_job__key do nothing
    ),
    released as (
        {leases.RELEASE} and exists (select from ended) and (select count(*) from charged) >= 0
    )
    select ended.id,
           (select json_agg(json_build_array(kind, quantity)) from booked) as booked
    from ended
""")


def end(tenant_id: int, call_sid: str, duration: int | None) -> bool:
    """Commits. False: it is not that simple, and nothing is done. `duration` is in seconds, as the
    carrier told it."""
    found = at_once.row(tenant_id, _STANDS, {"tenant": tenant_id, "sid": call_sid})
    if found is None or found.recorded or found.bridged or found.has_lead or found.told:
        return False
    decision = decide(
        State(found.state), CallerHungUp(), Context(memory=memory.from_json(found.memory))
    )
    if decision.effects:
        return False
    call = _ended(found, duration)
    with acting_for(tenant_id):
        prices = rates.as_of(tenant_id, found.facts_version)
        db.session.rollback()
    change = settling.valued(call, prices)
    items = [] if call.channel == Channel.TEST else settling.used(call)
    given = {
        "tenant": tenant_id, "call": call.id, "sid": call_sid, "turn": call.turn,
        "state": found.state, "reserved": found.reserved, "settled": found.settled,
        "outcome": call.outcome, "memory": json.dumps(memory.to_json(decision.memory)),
        "now": found.now, "duration": call.duration, "cost": call.reserved,
        "micros": change, "since": call.started_at, "items": ledger.as_json(items),
    }  # fmt: skip
    done = at_once.row(tenant_id, _END, given)
    if done is None:
        return False
    calls.count(call)
    for kind, quantity in done.booked or ():
        committed.count(catalogue.USED, quantity, kind=kind)
    db.session.commit()  # nothing but what is counted then
    return True


def _ended(found: "Row[object]", duration: int | None) -> CallSession:
    """The call as it will be; of no session."""
    call = CallSession(**{name: getattr(found, name) for name in _COLUMNS})
    call.ended_at = found.now
    call.outcome = Outcome(calls.outcome_of(call, "caller", found, None))
    if duration is not None:
        call.duration = duration
    elif call.duration is None:
        call.duration = max(0, round((found.now - call.started_at).total_seconds()))
    return call
