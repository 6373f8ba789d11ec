"""The telephone follows TwiML as Twilio does, and signs as Twilio does."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from app.phone import CallDropped, How, Line, sign
from app.phone.wire import Overrides

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
REPEATED = {"Sid": "CA123", "SidAccount": "AC123", "Digits": ["5678", "1234", "1234"]}
HASHED = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


# Twilio's published vectors, from the test suites of its helper libraries
@pytest.mark.parametrize(
    ("url", "form", "signature"),
    [
        (URL, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (URL + "#rc=1&rp=all", FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (
            "http://mycompany.com:1234/myapp.php?foo=1&bar=2",
            FORM,
            "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
        ),
        ("https://mycompany.com:443/myapp.php?foo=1&bar=2", FORM, "kvajT1Ptam85bY51eRf/AJRuM3w="),
        ("http://mycompany.com:80/myapp.php?foo=1&bar=2", FORM, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
        (URL, REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (URL + "&bodySHA256=" + HASHED, {}, "a9nBmqA0ju/hNViExpshrM61xv4="),
    ],
)
def test_it_signs_as_twilio_does(url, form, signature):
    assert sign(url, form, TOKEN) == signature


def test_overrides_are_read_from_the_fragment_and_kept_within_twilios_limits():
    overrides = Overrides.of("https://x/y#ct=2000&rt=99999&rc=9&rp=ct,5xx")
    assert overrides == Overrides(2.0, 15.0, 15.0, 5, frozenset({"ct", "5xx"}))
    assert Overrides.of("https://x/y") == Overrides()


class Script(ThreadingHTTPServer):
    """A product that answers what the test says: per path a document, a status, or a list of
    them, one per request (the last one stays). `asked` is what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers: dict[str, object] = {"/twilio/call-status": "<Response/>"}
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.base_url = f"http://127.0.0.1:{self.server_port}"

    def forms(self, path: str) -> list[dict[str, str]]:
        return [form for url, form, _ in self.asked if urlsplit(url).path == path]

    def line(self, **more: object) -> Line:
        caller = {"called": "+12025550100", "caller": "+12025550123"} | more
        return Line(self.base_url, "AC" + "0" * 32, TOKEN, **caller)


class Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = {k: v[0] for k, v in parse_qs(body, keep_blank_values=True).items()}
        self.server.asked.append((self.path, form, dict(self.headers)))
        assert self.headers["X-Twilio-Signature"] == sign(
            self.server.base_url + self.path, form, TOKEN
        )
        self.answer(self.server.answers.get(self.path.partition("?")[0], 404))

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {}, dict(self.headers)))
        self.answer(self.server.answers.get(self.path.partition("?")[0], 404))

    def answer(self, answer: object) -> None:
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        status, text = (answer, "") if isinstance(answer, int) else (200, answer)
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def product() -> Iterator[Script]:
    server = Script()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


ASK = (
    '<Response><Gather input="dtmf speech" actionOnEmptyResult="true" '
    'action="/twilio/gather?turn=1&amp;ask=name"><Say>Hello.</Say><Say>Your name?</Say></Gather>'
    "<Redirect>/twilio/lost</Redirect></Response>"
)
BYE = "<Response><Say>Goodbye.</Say><Hangup/></Response>"


def test_a_call_is_dialled_answered_and_ended(product):
    product.answers |= {"/twilio/voice": ASK, "/twilio/gather": BYE}
    line = product.line()
    greeting = line.dial()
    assert greeting.said == ("Hello.", "Your name?")
    assert (greeting.turn, greeting.asks, greeting.gathers) == (1, "name", True)
    parting = line.say("Dorothy Flynn")
    assert (parting.said, parting.ended, parting.how) == (("Goodbye.",), True, How.HANGUP)
    first, second, last = (form for _, form, _ in product.asked)
    assert first["CallStatus"] == "ringing"
    assert first["Direction"] == "inbound"
    assert (second["SpeechResult"], second["CallStatus"]) == ("Dorothy Flynn", "in-progress")
    assert (last["CallStatus"], last["CallSid"]) == ("completed", line.call_sid)
    assert int(last["CallDuration"]) > 0
    assert not line.warnings


