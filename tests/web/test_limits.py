"""How a call that begins is met: by its tenant's limits, and by who is calling."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask
from sqlalchemy import text

from app import models
from app.extensions import db
from app.jobs import running
from app.models import Limited, Outcome
from app.tenancy import across_tenants, acting_for
from app.voice import failing
from tests.factories import Rows
from tests.web.conftest import Business, Caller

MINUTE = timedelta(minutes=1)


@pytest.fixture
def limited(make_business: Callable[..., Business], rows: Rows) -> Callable[..., Business]:
    """limited(**limits): a business that chose these."""

    def make(**values: Any) -> Business:
        business = make_business()
        rows.limits(business.tenant, **values)
        return business

    return make


def heard(caller: Caller, answer: str) -> str:
    """What the caller hears in the end: a machine under load may first say "one moment"."""
    while (again := ElementTree.fromstring(answer).findtext("Redirect")) and "wait=" in again:
        answer = caller.post(again).text
    return answer


def ring(app: Flask, business: Business, number: str, **fields: str) -> Caller:
    """A call that has begun; `how_met` says how."""
    caller = Caller(app, business, caller=number)
    answer = caller.post("/twilio/voice", CallStatus="ringing", **fields).text
    caller.answer = heard(caller, answer)  # type: ignore[attr-defined]
    return caller


def how_met(caller: Caller) -> tuple[str, str | None]:
    """answered, message or rejected; and why."""
    said = caller.answer  # type: ignore[attr-defined]
    call = caller.row()
    assert call is not None
    if "<Reject" in said:
        assert (call.outcome, call.state, len(ElementTree.fromstring(said))) == (
            Outcome.BLOCKED, "ended", 1,
        )  # fmt: skip
        return "rejected", call.limited
    assert "<Gather" in said
    return ("message" if "take a message" in said else "answered"), call.limited


def meet(app: Flask, business: Business, number: str, **fields: str) -> tuple[str, str | None]:
    return how_met(ring(app, business, number, **fields))


def numbers() -> Callable[[], str]:
    made = iter(range(100, 200))
    return lambda: f"+1917555{next(made):04}"


def change(app: Flask, statement: str, **values: Any) -> None:
    with app.app_context(), across_tenants():
        db.session.execute(text(statement), values)
        db.session.commit()


def test_calls_at_once_go_down_by_steps_and_come_back_as_calls_end(
    app: Flask, limited: Callable[..., Business]
):
    business, other = limited(calls_at_once=2, robocalls=False), limited()
    number = numbers()
    first = ring(app, business, number())
    ring(app, business, number())
    message = ring(app, business, number())
    assert how_met(message) == ("message", Limited.AT_ONCE)
    ring(app, business, number())
    assert meet(app, business, number()) == ("rejected", Limited.AT_ONCE)
    assert meet(app, other, number()) == ("answered", None)  # nobody else notices
    change(app, "update tenant set most_calls_at_once = 1 where id = :id", id=other.tenant.id)
    assert meet(app, other, number()) == ("message", Limited.AT_ONCE)  # its operator's ceiling
    first.hang_up()
    first.hang_up()
    assert meet(app, business, number()) == ("message", Limited.AT_ONCE)
    [mail] = message.all(models.Job, kind="limit_mail")
    assert (mail.args["limit"], mail.args["percent"]) == ("calls_at_once", 100)
    # Nobody is put through, whatever is asked for; the message is taken.
    assert "<Dial" not in message.say(1, "I want to speak to Sales").text


def test_owners_are_told_when_four_fifths_of_the_calls_at_once_are_used(
    app: Flask, limited: Callable[..., Business]
):
    business, number = limited(calls_at_once=5, robocalls=False), numbers()
    told = []
    for _ in range(6):
        mails = ring(app, business, number()).all(models.Job, kind="limit_mail")
        told.append([mail.args["percent"] for mail in mails])
    assert told == [[], [], [], [80], [80], [80, 100]]


def test_a_call_whose_end_is_lost_gives_its_share_back(
    app: Flask, limited: Callable[..., Business]
):
    business, number = limited(calls_at_once=1, call_seconds=60), numbers()
    lost = ring(app, business, number())
    assert meet(app, business, number()) == ("message", Limited.AT_ONCE)
    change(app, "update lease set until = until - interval '3 minutes'")  # its time has passed
    assert meet(app, business, number()) == ("answered", None)
    change(app, "delete from lease")
    ring(app, business, number())
    change(app, "update call_session set last_turn_at = last_turn_at - interval '11 minutes'")
    with app.app_context():
        change(app, "insert into job (kind, key) values ('close_orphans', 'close_orphans:1')")
        running.run_due()
    assert meet(app, business, number()) == ("answered", None)
    call = lost.row()
    assert call is not None
    assert call.outcome is not None


def test_calls_within_a_minute_are_counted_also_when_they_are_over(
    app: Flask, limited: Callable[..., Business]
):
    business, number = limited(calls_per_minute=3, robocalls=False), numbers()
    for _ in range(3):
        caller = ring(app, business, number())
        assert how_met(caller) == ("answered", None)
        caller.hang_up()
    assert meet(app, business, number()) == ("message", Limited.RATE)
    change(app, "update lease set began = began - interval '1 minute'")
    assert meet(app, business, number()) == ("answered", None)


def test_one_number_is_not_answered_beyond_its_own_rate_and_others_are(
    app: Flask, limited: Callable[..., Business]
):
    business = limited(caller_at_once=2, caller_per_minute=3)
    mine, another = "+19175550142", "+19175550143"
    first = ring(app, business, mine)
    ring(app, business, mine)
    assert meet(app, business, mine) == ("rejected", Limited.CALLER_AT_ONCE)
    first.hang_up()
    ring(app, business, mine)
    assert meet(app, business, mine) == ("rejected", Limited.CALLER_RATE)
    assert meet(app, business, another) == ("answered", None)
    for _ in range(3):  # who withhold their numbers are many
        assert meet(app, business, "anonymous") == ("answered", None)
    assert all("+1917" not in lease.caller for lease in first.all(models.Lease))


def test_a_redelivered_first_request_takes_no_second_share(
    app: Flask, limited: Callable[..., Business]
):
    business = limited(calls_at_once=1, caller_at_once=1)
    caller = ring(app, business, "+19175550142")
    change(
        app, "update inbound_request set twiml = null, lease_until = lease_until - interval '1 h'"
    )
    change(app, "update call_session set turn = 0")
    again = heard(caller, caller.dial().text)
    assert "<Gather" in again
    assert [lease.kind for lease in caller.all(models.Lease) if lease.kind != failing.MARK] == [
        models.LeaseKind.CALL
    ]


def test_callers_who_withhold_their_number_are_met_as_the_tenant_wishes(
    app: Flask, limited: Callable[..., Business]
):
    for policy, met in (
        ("answer", ("answered", None)), ("message", ("message", "withheld")),
        ("reject", ("rejected", "withheld")),
    ):  # fmt: skip
        business = limited(withheld=policy)
        for number in ("anonymous", "+266696687", "Restricted", "unknown", ""):
            caller = ring(app, business, number)
            assert how_met(caller) == met, (policy, number)
            assert "on the number you are calling from" not in caller.answer  # type: ignore[attr-defined]
        assert meet(app, business, "+19175550142") == ("answered", None)


def test_what_carriers_found_of_a_number_is_used(app: Flask, limited: Callable[..., Business]):
    number = numbers()
    places = {policy: limited(unverified=policy) for policy in ("answer", "message", "reject")}
    for found, policy, met in (
        ("TN-Validation-Failed", "message", ("message", "unverified")),
        ("TN-Validation-Failed-C-Diverted", "reject", ("rejected", "unverified")),
        ("TN-Validation-Failed-A", "answer", ("answered", None)),
        ("TN-Validation-Passed-C", "reject", ("answered", None)),
        ("No-TN-Validation", "reject", ("answered", None)),
        ("<nonsense>", "reject", ("answered", None)),
    ):
        assert meet(app, places[policy], number(), StirVerstat=found) == met, found


def test_a_number_that_hangs_up_again_and_again_can_only_leave_a_message(
    app: Flask, limited: Callable[..., Business], rows: Rows
):
    wary, easy = limited(), limited(robocalls=False)
    mine, patient = "+19175550142", "+19175550143"
    for business in (wary, easy):
        for number, seconds in ((mine, 4), (patient, 40)):
            for _ in range(5):
                ring(app, business, number).hang_up(seconds)
    assert meet(app, wary, mine) == ("message", Limited.REPEATED)
    assert meet(app, wary, patient) == ("answered", None)
    assert meet(app, easy, mine) == ("answered", None)
    change(app, "update call_session set started_at = started_at - interval '11 minutes'")
    assert meet(app, wary, mine) == ("answered", None)


def test_in_a_burst_of_strangers_those_who_called_before_are_answered(
    app: Flask, limited: Callable[..., Business], rows: Rows
):
    business, number = limited(calls_per_minute=12), numbers()
    known = "+13035550142"
    rows.call(
        business.tenant, caller=known, outcome="answered",
        started_at=datetime.now(UTC) - 3 * 60 * MINUTE,
    )  # fmt: skip
    for _ in range(6):
        assert meet(app, business, number()) == ("answered", None)
    assert meet(app, business, number()) == ("message", Limited.BURST)
    assert meet(app, business, known) == ("answered", None)


def test_a_call_that_comes_round_in_a_circle_is_not_answered(
    app: Flask, limited: Callable[..., Business], rows: Rows
):
    business, other = limited(), limited()
    ours, theirs = business.number.number, other.number.number
    assert meet(app, business, theirs) == ("rejected", Limited.LOOP)
    assert meet(app, business, "+19175550142", ForwardedFrom=theirs) == ("rejected", Limited.LOOP)
    assert meet(app, business, "+19175550142", ForwardedFrom=ours) == ("rejected", Limited.LOOP)
    assert meet(app, business, "+19175550142", ForwardedFrom="+13035550177") == ("answered", None)
    # Sales is rung, does not pick up, and its telephone forwards to a number of another tenant.
    caller = ring(app, business, "+19175550143")
    rung = business.departments["Sales"].numbers[0]
    assert rung in caller.say(1, "I want to speak to Sales").text
    assert meet(app, other, "+19175550143", ForwardedFrom=rung) == ("rejected", Limited.LOOP)
    caller.hang_up()
    assert meet(app, other, "+19175550143", ForwardedFrom=rung) == ("answered", None)


def test_staff_is_not_rung_first_for_a_caller_for_whom_it_is_being_rung(
    app: Flask, limited: Callable[..., Business]
):
    """As when their telephone forwards to us and the carrier does not say so."""
    business, mine = limited(), "+19175550142"
    change(app, "update receptionist_config set staff_first_id = (select id from department)")
    first = Caller(app, business, caller=mine)
    assert "<Dial" in heard(first, first.dial().text)
    second = Caller(app, business, caller=mine)
    assert "<Dial" not in heard(second, second.dial().text)
    another = Caller(app, business, caller="+19175550143")
    assert "<Dial" in heard(another, another.dial().text)


def test_blocked_callers_are_rejected_before_anything_is_counted(
    app: Flask, limited: Callable[..., Business], rows: Rows
):
    business = limited()
    rows.block(business.tenant, phone="+19175550142")
    caller = ring(app, business, "+19175550142")
    assert how_met(caller) == ("rejected", Limited.LISTED)
    assert caller.all(models.Lease) == caller.all(models.SpendAccount) == []


def test_test_calls_pass_for_nobodys_machine(
    app: Flask, limited: Callable[..., Business], rows: Rows
):
    business = limited(caller_per_minute=1, caller_at_once=1, withheld="reject")
    for _ in range(3):
        caller = Caller(app, business, caller="anonymous")
        rows.call(business.tenant, call_sid=caller.call_sid, channel="test", caller="",
                  called=business.number.number)  # fmt: skip
        assert "<Gather" in heard(caller, caller.dial().text)
    caller.say(1, "I want to speak to Sales")
    caller.hang_up()
    assert caller.all(models.SpendAccount) == []


def test_a_call_ends_at_its_limit_of_time_with_the_message_kept(
    app: Flask, limited: Callable[..., Business]
):
    caller = ring(app, limited(call_seconds=300), "+19175550142")
    assert "ask=anything_else" in caller.say(1, "When are you open?").text
    change(app, "update call_session set started_at = started_at - interval '200 seconds'")
    running_out = caller.say(2, "And do you have bicycles?").text
    assert "come to its end soon" in running_out
    assert "take a message" in running_out
    caller.say(3, "Ann Lee")
    change(app, "update call_session set started_at = started_at - interval '200 seconds'")
    ended = caller.say(4, "212 555 0142").text
    assert "has to end now" in ended
    assert "<Hangup" in ended
    [lead] = caller.all(models.Lead)
    assert "bicycles" in lead.reason
    assert lead.name == "Ann Lee"


def test_callers_of_a_suspended_tenant_are_forwarded_within_its_limits(
    app: Flask, limited: Callable[..., Business]
):
    business = limited(caller_per_minute=1, talk_seconds=600, day_cents=100)
    change(app, "update receptionist_config set suspension_number = '+12125550111'")
    change(app, "update tenant set status = 'suspended'")
    first = ring(app, business, "+19175550142")
    [dial] = ElementTree.fromstring(first.answer).iter("Dial")  # type: ignore[attr-defined]
    assert dial.get("timeLimit") == "600"
    assert meet(app, business, "+19175550142") == ("rejected", Limited.CALLER_RATE)
    [account] = first.all(models.SpendAccount)
    assert account.day_spent > 20 * 10_000
    first.hang_up(seconds=60)
    [account] = first.all(models.SpendAccount)
    assert account.day_spent == 10_000
    change(app, "update spend_account set day_spent = 99 * 10000")
    poor = ring(app, business, "+19175550143")
    assert "not taking calls" in poor.answer  # type: ignore[attr-defined]
    call = poor.row()
    assert call is not None
    assert (call.outcome, call.limited) == (Outcome.BLOCKED, Limited.SPENT)


def test_calls_that_are_sent_elsewhere_are_so_within_the_tenants_limits(
    app: Flask, limited: Callable[..., Business]
):
    business = limited(call_seconds=60, talk_seconds=600, day_cents=100, withheld="message")
    change(
        app,
        "update receptionist_config set forward_calls = true, fallback_number = '+12125550111'",
    )
    sent = ring(app, business, "+19175550142")
    [dial] = ElementTree.fromstring(sent.answer).iter("Dial")  # type: ignore[attr-defined]
    assert dial.get("timeLimit") == "600"
    [attempt] = sent.all(models.TransferAttempt)
    [account] = sent.all(models.SpendAccount)
    assert account.day_spent > attempt.reserved > 10 * 10_000
    [lease] = sent.all(models.Lease)
    assert lease.until > datetime.now(UTC) + 9 * MINUTE  # people may talk longer than calls last
    sent.post(
        "/twilio/transfer-status?turn=1", DialCallStatus="completed", DialBridged="true",
        DialCallDuration="60",
    )  # fmt: skip
    sent.hang_up(seconds=60)
    [account] = sent.all(models.SpendAccount)
    assert account.day_spent == 25_000  # the minute talked, and that of the line
    assert meet(app, business, "anonymous") == ("message", Limited.WITHHELD)
    change(app, "update spend_account set day_spent = 96 * 10000")
    assert meet(app, business, "+19175550143") == ("answered", None)


def test_turns_and_transfers_of_a_call_are_as_many_as_the_tenant_chose(
    app: Flask, limited: Callable[..., Business]
):
    business, sales = limited(), "I want to speak to Sales"
    for most in (1, 0):
        change(app, "update receptionist_config set max_transfers = :most", most=most)
        caller = ring(app, business, f"+1917555014{most}")
        assert ("<Dial" in caller.say(1, sales).text) == (most == 1)
    change(app, "update receptionist_config set max_turns = 3")
    talker = ring(app, business, "+19175550143")
    answers = [talker.say(turn, "When are you open?").text for turn in range(1, 4)]
    assert ["come to its end soon" in one for one in answers] == [False, False, True]


def test_the_tenants_limit_of_a_transfer_is_told_to_twilio(
    app: Flask, limited: Callable[..., Business]
):
    caller = ring(app, limited(talk_seconds=600), "+19175550142")
    [dial] = ElementTree.fromstring(caller.say(1, "I want to speak to Sales").text).iter("Dial")
    assert dial.get("timeLimit") == "600"


def test_nobody_waits_behind_a_flood_of_another_tenant(
    app: Flask, limited: Callable[..., Business]
):
    """A's turns hold all threads that one tenant may have, and more of them wait."""
    a, b = limited(), limited()
    minds, gate = app.extensions["minds"], threading.Event()
    try:
        for _ in range(64 + 64):
            minds.turns.submit(a.tenant.id, lambda: gate.wait(60))
        caller = Caller(app, a, caller="+19175550142")
        patient = caller.dial().text
        assert "wait=1" in patient  # of its own flood, a caller of A's is held
        assert meet(app, b, "+19175550142") == ("answered", None)
        held = [minds.requests.held(a.tenant.id) for _ in range(64)]
        for one in held:
            one.__enter__()
        refused = Caller(app, a, caller="+19175550143")
        assert "<Reject" in refused.dial().text
        assert refused.row() is None
        again = caller.post(str(ElementTree.fromstring(patient).findtext("Redirect"))).text
        assert "<Pause" in again  # whoever was answered is; no thread waits for it
        assert "wait=2" in again
        assert meet(app, b, "+19175550143") == ("answered", None)
        for one in held:
            one.__exit__(None, None, None)
    finally:
        gate.set()
    with app.app_context(), acting_for(a.tenant.id):
        assert db.session.query(models.CallSession).count() in (0, 1)
