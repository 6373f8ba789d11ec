"""While the database is away a caller is held, and goes on when it is back."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
from flask import Flask

from app import breaker, models
from tests.conftest import FRESH, Services
from tests.web.conftest import Caller


def verbs(document: str) -> list[str]:
    return [element.tag for element in ElementTree.fromstring(document)]


@dataclass
class Outage:
    """Between `down` and `up` the database takes no connections."""

    services: Services

    def down(self) -> None:
        self.services.execute(
            f"alter database {FRESH} allow_connections false",
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{FRESH}'",
        )

    def up(self) -> None:
        """Also for this process, which leaves it alone for a moment after it failed."""
        self.services.execute(f"alter database {FRESH} allow_connections true")
        while breaker.states().get("database") == breaker.OPEN:
            time.sleep(0.05)


@pytest.fixture
def outage(services: Services, app: Flask) -> Iterator[Outage]:
    made = Outage(services)
    yield made
    made.up()


def test_a_turn_during_an_outage_is_held_and_answered_when_the_database_is_back(
    caller: Caller, outage: Outage
) -> None:
    caller.dial()
    outage.down()
    held = caller.say(1, "I want to leave a message")
    assert held.status_code == 200
    assert verbs(held.text) == ["Say", "Pause", "Redirect"]
    outage.up()
    answer = caller.post(ElementTree.fromstring(held.text).findtext("Redirect") or "")
    assert verbs(answer.text) == ["Gather", "Redirect"]


def test_a_call_put_through_during_an_outage_is_known_to_be_so(
    caller: Caller, outage: Outage
) -> None:
    """Twilio tells a Redirect nothing of the Dial, so the address has to say it again."""
    caller.dial()
    caller.say(1, "I want to speak to Sales")
    ended = {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": "31"}
    outage.down()
    held = caller.post("/twilio/transfer-status?turn=2", **ended)
    held = caller.post(ElementTree.fromstring(held.text).findtext("Redirect") or "")
    outage.up()
    answer = caller.post(ElementTree.fromstring(held.text).findtext("Redirect") or "")
    assert verbs(answer.text) == ["Hangup"]
    [attempt] = caller.all(models.TransferAttempt)
    assert (attempt.status, attempt.seconds) == ("answered", 31)


def test_after_a_long_outage_the_caller_may_at_least_speak_a_message(
    caller: Caller, outage: Outage
) -> None:
    caller.dial()
    outage.down()
    answer = caller.say(1, "I want to leave a message").text
    held = 0
    while "Record" not in verbs(answer):
        held += 1
        assert verbs(answer)[-2:] == ["Pause", "Redirect"]
        answer = caller.post(ElementTree.fromstring(answer).findtext("Redirect") or "").text
    assert held == 8
    outage.up()
    record = ElementTree.fromstring(answer).find("Record")
    assert record is not None
    caller.post(
        str(record.get("action")),
        RecordingUrl="https://api.twilio.com/2010-04-01/Accounts/x/Recordings/RE" + "b" * 32,
        RecordingDuration="9",
    )
    call = caller.row()
    assert call is not None
    assert call.outcome == "lead"
    [lead] = caller.all(models.Lead)
    assert lead.phone == caller.caller


def test_the_end_of_a_call_told_during_an_outage_is_to_be_told_again(
    caller: Caller, outage: Outage
) -> None:
    caller.dial()
    outage.down()
    assert caller.hang_up().status_code == 503
    outage.up()
    assert caller.hang_up().status_code == 204
    call = caller.row()
    assert call is not None
    assert call.outcome == "abandoned"
