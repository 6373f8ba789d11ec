"""Operations: what super admins see of the work after calls, and what they can do about it."""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import models
from app.extensions import db
from app.jobs import running
from app.models import JobKind, JobStatus
from app.overrides import OVERRIDES
from app.tenancy import across_tenants
from tests.factories import FAR_OFF, Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.web.speaking import Browser, Rest, log_in
from tests.web.test_statements import counted

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TABS = ("", "given-up", "mails", "webhooks", "numbers")


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def boss(rows: Rows, client: FlaskClient) -> Browser:
    return log_in(client, rows.super_admin().username)


def mail(rows: Rows, tenant: models.Tenant | None, **values: Any) -> models.Job:
    result = {
        "subject": "Call from Ada", "recipients": ["desk@example.com"], "text": "Hello",
        "html": "<p>Hello</p>", "answers": {"desk@example.com": "250 OK"},
    }  # fmt: skip
    usual = {"kind": JobKind.CALL_SUMMARY_MAIL, "status": "done", "finished_at": datetime.now(UTC)}
    return rows.job(tenant, **usual | values | {"result": result | values.pop("result", {})})


def delivery(rows: Rows, tenant: models.Tenant, **values: Any) -> models.Job:
    args = {"event": "call.ended", "event_id": "evt_1", "delivery": "dlv_1", "data": {"id": 7}}
    usual = {"kind": JobKind.WEBHOOK_OUT, "status": "done", "args": args}
    return rows.job(tenant, **usual | values)


def dead(rows: Rows, tenant: models.Tenant | None, **values: Any) -> models.Job:
    usual = {"status": "dead", "attempts": 12, "finished_at": datetime.now(UTC)}
    return rows.job(tenant, **usual | {"last_error": "it was refused"} | values)


def stored(app: Flask, job: models.Job) -> models.Job:
    with app.app_context(), across_tenants():
        found = db.session.get_one(models.Job, job.id)
        db.session.expunge_all()
        return found


def test_it_is_for_super_admins_and_takes_no_more_statements_with_more_rows(
    app: Flask, rows: Rows, client: FlaskClient
) -> None:
    tenant = rows.tenant()
    admin = log_in(app.test_client(), rows.user(tenant).username)
    boss = log_in(client, rows.super_admin().username)
    for tab in TABS:
        assert admin.get(f"/operations/{tab}").status_code == 403
        assert app.test_client().get(f"/operations/{tab}").status_code == 302
    assert admin.post_form("/operations/again", page="/", kind="cleanup").status_code == 403
    for wrong in ("mails?page=x", "mails?page=401", "mails?state=lost", "given-up?kind=shopping"):
        assert boss.get(f"/operations/{wrong}").status_code == 400
    assert boss.get("/operations/mails?q=%00a").status_code == 200

    def grow(many: int) -> None:
        for _ in range(many):
            own = rows.tenant()
            hook = rows.webhook(own)
            left = {"later": ["desk@example.com"]}
            mail(rows, own, result=left)
            delivery(rows, own, webhook_id=hook.id)
            dead(rows, own, kind=JobKind.WEBHOOK_OUT, webhook_id=hook.id)
            rows.job(own, run_at=FAR_OFF)

    def counts() -> list[int]:
        found = []
        for tab in TABS[:-1]:
            with counted(app) as statements:
                page = boss.get(f"/operations/{tab}")
            assert page.status_code == 200
            found.append(len(statements))
        return found

    grow(3)
    counts()
    few = counts()
    grow(27)
    assert counts() == few
    assert max(few) < 20
    first, second = (boss.get(f"/operations/mails?page={n}").text for n in (0, 1))
    shown = [set(re.findall(r"/jobpage/show/(\d+)", page)) for page in (first, second)]
    assert [len(one) for one in shown] == [25, 5]
    assert not shown[0] & shown[1]


