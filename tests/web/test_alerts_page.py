"""The page of alerts: super admins see how each stands, change what it is told at, mute it, and try
whether they are told."""

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.alerts import rules, watching
from app.alerts.watching import Watch
from app.extensions import db
from app.models import Alert, AuditLog, Heartbeat, JobStatus
from app.tenancy import across_tenants
from tests.factories import Rows
from tests.fakes.hook_server import HookServer
from tests.web.speaking import Browser, log_in

BOSS = "boss@example.com"


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def boss(app: Flask, rows: Rows) -> Browser:
    return log_in(app.test_client(), rows.super_admin(username=BOSS, email=BOSS).username)


def stored(app: Flask, name: str) -> Alert:
    with app.app_context(), across_tenants():
        found = db.session.scalars(select(Alert).where(Alert.name == name)).one()
        db.session.expunge_all()
        return found


def states(page: str) -> dict[str, str]:
    return dict(
        re.findall(r'href="/alerts/(\w+)">.*?class="badge \w+">([^<]+)<', html.unescape(page), re.S)
    )


def test_super_admins_see_change_and_mute_alerts(app: Flask, rows: Rows, boss: Browser) -> None:
    tenant, now = rows.tenant(), datetime.now(UTC)
    admin = log_in(app.test_client(), rows.user(tenant).username)
    for path in ("/alerts/", "/alerts/jobs"):
        assert admin.get(path).status_code == 403
    assert admin.post_form("/alerts/jobs/mute", page="/", hours="8").status_code == 403
    assert boss.get("/alerts/nonsense").status_code == 404
    page = boss.get("/alerts/").text
    assert set(states(page)) == {rule.name for rule in rules.RULES}
    assert set(states(page).values()) == {"Not looked at yet"}
    assert "Nobody looks." in page
    assert BOSS in page

    boss.post_form("/alerts/jobs", threshold="3", active="y")  # before there is a row
    assert stored(app, "jobs").threshold == 3
    for _ in range(3):
        rows.job(tenant, status=JobStatus.DEAD, finished_at=now)
    with app.app_context(), across_tenants():
        db.session.add_all(
            Heartbeat(name=kind, kind=kind, host="-", told={}) for kind in ("web", "worker")
        )
        db.session.commit()
        Watch().look(datetime.now(UTC))
    page = boss.get("/alerts/").text
    assert "Nobody looks." not in page
    assert next(iter(states(page).items())) == ("jobs", "Wrong")
    assert states(page)["scheduler"] == "May be wrong"
    assert states(page)["backup"] == "Does not apply"
    assert states(page)["outbox"] == "All is well"
    assert "Jobs are given up" in boss.get("/").text  # first of what needs a person
    boss.act_as(tenant.id)  # they are the installation's, whoever is acted for
    shown = html.unescape(boss.get("/alerts/jobs").text)
    assert "start_recording 3" in shown
    assert "What to do:" in shown

    boss.post_form("/alerts/jobs/mute", page="/alerts/jobs", hours="8")
    until = stored(app, "jobs").muted_until
    assert until is not None
    assert timedelta(hours=7.9) < until - now < timedelta(hours=8.1)
    assert states(boss.get("/alerts/").text)["jobs"] == "Wrong, muted"
    assert "Tell of it again" in boss.get("/alerts/jobs").text
    boss.post_form("/alerts/jobs/mute", page="/alerts/jobs")
    assert stored(app, "jobs").muted_until is None
    boss.post_form("/act-as/stop", page="/")
    later = (now + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    boss.post_form("/alerts/jobs/mute", page="/alerts/jobs", until=later)
    assert f"{stored(app, 'jobs').muted_until:%Y-%m-%dT%H:%M}" == later
    with app.app_context(), across_tenants():
        actions = db.session.scalars(select(AuditLog.entity).where(AuditLog.entity == "Alert"))
        assert len(list(actions)) == 4


def test_what_cannot_be_meant_is_said_at_its_field_and_changes_nothing(
    app: Flask, boss: Browser
) -> None:
    for name, wrong in (
        ("jobs", "0"), ("jobs", "-5"), ("jobs", "1000001"), ("jobs", "many"), ("mail", "101"),
        ("silence", "1441"), ("jobs", "nan"), ("jobs", "9" * 400),
    ):  # fmt: skip
        answer = boss.post_form(f"/alerts/{name}", threshold=wrong, active="y")
        assert answer.status_code == 200
        assert 'aria-invalid="true"' in answer.text, wrong
    past = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    far = (datetime.now(UTC) + timedelta(days=31)).strftime("%Y-%m-%dT%H:%M")
    for wrong in ("", "tomorrow", past, far, "9999-12-31T23:59", "\x00"):
        answer = boss.post_form("/alerts/jobs/mute", page="/alerts/jobs", until=wrong)
        assert 'aria-invalid="true"' in answer.text, wrong
    with app.app_context(), across_tenants():
        assert db.session.scalar(select(Alert.id)) is None
    boss.post_form("/alerts/jobs", threshold="", active="")
    found = stored(app, "jobs")
    assert (found.threshold, found.active) == (None, False)
    assert watching.threshold_of(found) == rules.BY_NAME["jobs"].threshold


def tried(browser: Browser) -> str:
    assert browser.post_form("/alerts/try", page="/alerts/").status_code == 302
    return html.unescape(browser.get("/alerts/").text)


def test_whether_one_is_told_can_be_tried(
    make_app: Callable[..., Flask], boss: Browser, rows: Rows
) -> None:
    assert "Mail sent" in tried(boss)
    with HookServer() as hook:
        app = make_app(alert_webhook_url=hook.url, webhook_allow_hosts=(hook.host,))
        both = log_in(app.test_client(), BOSS)
        listed = both.get("/alerts/").text
        assert "127.0.0.1" in listed
        assert hook.url not in listed  # its path may be a secret
        hook.status = 500
        assert "Webhook did not arrive: it answered 500" in tried(both)
        sent: dict[str, Any] = json.loads(hook.received[0].body)
    assert sent["text"].endswith("This is only a test")
    inside = make_app(alert_webhook_url="http://127.0.0.1:1/hook")  # nobody allowed it
    page = tried(log_in(inside.test_client(), BOSS))
    assert "Webhook did not arrive: not an https address" in page
