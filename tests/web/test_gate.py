"""Nobody but Twilio gets in, and Twilio only for the tenant whose account it is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app import models
from app.extensions import db
from app.phone.signature import sign
from app.tenancy import across_tenants
from tests.factories import sid
from tests.web.conftest import BASE_URL, Business, Caller

WEBHOOKS = [
    "voice", "gather", "transfer-status", "screen", "message", "call-status", "recording-status",
    "fallback",
]  # fmt: skip
TABLES = ["call_session", "inbound_request", "transcript", "lead", "job", "transfer_attempt"]


def counts(app: Flask) -> dict[str, int]:
    with app.app_context(), across_tenants():
        return {t: db.session.execute(text(f"select count(*) from {t}")).scalar() for t in TABLES}


def test_every_route_under_twilio_is_among_the_tested_ones(app: Flask) -> None:
    found = {r.rule.removeprefix("/twilio/") for r in app.url_map.iter_rules()
             if r.rule.startswith("/twilio/")}  # fmt: skip
    assert found == set(WEBHOOKS)


@pytest.mark.parametrize("webhook", WEBHOOKS)
def test_a_request_without_or_with_a_wrong_signature_changes_nothing(
    app: Flask, caller: Caller, webhook: str
) -> None:
    caller.dial()
    before = counts(app)
    path = f"/twilio/{webhook}?turn=1"
    client = app.test_client()
    form = caller.form(SpeechResult="hello", DialCallStatus="completed", DialBridged="true")
    assert client.post(path, data=form).status_code == 403
    for signature in ("", "nonsense", sign(BASE_URL + path, form, "another token")):
        headers = {"X-Twilio-Signature": signature}
        assert client.post(path, data=form, headers=headers).status_code == 403
    good = sign(BASE_URL + path, form, caller.business.token)
    changed = form | {"From": "+12125550199"}
    for url, body in ((path, changed), (f"/twilio/{webhook}?turn=2", form)):
        headers = {"X-Twilio-Signature": good}
        assert client.post(url, data=body, headers=headers).status_code == 403
    assert counts(app) == before


def test_the_signed_address_is_ours_and_not_what_a_header_says(app: Flask, caller: Caller) -> None:
    form = caller.form()
    evil = sign("https://evil.example/twilio/voice", form, caller.business.token)
    headers = {
        "X-Twilio-Signature": evil, "Host": "evil.example", "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
    }  # fmt: skip
    assert app.test_client().post("/twilio/voice", data=form, headers=headers).status_code == 403
    good = headers | {"X-Twilio-Signature": sign(f"{BASE_URL}/twilio/voice", form,
                                                 caller.business.token)}  # fmt: skip
    assert app.test_client().post("/twilio/voice", data=form, headers=good).status_code == 200


@pytest.mark.parametrize("webhook", WEBHOOKS)
def test_a_tenants_own_token_does_not_speak_for_anothers_number_or_call(
    app: Flask, caller: Caller, make_business: Callable[..., Business], webhook: str
) -> None:
    caller.dial()
    rival = make_business()
    before = counts(app)
    for account in (rival.account_sid, caller.business.account_sid):
        form = caller.form(
            AccountSid=account, ParentCallSid=caller.call_sid, DialCallStatus="completed",
            RecordingSid=sid("RE"), RecordingStatus="completed",
        )  # fmt: skip
        answer = caller.send(f"/twilio/{webhook}?turn=1&attempt=1", form, token=rival.token)
        assert answer.status_code == 403
    assert counts(app) == before


def test_a_call_does_not_go_on_under_another_number_of_the_same_account(
    app: Flask, caller: Caller, rows: object
) -> None:
    caller.dial()
    other = rows.number(caller.business.tenant)  # type: ignore[attr-defined]
    assert caller.post("/twilio/gather?turn=1", To=other.number).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"CallSid": "CA123"},
        {"CallSid": ""},
        {"From": "<Dial>+19005550100</Dial>"},
        {"To": ""},
        {"CallSid": "CA" + "0" * 32 + "From=+1"},
        {"Digits": "1; drop table"},
    ],
)
def test_a_signed_request_with_a_field_of_another_shape_is_refused(
    app: Flask, caller: Caller, wrong: dict[str, str]
) -> None:
    caller.dial()
    before = counts(app)
    assert caller.post("/twilio/gather?turn=1", **wrong).status_code in (403, 404)
    assert counts(app) == before


@pytest.mark.parametrize("webhook", WEBHOOKS)
def test_what_no_database_would_take_is_refused_before_any_signature(
    app: Flask, caller: Caller, webhook: str
) -> None:
    for name in ("To", "From", "ForwardedFrom", "CallSid", "ParentCallSid"):
        form = caller.form() | {name: "+1212\x005550100"}
        assert app.test_client().post(f"/twilio/{webhook}", data=form).status_code == 403, name


def test_a_critical_field_given_twice_is_refused(app: Flask, caller: Caller) -> None:
    for name, kind in (
        ("CallSid", "CA"),
        ("RecordingSid", "RE"),
    ):  # also one that nobody reads here
        twice = {name: [caller.form().get(name, sid(kind)), sid(kind)]}
        assert caller.send("/twilio/voice", caller.form() | twice).status_code == 403


def test_json_and_get_are_refused_and_giants_are_too_large(app: Flask, caller: Caller) -> None:
    client, before = app.test_client(), counts(app)
    body = json.dumps(caller.form())
    assert client.post("/twilio/voice", data=body, content_type="application/json").status_code == (
        403
    )
    assert client.get("/twilio/voice", query_string=caller.form()).status_code == 403
    token = caller.business.token
    signed = {"X-Twilio-Signature": sign(f"{BASE_URL}/twilio/voice", caller.form(), token)}
    assert (
        client.post(
            "/twilio/voice", data=caller.form(), headers=signed, content_type="multipart/form-data"
        ).status_code
        == 403
    )  # Twilio sends none: names and values would have other borders
    assert caller.post("/twilio/voice", SpeechResult="a" * 70_000).status_code == 413
    many = caller.form() | {f"Field{n}": "x" for n in range(3_000)}
    assert caller.send("/twilio/voice", many).status_code in (200, 413)
    assert counts(app)["lead"] == before["lead"]


def test_an_unknown_number_of_a_known_account_is_told_so_and_nothing_is_kept(
    app: Flask, caller: Caller
) -> None:
    before = counts(app)
    answer = caller.post("/twilio/voice", To="+12125550000")
    assert answer.status_code == 200
    assert "has not been set up" in answer.text
    assert "<Hangup" in answer.text
    assert counts(app) == before


def test_an_unknown_account_is_refused(app: Flask, caller: Caller) -> None:
    assert caller.post("/twilio/voice", AccountSid=sid("AC")).status_code == 403


def test_the_installations_account_answers_for_tenants_without_their_own(
    make_app: Callable[..., Flask], rows: object
) -> None:
    account = sid("AC")
    app = make_app(twilio_account_sid=account, twilio_auth_token="installation-token")
    tenant = rows.tenant()  # type: ignore[attr-defined]
    number = rows.number(tenant)  # type: ignore[attr-defined]
    caller = Caller(app, Business(tenant, number, account, "installation-token"))
    assert caller.dial().status_code == 200
    assert caller.row() is not None


@pytest.mark.parametrize("new", ["another", None])
def test_a_changed_token_counts_from_the_next_turn_of_a_call_that_goes_on(
    app: Flask, caller: Caller, new: str | None
) -> None:
    """The process remembers whose the call is, and by which token."""
    caller.dial()
    assert caller.say(1, "where can I park").status_code == 200
    assert caller.say(2, "where can I park").status_code == 200
    with app.app_context(), across_tenants():
        tenant = db.session.get_one(models.Tenant, caller.business.tenant.id)
        tenant.auth_token = new
        db.session.commit()
    assert caller.say(3, "where can I park").status_code == 403
    assert caller.say(3, "where can I park").status_code == 403  # nothing is remembered of it
    with app.app_context():
        assert caller.row().turn == 3
    if new:
        assert caller.post("/twilio/gather?turn=3", token=new, SpeechResult="hi").status_code == 200


def test_a_call_whose_business_is_gone_is_nobodys(app: Flask, caller: Caller) -> None:
    caller.dial()
    assert caller.say(1, "where can I park").status_code == 200
    with app.app_context(), across_tenants():
        db.session.delete(db.session.get_one(models.Tenant, caller.business.tenant.id))
        db.session.commit()
    assert caller.say(2, "where can I park").status_code == 403


def test_a_replayed_call_changes_nothing(app: Flask, caller: Caller) -> None:
    first = [caller.dial().text, caller.say(1, "Do you offer parking?").text]
    caller.hang_up()
    before = counts(app)
    again = [caller.dial().text, caller.say(1, "Do you offer parking?").text]
    caller.hang_up()
    assert again == first
    assert counts(app) == before


@pytest.mark.parametrize(
    "moved",
    [
        {"From+1212": "5550142"},  # a boundary that moved to the right of its name
        {"Fro": "m+12125550142"},  # and to the left
        {"Digits1": "2"},
        {"callsid": "CA" + "0" * 32},
        {"Digits": ["1", "2"]},  # twice, though /voice does not read it
        {"": "x"},
    ],
    ids=str,
)
def test_what_is_nearly_a_critical_field_is_refused_and_new_fields_pass(
    app: Flask, caller: Caller, moved: dict[str, Any]
) -> None:
    before = counts(app)
    assert caller.send("/twilio/voice", caller.form() | moved).status_code == 403
    assert counts(app) == before
    assert caller.post("/twilio/voice", FromCarrier="new", CallToken="x").status_code == 200


def test_a_query_that_is_not_ours_is_refused(app: Flask, caller: Caller) -> None:
    caller.dial()
    for query in ("turn=1&tenant=2", "turn=1&turn=2", "turn=1&CallSid=CA1"):
        assert caller.post(f"/twilio/gather?{query}", SpeechResult="hello").status_code == 403
    assert caller.row().turn == 1
