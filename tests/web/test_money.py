"""What calls may cost: reserved before a model is asked or somebody rung, settled when it is known,
and a call that has no more goes down a step, never off the line."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from flask import Flask

from app import models, spending
from app.extensions import db
from app.jobs import running
from app.models import Limited
from app.rates import CENT
from app.tenancy import across_tenants, acting_for
from app.voice.means import STEP
from tests.factories import Rows
from tests.fakes import openai_server as fake
from tests.fakes.openai_server import FakeOpenAI
from tests.web.conftest import Business, Caller
from tests.web.test_limits import change, heard

LINE = STEP // 60 * CENT  # what a call reserves as it begins, at a cent a minute
HOURS = "When are you open?"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as started:
        yield started


@pytest.fixture
def app(make_app: Callable[..., Flask], server: FakeOpenAI) -> Iterator[Flask]:
    server.forget()
    server.default = fake.tool_call("tell_hours", {"days": [], "at": None})
    made = make_app(openai_api_key="sk-test", openai_base_url=server.base_url)
    yield made
    made.extensions["minds"].close()


@pytest.fixture
def prices(rows: Rows) -> None:
    """A token costs a tenth of a cent: each question 13.2 cents, of the fake's 132 tokens."""
    for kind in ("tokens_in", "tokens_out"):
        rows.price(kind=kind, amount=Decimal(1000))
    rows.price(kind="call_seconds", amount=Decimal("0.01"))
    rows.price(kind="transfer_seconds", amount=Decimal("0.02"))


@pytest.fixture
def make(make_business: Callable[..., Business], rows: Rows) -> Callable[..., Business]:
    def made(**values: Any) -> Business:
        business = make_business()
        usual = {"call_cents": 10_000_000, "caller_day_cents": 10_000_000}
        rows.limits(business.tenant, **usual | values)
        return business

    return made


def dial(app: Flask, business: Business, number: str = "+19175550142") -> Caller:
    caller = Caller(app, business, caller=number)
    caller.answer = heard(caller, caller.dial().text)  # type: ignore[attr-defined]
    return caller


def say(caller: Caller, turn: int, words: str) -> str:
    return heard(caller, caller.say(turn, words).text)


def spent(app: Flask, business: Business) -> int:
    with app.app_context(), acting_for(business.tenant.id):
        return next((account.day for account in spending.spent()), 0)


def tier(caller: Caller, turn: int) -> str:
    return str(caller.all(models.Transcript, speaker="caller", turn=turn)[0].evidence["tier"])


def booked(caller: Caller) -> int:
    """What all calls of this business cost by the ledger, in millionths, at the prices here."""
    each = {"call_seconds": CENT / 60, "tokens_in": 1000, "tokens_out": 1000,
            "transfer_seconds": 2 * CENT / 60}  # fmt: skip
    rows = caller.all(models.SpendLedger)
    return sum(round(row.quantity * each.get(row.kind, 0)) for row in rows)


def test_what_a_call_reserved_becomes_what_it_cost(
    app: Flask, prices: None, make: Callable[..., Business], server: FakeOpenAI
):
    business = make()
    caller = dial(app, business)
    assert spent(app, business) == LINE
    say(caller, 1, HOURS)
    reserved = spent(app, business)
    assert reserved > LINE + 4 * 132 * 1000  # several questions ahead
    say(caller, 2, HOURS)
    assert (spent(app, business), len(server.requests)) == (reserved, 2)
    caller.hang_up(seconds=90)
    assert spent(app, business) == booked(caller) == 264_000 + 15_000
    caller.hang_up(seconds=90)
    assert spent(app, business) == 279_000
    call = caller.row()
    assert call is not None
    assert call.reserved == 279_000


