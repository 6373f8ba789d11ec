"""/twilio/fallback: Twilio could not have an answer, or could not use it; the call goes on."""

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
from flask import Flask

from app import models
from app.cli import fallback
from config import Settings
from tests.factories import Rows, sid
from tests.web.conftest import BASE_URL, Business, Caller
from tests.web.test_customers import become


def verbs(document: str) -> list[str]:
    return [element.tag for element in ElementTree.fromstring(document)]


def target(document: str) -> str:
    return ElementTree.fromstring(document).findtext("Redirect") or ""


def fall_back(caller: Caller, failed: str, code: str = "11200") -> str:
    answer = caller.post("/twilio/fallback", ErrorCode=code, ErrorUrl=BASE_URL + failed)
    assert answer.status_code == 200
    text = answer.text
    while verbs(text) == ["Say", "Redirect"]:  # a filler: the machine is busy
        text = caller.post(target(text)).text
    return text


def test_words_that_were_lost_are_asked_for_again(caller: Caller) -> None:
    greeting = caller.dial().text
    assert fall_back(caller, "/twilio/gather?turn=1&ask=phone#rc=1") == greeting
    answer = caller.say(1, "Do you offer parking?").text
    assert fall_back(caller, "/twilio/gather?turn=2") == answer
    assert len(caller.all(models.CallSession)) == 1


def test_a_call_whose_first_answer_failed_begins(caller: Caller) -> None:
    assert "automated assistant" in fall_back(caller, "/twilio/voice")
    call = caller.row()
    assert call is not None
    assert call.turn == 1


@pytest.mark.parametrize(("taken", "expected"), [(False, "Gather"), (True, "Hangup")])
def test_a_dial_that_is_over_is_not_repeated(
    app: Flask, caller: Caller, taken: bool, expected: str
) -> None:
    caller.dial()
    assert "Dial" in verbs(caller.say(1, "I want to speak to Sales").text)
    [attempt] = caller.all(models.TransferAttempt)
    if taken:
        leg = {"CallSid": sid("CA"), "ParentCallSid": caller.call_sid, "To": attempt.numbers[0]}
        caller.post(f"/twilio/screen?attempt={attempt.id}", **leg, Digits="1")
    answer = fall_back(caller, "/twilio/transfer-status?turn=2")
    assert expected in verbs(answer)
    [after] = caller.all(models.TransferAttempt)
    assert after.status == ("answered" if taken else "failed")


def test_a_message_that_was_spoken_is_not_asked_for_again(caller: Caller) -> None:
    caller.dial()
    answer = fall_back(caller, "/twilio/message?turn=1")
    assert verbs(answer) == ["Say", "Hangup"]
    assert "Thank you for your message" in answer


@pytest.mark.parametrize("code", ["12100", "13214", "11750"])
def test_an_answer_that_twilio_cannot_use_is_not_given_again(
    app: Flask, make_business: Callable[..., Business], code: str
) -> None:
    caller = Caller(app, make_business(voice="Polly.Matthew-Neural"))
    caller.dial()
    answer = fall_back(caller, "/twilio/gather?turn=1", code)
    assert verbs(answer) == ["Say", "Record", "Redirect"]
    assert "Polly.Matthew-Neural" in answer


def test_a_call_that_keeps_falling_back_ends_with_a_message(caller: Caller) -> None:
    caller.dial()
    answers = [verbs(fall_back(caller, "/twilio/gather?turn=1")) for _ in range(4)]
    assert answers == [["Gather", "Redirect"]] * 3 + [["Say", "Record", "Redirect"]]


def test_another_tenants_call_is_not_resumed(
    caller: Caller, make_business: Callable[..., Business]
) -> None:
    greeting = caller.dial().text
    rival = Caller(caller.app, make_business(), call_sid=caller.call_sid)
    assert fall_back(rival, "/twilio/gather?turn=1") != greeting
    assert rival.all(models.CallSession) == []


@pytest.mark.parametrize("url", ["", "https://evil.example/twilio/nothing", "x" * 5000])
def test_an_address_that_is_none_of_ours_changes_nothing(caller: Caller, url: str) -> None:
    greeting = caller.dial().text
    answer = caller.post("/twilio/fallback", ErrorCode="11200", ErrorUrl=url)
    assert answer.text == greeting


def test_the_command_prints_a_bin_for_each_tenant_without_secrets(
    app: Flask, settings: Settings, make_business: Callable[..., Business],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    mine = make_business(fallback_number="+19175550111", voice="Polly.Matthew-Neural")
    Rows(app).limits(mine.tenant, talk_seconds=600)
    plain, gone, shut = make_business(), make_business(), make_business()
    for business, status in ((gone, "closed"), (shut, "suspended")):
        become(app, business.tenant, status)
    assert fallback.main([], settings) == 0
    printed = capsys.readouterr().out
    documents = dict(re.findall(r"^# .*\((\S+)\): .*\n(<\?xml.*)$", printed, re.MULTILINE))
    assert {slug: verbs(document) for slug, document in documents.items()} == {
        mine.tenant.slug: ["Dial", "Say", "Record", "Hangup"],
        plain.tenant.slug: ["Say", "Record", "Hangup"],
        shut.tenant.slug: ["Say", "Hangup"],
    }
    dial, say = ElementTree.fromstring(documents[mine.tenant.slug])[:2]
    assert (dial.findtext("Number"), say.get("voice")) == ("+19175550111", "Polly.Matthew-Neural")
    assert dial.get("timeLimit") == "600"
    assert mine.token not in printed
    assert fallback.main(["--tenant", mine.tenant.slug], settings) == 0
    assert capsys.readouterr().out.strip() == documents[mine.tenant.slug]
    assert fallback.main(["--tenant", gone.tenant.slug], settings) == 1
    assert "no open tenant" in capsys.readouterr().err
    assert plain.number.number in printed
