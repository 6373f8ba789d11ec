"""What is said beside the flow: while a mind is slow, when nothing works, to those not answered,
and to the person whose telephone rings."""

from app.voice import spoken
from app.voice.spoken import _

DEFAULT_LANGUAGE = "en-US"
_VOICES = {"en": "Polly.Joanna-Neural", "es": "Polly.Lupe-Neural"}
RECORDING_TEXT_VERSION = "leave-message-1"  # raise it with every change of LEAVE_RECORDING's words
CALL_RECORDING_TEXT_VERSION = "announce-call-1"  # of Line.RECORDING_NOTICE, in lines.py

_ONE_MOMENT = (
    _("One moment, please."),
    _("Just a moment longer, please."),
    _("I'm still looking that up."),
)
_APOLOGY = _(
    "I'm sorry, something is not working on our side. "
    "Please leave your name, your number and your message after the tone."
)
_NOBODY_THERE = _(
    "Nobody can take your call right now. "
    "Please leave your name, your number and your message after the tone."
)
# In a TwiML Bin, which can neither tell how a Dial ended nor go on after a Record.
_SPEAK_AND_HANG_UP = _(
    "I'm sorry, something is not working on our side. "
    "Please leave your name, your number and your message after the tone, then hang up."
)
_IF_NOBODY = _(
    "If nobody could take your call, please leave your name, your number and your message "
    "after the tone, then hang up."
)
_THANKS = _("Thank you for your message. Goodbye.")
_NOT_KEPT = _(
    "For your safety I did not keep that number. "
    "Please do not tell me card or social security numbers."
)
_NOT_IN_SERVICE = _("We are sorry, this number is not taking calls at the moment. Goodbye.")
_NOT_SET_UP = _("This number has not been set up yet. Goodbye.")
_CALL_FROM = _("A call from {caller}.")
_CALL_WITHHELD = _("A call from a withheld number.")
_FOR_DEPARTMENT = _("For {place}.")
_THEY_SAID = _("They said: {wish}.")
_IS_RECORDED = _("This call is recorded.")
_PRESS_ONE = _("Press 1 to take it.")
_RING_TEST = _(
    "This is a test call of {business}. Callers who ask for {place} are connected to this "
    "telephone. You can hang up now. Goodbye."
)


def voice_for(language: str) -> str:
    """A voice of Twilio that speaks it, for calls in another language than the tenant's own."""
    return _VOICES.get(language[:2].lower(), _VOICES["en"])


def one_moment(wait: int, language: str) -> str:
    """The filler of the `wait`-th redirect of one turn; running ones differ."""
    return spoken.speech(language).tell(_ONE_MOMENT[wait % len(_ONE_MOMENT)])


def apology(language: str) -> str:
    return spoken.speech(language).tell(_APOLOGY)


def nobody_there(language: str) -> str:
    return spoken.speech(language).tell(_NOBODY_THERE)


def speak_and_hang_up(language: str) -> str:
    return spoken.speech(language).tell(_SPEAK_AND_HANG_UP)


def if_nobody(language: str) -> str:
    return spoken.speech(language).tell(_IF_NOBODY)


def thanks(language: str) -> str:
    return spoken.speech(language).tell(_THANKS)


def not_kept(language: str) -> str:
    return spoken.speech(language).tell(_NOT_KEPT)


def not_in_service(language: str) -> str:
    return spoken.speech(language).tell(_NOT_IN_SERVICE)


def not_set_up(language: str) -> str:
    return spoken.speech(language).tell(_NOT_SET_UP)


def ring_test(business: str, department: str, language: str) -> str:
    """What whoever picks up in a ring test hears."""
    return spoken.speech(language).tell(_RING_TEST, business=business, place=department)


def who_is_calling(
    caller: str, region: str, wish: str, department: str, language: str, recorded: bool = False
) -> str:
    """What the person who picked up hears before pressing 1."""
    speech = spoken.speech(language)
    known = caller.startswith("+")
    parts = [
        speech.tell(_CALL_FROM, caller=spoken.phone(caller, region, speech))
        if known
        else speech.tell(_CALL_WITHHELD)
    ]
    if department:
        parts.append(speech.tell(_FOR_DEPARTMENT, place=department))
    if wish:
        parts.append(speech.tell(_THEY_SAID, wish=spoken.shortened(wish)))
    if recorded:
        parts.append(speech.tell(_IS_RECORDED))
    return " ".join([*parts, speech.tell(_PRESS_ONE)])
