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
    root = rendered(Spoken("Hello."), Spoken("How can I help?"), Listen("name"))
    assert tags(root) == ["Gather", "Say", "Say", "Redirect"]
    gather = root[0]
    url = f"{BASE}/twilio/gather?turn=3&ask=name#rc=1&rp=ct,rt,5xx&rt=8500&tt=15000"
    assert gather.attrib == {
        "action": url,
        "actionOnEmptyResult": "true",
        "finishOnKey": "#",
        "hints": "Acme Inc,Sales,Where pray can I park",
        "input": "dtmf speech",
        "language": "es-US",
        "method": "POST",
        "profanityFilter": "false",
        "speechTimeout": "auto",
        "timeout": "5",
    }
    assert root[1].text == url
    assert gather[0].attrib == {"voice": "Polly.Lupe-Neural", "language": "es-US"}


@pytest.mark.parametrize(("ask", "seconds"), [("goodbye", "2"), ("phone", "8"), ("", "5")])
def test_patience_fits_the_question(ask, seconds):
    assert rendered(Listen(ask))[0].get("timeout") == seconds


def test_nothing_asked_leaves_no_slot_in_the_url():
    assert "ask=" not in rendered(Listen())[0].get("action", "")


def test_a_chosen_speech_model_gets_whole_seconds():
    voice = VoiceSettings(speech_model="deepgram_nova-3")
    gather = parsed(twiml.render([Listen()], LINKS, voice, FACTS))[0]
    assert gather.get("speechModel") == "deepgram_nova-3"
    assert gather.get("speechTimeout", "").isdigit()


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
    again = LINKS.again("transfer_status", 2)
    filler = parsed(twiml.filler(again, "One moment.", VOICE))
    assert tags(filler) == ["Say", "Redirect"]
    assert filler[1].text == f"{BASE}/twilio/transfer-status?turn=3&wait=2{OVERRIDES}"
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


@settings(max_examples=100, deadline=None)
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