def test_the_overview_tells_what_waits_and_how_each_part_is(
    app: Flask, rows: Rows, boss: Browser
) -> None:
    tenant, now = rows.tenant(), datetime.now(UTC)
    due = rows.job(tenant, run_at=now - timedelta(minutes=12))
    again = rows.job(tenant, attempts=2, run_at=FAR_OFF)
    dead(rows, tenant, kind=JobKind.ALERT_MAIL)
    page = html.unescape(boss.get("/operations/").text)
    waits = page.partition('id="work"')[0]
    cells = dict(re.findall(r'class="first">([^<]+)</th>\s*(.*?)</tr>', waits, re.S))
    figures = {kind: re.findall(r'class="num[^>]*>(\d+)<', row) for kind, row in cells.items()}
    assert figures["Start of a recording"][:4] == ["1", "1", "0", "0"]
    assert figures["Alert by mail"][:4] == ["0", "0", "0", "1"]
    assert "Work is late." in page
    leads = re.findall(r'href="(/jobpage/list/[^"]+)"', cells["Start of a recording"])
    assert len(leads) == 2
    shown = [re.findall(r"/jobpage/show/(\d+)", boss.get(url).text) for url in leads]
    assert [set(ids) for ids in shown] == [{str(due.id)}, {str(again.id)}]
    parts = dict(re.findall(r"<li>\s*<b>([^<]+)</b>\s*<span class=\"badge[^>]*>([^<]+)<", page))
    assert parts == {
        "Database": "Working", "Redis": "Working", "Mail server": "Not set",
        "Sentence encoder": parts["Sentence encoder"], "Web processes": "None", "Workers": "None",
        "Scheduler": "None",
    }  # fmt: skip
    assert "Start one: python3 run.py worker" in page
    with app.app_context(), across_tenants():
        for kind, silent, alone in (
            ("web", 0, []), ("web", 1, ["mail"]), ("worker", 0, []), ("worker", 9, []),
            ("scheduler", 9, []),
        ):  # fmt: skip
            seen = now - timedelta(minutes=silent)
            beat = models.Heartbeat(
                name=f"{kind}:{silent}", kind=kind, host="here", seen_at=seen,
                told={"left_alone": alone},
            )  # fmt: skip
            db.session.add(beat)
        db.session.commit()
    boss.act_as(tenant.id)  # the parts are the installation's, whoever is acted for
    page = html.unescape(boss.get("/operations/").text)
    parts = dict(re.findall(r"<li>\s*<b>([^<]+)</b>\s*<span class=\"badge[^>]*>([^<]+)<", page))
    words = [parts[name] for name in ("Web processes", "Workers", "Scheduler")]
    assert words == ["2 working", "1 working", "Not heard of"]
    assert "Left alone for the moment, as it failed: mail" in page


def test_a_mail_is_shown_as_it_was_sent_and_nothing_in_it_can_act(
    app: Flask, rows: Rows, boss: Browser
) -> None:
    tenant = rows.tenant()
    job = mail(
        rows, tenant,
        result={
            "subject": HOSTILE, "text": HOSTILE, "html": f"<p>{HOSTILE}</p>",
            "recipients": ["a@example.com", "b@example.com", "c@example.com", "d@example.com"],
            "answers": {"a@example.com": f"250 {HOSTILE}", "b@example.com": "550 no such user",
                        "c@example.com": "450 greylisted", "d@example.com": "450 greylisted"},
            "refused": {"b@example.com": 550}, "later": ["c@example.com", "d@example.com"],
        }, key="mail:1",
    )  # fmt: skip
    rest = mail(
        rows, tenant, key="mail:1+1", args={"only": ["c@example.com"], "remainder": 1},
        result={"recipients": ["c@example.com", "d@example.com"], "later": ["d@example.com"],
                "answers": {"c@example.com": "250 at last", "d@example.com": "450 still"}},
    )  # fmt: skip
    shown = f"/jobpage/show/{job.id}"
    own = log_in(app.test_client(), rows.user(tenant).username)
    for browser in (boss, own):
        page = browser.get(shown)
        assert HOSTILE not in page.text
        assert html.escape(HOSTILE, quote=False) in page.text
        found = re.findall(r'address">([^<]+)<.*?badge \w+">([^<]+)<', page.text, re.S)
        assert found == [
            ("a@example.com", "Sent"), ("b@example.com", "Given up"), ("c@example.com", "Sent"),
            ("d@example.com", "Given up"),  # nobody carries on with it
        ]  # fmt: skip
        for answer in ("550 no such user", "250 at last", "450 still"):
            assert answer in page.text
        assert f'<iframe class="letter" sandbox src="/jobpage/html/{job.id}"' in page.text
        assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert "frame-src" not in own.get(f"/jobpage/show/{dead(rows, tenant).id}").headers[
        "Content-Security-Policy"
    ]  # fmt: skip
    framed = own.get(f"/jobpage/html/{job.id}")
    assert framed.text == f"<p>{HOSTILE}</p>"
    policy = framed.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert (framed.headers["X-Frame-Options"], framed.status_code) == ("SAMEORIGIN", 200)
    stranger = log_in(app.test_client(), rows.user(rows.tenant()).username)
    agent = log_in(app.test_client(), rows.user(tenant, "Agent").username)
    assert stranger.get(f"/jobpage/html/{job.id}").status_code == 404
    assert stranger.get(shown).status_code == 404
    assert agent.get(f"/jobpage/html/{job.id}").status_code == 403

    listed = boss.get("/operations/mails?q=B@example").text
    assert set(re.findall(r"/jobpage/show/(\d+)", listed)) == {str(job.id)}
    listed = boss.get("/operations/mails?state=done").text
    assert set(re.findall(r"/jobpage/show/(\d+)", listed)) == {str(job.id), str(rest.id)}
    assert HOSTILE not in listed
    assert "No mail is in this state" in boss.get("/operations/mails?state=dead").text