def test_a_call_that_is_over_takes_no_more_input(product):
    product.answers["/twilio/voice"] = BYE
    line = product.line()
    line.dial()
    with pytest.raises(CallDropped, match="over"):
        line.say("Hello?")
    line.hang_up()
    assert len(product.forms("/twilio/call-status")) == 1


def test_silence_is_told_only_where_the_gather_asks_for_it(product):
    product.answers |= {"/twilio/voice": ASK, "/twilio/gather": BYE}
    line = product.line()
    line.dial()
    line.stay_silent()
    form = product.forms("/twilio/gather")[0]
    assert "SpeechResult" not in form
    assert "Digits" not in form


def test_untold_silence_falls_through_and_that_redirect_is_no_filler(product):
    product.answers |= {
        "/twilio/voice": ASK.replace("actionOnEmptyResult", "data-x"),
        "/twilio/lost": BYE,
    }
    line = product.line()
    line.dial()
    parting = line.stay_silent()
    assert (parting.how, parting.fillers) == (How.HANGUP, 0)
    assert not product.forms("/twilio/gather")


@pytest.mark.parametrize(
    ("attributes", "pressed", "digits"),
    [
        ("", "1234#56", "1234"),
        ('numDigits="1"', "12", "1"),
        ('finishOnKey=""', "12#", "12#"),
        ('finishOnKey="*"', "12#*3", "12#"),
    ],
)
def test_keys_end_at_the_finishing_key_or_the_number_of_digits(
    product, attributes, pressed, digits
):
    product.answers |= {
        "/twilio/voice": f'<Response><Gather action="/twilio/gather" {attributes}/></Response>',
        "/twilio/gather": BYE,
    }
    line = product.line()
    line.dial()
    line.press(pressed)
    assert product.forms("/twilio/gather")[0]["Digits"] == digits


def test_a_gather_for_keys_does_not_hear_words(product):
    product.answers["/twilio/voice"] = '<Response><Gather action="/x"/></Response>'
    line = product.line()
    line.dial()
    assert line.say("operator").how == How.RAN_OUT
    assert not product.forms("/x")


def test_fillers_are_followed_at_once_and_counted(product):
    filler = "<Response><Say>One moment.</Say><Redirect>/twilio/gather?turn=1</Redirect></Response>"
    product.answers |= {"/twilio/voice": ASK, "/twilio/gather": [filler, filler, BYE]}
    line = product.line()
    line.dial()
    parting = line.say("Dorothy")
    assert (parting.fillers, len(parting.fetches)) == (2, 3)
    assert "SpeechResult" not in product.forms("/twilio/gather")[1]


def test_a_filler_can_be_heard_before_it_is_followed(product):
    filler = (
        '<Response><Say language="es-US">Un momento.</Say>'
        "<Redirect>/twilio/gather?turn=1&amp;wait=1</Redirect></Response>"
    )
    product.answers |= {"/twilio/voice": ASK, "/twilio/gather": [filler, BYE]}
    line = product.line(stops_at_fillers=True)
    line.dial()
    held = line.say("Dorothy")
    assert (held.said, held.holds, held.gathers, held.ended) == (
        ("Un momento.",), True, False, False,
    )  # fmt: skip
    assert held.spoken[0].language == "es-US"
    with pytest.raises(CallDropped, match="nobody is listening"):
        line.say("are you there")
    other = product.line(call_sid=line.call_sid, stops_at_fillers=True)
    assert other.resume(held.url, held.document, held.lasted).holds
    parting = other.go_on()
    other.close()
    assert (parting.said, parting.ended) == (("Goodbye.",), True)
    assert product.asked[-2][0].endswith("wait=1")
    assert parting.lasted > held.lasted


def test_a_document_that_redirects_for_ever_drops_the_call(product):
    product.answers["/twilio/voice"] = "<Response><Redirect>/twilio/voice</Redirect></Response>"
    with pytest.raises(CallDropped, match="redirects"):
        product.line().dial()
    assert len(product.forms("/twilio/voice")) == 11