def test_a_call_goes_down_from_the_model_to_the_offline_interpreter_to_messages(
    app: Flask, prices: None, make: Callable[..., Business], server: FakeOpenAI, rows: Rows
):
    business = make(day_cents=1000)
    rows.account(business.tenant)
    caller = dial(app, business)

    def use(percent: int) -> None:
        change(
            app, "update spend_account set day = current_date + 1, day_spent = :spent",
            spent=percent * 10 * CENT,
        )  # fmt: skip

    use(60)
    assert "ask=anything_else" in say(caller, 1, HOURS)
    assert tier(caller, 1) == "model"
    change(app, "update call_session set reserved = settled + 30000")  # nothing is left of it
    use(88)
    assert "ask=anything_else" in say(caller, 2, HOURS)
    assert (tier(caller, 2), len(server.requests)) == ("offline", 1)
    use(100)
    change(app, "update call_session set started_at = started_at - interval '5 minutes'")
    assert "come to its end soon" in say(caller, 3, HOURS)  # the line is not paid any more
    late = dial(app, business, "+19175550143")
    assert "take a message" in late.answer  # type: ignore[attr-defined]
    call = late.row()
    assert call is not None
    assert call.limited == Limited.SPENT
    assert "<Dial" not in say(late, 1, "I want to speak to Sales")
    assert "<Gather" in say(late, 2, "Ann Lee")
    assert len(server.requests) == 1
    use(200)
    refused = dial(app, business, "+19175550144")
    assert "<Reject" in refused.answer  # type: ignore[attr-defined]
    call = refused.row()
    assert call is not None
    assert (call.limited, call.reserved) == (Limited.SPENT, 0)
    assert spent(app, business) == 200 * 10 * CENT


def test_a_transfer_lasts_as_long_as_the_money_does_and_is_settled(
    app: Flask, prices: None, make: Callable[..., Business], server: FakeOpenAI
):
    server.default = fake.tool_call("transfer", {"department_id": None})
    business = make(day_cents=60, call_tokens=0)  # an hour would cost 180
    caller = dial(app, business)
    [rung] = ElementTree.fromstring(say(caller, 1, "I want to speak to Sales")).iter("Dial")
    assert rung.get("timeLimit") == "900"
    held = spent(app, business)
    assert 30 * CENT < held <= 60 * CENT
    caller.post(
        "/twilio/transfer-status?turn=2", DialCallStatus="completed", DialBridged="true",
        DialCallDuration="120",
    )  # fmt: skip
    assert spent(app, business) == booked(caller) < 5 * CENT
    caller.hang_up(seconds=150)
    poor = make(day_cents=4, call_tokens=0)
    refused = dial(app, poor)
    answer = say(refused, 1, "I want to speak to Sales")
    assert "<Dial" not in answer
    assert "<Gather" in answer
    assert refused.all(models.TransferAttempt) == []
    assert "limit_mail" in {job.kind for job in refused.all(models.Job)}


def test_a_transfer_whose_end_is_never_told_is_settled_with_its_call(
    app: Flask, prices: None, make: Callable[..., Business]
):
    for accepted, most in ((True, 5), (False, 3)):
        business = make(call_tokens=0)
        caller = dial(app, business)
        say(caller, 1, "I want to speak to Sales")
        assert spent(app, business) > 100 * CENT
        if accepted:
            change(app, "update transfer_attempt set accepted_by = '+12125550199'")
        caller.hang_up(seconds=90)
        assert 1 * CENT < spent(app, business) < most * CENT
        caller.post(
            "/twilio/transfer-status?turn=2", DialCallStatus="completed", DialBridged="true",
            DialCallDuration="60",
        )  # fmt: skip
        assert spent(app, business) == booked(caller)


def test_limits_of_one_call_and_of_one_caller_hold(
    app: Flask, prices: None, make: Callable[..., Business], server: FakeOpenAI
):
    business = make(call_cents=5)
    caller = dial(app, business)
    say(caller, 1, HOURS)
    assert (tier(caller, 1), len(server.requests)) == ("offline", 0)
    ringing = dial(app, business, "+19175550144")
    [rung] = ElementTree.fromstring(say(ringing, 1, "I want to speak to Sales")).iter("Dial")
    assert rung.get("timeLimit") == "60"  # of its 5 cents 3 are the line's
    ringing.hang_up(seconds=60)
    change(app, "update call_session set started_at = started_at - interval '4 minutes'")
    assert "come to its end soon" in say(caller, 2, HOURS)
    caller.hang_up(seconds=300)
    business = make(caller_day_cents=4)
    dial(app, business).hang_up(seconds=300)
    again = dial(app, business)
    assert "take a message" in again.answer  # type: ignore[attr-defined]
    assert "take a message" not in dial(app, business, "+19175550143").answer  # type: ignore[attr-defined]
    change(app, "update call_session set started_at = started_at - interval '25 hours'")
    assert "take a message" not in dial(app, business).answer  # type: ignore[attr-defined]


