"""TwiML: the attributes Twilio is sent, and text that tries to break the document."""

from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from app.overrides import OVERRIDES
from app.voice import twiml
from app.voice.flow.messages import Department, Dial, Facts, HangUp, Listen, Passage, Record
from app.voice.twiml import Links, Spoken, VoiceSettings

BASE = "https://voice.example.com"
LINKS = Links(BASE, 3, called="+14155550100", attempt=8)
VOICE = VoiceSettings("Polly.Lupe-Neural", "es-US")
FACTS = Facts(
    business="Acme, Inc.",
    departments=(Department(1, "Sales", numbers=tuple(f"+1415555{n:04}" for n in range(12))),),
    passages=(Passage("knowledge:1", 1, 1, "Where, pray, can I park?", "Behind."),),
)
HOSTILE = [
    '</Say></Gather><Dial>+19005550100</Dial><Say voice="',
    "<![CDATA[<Hangup/>]]> &amp; &#0; <!-- --> <?xml version='1.0'?>",
    "a\x00b\x08\x0b\x0c\x1f",
    "lone \ud800 and \udfff halves, \ufffe\uffff",
    "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 é",
    "\u202eevil\u2066 \u05e9\u05dc\u05d5\u05dd",
    "x" * 100_000,
    "A sentence. " * 9_000,
    '&<>"' * 20_000,
    "\u4e2d" * 50_000,
]


def parsed(document: str) -> Element:
    """As Twilio would: bytes, at most 64 kB, well-formed, a Response."""
    encoded = document.encode()
    assert len(encoded) <= 64_000
    root = fromstring(encoded)
    assert root.tag == "Response"
    return root


def rendered(*effects: twiml.Part, links: Links = LINKS, facts: Facts = FACTS) -> Element:
    return parsed(twiml.render(effects, links, VOICE, facts))


def tags(root: Element) -> list[str]:
    return [element.tag for element in root.iter()][1:]


def test_words_stand_inside_the_gather_and_a_redirect_behind_it():
    root = rendered(Spoken("Hello."), Spoken("How can I help?"), Listen("reason"))
    assert tags(root) == ["Gather", "Say", "Say", "Redirect"]
    gather = root[0]
    url = f"{BASE}/twilio/gather?turn=3&ask=reason#rc=1&rp=ct,rt,5xx&rt=8500&tt=15000"
    assert gather.attrib == {
        "action": url,
        "actionOnEmptyResult": "true",
        "bargeIn": "true",
        "finishOnKey": "#",
        "hints": "Acme Inc,Sales,Where pray can I park",
        "input": "dtmf speech",
        "language": "es-US",
        "method": "POST",
        "profanityFilter": "false",
        "speechTimeout": "2",
        "timeout": "5",
    }
    assert root[1].text == url
    assert gather[0].attrib == {"voice": "Polly.Lupe-Neural", "language": "es-US"}


@pytest.mark.parametrize(("ask", "seconds"), [("goodbye", "2"), ("phone", "8"), ("", "5")])
def test_patience_fits_the_question(ask, seconds):
    assert rendered(Listen(ask))[0].get("timeout") == seconds


def test_nothing_asked_leaves_no_slot_in_the_url():
    assert "ask=" not in rendered(Listen())[0].get("action", "")


def listened(ask: str = "", language: str = "en-US", patient: bool = False) -> dict[str, str]:
    voice = VoiceSettings(language=language)
    return parsed(twiml.render([Listen(ask, patient)], LINKS, voice, FACTS))[0].attrib


def test_a_number_is_dictated_with_pauses_to_a_model_for_figures():
    gather = listened("phone")
    assert gather["speechModel"] == "numbers_and_commands"
    assert gather["speechTimeout"] == "3"  # "auto" does not go with a chosen model
    assert "numDigits" not in gather  # a pound key ends it
    assert "hints" not in gather
    assert "speechModel" not in listened("phone", "es-US")


def test_each_kind_of_answer_is_listened_for_in_its_own_way():
    assert "at gmail dot com" in listened("email")["hints"]
    assert "sí" in listened("confirm", "es-US")["hints"]
    assert "hints" not in listened("name")
    assert "Sales" in listened()["hints"]
    assert [listened(ask).get("numDigits") for ask in ("", "confirm", "anything_else", "age")] == [
        "1", "1", "1", None
    ]  # fmt: skip


def test_who_has_to_look_something_up_gets_time():
    assert int(listened("phone", patient=True)["timeout"]) > 2 * int(listened("phone")["timeout"])


def test_what_another_language_says_has_another_voice():
    spanish = VoiceSettings("Polly.Lupe-Neural", "es-US")
    root = parsed(
        twiml.render(
            [Spoken("Hello."), Spoken("Oprima 8.", voice=spanish), Spoken("Yes?"), Listen()],
            LINKS, VoiceSettings(), FACTS,
        )
    )  # fmt: skip
    assert [say.get("language") for say in root[0]] == ["en-US", "es-US", "en-US"]


def test_a_department_rings_in_order_for_as_long_as_it_says():
    place = Department(1, "Sales", "", ("+14155550101", "+14155550102"), in_order=True)
    dial = rendered(Dial(1), facts=Facts(departments=(place,)))[0]
    assert (dial.get("sequential"), dial.get("timeout")) == ("true", "20")
    assert rendered(Dial(1, seconds=7), facts=Facts(departments=(place,)))[0].get("timeout") == "7"
    assert rendered(Dial(1))[0].get("sequential") is None