DIAL = (
    '<Response><Say>Connecting.</Say><Dial action="/twilio/transfer-status?turn=2" '
    'timeout="20" callerId="+12025550100"><Number url="/twilio/screen?turn=2">+12025550150'
    "</Number><Number>+12025550151</Number></Dial><Say>Never said.</Say></Response>"
)
SCREEN = (
    '<Response><Gather numDigits="1" action="/twilio/screen?turn=2&amp;pressed=yes">'
    "<Say>Press 1.</Say></Gather><Hangup/></Response>"
)


def screening(product, result):
    product.answers |= {
        "/twilio/voice": DIAL,
        "/twilio/screen": [SCREEN, "<Response/>" if result == "answered" else BYE],
        "/twilio/transfer-status": BYE,
    }
    line = product.line(transfer_result=result)
    turn = line.dial()
    assert not line.warnings
    return turn, product.forms("/twilio/screen"), product.forms("/twilio/transfer-status")[0]


def test_an_answered_dial_is_screened_with_a_one_and_bridged(product):
    turn, screens, status = screening(product, "answered")
    assert turn.how == How.BRIDGED
    assert turn.dialled == ("+12025550150", "+12025550151")
    assert turn.said == ("Connecting.", "Goodbye.")
    assert [form.get("Digits") for form in screens] == [None, "1"]
    child = screens[0]
    assert child["ParentCallSid"] == status["CallSid"]
    assert child["CallSid"] == status["DialCallSid"] != status["CallSid"]
    assert (child["To"], child["From"]) == ("+12025550150", "+12025550100")
    assert child["Direction"] == "outbound-dial"
    assert (status["DialCallStatus"], status["DialBridged"]) == ("completed", "true")
    assert int(status["DialCallDuration"]) > 0


@pytest.mark.parametrize(("result", "keys"), [("refused", [None, "2"]), ("no_bridge", [None])])
def test_a_screened_out_dial_is_completed_without_a_bridge(product, result, keys):
    turn, screens, status = screening(product, result)
    assert turn.how == How.HANGUP
    assert [form.get("Digits") for form in screens] == keys
    assert (status["DialCallStatus"], status["DialBridged"]) == ("completed", "false")


@pytest.mark.parametrize(
    ("result", "word"), [("no_answer", "no-answer"), ("busy", "busy"), ("failed", "failed")]
)
def test_a_dial_that_nobody_answers_says_why(product, result, word):
    _, screens, status = screening(product, result)
    assert not screens
    assert (status["DialCallStatus"], status["DialBridged"]) == (word, "false")
    assert "DialCallDuration" not in status


def test_a_screen_that_would_connect_without_a_one_is_warned_of(product):
    product.answers |= {
        "/twilio/voice": DIAL,
        "/twilio/screen": "<Response><Say>A call for you.</Say></Response>",
        "/twilio/transfer-status": BYE,
    }
    line = product.line(transfer_result="no_bridge")
    line.dial()
    assert any("not pressed 1" in warning for warning in line.warnings)


def test_a_dial_without_an_action_falls_through(product):
    product.answers["/twilio/voice"] = (
        "<Response><Dial>+12025550150</Dial><Say>Thank you.</Say></Response>"
    )
    turn = product.line().dial()
    assert (turn.said, turn.dialled, turn.how) == (
        ("Thank you.",),
        ("+12025550150",),
        How.BRIDGED,
    )


RECORD = (
    '<Response><Say>After the tone.</Say><Record action="/twilio/message?turn=3" '
    'recordingStatusCallback="/twilio/recording-status"/><Say>Nothing was heard.</Say></Response>'
)


@pytest.fixture
def recorder(product):
    product.answers |= {
        "/twilio/voice": RECORD,
        "/twilio/message": BYE,
        "/twilio/recording-status": "<Response/>",
    }
    return product


def test_a_recording_is_told_to_the_action_and_then_to_its_callback(recorder):
    line = recorder.line()
    assert line.dial().records
    line.say("Please call me back about the boiler")
    told, called_back = (
        recorder.forms("/twilio/message")[0],
        recorder.forms("/twilio/recording-status")[0],
    )
    assert told["RecordingUrl"].endswith(told["RecordingSid"])
    assert told["RecordingDuration"] == "3"
    assert called_back["RecordingSid"] == told["RecordingSid"]
    assert called_back["RecordingStatus"] == "completed"
    assert "To" not in called_back