def test_a_call_has_only_so_many_tokens(
    app: Flask, make: Callable[..., Business], server: FakeOpenAI
):
    business = make(call_tokens=5000)
    caller = dial(app, business)
    for turn in range(1, 5):
        say(caller, turn, HOURS)
        change(app, "update call_session set tokens_in = tokens_in + 900")
    assert [tier(caller, turn) for turn in range(1, 5)] == ["model", "model", "offline", "offline"]
    call = caller.row()
    assert call is not None
    assert call.tokens_in + call.tokens_out <= 5000


def test_a_hang_up_amid_a_thought_gives_back_what_it_reserved(
    app: Flask, prices: None, make: Callable[..., Business], server: FakeOpenAI
):
    business = make()
    caller = dial(app, business)
    server.script(fake.tool_call("tell_hours", {"days": [], "at": None}, slow=2.5))
    assert "wait=1" in caller.say(1, HOURS).text  # the model thinks on
    caller.hang_up(seconds=6)
    heard(caller, caller.post("/twilio/gather?turn=1&wait=1").text)
    assert spent(app, business) == booked(caller) + 132_000  # the model was asked all the same


def test_calls_that_race_for_the_last_money_do_not_pass_it(
    app: Flask, prices: None, make: Callable[..., Business], server: FakeOpenAI
):
    """Some can ask the model, the others are answered offline; each hears an answer."""
    many = 16
    most = 10_000 + many * LINE // CENT
    business = make(day_cents=most)
    callers = [dial(app, business, f"+1917555{n:04}") for n in range(100, 100 + many)]
    with ThreadPoolExecutor(many) as pool:
        answers = list(pool.map(lambda caller: say(caller, 1, HOURS), callers))
    assert all("<Gather" in answer for answer in answers)
    assert 0 < len(server.requests) < many
    assert spent(app, business) <= most * CENT
    for caller in callers:
        caller.hang_up(seconds=60)
    assert spent(app, business) == booked(callers[0]) <= most * CENT


def test_a_price_that_changes_counts_from_the_next_turn_on(
    app: Flask, make: Callable[..., Business], rows: Rows
):
    business = make()
    dial(app, business)
    assert spent(app, business) == LINE
    rows.price(kind="call_seconds", amount=Decimal(1))
    dial(app, business, "+19175550143")
    assert spent(app, business) == LINE + 100 * LINE


def test_a_summary_is_written_by_the_model_while_there_is_money_for_it(
    app: Flask, prices: None, make: Callable[..., Business], server: FakeOpenAI
):
    for share, asked in ((0, 1), (89, 0)):
        business = make(call_tokens=0)
        caller = dial(app, business)
        say(caller, 1, HOURS)
        caller.hang_up(seconds=60)
        server.forget()
        before = share * 100 * CENT  # of a day's 10,000 cents
        change(app, "update spend_account set day_spent = day_spent + :more", more=before)
        with app.app_context():
            running.run_due()
        assert len(server.requests) == asked
        assert spent(app, business) == before + booked(caller)
        [job] = caller.all(models.Job, kind="summarise_call")
        assert (job.result["reason"] == "spent") == (not asked)


def test_mails_and_recordings_count_and_test_calls_do_not(
    app: Flask, prices: None, make: Callable[..., Business], rows: Rows
):
    business = make()
    rows.price(kind="recording_seconds", amount=Decimal("0.6"))
    caller = dial(app, business)
    before = spent(app, business)
    for _ in range(2):  # told twice
        caller.post(
            "/twilio/recording-status", RecordingSid="RE" + "1" * 32, RecordingStatus="completed",
            RecordingDuration="30", RecordingSource="RecordVerb", RecordingChannels="1",
        )  # fmt: skip
    assert spent(app, business) == before + 30 * CENT
    test = Caller(app, business)
    rows.call(business.tenant, call_sid=test.call_sid, channel="test", caller="",
              called=business.number.number)  # fmt: skip
    heard(test, test.dial().text)
    say(test, 1, HOURS)
    assert tier(test, 1) == "model"
    test.hang_up()
    assert spent(app, business) == before + 30 * CENT
    with app.app_context(), across_tenants():
        assert db.session.query(models.SpendAccount).count() == 1
