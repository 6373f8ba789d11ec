"""How most calls end, by two statements: as calls.finish_call would have ended them."""

from typing import Any

import pytest
from flask import Flask

from app import hanging_up, leases, models
from app.metrics import counting
from tests.web.conftest import Business, Caller

OWN = {"id", "call_id", "call_sid", "key", "created_at", "updated_at", "run_at", "started_at",
       "ended_at", "last_turn_at", "holder", "until", "began", "caller", "args"}  # fmt: skip
KEPT = (models.CallSession, models.Job, models.SpendLedger, models.Lease)


def rows(caller: Caller) -> dict[str, list[dict[str, Any]]]:
    """All that its end writes, but for what is each call's own."""
    call = caller.row()
    assert call
    found = {}
    for model in KEPT:
        name = {models.CallSession: "id", models.Lease: "holder"}.get(model, "call_id")
        value = caller.call_sid if model is models.Lease else call.id
        found[model.__name__] = [
            {column: getattr(row, column) for column in set(row.__table__.columns.keys()) - OWN}
            for row in caller.all(model, **{name: value})
        ]
    return found


def counted() -> dict[Any, Any]:
    return {key: many for key, many in counting.taken().items() if "calls_total" in str(key)}


@pytest.mark.parametrize("asks", [True, False])
def test_it_leaves_the_same_rows(
    app: Flask, business: Business, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    found, figures = [], []
    for plainly in (True, False):
        caller = Caller(app, business)
        caller.dial()
        if asks:
            caller.say(1, "is there parking")
        counting.taken()
        if plainly:
            with app.app_context():
                assert hanging_up.end(business.tenant.id, caller.call_sid, 42)
        else:
            monkeypatch.setattr(hanging_up, "end", lambda *_: False)
            assert caller.hang_up(seconds=42).status_code == 204
        found.append(rows(caller))
        figures.append(counted())
        assert caller.hang_up(seconds=42).status_code == 204  # told again: nothing more
        assert rows(caller) == found[-1]
    assert found[0] == found[1]
    assert figures[0] == figures[1]
    assert [row["kind"] for row in found[0]["Job"]] == ["summarise_call"]


def test_a_lease_is_given_back_and_what_was_reserved_is_what_it_cost(
    app: Flask, business: Business
) -> None:
    caller = Caller(app, business)
    caller.dial()
    caller.hang_up(seconds=60)
    call, (lease,), (account,) = (
        caller.row(),
        caller.all(models.Lease, holder=caller.call_sid),
        caller.all(models.SpendAccount),
    )
    assert call
    assert call.reserved == account.day_spent == account.month_spent > 0
    assert (
        lease.until - lease.began < leases.MARGIN
    )  # taken for as long as a call may last, and that


def test_what_is_not_that_simple_is_left_to_whoever_knows_every_case(
    app: Flask, business: Business
) -> None:
    caller = Caller(app, business)
    tenant_id = business.tenant.id
    with app.app_context():
        assert not hanging_up.end(tenant_id, caller.call_sid, 5)  # nobody knows this call
        caller.dial()
        caller.say(1, "I would like to leave a message")
        caller.say(2, "my name is Ada Ashdown")
        assert not hanging_up.end(tenant_id, caller.call_sid, 5)
        caller.hang_up()
        assert not hanging_up.end(tenant_id, caller.call_sid, 5)  # it is over
    (lead,) = caller.all(models.Lead)
    assert lead.name == "Ada Ashdown"