def test_a_silent_recording_has_no_action(recorder):
    line = recorder.line()
    line.dial()
    assert line.stay_silent().said == ("Nothing was heard.",)
    assert not recorder.forms("/twilio/message")


def test_hanging_up_ends_a_recording_but_tells_no_gather(recorder):
    line = recorder.line()
    line.dial()
    assert line.hang_up().how == How.CALLER
    assert recorder.forms("/twilio/message")[0]["Digits"] == "hangup"
    recorder.answers["/twilio/voice"] = ASK
    line = recorder.line()
    line.dial()
    line.hang_up()
    assert not recorder.forms("/twilio/gather")
    assert len(recorder.forms("/twilio/call-status")) == 2


def test_a_rejected_call_is_over_and_took_no_time(product):
    product.answers["/twilio/voice"] = '<Response><Reject reason="busy"/></Response>'
    line = product.line()
    line.leg.lasted = 2.0  # as if the product took so long
    assert line.dial().how == How.REJECT
    told = product.forms("/twilio/call-status")[0]
    assert (told["CallStatus"], told["CallDuration"]) == ("busy", "0")


def test_a_withheld_number_comes_without_a_place_or_an_attestation(product):
    product.answers["/twilio/voice"] = BYE
    product.line(caller="anonymous").dial()
    form = product.forms("/twilio/voice")[0]
    assert form["From"] == "anonymous"
    assert not {"FromCity", "CallerZip", "StirVerstat"} & set(form)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (403, "HTTP 403"),
        (302, "HTTP 302"),
        ("", "malformed"),
        ("<Response><Say>unclosed", "malformed"),
        ("<html/>", "<html>"),
        ('<!DOCTYPE r [<!ENTITY a "b">]><Response>&a;</Response>', "document type"),
        ("<Response><Say>" + "x" * 70_000 + "</Say></Response>", "64 kB"),
        ("<Response><Connect/></Response>", "<Connect>"),
        ("<Response><Redirect>http://127.0.0.1:1/x</Redirect></Response>", "away from"),
    ],
)
def test_what_twilio_could_not_play_drops_the_call_and_still_ends_it(product, answer, reason):
    product.answers["/twilio/voice"] = answer
    with pytest.raises(CallDropped) as dropped:
        product.line().dial()
    assert reason in dropped.value.reason
    assert len(product.forms("/twilio/call-status")) == 1


def test_a_server_error_is_retried_under_the_same_token_where_the_url_asks_for_it(product):
    gather = ASK.replace("ask=name", "ask=name#rc=1&amp;rp=5xx")
    product.answers |= {"/twilio/voice": [503, gather], "/twilio/gather": [500, 500, BYE]}
    line = product.line()
    assert line.dial().fetches[0].tries == 2
    tokens = [headers["I-Twilio-Idempotency-Token"] for _, _, headers in product.asked]
    assert tokens[0] == tokens[1]
    assert all("#" not in path for path, _, _ in product.asked)
    with pytest.raises(CallDropped, match="HTTP 500"):
        line.say("Dorothy")


def test_a_server_error_is_not_retried_by_default(product):
    product.answers |= {"/twilio/voice": ASK, "/twilio/gather": [500, BYE]}
    line = product.line()
    line.dial()
    with pytest.raises(CallDropped, match="HTTP 500"):
        line.say("Dorothy")


def test_a_call_to_nobody_says_that_the_server_is_not_running():
    line = Line("http://127.0.0.1:9", "AC" + "0" * 32, TOKEN, "+12025550100", "+12025550123")
    with pytest.raises(CallDropped, match="not running"):
        line.dial()


def test_a_call_is_taken_up_where_another_telephone_left_it(product):
    product.answers |= {"/twilio/voice": ASK, "/twilio/gather": BYE}
    line = product.line()
    greeting = line.dial()
    other = product.line(call_sid=line.call_sid)
    assert other.resume(greeting.url, greeting.document, lasted=71.0).asks == "name"
    assert other.say("Dorothy").ended
    assert int(product.forms("/twilio/call-status")[0]["CallDuration"]) >= 71
    assert len(product.forms("/twilio/voice")) == 1
