"""Personal data by telephone number: as a screen and by REST, for a tenant's admins only."""

import io
import json
import logging
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app import mailbox, models
from app.extensions import db
from app.jobs import running
from app.tenancy import across_tenants
from tests.conftest import Services
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import SOUND, TwilioRest
from tests.stores import places_of
from tests.web.speaking import Rest, log_in

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = sid("AC")
PHONE, NAME = "+12125550142", "Xanthippe Quill"


@pytest.fixture
def app(make_app: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    twilio.accounts[ACCOUNT] = TOKEN
    return make_app(twilio_account_sid=ACCOUNT, twilio_auth_token=TOKEN, twilio_api_url=twilio.url)


@pytest.fixture
def rows(app: Flask) -> Rows:
    return Rows(app)


@pytest.fixture
def tenant(app: Flask, rows: Rows, twilio: TwilioRest) -> models.Tenant:
    """With a caller's data in every kind of store, and another caller who names the number."""
    tenant = rows.tenant()
    number = rows.number(tenant)
    call = rows.call(tenant, caller=PHONE, number_id=number.id, outcome=models.Outcome.LEAD)
    twilio.has_call(ACCOUNT, call.call_sid, "completed")
    for known in ("there", "gone"):
        recording = rows.recording(tenant, call_id=call.id, status="completed").recording_sid
        if known == "there":
            twilio.has_recording(ACCOUNT, call.call_sid, recording, status="completed")
    rows.transcript(tenant, call_id=call.id, text=f"I am {NAME}")
    rows.lead(tenant, call_id=call.id, name=NAME, phone=PHONE)
    job = rows.job(tenant, kind=models.JobKind.CALL_SUMMARY_MAIL, call_id=call.id,
                   status=models.JobStatus.DONE, result={"text": NAME})  # fmt: skip
    rows.inbound(tenant, call_sid=call.call_sid, event={"speech": NAME})
    other = rows.call(tenant, caller="+13035550177", outcome=models.Outcome.LEAD)
    rows.transcript(tenant, call_id=other.id, text="my neighbour is at 212 555 0142")
    with app.app_context():
        path = mailbox.path_of(tenant.id, job.id)
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"Subject: x\n\n{NAME}\n")
    return tenant


def rest_of(app: Flask, user: models.User) -> Rest:
    return Rest(app.test_client(use_cookies=False)).sign_in(user.username)


def opened(answer: Any) -> dict[str, bytes]:
    assert (answer.status_code, answer.mimetype) == (200, "application/zip"), answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as found:
        assert found.testzip() is None
        return {name: found.read(name) for name in found.namelist()}


def test_everything_of_a_person_is_handed_out_and_nobody_elses(
    app: Flask, rows: Rows, tenant: models.Tenant, twilio: TwilioRest
) -> None:
    rest = rest_of(app, rows.user(tenant))
    counts = rest.ask("POST", "privacy/find", json={"phone": "(212) 555-0142"}).get_json()["result"]
    assert (counts["call_session"], counts["lead"], counts["mails"]) == (1, 1, 1)
    files = opened(rest.ask("POST", "privacy/export", json={"phone": "212 555 0142"}))
    told = json.loads(files["manifest.json"])
    assert told["number"] == PHONE
    assert {name: count for name, count in told["rows"].items() if count} == {
        name: count for name, count in counts.items() if name != "mails"
    }
    lines = {name: [json.loads(line) for line in files[f"{name}.jsonl"].splitlines()]
             for name in told["rows"]}  # fmt: skip
    assert [line["text"] for line in lines["transcript"]] == [f"I am {NAME}"]
    assert lines["inbound_request"][0]["event"] == {"speech": NAME}
    assert (told["mails"], told["recordings"], len(told["recordings_missing"])) == (1, 1, 1)
    assert [data for name, data in files.items() if name.endswith(".mp3")] == [SOUND]
    assert [name for name in files if name.startswith("mails/job-")]
    assert list(told["named_elsewhere"]) == ["transcript"]
    assert "neighbour" not in b"".join(files.values()).decode("latin-1")
    [receipt] = rest.rows("privacy")
    assert (receipt["kind"], receipt["ends_in"]) == ("export", "42")
    assert rest.one("privacy", receipt["id"])["receipt"]["exported"] == counts


