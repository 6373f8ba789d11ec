"""Alerts: what is measured with real rows and processes, told by a real mail server and a real
webhook, on change and every four hours, whatever is down. The clock is given."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from app import breaker, models
from app.alerts import measured, rules, watching
from app.alerts.rules import BY_NAME, Standing
from app.alerts.watching import Watch
from app.embedded.ports import free_port
from app.extensions import db
from app.jobs import heartbeat
from app.metrics import catalogue, counting, keeping
from app.models import BACKUP, Alert, Channel, Job, JobStatus, Milestone
from app.tenancy import across_tenants
from tests.factories import Rows
from tests.fakes.hook_server import HookServer
from tests.fakes.mail_sink import MailSink
from tests.pausing import paused

NOW = datetime.now(UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WATCHED = ("web", "worker", "scheduler")


@pytest.fixture(scope="module")
def _hook() -> Iterator[HookServer]:
    with HookServer() as server:
        yield server


@pytest.fixture
def hook(_hook: HookServer) -> HookServer:
    _hook.reset()
    return _hook


class Clock:
    """A scheduler whose minutes pass as the test says, and whose processes all live."""

    def __init__(self, app: Flask) -> None:
        self.app, self.watch, self.now = app, Watch(), NOW

    def look(self, after: timedelta = MINUTE, times: int = 1) -> None:
        for _ in range(times):
            self.now += after
            with self.app.app_context():
                keeping.keep()
                with across_tenants():
                    for beat in db.session.scalars(select(models.Heartbeat)):
                        beat.seen_at = self.now
                    db.session.commit()
                self.watch.look(self.now)

    def rows(self) -> dict[str, Alert]:
        with self.app.app_context(), across_tenants():
            found = {row.name: row for row in db.session.scalars(select(Alert))}
            db.session.expunge_all()
            return found

    def firing(self) -> set[str]:
        return {name for name, row in self.rows().items() if row.firing}

    def change(self, name: str, **values: Any) -> None:
        with self.app.app_context(), across_tenants():
            row = db.session.scalars(select(Alert).where(Alert.name == name)).one()
            for column, value in values.items():
                setattr(row, column, value)
            db.session.commit()


@pytest.fixture
def clock(make_light: Callable[..., Flask], sink: MailSink, hook: HookServer) -> Clock:
    app = make_light(
        mail_server="127.0.0.1", mail_port=sink.port, mail_use_tls=False,
        alert_email="ops@example.com", alert_webhook_url=hook.url,
        webhook_allow_hosts=(hook.host,), public_base_url="https://reception.example.com",
    )  # fmt: skip
    made = Clock(app)
    with app.app_context():
        for kind in WATCHED:
            with across_tenants():
                db.session.add(models.Heartbeat(name=kind, kind=kind, host="here", told={}))
                db.session.commit()
    return made


def posted(hook: HookServer) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in hook.received]


def told(hook: HookServer) -> list[list[tuple[str, bool, bool]]]:
    """Of each post the alerts: name, firing, whether it is a reminder."""
    return [
        [(a["name"], a["firing"], a["reminder"]) for a in one["alerts"]] for one in posted(hook)
    ]


def give_up(rows: Rows, tenant: models.Tenant, many: int, at: datetime) -> list[Job]:
    return [rows.job(tenant, status=JobStatus.DEAD, finished_at=at) for _ in range(many)]


def test_an_alert_is_told_once_both_ways_again_after_four_hours_and_when_it_is_over(
    clock: Clock, rows: Rows, sink: MailSink, hook: HookServer
) -> None:
    tenant = rows.tenant()
    clock.look(times=3)
    assert (clock.firing(), sink.mails, hook.received) == (set(), [], [])
    give_up(rows, tenant, 7, clock.now)
    clock.look(times=10)
    assert clock.firing() == {"jobs"}
    assert told(hook) == [[("jobs", True, False)]]
    [mail] = sink.mails
    assert (mail["To"], mail["Subject"]) == ("ops@example.com", "Jobs are given up: 7")
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "https://reception.example.com/alerts/" in text
    assert "start_recording 7" in text
    [first] = posted(hook)
    assert first["text"].splitlines()[1:] == ["Jobs are given up: 7"]
    assert (first["alerts"][0]["value"], first["alerts"][0]["threshold"]) == (7, 5)

    clock.change("jobs", threshold=8)  # so it stays as the operator says, from the next look on
    clock.look(times=4)
    assert clock.firing() == {"jobs"}  # not over before five minutes without
    clock.change("jobs", threshold=None)
    give_up(rows, tenant, 7, clock.now + 4 * HOUR)
    clock.look(after=4 * HOUR + MINUTE)
    assert told(hook)[1:] == [[("jobs", True, True)]]
    assert sink.mails[-1]["Subject"] == "Still: Jobs are given up: 7"
    clock.look(after=20 * MINUTE)
    clock.look(times=6)
    assert clock.firing() == set()
    assert told(hook)[2:] == [[("jobs", False, False)]]
    assert [m["Subject"] for m in sink.mails[2:]] == ["Over: Jobs are given up"]
    clock.look(times=30)
    assert (len(hook.received), len(sink.mails)) == (3, 3)


def test_many_at_once_are_one_message_and_what_flutters_is_not_told_each_time(
    clock: Clock, rows: Rows, hook: HookServer, sink: MailSink
) -> None:
    tenant = rows.tenant()
    clock.look()
    give_up(rows, tenant, 9, clock.now)
    rows.job(tenant, run_at=clock.now - HOUR)
    counting.count(catalogue.REFUSED, 500, reason="signature")
    counting.count(catalogue.SCOPE_VIOLATIONS, wall="session")
    clock.look()
    clock.look(times=3)
    names = [{name for name, _firing, _again in one} for one in told(hook)]
    assert names == [{"jobs", "signatures", "scope"}, {"outbox"}]  # it must have waited a while
    assert len(sink.mails) == 2
    for _ in range(20):  # a minute with, a minute without
        counting.count(catalogue.DATABASE_ERRORS, 60, kind="away")
        clock.look(times=1)
        clock.look(times=1, after=6 * MINUTE)
    assert not [one for one in told(hook) if ("database", True, False) in one]


def test_each_is_measured_by_what_really_happened(clock: Clock, rows: Rows, sink: MailSink) -> None:
    tenant = rows.tenant(slug="corner-shop")
    rows.limits(tenant, day_cents=1000)
    rows.account(
        tenant, day=(NOW + timedelta(days=1)).date(), day_spent=9_500_000,
        month=NOW.date().replace(day=1), month_spent=9_500_000,
    )  # fmt: skip
    for week in range(1, 5):
        for minute in range(6):
            started = NOW - week * timedelta(weeks=1) - minute * MINUTE
            rows.call(tenant, channel=Channel.PHONE, started_at=started)
    rows.call(tenant, channel=Channel.TEST, started_at=NOW)  # a test is no sign of callers
    with clock.app.app_context(), across_tenants():
        db.session.add(Milestone(name=BACKUP, at=NOW - 30 * HOUR))
        db.session.commit()
    clock.look()
    for _ in range(40):
        counting.observe(catalogue.TURN_DURATION, 0.2, tier="model")
    for _ in range(10):
        counting.observe(catalogue.TURN_DURATION, 5.0, tier="offline")
        counting.count(catalogue.FALLBACKS, tier="offline", reason="deadline")
    counting.count(catalogue.MAILS, 6, result="sent")
    counting.count(catalogue.MAILS, 4, result="again")
    counting.count(catalogue.DATABASE_ERRORS, 12, kind="timeout")
    counting.count(catalogue.DATABASE_ERRORS, 99, kind="locked")  # no trouble of connections
    clock.look(times=4)
    shown = {name: (row.firing, row.value) for name, row in clock.rows().items()}
    assert shown["slow"] == (True, 20)
    assert shown["fallback"] == (True, 20)
    assert shown["mail"] == (True, 40)
    assert shown["database"] == (True, 12)
    assert shown["spend"] == (True, 95)
    assert shown["silence"] == (True, measured.LONGEST_SILENCE / MINUTE)
    assert shown["backup"][0]
    assert 30 <= shown["backup"][1] < 31
    assert clock.rows()["spend"].detail == "corner-shop, of its day"
    assert {name for name, (firing, _v) in shown.items() if not firing} == {
        "jobs", "outbox", "scope", "signatures", *WATCHED
    }  # fmt: skip
    rows.call(tenant, channel=Channel.PHONE, started_at=clock.now)
    clock.look(after=10 * MINUTE, times=4)
    assert clock.firing() & {"silence", "slow", "fallback", "database", "mail"} == set()


def test_few_turns_few_mails_and_quiet_hours_say_nothing(clock: Clock, rows: Rows) -> None:
    tenant = rows.tenant()
    for week in range(1, 5):
        rows.call(tenant, started_at=NOW - week * timedelta(weeks=1))
    for _ in range(10):
        counting.observe(catalogue.TURN_DURATION, 9.0, tier="offline")
        counting.count(catalogue.FALLBACKS, tier="message", reason="failed")
    counting.count(catalogue.MAILS, 2, result="given_up")
    clock.look(times=5)
    assert clock.firing() == set()
    assert clock.rows()["backup"].value is None  # none was ever made


def test_who_is_missing_is_told_also_when_it_said_goodbye(clock: Clock, hook: HookServer) -> None:
    clock.look()
    with clock.app.app_context(), across_tenants():
        db.session.execute(
            models.Heartbeat.__table__.delete().where(models.Heartbeat.kind == "worker")
        )
        db.session.commit()
    clock.look(times=4)
    assert clock.firing() == {"worker"}
    [[one]] = [one["alerts"] for one in posted(hook)]
    assert (one["detail"], one["threshold"], one["unit"]) == ("none is running", 3, "minutes")


def test_muted_is_not_told_until_its_time_is_over_and_switched_off_never(
    clock: Clock, rows: Rows, hook: HookServer
) -> None:
    tenant = rows.tenant()
    clock.look()
    clock.change("jobs", muted_until=clock.now + 2 * HOUR)
    clock.change("backup", active=False)
    with clock.app.app_context(), across_tenants():
        db.session.add(Milestone(name=BACKUP, at=NOW - 300 * HOUR))
        db.session.commit()
    give_up(rows, tenant, 9, clock.now)
    clock.look(times=5)
    assert clock.firing() == {"jobs"}
    assert hook.received == []
    give_up(rows, tenant, 9, clock.now + 2 * HOUR)
    clock.look(after=2 * HOUR)
    assert told(hook) == [[("jobs", True, False)]]


def test_what_one_way_cannot_tell_the_other_does_and_it_is_tried_again(
    clock: Clock, rows: Rows, sink: MailSink, hook: HookServer, make_light: Callable[..., Flask]
) -> None:
    """A mail server that is away, of which the webhook tells; then a webhook that is."""
    tenant = rows.tenant()
    settings = clock.app.extensions["settings"]
    clock.app = make_light(
        mail_server="127.0.0.1", mail_port=free_port(0), mail_use_tls=False,
        alert_email=settings.alert_email, alert_webhook_url=settings.alert_webhook_url,
        webhook_allow_hosts=settings.webhook_allow_hosts,
    )  # fmt: skip
    clock.look()
    counting.count(catalogue.MAILS, 5, result="again")
    clock.look(times=5)
    assert told(hook) == [[("mail", True, False)]]
    row = clock.rows()["mail"]
    assert (row.mailed_at, row.mailed_firing, row.posted_firing) == (None, False, True)
    assert row.telling_until is None
    clock.app = make_light(
        mail_server="127.0.0.1", mail_port=sink.port, mail_use_tls=False,
        alert_email=settings.alert_email, alert_webhook_url=settings.alert_webhook_url,
        webhook_allow_hosts=settings.webhook_allow_hosts,
    )  # fmt: skip
    breaker.forget()
    hook.status = 503
    give_up(rows, tenant, 9, clock.now)
    clock.look(times=3)
    assert [m["Subject"] for m in sink.mails] == ["Jobs are given up: 9, and 1 more"]
    assert len(hook.received) > 2
    hook.status, before = 200, len(hook.received)
    clock.look(times=3)
    assert told(hook)[before:] == [[("jobs", True, False)]]


def test_its_state_survives_a_restart_and_a_process_that_dies_while_it_tells_loses_nothing(
    clock: Clock, rows: Rows, hook: HookServer
) -> None:
    tenant = rows.tenant()
    clock.look()
    give_up(rows, tenant, 9, clock.now)
    counting.count(catalogue.REFUSED, 300, reason="signature")
    clock.look()
    assert {name for one in told(hook) for name, _f, _r in one} == {"jobs", "signatures"}
    clock.watch = Watch()  # another scheduler
    clock.look(times=3)
    assert len(hook.received) == 1
    clock.change("jobs", posted_firing=False, posted_at=None, telling_until=clock.now + 3 * MINUTE)
    clock.look(times=2)
    assert len(hook.received) == 1  # somebody else is telling it
    clock.look(times=2)
    assert told(hook)[1:] == [[("jobs", True, False)]]


def test_while_the_database_is_away_the_scheduler_tells_and_says_when_it_is_back(
    clock: Clock, hook: HookServer, sink: MailSink, services: Any
) -> None:
    clock.look()
    with clock.app.app_context():
        db.engine.dispose()  # a connection would be waited for as long as a statement may take
    with paused(services.postgres), clock.app.app_context():
        for _ in range(6):
            clock.now += MINUTE
            clock.watch.look(clock.now)
    assert told(hook) == [[("database", True, False)]]
    assert [m["Subject"] for m in sink.mails] == ["Trouble with the database"]
    breaker.forget()  # two seconds later
    clock.look()
    assert clock.firing() == {"database"}
    clock.look(times=12)
    assert told(hook)[1:] == [[("database", False, False)]]


def test_a_worker_looks_while_no_scheduler_does(clock: Clock, rows: Rows, hook: HookServer) -> None:
    give_up(rows, rows.tenant(), 9, datetime.now(UTC))
    with clock.app.app_context():
        watching.stand_in()  # the scheduler's last sign of life is fresh
    assert clock.rows() == {}
    with clock.app.app_context():
        with across_tenants():
            db.session.execute(
                update(models.Heartbeat)
                .where(models.Heartbeat.kind == "scheduler")
                .values(seen_at=datetime.now(UTC) - HOUR)
            )
            db.session.commit()
        watching.stand_in()
        watching.stand_in()
    assert clock.firing() == {"jobs"}
    assert told(hook) == [[("jobs", True, False)]]


def test_rules_turn_only_after_a_while() -> None:
    rule, start = BY_NAME["outbox"], Standing()
    turning = rules.weighed(rule, start, True, NOW)
    assert turning == Standing(False, None, NOW)
    assert rules.weighed(rule, turning, False, NOW + MINUTE) == start
    began = rules.weighed(rule, turning, True, NOW + rule.hold)
    assert began == Standing(True, NOW, None)
    assert rules.weighed(rule, began, False, NOW + HOUR).firing
    assert len({rule.name for rule in rules.RULES}) == len(rules.RULES)
    assert timedelta(minutes=BY_NAME["worker"].threshold) > heartbeat.LATE
    assert watching.TELLING > watching.EVERY