def test_a_link_that_sets_a_password_is_shown_nowhere(
    app: Flask, rows: Rows, boss: Browser
) -> None:
    tenant = rows.tenant()
    person = rows.user(tenant, password=None)
    job = rows.job(tenant, kind=JobKind.INVITATION_MAIL, args={"user_id": person.id})
    with app.app_context():
        assert running.run_due() == 1
    (sent,) = (app.extensions["settings"].data_dir / "mail").glob("*.eml")
    assert b"/password/set/" in sent.read_bytes().replace(b"=\n", b"")
    page = boss.get(f"/jobpage/show/{job.id}").text
    assert "Nobody but its recipient may see it" in page
    assert "Kept as a file" in page
    for shown in (page, str(stored(app, job).result), boss.get("/operations/mails").text):
        assert "password/set" not in shown
    assert boss.get(f"/jobpage/html/{job.id}").status_code == 404


def test_what_was_given_up_is_tried_again_or_set_aside(
    app: Flask, rows: Rows, boss: Browser
) -> None:
    tenant, other = rows.tenant(name="Corner Shop"), rows.tenant()
    one, two = dead(rows, tenant, last_error=HOSTILE), dead(rows, other)
    gone = dead(rows, tenant, kind=JobKind.WEBHOOK_OUT)
    page = boss.get("/operations/given-up").text
    assert html.escape(HOSTILE, quote=False) in page
    assert "Corner Shop" in page
    narrowed = boss.get(f"/operations/given-up?kind={JobKind.WEBHOOK_OUT}").text
    assert set(re.findall(r"/jobpage/show/(\d+)", narrowed)) == {str(gone.id)}

    def do(name: str, job: models.Job, browser: Browser = boss) -> str:
        answer = browser.post_form(
            f"/jobpage/action/{name}/{job.id}", page=f"/jobpage/show/{one.id}", back="operations"
        )
        assert answer.status_code == 302, answer.status_code
        assert answer.location == "/operations/given-up"
        return html.unescape(boss.get("/operations/given-up").text)

    assert "It is being tried again." in do("replay", one)
    assert "deleted or switched off" in do("replay", gone)
    assert "Set aside. It no longer counts" in do("set_aside", gone)
    states = [stored(app, job).status for job in (one, two, gone)]
    assert states == ["waiting", "dead", "set_aside"]
    own = log_in(app.test_client(), rows.user(tenant).username)
    viewer = log_in(app.test_client(), rows.user(tenant, "Viewer").username)
    assert own.post_form(f"/jobpage/action/replay/{two.id}", page="/").status_code == 404
    assert viewer.post_form(f"/jobpage/action/replay/{gone.id}", page="/").status_code == 403

    more = [dead(rows, other) for _ in range(3)]
    boss.post_form("/operations/again", page="/operations/given-up", kind=two.kind)
    assert "4 jobs are being tried again" in boss.get("/operations/given-up").text
    assert {stored(app, job).status for job in (two, *more)} == {"waiting"}
    boss.post_form("/operations/again", page="/operations/", kind=two.kind)
    assert "Nothing was given up" in boss.get("/operations/given-up").text
    with app.app_context(), across_tenants():
        noted = select(models.AuditLog.action, models.AuditLog.tenant_id)
        found = set(db.session.execute(noted.where(models.AuditLog.entity == "Job")))
        assert {("replay", tenant.id), ("set aside", tenant.id), ("replay", None)} <= set(
            tuple(row) for row in found
        )

    rest = Rest(app.test_client()).sign_in(rows.user(tenant).username)
    job = dead(rows, tenant)
    assert rest.ask("POST", f"jobs/{job.id}/set-aside").status_code == 202
    assert "nothing to set aside" in rest.ask("POST", f"jobs/{job.id}/set-aside").text
    assert rest.ask("POST", f"jobs/{two.id}/set-aside").status_code == 404
    assert rest.ask("POST", f"jobs/{job.id}/replay").status_code == 202
    assert stored(app, job).status == JobStatus.WAITING


