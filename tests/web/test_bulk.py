"""What is done to many rows at once: by whom, to whose, and by the rules that hold for one."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app import models
from app.extensions import db
from app.tenancy import across_tenants
from app.views import ENTITIES
from tests.factories import Rows, sid
from tests.web.speaking import Browser, log_in

GONE = None
ONE_ROW = {"receptionists", "limits"}  # each business has one
# What holds of a row afterwards, by resource and action.
DONE: dict[str, dict[str, Callable[[Any], bool] | None]] = {
    "leads": {
        **{
            f"bulk_{status}": lambda row, status=status: row.status == status  # type: ignore[misc]
            for status in models.LeadStatus
        },
        "bulk_delete": GONE,
    },
    "knowledge": {
        "bulk_unpublish": lambda row: row.status == "draft",
        "bulk_publish": lambda row: row.status == "live",
        "bulk_delete": GONE,
    },
    "gaps": {
        "bulk_ignore": lambda row: row.status == "ignored",
        "bulk_reopen": lambda row: row.status == "open" and row.entry_id is None,
        "bulk_delete": GONE,
    },
    "calls": {
        "bulk_spam": lambda row: row.outcome == "blocked" and row.before_spam == "lead",
        "bulk_block": lambda row: row.outcome == "lead",
    },
    "recordings": {"bulk_delete": lambda row: row.status == "deleting"},
    "blocks": {"bulk_delete": GONE},
    "numbers": {"bulk_delete": GONE},
    "departments": {"bulk_delete": GONE},
    "hours": {"bulk_delete": GONE},
    "holidays": {"bulk_delete": GONE},
    "users": {
        "bulk_off": lambda row: not row.active,
        "bulk_on": lambda row: row.active,
        "bulk_delete": GONE,
    },
    "keys": {"bulk_revoke": lambda row: row.revoked_at is not None},
    "webhooks": {
        "bulk_off": lambda row: not row.active,
        "bulk_on": lambda row: row.active,
        "bulk_delete": GONE,
    },
    "prices": {"bulk_delete": GONE},
    "tenants": {
        "bulk_suspend": lambda row: row.status == "suspended",
        "bulk_activate": lambda row: row.status == "active",
    },
}
PLATFORM = ("prices", "tenants")  # for super admins
NOT_FOR_AGENTS = {
    "recordings", "numbers", "departments", "hours", "holidays", "users", "keys", "webhooks",
}  # fmt: skip


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


def tenant_of(rows: Rows) -> models.Tenant:
    """With a Twilio account to itself."""
    return rows.tenant(account_sid=sid("AC"))


def of(rows: Rows, resource: str, tenant: models.Tenant, nth: int) -> Any:
    """A row as it is before: far from what any action makes of it."""
    call = {"call_id": rows.call(tenant).id}
    make: dict[str, Callable[[], Any]] = {
        "leads": lambda: rows.lead(tenant, status="done"),
        "knowledge": lambda: rows.knowledge(tenant),
        "gaps": lambda: rows.gap(tenant, entry_id=rows.knowledge(tenant).id, status="answered"),
        "calls": lambda: rows.call(tenant, outcome="lead", caller=f"+121255501{nth:02d}"),
        "recordings": lambda: rows.recording(tenant, status="completed", **call),
        "hours": lambda: rows.hours(tenant, weekday=nth % 7),
        "holidays": lambda: rows.holiday(tenant),
        "prices": lambda: rows.price(model=f"m{nth}"),
        "webhooks": lambda: rows.webhook(tenant, events=["gap.found"]),
        "tenants": lambda: rows.tenant(status="trial"),
    }
    other = {
        "blocks": rows.block, "numbers": rows.number, "departments": rows.department,
        "users": rows.user, "keys": rows.api_key,
    }  # fmt: skip
    return make[resource]() if resource in make else other[resource](tenant)


def page_of(resource: str) -> str:
    (entity,) = (entity for entity in ENTITIES if entity.resource == resource)
    return f"/{entity.name.lower()}page"


def act(browser: Browser, resource: str, action: str, *found: Any) -> Any:
    return browser.post_form(
        f"{page_of(resource)}/action_post", page="/resetmypassword/form", action=action,
        rowid=[str(row.id) for row in found],
    )  # fmt: skip


def now(app: Flask, row: Any) -> Any:
    with app.app_context(), across_tenants():
        found = db.session.get(type(row), row.id)
        if found is not None:
            db.session.refresh(found)
            db.session.expunge(found)
        db.session.rollback()
        return found


def plain(row: Any) -> dict[str, Any]:
    columns = (c.key for c in type(row).__mapper__.column_attrs)
    return {key: getattr(row, key) for key in columns if key != "updated_at"}


def test_every_list_that_people_change_does_so_to_many_rows():
    for entity in ENTITIES:
        actions = {name for name in dir(entity.page) if name.startswith("bulk_")}
        assert actions == DONE.get(entity.resource, {}).keys(), entity.resource
        changeable = {"add", "edit", "delete"} & {*entity.may}
        assert actions or not changeable or entity.resource in ONE_ROW, entity.resource


def test_many_rows_are_changed_at_once_but_never_a_strangers(app: Flask, rows: Rows):
    """Each action of each list: two rows at once by whom may; with a stranger's among them none;
    none by whom may not."""
    mine, theirs = tenant_of(rows), tenant_of(rows)
    admin = log_in(app.test_client(), rows.user(mine).username)
    boss = log_in(app.test_client(), rows.super_admin().username)
    agent, viewer = (
        log_in(app.test_client(), rows.user(mine, role).username) for role in ("Agent", "Viewer")
    )
    for resource, actions in DONE.items():
        able = boss if resource in PLATFORM else admin
        unable = [viewer, *([agent] if resource in NOT_FOR_AGENTS else [])]
        unable += [admin, agent] if resource in PLATFORM else []
        for nth, (action, holds) in enumerate(actions.items()):
            said = f"{resource} {action}"
            first, second = (of(rows, resource, mine, 2 * nth + at) for at in (0, 1))
            before = plain(now(app, first))
            for browser in unable:
                assert act(browser, resource, action, first).status_code == 403, said
            if resource not in PLATFORM:
                stranger = of(rows, resource, theirs, nth)
                kept = plain(now(app, stranger))
                assert act(able, resource, action, first, stranger).status_code == 404, said
                assert plain(now(app, stranger)) == kept, said
            assert plain(now(app, first)) == before, said
            if resource != "departments":  # whose list shows their order: scripts delete many
                assert f'value="{action}"' in able.get(f"{page_of(resource)}/list/").text, said
            assert act(able, resource, action, first, second).status_code == 302, said
            for row in (first, second):
                after = now(app, row)
                assert (after is None) if holds is GONE else holds(after), said
    with app.app_context(), across_tenants():
        assert db.session.query(models.Block).filter_by(tenant_id=mine.id).count() == 2
        actors = {row.actor for row in db.session.query(models.AuditLog)}
    assert len(actors) == 2, "who did it is written down"


def test_what_is_refused_of_one_row_is_done_to_none(app: Flask, rows: Rows):
    tenant = rows.tenant()
    ada, bob = rows.user(tenant), rows.user(tenant, "Viewer")
    admin = log_in(app.test_client(), ada.username)
    for action in ("bulk_off", "bulk_delete"):
        act(admin, "users", action, bob, ada)
        assert "own account" in admin.get("/userpage/list/").text
        assert (now(app, ada).active, now(app, bob).active) == (True, True)
    number = rows.number(tenant)
    act(admin, "numbers", "bulk_delete", number)
    assert "Ask the operator" in admin.get("/twilionumberpage/list/").text
    assert now(app, number)
    ended, live = rows.call(tenant, outcome="lead"), rows.call(tenant)
    act(admin, "calls", "bulk_spam", ended, live)
    assert "still going on" in admin.get("/callsessionpage/list/").text
    assert now(app, ended).outcome == "lead"
    hidden = rows.call(tenant, caller="anonymous")
    act(admin, "calls", "bulk_block", ended, hidden)
    assert "withheld" in admin.get("/callsessionpage/list/").text
    boss = log_in(app.test_client(), rows.super_admin().username)
    boss.act_as(tenant.id)
    act(boss, "tenants", "bulk_suspend", tenant)
    assert now(app, tenant).status == "active", "an acting super admin is that tenant"