def test_erasing_by_rest_is_a_job_with_a_receipt(
    app: Flask,
    rows: Rows,
    tenant: models.Tenant,
    twilio: TwilioRest,
    services: Services,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rest = rest_of(app, rows.user(tenant))
    with caplog.at_level(logging.DEBUG):
        answer = rest.ask("POST", "privacy/erase", json={"phone": PHONE})
        assert answer.status_code == 202
        again = rest.ask("POST", "privacy/erase", json={"phone": "1 212 555 0142"})
        assert again.get_json() == answer.get_json()
        with app.app_context():
            running.run_due()
    job = rest.one("jobs", answer.get_json()["job"])
    receipt = rest.one("privacy", answer.get_json()["request"])
    assert (job["status"], receipt["receipt"]["erased"]["call_session"]) == ("done", 1)
    assert receipt["receipt"]["mentions"] == {"transcript": 1}
    assert places_of(services, PHONE, NAME) == []
    assert twilio.recordings == {}
    assert "5550142" not in caplog.text
    assert "sealed" not in json.dumps(receipt)


def test_the_screen_asks_before_it_erases_and_no_address_names_the_number(
    app: Flask, rows: Rows, tenant: models.Tenant
) -> None:
    page = log_in(app.test_client(), rows.user(tenant).username)
    assert "Nobody has asked yet" in page.get("/personal-data/").text
    shown = page.post_form("/personal-data/", phone="212 555 0142").text
    assert f"Kept of {PHONE}" in shown
    assert f'data-type="{PHONE}"' in shown
    for wrong in ("hello", "", "555"):
        assert "This is no telephone number" in page.post_form("/personal-data/", phone=wrong).text
    own = page.post_form("/personal-data/erase", page="/personal-data/", phone=first_number(app))
    assert "nobody&#39;s own" in own.text
    opened(page.post_form("/personal-data/export", page="/personal-data/", phone=PHONE))
    answer = page.post_form("/personal-data/erase", page="/personal-data/", phone=PHONE)
    assert (answer.status_code, answer.location) == (302, "/personal-data/")
    waiting = page.get("/personal-data/").text
    assert "Under way" in waiting
    assert PHONE not in waiting
    with app.app_context():
        running.run_due()
    done = page.get("/personal-data/").text
    assert "Calls: 1" in done
    assert "Taken out of what others said or wrote: Lines said: 1" in done


def test_one_that_was_given_up_says_why_and_is_taken_up_again(
    app: Flask, rows: Rows, tenant: models.Tenant, twilio: TwilioRest, services: Services
) -> None:
    page = log_in(app.test_client(), rows.user(tenant).username)
    twilio.accounts[ACCOUNT] = "another token"
    page.post_form("/personal-data/erase", page="/personal-data/", phone=PHONE)
    with app.app_context():
        running.run_due()
    shown = page.get("/personal-data/").text
    assert "Given up" in shown
    assert "Put that right, then erase it again" in shown
    twilio.accounts[ACCOUNT] = TOKEN
    page.post_form("/personal-data/erase", page="/personal-data/", phone=PHONE)
    with app.app_context():
        running.run_due()
    assert "Given up" not in page.get("/personal-data/").text
    assert places_of(services, PHONE, NAME) == []


def first_number(app: Flask) -> str:
    with app.app_context(), across_tenants():
        return str(db.session.query(models.TwilioNumber).first().number)


def test_it_is_for_a_tenants_admins_and_only_of_their_own_callers(
    app: Flask, rows: Rows, tenant: models.Tenant, services: Services
) -> None:
    rival = rows.tenant()
    theirs = rest_of(app, rows.user(rival))
    assert theirs.ask("POST", "privacy/find", json={"phone": PHONE}).get_json()["result"] == {}
    assert theirs.ask("POST", "privacy/erase", json={"phone": PHONE}).status_code == 202
    with app.app_context():
        running.run_due()
    assert len(places_of(services, NAME)) > 3
    assert rest_of(app, rows.user(tenant)).rows("privacy") == []
    agent = rows.user(tenant, "Agent")
    for path in ("find", "export", "erase"):
        answer = rest_of(app, agent).ask("POST", f"privacy/{path}", json={"phone": PHONE})
        assert answer.status_code == 403
    assert log_in(app.test_client(), agent.username).get("/personal-data/").status_code in (
        302,
        403,
    )
    boss = rest_of(app, rows.super_admin())
    assert boss.ask("POST", "privacy/find", json={"phone": PHONE}).status_code == 422
    named = boss.acting_for(tenant.id).ask("POST", "privacy/find", json={"phone": PHONE})
    assert named.get_json()["result"]["lead"] == 1
    admin = rest_of(app, rows.user(tenant))
    for body in ({}, {"phone": "x"}, {"phone": 5}, {"phone": PHONE, "more": 1}, []):
        assert admin.ask("POST", "privacy/erase", json=body).status_code == 422