def test_a_webhook_is_sent_again_for_the_tenant_whose_it_is(
    app: Flask, rows: Rows, boss: Browser
) -> None:
    tenant = rows.tenant()
    hook = rows.webhook(tenant)
    told = {"status": 200, "answer": HOSTILE}
    job = delivery(rows, tenant, webhook_id=hook.id, result=told, call_id=rows.call(tenant).id)
    page = boss.get("/operations/webhooks").text
    assert "call.ended" in page
    assert hook.url in page
    shown = boss.get(f"/jobpage/show/{job.id}").text
    assert html.escape(HOSTILE, quote=False) in shown
    assert '"data": {\n  "id": 7' in html.unescape(shown)
    boss.post_form(f"/jobpage/action/replay/{job.id}", page=f"/jobpage/show/{job.id}")
    with app.app_context(), across_tenants():
        again = select(models.Job).where(models.Job.webhook_id == hook.id, models.Job.id != job.id)
        found = db.session.scalars(again).one()
        assert (found.tenant_id, found.call_id, found.args["replay"]) == (
            tenant.id, job.call_id, True,
        )  # fmt: skip
        assert found.args["delivery"] == "dlv_1"


def test_numbers_of_all_tenants_are_held_against_twilio(
    make_app: Callable[..., Flask], twilio: TwilioRest
) -> None:
    main, token = sid("AC"), "0123456789abcdef0123456789abcdef"
    twilio.accounts[main] = token
    app = make_app(
        twilio_api_url=twilio.url, twilio_account_sid=main, twilio_auth_token=token,
        public_base_url="http://127.0.0.1:8080",
    )  # fmt: skip
    rows = Rows(app)
    boss = log_in(app.test_client(), rows.super_admin().username)
    fine, wrong = rows.tenant(name="Fine"), rows.tenant(name="Wrong")
    lost = rows.tenant(name="Lost", account_sid=sid("AC"))
    rows.number(lost)
    rows.number(wrong)
    base = "http://127.0.0.1:8080/twilio"
    twilio.has_number(
        main, rows.number(fine).number, voice_url=f"{base}/voice{OVERRIDES}",
        voice_fallback_url=f"{base}/fallback{OVERRIDES}",
        status_callback=f"{base}/call-status{OVERRIDES}",
    )  # fmt: skip
    page = html.unescape(boss.get("/operations/numbers").text)
    states = re.findall(r'class="first">([^<]+)</th>.*?badge \w+">([^<]+)<', page, re.S)
    assert states == [
        ("Fine", "Calls arrive"), ("Lost", "Not known"), ("Wrong", "Calls may not arrive"),
    ]  # fmt: skip
    assert "It is not in this Twilio account" in page
    assert token not in page
    lists = [path for _method, path in twilio.asked if "IncomingPhoneNumbers" in path]
    assert len(lists) == 1  # though two businesses share the account
    answer = boss.post_form(f"/act-as/{wrong.id}", page="/operations/numbers", to="doctor")
    assert answer.location == "/twilio-account/"
    assert "Wrong at Twilio" in boss.get("/twilio-account/").text
    elsewhere = boss.post_form(f"/act-as/{fine.id}", page="/act-as/", to="https://evil.example")
    assert elsewhere.location == "/"
