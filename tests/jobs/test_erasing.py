"""A person is erased everywhere, at Twilio, too; everybody else's rows stay as they were."""

import hashlib
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from flask import Flask

from app import mailbox, models
from app.extensions import db
from app.jobs import erasing, outbox, running
from app.models import CallSession, JobKind, JobStatus, Outcome
from app.personal import requests, spelled
from app.tenancy import acting_for
from tests.conftest import Services
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.jobs.conftest import Outbox
from tests.stores import places_of

TOKEN = "0123456789abcdef0123456789abcdef"
ACCOUNT = sid("AC")
PHONE, NAME, MAIL = "+12125550142", "Xanthippe Quill", "xq@quill.example"
WORDS = "two one two five five five oh one four two"
OTHER = "+13035550177"


@pytest.fixture
def app(make_light: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    twilio.accounts[ACCOUNT] = TOKEN
    return make_light(
        twilio_account_sid=ACCOUNT, twilio_auth_token=TOKEN, twilio_api_url=twilio.url
    )


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    tenant = rows.tenant()
    rows.receptionist(tenant, lead_recipients=["boss@example.com"])
    rows.department(tenant, name="Sales")
    return tenant


def a_call(rows: Rows, twilio: TwilioRest, tenant: Any, caller: str, **lead: Any) -> CallSession:
    """A call with something of it in every store."""
    call = rows.call(
        tenant, caller=caller, outcome=Outcome.LEAD,
        memory={"draft": {"fields": [{"key": "name", "value": lead.get("name", "")}]}},
    )  # fmt: skip
    at = {"call_id": call.id}
    name, phone = lead.get("name", "somebody"), lead.get("phone", caller)
    twilio.has_call(ACCOUNT, call.call_sid, "completed")
    known = rows.recording(tenant, status="completed", **at).recording_sid
    twilio.has_recording(ACCOUNT, call.call_sid, known, status="completed")
    twilio.has_recording(ACCOUNT, call.call_sid, status="completed", source="RecordVerb")
    rows.transcript(tenant, text=f"I am {name}", evidence={"unsaid": [name]}, **at)
    rows.transcript(tenant, turn=1, text=f"my number is {phone}", **at)
    rows.summary(tenant, text=f"{name} called.", **at)
    rows.consent(tenant, **at)
    rows.transfer(tenant, **at)
    rows.spend(tenant, **at)
    rows.gap(tenant, question=f"does {name} get a discount", **at)
    rows.inbound(tenant, call_sid=call.call_sid, event={"speech": f"I am {name}"}, twiml="<R/>")
    made = rows.lead(tenant, **{"name": name, "phone": phone, "reason": "a quote"} | lead, **at)
    rows.job(
        tenant, kind=JobKind.WEBHOOK_OUT, args={"data": {"name": name}}, status=JobStatus.DONE, **at
    )
    rows.job(tenant, kind=JobKind.LEAD_NOTIFICATION, args={"lead_id": made.id}, **at)
    return call


def planted(rows: Rows, twilio: TwilioRest, tenant: models.Tenant) -> None:
    """The person rang, rang from another telephone, rang by SIP, and left a note here and there."""
    who = {"name": NAME, "email": MAIL}
    a_call(rows, twilio, tenant, PHONE, **who)
    a_call(rows, twilio, tenant, "+19175550111", phone=PHONE, **who)
    a_call(rows, twilio, tenant, f"sip:{PHONE}@pbx.example.com", **who)
    rows.lead(tenant, phone="(212) 555-0142", **who)
    rows.block(tenant, phone=PHONE)


def mail_files(app: Flask, outbox_of: Outbox, tenant: models.Tenant) -> None:
    """Sends what waits, into the folder; and one of a job that is long gone."""
    outbox_of.run(app)
    with app.app_context():
        folder = mailbox.folder()
        assert list(mailbox.of_tenant(tenant.id))
        old = mailbox.path_of(tenant.id, 999_999)
        text = f"From: a@b.example\nSubject: {NAME}\n\nRing (212) 555 0142, {NAME}.\n"
        (folder / old.name).write_text(text)


def asked(app: Flask, tenant: models.Tenant, phone: str = PHONE) -> int:
    with app.app_context(), acting_for(tenant.id):
        request, _ = requests.erase(spelled.number(phone), "user:boss")
        found = request.id
        db.session.commit()
        outbox.wake()
    return found


def receipt(outbox_of: Outbox, request_id: int) -> models.DataRequest:
    return next(r for r in outbox_of.all(models.DataRequest) if r.id == request_id)


def test_nothing_is_left_of_the_person_and_the_receipt_counts_it(
    app, rows, tenant, twilio, outbox_of, services: Services
):
    planted(rows, twilio, tenant)
    other = a_call(rows, twilio, tenant, OTHER, name="Bob Rest", email="bob@rest.example")
    rows.transcript(tenant, call_id=other.id, turn=2, text=f"or ring my boss at {WORDS} please")
    rows.lead(tenant, name="Cy", phone=OTHER, notes="see (212) 555-0142, her sister")
    mail_files(app, outbox_of, tenant)
    for one in (PHONE, NAME, MAIL, WORDS):
        assert places_of(services, one), one
    request_id = asked(app, tenant)
    outbox_of.run(app)
    assert places_of(services, PHONE, NAME, MAIL, WORDS) == []
    assert len(twilio.recordings) == 2
    done = receipt(outbox_of, request_id)
    assert (done.sealed_phone, done.ends_in, bool(done.finished_at)) == (None, "42", True)
    erased = done.receipt["erased"]
    assert (erased["call_session"], erased["lead"], erased["block"]) == (3, 4, 1)
    assert (erased["transcript"], erased["recordings_at_twilio"], erased["mails"]) == (6, 6, 4)
    assert done.receipt["mentions"] == {"lead": 1, "transcript": 1}
    assert done.receipt["sent_before"] == {"webhooks_sent": 3, "mails_sent": 3}
    assert "looked_until" not in done.receipt
    job = outbox_of.job("erase_person")
    assert (job.status, job.args) == (
        JobStatus.DONE, {"request_id": request_id, "actor": "user:boss"}
    )  # fmt: skip
    [line] = [t for t in outbox_of.all(models.Transcript) if "boss" in t.text]
    assert line.text == "or ring my boss at [erased] please"
    [lead] = [lead for lead in outbox_of.all(models.Lead) if lead.name == "Cy"]
    assert lead.notes == "see [erased], her sister"
    [entry] = outbox_of.all(models.AuditLog)
    assert (entry.action, entry.actor, set(entry.changes)) == ("erase", "user:boss", {"phone"})


def test_everybody_elses_rows_are_as_they_were(
    app, rows, tenant, twilio, outbox_of, services: Services
):
    planted(rows, twilio, tenant)
    a_call(rows, twilio, tenant, OTHER, name="Bob Rest", email="bob@rest.example")
    rival = rows.tenant()
    rows.receptionist(rival)
    planted(rows, twilio, rival)
    outbox_of.run(app)
    kept = checksums(services)
    theirs = set(twilio.recordings)
    asked(app, tenant)
    outbox_of.run(app)
    now = checksums(services)
    gone = {row for table in kept for row in kept[table] - now[table]}
    assert gone
    assert not [row for row in gone if f",{rival.id}," in row or "Bob Rest" in row or OTHER in row]
    assert set(twilio.recordings) < theirs
    assert len(twilio.recordings) == 8
    for table in ("spend_ledger", "receptionist_config", "department", "tenant"):
        assert now[table] >= {row for row in kept[table] if table != "spend_ledger"}
        assert len(now[table]) == len(kept[table])


def checksums(services: Services) -> dict[str, set[str]]:
    """Every row of every table."""
    connection = psycopg2.connect(services.admin_url())
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("select tablename from pg_tables where schemaname = 'public'")
            found = {}
            for (table,) in cursor.fetchall():
                cursor.execute(f"select t::text from {table} t")
                found[table] = {row for (row,) in cursor.fetchall()}
            return found
    finally:
        connection.close()


def test_while_twilio_is_away_it_is_tried_again_and_nothing_is_done_halfway(
    app, rows, tenant, twilio, outbox_of
):
    planted(rows, twilio, tenant)
    outbox_of.run(app)
    twilio.fault = 503
    request_id = asked(app, tenant)
    outbox_of.run(app)
    job = outbox_of.job("erase_person")
    assert (job.status, "503" in job.last_error) == (JobStatus.WAITING, True)
    assert len(outbox_of.all(CallSession)) == 3
    assert receipt(outbox_of, request_id).sealed_phone
    twilio.fault = None
    outbox_of.make_due()
    outbox_of.run(app)
    assert (len(outbox_of.all(CallSession)), twilio.recordings) == (0, {})
    assert receipt(outbox_of, request_id).receipt["erased"]["call_session"] == 3


def test_a_call_under_way_is_waited_for(app, rows, tenant, twilio, outbox_of):
    planted(rows, twilio, tenant)
    live = rows.call(tenant, caller=PHONE)
    outbox_of.run(app)
    request_id = asked(app, tenant)
    outbox_of.run(app)
    assert [call.id for call in outbox_of.all(CallSession)] == [live.id]
    job = outbox_of.job("erase_person")
    assert (job.status, "under way" in job.last_error) == (JobStatus.WAITING, True)
    outbox_of.execute("update call_session set outcome = 'abandoned'")
    outbox_of.make_due()
    outbox_of.run(app)
    assert outbox_of.all(CallSession) == []
    assert receipt(outbox_of, request_id).finished_at


def test_it_goes_on_where_it_was_stopped(app, rows, tenant, twilio, outbox_of, monkeypatch):
    """A worker that dies, or runs out of time, after any step."""
    planted(rows, twilio, tenant)
    for n in range(3):
        rows.transcript(tenant, call_id=rows.call(tenant, caller=OTHER, outcome=Outcome.LEAD).id,
                        text=f"{n}: {PHONE}")  # fmt: skip
    outbox_of.run(app)
    request_id = asked(app, tenant)
    monkeypatch.setattr(erasing, "MOST_SECONDS", -1.0)
    monkeypatch.setattr(erasing, "CALLS", 1)
    monkeypatch.setattr("app.personal.elsewhere.BATCH", 2)
    goes = 0
    with app.app_context():
        while (work := running.claim()) is not None:
            running.run(work)
            goes += 1
            assert goes < 100
    assert goes > 5
    done = receipt(outbox_of, request_id)
    assert done.receipt["erased"]["call_session"] == 3
    assert done.receipt["mentions"]["transcript"] == 3
    assert outbox_of.job("erase_person").attempts == 1


def test_a_telephone_of_the_business_itself_stays_set_up(app, rows, tenant, twilio, outbox_of):
    rows.department(tenant, name="Roof", numbers=[PHONE])
    call = a_call(rows, twilio, tenant, OTHER, name="Bob Rest")
    rows.transfer(tenant, call_id=call.id, turn=3, numbers=[PHONE], accepted_by=PHONE)
    a_call(rows, twilio, tenant, PHONE, name=NAME)
    outbox_of.run(app)
    request_id = asked(app, tenant)
    outbox_of.run(app)
    assert receipt(outbox_of, request_id).receipt["still_set_up"] == ["department"]
    assert PHONE in [d.numbers[0] for d in outbox_of.all(models.Department)]
    assert PHONE in [t.accepted_by for t in outbox_of.all(models.TransferAttempt)]
    assert [c.caller for c in outbox_of.all(CallSession)] == [OTHER]


def test_asked_twice_it_is_one_request(app, rows, tenant, twilio, outbox_of):
    planted(rows, twilio, tenant)
    assert asked(app, tenant) == asked(app, tenant, "+1 (212) 555-0142")
    outbox_of.run(app)
    first = receipt(outbox_of, asked(app, tenant))
    outbox_of.run(app)
    assert len(outbox_of.all(models.DataRequest)) == 2
    assert first.phone_hash == outbox_of.all(models.DataRequest)[0].phone_hash
    assert hashlib.sha256(PHONE.encode()).hexdigest()[:32] != first.phone_hash
