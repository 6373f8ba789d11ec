"""A tenant's account: what is reserved never passes a limit, however many reserve at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app import limits, models, spending
from app.extensions import db
from app.rates import CENT
from app.spending import Offer
from app.tenancy import across_tenants, acting_for
from tests.factories import Rows
from tests.jobs.conftest import Outbox

CALLS = 200
AT_ONCE = 24  # threads, each with a connection of its own
DAY = 500  # cents


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    made = rows.tenant(timezone="Pacific/Kiritimati")
    rows.limits(made, day_cents=DAY, month_cents=10 * DAY)
    return made


def reserve(app: Flask, tenant: models.Tenant, *offers: Offer) -> int | None:
    with app.app_context(), acting_for(tenant.id):
        found = spending.reserve(tenant.id, limits.of_tenant(tenant.id), offers)
        db.session.commit()
        return found


def spent(app: Flask) -> tuple[int, int]:
    with app.app_context(), across_tenants():
        [account] = spending.spent()
        db.session.rollback()
        return account.day, account.month


def charge(app: Flask, tenant: models.Tenant, micros: int, **since: Any) -> None:
    with app.app_context(), acting_for(tenant.id):
        spending.charge(tenant.id, micros, **since)
        db.session.commit()


def set_limits(app: Flask, tenant: models.Tenant, **values: int) -> None:
    with app.app_context(), acting_for(tenant.id):
        own = db.session.query(models.CallLimits).one()
        for name, value in values.items():
            setattr(own, name, value)
        db.session.commit()


def test_two_hundred_calls_that_race_for_a_limit_never_pass_it(
    make_light: Callable[..., Flask], tenant: models.Tenant
) -> None:
    """Each wants 7 cents, else 2: the last cents go to whom they suffice."""
    app = make_light(db_pool_size=AT_ONCE)
    offers = Offer(7 * CENT), Offer(2 * CENT)
    start = threading.Barrier(AT_ONCE)

    def call(number: int) -> int:
        if number < AT_ONCE:
            start.wait()
        taken = reserve(app, tenant, *offers)
        return 0 if taken is None else offers[taken].micros

    with ThreadPoolExecutor(AT_ONCE) as pool:
        granted = list(pool.map(call, range(CALLS)))
    assert sum(granted) == spent(app)[0] == spent(app)[1] <= DAY * CENT
    assert DAY * CENT - sum(granted) < 2 * CENT  # and none of it was withheld
    assert granted.count(0) > CALLS // 2


def test_the_stricter_of_day_and_month_holds(light_app: Flask, tenant: models.Tenant) -> None:
    assert reserve(light_app, tenant, Offer(DAY * CENT + 1)) is None
    set_limits(light_app, tenant, day_cents=50 * DAY)
    with light_app.app_context(), across_tenants():  # the operator allows a month no more
        db.session.get_one(models.Tenant, tenant.id).most_month_cents = 2 * DAY
        db.session.commit()
    assert reserve(light_app, tenant, Offer(3 * DAY * CENT), Offer(2 * DAY * CENT)) == 1
    assert reserve(light_app, tenant, Offer(1)) is None
    set_limits(light_app, tenant, day_cents=0)
    assert reserve(light_app, tenant, Offer(0)) is None


def test_a_share_is_kept_for_what_matters_more(light_app: Flask, tenant: models.Tenant) -> None:
    charge_to_90 = Offer(90 * DAY * CENT // 100, 90)
    assert reserve(light_app, tenant, charge_to_90) == 0
    assert reserve(light_app, tenant, Offer(CENT, 90)) is None
    assert reserve(light_app, tenant, Offer(CENT, 90), Offer(CENT)) == 1


def test_a_new_day_and_a_new_month_begin_with_nothing(
    light_app: Flask, tenant: models.Tenant, outbox_of: Outbox
) -> None:
    assert reserve(light_app, tenant, Offer(DAY * CENT)) == 0
    assert reserve(light_app, tenant, Offer(CENT)) is None
    outbox_of.execute("update spend_account set day = day - 1")
    assert spent(light_app) == (0, DAY * CENT)
    assert reserve(light_app, tenant, Offer(CENT)) == 0
    assert spent(light_app) == (CENT, (DAY + 1) * CENT)
    outbox_of.execute("update spend_account set day = day - 40, month = month - interval '1 month'")
    assert reserve(light_app, tenant, Offer(CENT)) == 0
    assert spent(light_app) == (CENT, CENT)
    # The account is ahead of a node whose clock is late: the day does not begin anew twice.
    outbox_of.execute("update spend_account set day = day + 1")
    assert reserve(light_app, tenant, Offer(CENT)) == 0
    assert spent(light_app)[0] == 2 * CENT


def test_what_was_reserved_yesterday_is_not_given_back_to_today(
    light_app: Flask, tenant: models.Tenant
) -> None:
    charge(light_app, tenant, 100 * CENT)
    charge(light_app, tenant, -30 * CENT, since=datetime.now(UTC))
    assert spent(light_app)[0] == 70 * CENT
    charge(light_app, tenant, -30 * CENT, since=datetime.now(UTC) - timedelta(days=1))
    assert spent(light_app)[0] == 70 * CENT
    charge(light_app, tenant, 5 * CENT, since=datetime.now(UTC) - timedelta(days=40))
    assert spent(light_app) == (75 * CENT, spent(light_app)[1])
    charge(light_app, tenant, -1000 * CENT)
    assert spent(light_app) == (0, 0)


def test_owners_are_told_once_at_80_percent_and_once_when_it_is_reached(
    light_app: Flask, tenant: models.Tenant, outbox_of: Outbox
) -> None:
    def told() -> list[tuple[str, int]]:
        return [(j.args["limit"], j.args["percent"]) for j in outbox_of.jobs("limit_mail")]

    reserve(light_app, tenant, Offer(79 * DAY * CENT // 100))
    assert told() == []
    for _ in range(3):
        reserve(light_app, tenant, Offer(2 * DAY * CENT // 100))
    assert told() == [("day_cents", 80)]
    for _ in range(3):
        assert reserve(light_app, tenant, Offer(DAY * CENT)) is None
    assert told() == [("day_cents", 80), ("day_cents", 100)]