def test_hints_are_bounded_and_hold_no_commas():
    passages = tuple(Passage(f"k:{n}", n, 1, f"Q{n}, é " + "w" * (n % 200), "") for n in range(900))
    hints = rendered(Listen(), facts=Facts(passages=passages))[0].get("hints", "").split(",")
    assert len(hints) <= 500
    assert all(0 < len(hint) <= 100 for hint in hints)


def test_a_dial_rings_up_to_ten_numbers_each_screened():
    root = rendered(Spoken("One moment."), Dial(1))
    assert tags(root) == ["Say", "Dial"] + ["Number"] * 10
    dial = root[1]
    assert dial.get("action") == f"{BASE}/twilio/transfer-status?turn=3{OVERRIDES}"
    assert (dial.get("timeout"), dial.get("timeLimit")) == ("20", "3600")
    assert dial.get("answerOnBridge") == "false"
    assert {n.get("url") for n in dial} == {f"{BASE}/twilio/screen?attempt=8{OVERRIDES}"}


@pytest.mark.parametrize("caller", ["", "anonymous", "+0123", "+1415555012x"])
def test_whose_number_is_no_number_is_shown_as_the_called_one(caller):
    dial = rendered(Dial(1), facts=Facts(departments=FACTS.departments, caller_number=caller))[0]
    assert dial.get("callerId") == "+14155550100"


def test_a_caller_is_shown_with_their_number():
    facts = Facts(departments=FACTS.departments, caller_number="+14155550199")
    assert rendered(Dial(1), facts=facts)[0].get("callerId") == "+14155550199"


def test_a_record_beeps_and_reports_when_it_is_ready():
    record, redirect = rendered(Spoken("After the tone."), Record())[1:]
    assert record.tag == "Record"
    assert record.get("action") == f"{BASE}/twilio/message?turn=3{OVERRIDES}"
    assert record.get("playBeep") == "true"
    assert (record.get("maxLength"), record.get("timeout")) == ("120", "5")
    assert record.get("recordingStatusCallback", "").startswith(f"{BASE}/twilio/recording-status#")
    assert redirect.text == record.get("action")


def test_a_call_that_is_over_is_hung_up():
    assert tags(rendered(Spoken("Goodbye."), HangUp())) == ["Say", "Hangup"]
    assert tags(rendered(HangUp())) == ["Hangup"]


def test_the_small_documents_are_what_they_say():
    again = LINKS.again("transfer_status", 2, {"DialCallStatus": "busy"})
    filler = parsed(twiml.filler(again, "One moment.", VOICE))
    assert tags(filler) == ["Say", "Redirect"]
    address = f"{BASE}/twilio/transfer-status?turn=3&wait=2&DialCallStatus=busy{OVERRIDES}"
    assert filler[1].text == address
    assert tags(parsed(twiml.hang_up("Goodbye.", VOICE))) == ["Say", "Hangup"]
    assert tags(parsed(twiml.hang_up("", VOICE))) == ["Hangup"]
    assert tags(parsed(twiml.screen("Press 1.", "/s", VOICE))) == ["Gather", "Say", "Hangup"]
    assert tags(parsed(twiml.leave_message("Speak.", LINKS, VOICE)))[:2] == ["Say", "Record"]
    assert tags(parsed(twiml.reject())) == ["Reject"]
    assert tags(parsed(twiml.empty())) == []


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_adds_a_verb_or_breaks_the_document(text):
    facts = Facts(business=text[:90], departments=(Department(1, text[:90]),))
    for effects in ([Spoken(text), Listen("name")], [Spoken(text), HangUp()]):
        root = rendered(*effects, facts=facts)
        assert set(tags(root)) <= {"Gather", "Say", "Redirect", "Hangup"}
        assert all(len(say.text or "") <= 1000 for say in root.iter("Say"))
        assert all(say.get("voice") and say.get("language") for say in root.iter("Say"))
        assert root.find(".//Say") is not None
    assert set(tags(parsed(twiml.hang_up(text, VOICE)))) <= {"Say", "Hangup"}


def test_a_long_text_is_split_at_sentence_ends_and_loses_nothing():
    text = " ".join(f"This is sentence number {n}." for n in range(100))
    says = [say.text or "" for say in rendered(Spoken(text), HangUp()).iter("Say")]
    assert " ".join(says) == text
    assert all(say.endswith(".") for say in says)


@settings(max_examples=100)
@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_at_all_makes_a_document(text):
    root = rendered(Spoken(text), Listen(), facts=Facts(business=text))
    assert set(tags(root)) <= {"Gather", "Say", "Redirect"}


def test_what_must_be_heard_out_stands_before_the_gather():
    root = rendered(Spoken("Welcome."), Spoken("It is recorded.", whole=True), Spoken("Yes?"),
                    Listen())  # fmt: skip
    assert tags(root) == ["Say", "Say", "Gather", "Say", "Redirect"]
    assert [say.text for say in root.findall("Say")] == ["Welcome.", "It is recorded."]
    assert root[2][0].text == "Yes?"
