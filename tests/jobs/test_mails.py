"""The mails: to whom, in which words and language, and what a mail server can do to them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app import models
from app.calls import finish_call
from app.embedded.ports import free_port
from app.extensions import db
from app.jobs import letters, post
from app.models import CallSession, Channel, JobKind, JobStatus, Outcome, SpendLedger
from app.tenancy import acting_for
from app.voice.flow.messages import Known
from app.voice.spoken import TRANSLATIONS
from tests.factories import Rows
from tests.fakes.mail_sink import MailSink
from tests.jobs.conftest import Outbox

HOSTILE = "<script>alert(1)</script>\r\nBcc: evil@example.com\u202e & {who} =?utf-8?q?x?="


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def lead_job(rows: Rows, tenant: models.Tenant, **values: Any) -> models.Lead:
    call = rows.call(tenant, started_at=datetime(2026, 11, 22, 1, 30, tzinfo=UTC))
    lead = rows.lead(tenant, **{"call_id": call.id} | values)
    rows.job(tenant, kind=JobKind.LEAD_NOTIFICATION, call_id=call.id, args={"lead_id": lead.id})
    return lead


@pytest.fixture
def tenant(rows: Rows) -> models.Tenant:
    tenant = rows.tenant(name="Acme Dental", timezone="America/New_York")
    rows.receptionist(
        tenant,
        lead_recipients=["desk@example.com", "boss@example.com"],
        urgent_recipients=["pager@example.com"],
        summary_recipients=["boss@example.com"],
        alert_recipients=["boss@example.com"],
    )
    return tenant


def test_a_call_that_ends_is_summarised_and_mailed(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    call = rows.call(tenant, answers=1)
    words = "I would like to know whether you whiten teeth on Saturdays"
    rows.transcript(tenant, call_id=call.id, text=words)
    with mail_app.app_context(), acting_for(tenant.id):
        live = db.session.get(CallSession, call.id)
        assert live
        finish_call(live, ended_by="caller", duration=83)
        db.session.commit()
    assert outbox_of.run(mail_app) == 2
    (mail,) = sink.mails
    assert mail["To"] == "boss@example.com"
    assert "whiten teeth" in text_of(mail)
    assert "1 min 23 s" in text_of(mail)
    assert "Questions were answered" in html_of(mail)
    (summary,) = outbox_of.all(models.CallSummary)
    assert summary.tier == "offline"
    kept = outbox_of.job("call_summary_mail").result
    assert kept["text"].strip() in text_of(mail).replace("\r\n", "\n")
    assert kept["recipients"] == ["boss@example.com"]
    booked = {(row.kind, row.quantity) for row in outbox_of.all(SpendLedger)}
    assert booked == {("calls", 1), ("call_seconds", 83), ("mails", 1)}


def test_a_summary_made_twice_is_one_summary_and_one_mail(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    call = rows.call(tenant, outcome=Outcome.ANSWERED)
    rows.transcript(tenant, call_id=call.id)
    for _ in range(2):
        rows.job(tenant, kind=JobKind.SUMMARISE_CALL, call_id=call.id)
    outbox_of.run(mail_app)
    assert len(outbox_of.all(models.CallSummary)) == len(sink.mails) == 1


def test_without_a_reachable_model_the_summary_is_made_of_the_words(
    make_light: Callable[..., Flask], rows: Rows, tenant, outbox_of: Outbox
):
    app = make_light(openai_api_key="test", openai_base_url=f"http://127.0.0.1:{free_port(0)}/v1")
    call = rows.call(tenant, outcome=Outcome.ANSWERED)
    rows.transcript(tenant, call_id=call.id, text="Do you whiten teeth?")
    rows.job(tenant, kind=JobKind.SUMMARISE_CALL, call_id=call.id)
    outbox_of.run(app)
    result = outbox_of.job("summarise_call").result
    assert result["tier"] == "offline"
    assert result["reason"]


def test_a_lead_mail_shows_each_field_and_how_it_is_known(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    known = {"name": "heard", "phone": "keyed", "reason": "confirmed", "pet": "caller_id"}
    lead = lead_job(rows, tenant, known=known, answers={"pet": "a dog"})
    assert lead.call_id
    rows.summary(tenant, call_id=lead.call_id, text="They want a quote.")
    outbox_of.run(mail_app)
    (mail,) = sink.mails
    text = text_of(mail)
    assert "Name: Ada Byron (heard, not confirmed)" in text
    assert "Phone: +12125550142 (keyed in)" in text
    assert "Message: A quote (confirmed by the caller)" in text
    assert "Pet: a dog (from caller ID)" in text
    assert "did not confirm this message" in text
    assert "They want a quote." in text
    assert "Number called: +12125550100" in text
    assert mail["Subject"] == "New message from Ada Byron"
    assert sorted(sink.envelopes[0]) == ["boss@example.com", "desk@example.com"]


def test_the_time_of_the_call_is_told_in_the_tenants_zone(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    lead_job(rows, tenant)
    outbox_of.run(mail_app)
    assert "Saturday, November 21, 2026" in text_of(sink.mails[0])
    assert re.search("8:30 PM EST", text_of(sink.mails[0]))


def test_a_spanish_tenant_gets_spanish_mail(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
):
    tenant = rows.tenant(name="Clínica Sol", timezone="Europe/Madrid")
    rows.receptionist(tenant, language="es-ES", lead_recipients=["hola@example.com"])
    lead_job(rows, tenant, name="Íñigo Núñez", known={"name": "heard"}, urgent=True)
    outbox_of.run(mail_app)
    (mail,) = sink.mails
    assert mail["Subject"] == "Urgente: Nuevo mensaje de Íñigo Núñez"
    assert "Nombre: Íñigo Núñez (oído, sin confirmar)" in text_of(mail)
    assert "domingo, 22 de noviembre de 2026" in text_of(mail)
    assert '<html lang="es-ES">' in html_of(mail)


def test_every_sentence_of_the_mails_is_spoken_in_spanish():
    with (TRANSLATIONS / "es/LC_MESSAGES/messages.po").open("rb") as file:
        spanish = {m.id for m in read_po(file) if m.string}
    found = {m for _, m, _, _ in extract_from_file("python", Path(str(letters.__file__)))}
    assert found
    assert found <= spanish


def test_an_urgent_lead_also_goes_to_those_who_want_only_these(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    department = rows.department(
        tenant,
        lead_recipients=["Desk@example.com", "sales@example.com"],
        urgent_recipients=["oncall@example.com"],
    )
    lead_job(rows, tenant, urgent=True, department_id=department.id)
    outbox_of.run(mail_app)
    assert sink.mails[0]["Subject"] == "Urgent: New message from Ada Byron"
    assert sorted(sink.envelopes[0]) == [
        "boss@example.com", "desk@example.com", "oncall@example.com", "pager@example.com",
        "sales@example.com",
    ]  # fmt: skip


def test_a_test_call_is_marked_and_not_counted(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    call = rows.call(tenant, channel=Channel.TEST, outcome=Outcome.LEAD)
    lead = rows.lead(tenant, call_id=call.id, test=True)
    rows.job(tenant, kind=JobKind.LEAD_NOTIFICATION, args={"lead_id": lead.id})
    rows.job(tenant, kind=JobKind.SUMMARISE_CALL, call_id=call.id)
    outbox_of.run(mail_app)
    assert [mail["Subject"].startswith("[Test] ") for mail in sink.mails] == [True, True]
    assert outbox_of.all(SpendLedger) == []


def test_nobody_to_write_to_is_not_a_failure(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
):
    tenant = rows.tenant()
    rows.receptionist(tenant, lead_recipients=["not an address", ""])
    lead_job(rows, tenant)
    outbox_of.run(mail_app)
    job = outbox_of.job("lead_notification")
    assert (job.status, job.result) == (JobStatus.DONE, {"skipped": "no recipients"})
    assert sink.mails == []


def test_hostile_words_are_shown_and_do_nothing(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    lead_job(rows, tenant, name=HOSTILE, reason=HOSTILE, known={"reason": "<b>"})
    outbox_of.run(mail_app)
    (mail,) = sink.mails
    assert mail["Bcc"] is None
    assert set(sink.envelopes[0]) == {"desk@example.com", "boss@example.com"}
    assert "<script" not in html_of(mail)
    assert "&lt;script&gt;" in html_of(mail)
    assert "\u202e" not in text_of(mail) + html_of(mail) + mail["Subject"]
    assert "\n" not in mail["Subject"]
    assert "{who}" in mail["Subject"]


@given(st.text())
def test_a_header_is_one_printable_line(text: str):
    safe = post.header_safe(text)
    assert len(safe) <= post.LONGEST_HEADER
    assert safe == " ".join(safe.split())
    assert all(c == " " or c.isprintable() for c in safe)
    safe.encode()
    assert "=?" not in safe


def test_a_mail_refused_for_now_is_sent_later_under_the_same_id(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    lead_job(rows, tenant)
    sink.data_replies = ["451 try later"]
    outbox_of.run(mail_app)
    assert outbox_of.job("lead_notification").status == JobStatus.WAITING
    outbox_of.make_due()
    outbox_of.run(mail_app)
    job = outbox_of.job("lead_notification")
    assert (job.status, job.attempts) == (JobStatus.DONE, 2)
    expected = f"<job-{tenant.id}-{job.id}@reception.example.com>"
    assert sink.mails[0]["Message-ID"] == job.result["message_id"] == expected


def test_a_mail_refused_for_good_dies_at_once_and_is_told(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    lead_job(rows, tenant)
    sink.data_replies = ["554 no such thing of +12125550142"]
    outbox_of.run(mail_app)
    job = outbox_of.job("lead_notification")
    assert (job.status, job.attempts) == (JobStatus.DEAD, 1)
    assert "554" in job.last_error
    assert "212555" not in job.last_error  # nor in the mail about it
    (alert,) = sink.mails
    assert "Mails about new messages" in alert["Subject"]
    assert "554 no such thing of ***42" in text_of(alert)


def test_one_refused_recipient_does_not_keep_the_others_waiting(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    lead_job(rows, tenant, urgent=True)
    sink.refused = {
        "boss@example.com": "550 gone", "pager@example.com": "450 greylisted"
    }  # fmt: skip
    outbox_of.run(mail_app)
    first, rest = outbox_of.jobs("lead_notification")
    assert first.result["refused"] == {"boss@example.com": 550}
    assert first.result["answers"] == {
        "desk@example.com": "250 OK", "boss@example.com": "550 gone",
        "pager@example.com": "450 greylisted",
    }  # fmt: skip
    assert first.result["html"] == html_of(sink.mails[0]).replace("\r\n", "\n").rstrip("\n")
    assert (rest.args["only"], rest.status) == (["pager@example.com"], JobStatus.WAITING)
    sink.refused = {}
    outbox_of.make_due()
    outbox_of.run(mail_app)
    assert sink.envelopes == [["desk@example.com"], ["pager@example.com"]]


def test_recipients_that_are_all_refused_kill_the_job_only_if_for_good(
    mail_app: Flask, rows: Rows, sink: MailSink, outbox_of: Outbox
):
    tenant = rows.tenant()
    rows.receptionist(tenant, lead_recipients=["one@example.com", "two@example.com"])
    lead_job(rows, tenant)
    sink.refused = {"one@example.com": "550 gone", "two@example.com": "450 later"}
    outbox_of.run(mail_app)
    assert outbox_of.job("lead_notification").status == JobStatus.WAITING
    sink.refused["two@example.com"] = "550 gone, too"
    outbox_of.make_due()
    outbox_of.run(mail_app)
    assert outbox_of.job("lead_notification").status == JobStatus.DEAD


def test_a_mail_server_that_is_away_is_tried_again(
    make_light: Callable[..., Flask], rows: Rows, tenant, outbox_of: Outbox
):
    app = make_light(mail_server="127.0.0.1", mail_port=free_port(0), mail_use_tls=False)
    lead_job(rows, tenant)
    outbox_of.run(app)
    job = outbox_of.job("lead_notification")
    assert (job.status, "not reached" in job.last_error) == (JobStatus.WAITING, True)


def test_without_a_mail_server_the_mail_is_kept_as_a_file(
    light_app: Flask, rows: Rows, tenant, outbox_of: Outbox
):
    lead_job(rows, tenant)
    outbox_of.run(light_app)
    job = outbox_of.job("lead_notification")
    folder = light_app.extensions["settings"].data_dir / "mail"
    (path,) = folder.glob(f"job-{tenant.id}-{job.id}*")
    assert b"Subject: New message from Ada Byron" in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert job.result["subject"] == "New message from Ada Byron"
    assert job.result["filed"]


def test_what_the_platform_gave_up_is_told_to_its_operator(
    make_light: Callable[..., Flask], rows: Rows, sink: MailSink, outbox_of: Outbox
):
    app = make_light(
        mail_server="127.0.0.1", mail_port=sink.port, mail_use_tls=False,
        alert_email="ops@example.com",
    )  # fmt: skip
    args = {"job_kind": "cleanup", "reason": "disk full"}
    rows.job(None, kind=JobKind.ALERT_MAIL, args=args)
    outbox_of.run(app)
    assert sink.envelopes == [["ops@example.com"]]
    assert "disk full" in text_of(sink.mails[0])


def test_every_way_of_knowing_has_its_words():
    assert set(letters._HOW) == set(Known)
    assert set(letters._OUTCOMES) == set(Outcome)
    assert set(letters._JOBS) == {str(kind) for kind in JobKind} - {"alert_mail"}


def test_a_mail_of_a_call_long_past_has_no_dead_ends(
    mail_app: Flask, rows: Rows, sink: MailSink, tenant, outbox_of: Outbox
):
    rows.job(tenant, kind=JobKind.CALL_SUMMARY_MAIL)
    rows.job(tenant, kind=JobKind.LEAD_NOTIFICATION)
    rows.job(tenant, kind=JobKind.SUMMARISE_CALL)
    outbox_of.run(mail_app)
    assert all("skipped" in job.result for job in outbox_of.jobs())
    assert sink.mails == []
