"""What the receptionist says: the wording of every scripted line, in the tenant's language.

English stands here, other languages in translations/. Each line that may come twice running has two
wordings, and the turn's number picks one, so that the same call always sounds the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.voice import spoken
from app.voice.flow.messages import Ask, Facts, Line, Memory, Say, Shut
from app.voice.spoken import Speech, _

_ASKS: dict[str, tuple[str, str]] = {
    Ask.NAME: (_("May I have your name, please?"), _("What name should I put down?")),
    Ask.PHONE: (
        _("What number can we call you back on? You can say it or key it in."),
        _("Which phone number is best to reach you? You can also use the keys."),
    ),
    Ask.EMAIL: (_("What is your e-mail address?"), _("Which e-mail address can we write to?")),
    Ask.REASON: (_("What is it about?"), _("What would you like to tell them?")),
}
_ASKS_AGAIN: dict[str, tuple[str, str]] = {
    Ask.NAME: (
        _("Could you tell me your name once more, please?"),
        _("I still need your name, please."),
    ),
    Ask.PHONE: (
        _("Please say the phone number digit by digit, or key it in."),
        _("I still need a phone number. Please key it in, then press pound."),
    ),
    Ask.EMAIL: (
        _("Please say the e-mail address slowly, for example: ann at example dot com."),
        _("Could you spell the e-mail address for me?"),
    ),
    Ask.REASON: (
        _("Could you tell me in a few words what it is about?"),
        _("In a few words, what should I tell them?"),
    ),
}
_READ: dict[str, tuple[str, str]] = {
    Ask.NAME: (_("Your name is {value}."), _("I have your name as {value}.")),
    Ask.PHONE: (_("Your number is {value}."), _("I have your number as {value}.")),
    Ask.EMAIL: (_("Your e-mail address is {value}."), _("I have your e-mail as {value}.")),
    Ask.REASON: (_("It is about this: {value}."), _("What I noted it is about: {value}.")),
}
_OTHER_ASK = (_("Please tell me: {label}?"), _("What may I note for {label}?"))
_OTHER_READ = (_("For {label}: {value}."), _("As {label} I have {value}."))
_ONCE_MORE = (_("I'm sorry, once more: {question}"), _("I still need this: {question}"))

# Several wordings: one of them is chosen. `{place}` is the department's name.
_WORDING: dict[Line, tuple[str, ...]] = {
    Line.HOW_CAN_I_HELP: (_("How can I help you?"), _("What can I do for you?")),
    # Raise notices.CALL_RECORDING_TEXT_VERSION with every change of these words.
    Line.RECORDING_NOTICE: (
        _("This call will be recorded. If you do not want that, say: do not record, or press 9."),
    ),
    Line.NOT_RECORDED: (_("This call is not recorded."),),
    Line.RECORDING_STOPPED: (_("The recording will be stopped and deleted."),),
    Line.DID_NOT_HEAR: (_("I'm sorry, I didn't hear anything."), _("I still can't hear you.")),
    Line.DID_NOT_UNDERSTAND: (
        _("I'm sorry, I didn't understand that. Could you say it in other words?"),
        _("I'm afraid I didn't get that. What is it you need?"),
    ),
    Line.CONNECTING: (_("I'll connect you with {place}. One moment, please."),),
    Line.DEPARTMENT_CLOSED: (
        _("I'm sorry, {place} is closed at the moment."),
        _("{place} is not open right now, I'm afraid."),
    ),
    Line.NOBODY_AVAILABLE: (
        _("I'm sorry, nobody is available to take your call right now."),
        _("I'm afraid there is nobody I can connect you with at the moment."),
    ),
    Line.NOBODY_PICKED_UP: (
        _("I'm sorry, nobody is picking up right now."),
        _("I'm afraid nobody answered."),
    ),
    Line.CANNOT_ANSWER: (
        _("I don't have that information. I'll have someone confirm that."),
        _("I can't tell you that for certain. I'll have someone confirm that."),
    ),
    Line.TAKE_A_MESSAGE: (_("I'll take a message, so that somebody can call you back."),),
    Line.BACK_TO_MESSAGE: (_("Now, back to your message."), _("Let's go on with your message.")),
    Line.PLEASE_CONFIRM: (
        _("Is your message right as I read it? Say yes or no, or press 1 for yes, 2 for no."),
        _("If the message is right, say yes or press 1. If not, say no or press 2."),
    ),
    Line.WHAT_TO_CORRECT: (
        _("What should I change?"),
        _("Which part should I change: for example the name, or the number?"),
    ),
    Line.LEAVE_RECORDING: (_("Please leave your message and your phone number after the tone."),),
    Line.MESSAGE_SAVED: (_("Thank you, I have noted your message."),),
    Line.NO_MESSAGE: (_("All right, I won't take a message."),),
    Line.ANYTHING_ELSE: (
        _("Is there anything else I can do for you?"),
        _("Can I help you with anything else?"),
    ),
    Line.GOODBYE: (_("Thank you for calling. Goodbye."),),
    Line.GO_ON: (_("Mhm, go on."), _("Yes, and then?"), _("I'm listening, go on.")),
    Line.TAKE_YOUR_TIME: (
        _("Of course, take your time."),
        _("No hurry, I'm here."),
        _("Just tell me when you have it."),
    ),
    Line.OFFER_CALLER_ID: (
        _("Can we call you back on the number you are calling from? If not, tell me another one."),
    ),
    Line.PERSON_INSTEAD: (
        _("I'm sorry, I have trouble understanding. To speak to a person, press 0 at any time."),
    ),
    Line.OTHER_LANGUAGE: (_("For English, press 8."),),
    Line.NOBODY_THERE: (
        _("I can't hear anybody, so I will end this call. Please call again any time."),
    ),
    Line.RUNNING_OUT: (_("I'm sorry, this call has to come to its end soon."),),
    Line.TIME_IS_UP: (_("I'm sorry, this call has to end now."),),
}

_WELCOME = _("Thank you for calling {business}.")
_WELCOME_NAMELESS = _("Thank you for calling.")
_ASSISTANT = _("I am the automated assistant.")
_ASSISTANT_NAMED = _("I am {persona}, the automated assistant.")
_SHUT: dict[str, str] = {
    Shut.CLOSED: _("We are closed right now."),
    Shut.BREAK: _("We are on our break until {time}."),
    Shut.HOLIDAY: _("We are closed today: {note}."),
}
_OPENS = _("We open again {day} at {time}.")
_CAN_STILL = _("I can answer questions or take a message.")
_MENU_INTRO = _("You can ask me a question, or leave a message.")
_MENU_CHOICE = _("For {place}, press {key}.")
_MENU_PERSON = _("To speak to a person, press 0.")
_READ_BACK = (_("Let me read that back."), _("So, here is your message."))
_RIGHT = _("Is that right?")
_SPELLED = _("spelled")

# What a greeting must have said for us not to add that a machine answers.
_DISCLOSED = ("automat", "virtual", "artificial", "robot", "digital", " ai ", " bot ")


@dataclass(frozen=True, slots=True)
class Voice:
    """How a tenant's receptionist presents itself. `greeting` is the tenant's own text or ""."""

    greeting: str = ""
    persona: str = ""
    language: str = "en-US"


def render(say: Say, facts: Facts, memory: Memory, settings: Voice) -> str:
    """The words to speak. `memory` is the decision's, so that two turns running sound different."""
    if say.line is None:
        return say.text
    own = say.line is Line.OTHER_LANGUAGE  # told to those who speak it, in it
    speech = spoken.speech((own and facts.other_language) or settings.language)
    if say.line in _COMPOSED:
        return _COMPOSED[say.line](say, facts, memory, settings, speech)
    wordings = _WORDING[say.line]
    return speech.tell(wordings[memory.turns % len(wordings)], place=say.detail)


def _welcome(say: Say, facts: Facts, memory: Memory, settings: Voice, speech: Speech) -> str:
    """A caller is always told that a machine answers, whatever the tenant's greeting says."""
    business = facts.business.strip().rstrip(".")
    greeting = settings.greeting.strip()
    parts = [
        greeting or speech.tell(_WELCOME if business else _WELCOME_NAMELESS, business=business)
    ]
    if not _discloses(greeting):
        named = _ASSISTANT_NAMED if settings.persona else _ASSISTANT
        parts.append(speech.tell(named, persona=settings.persona))
    if say.line is Line.WELCOME_CLOSED:
        parts += _why_closed(facts, speech)
        parts += [] if say.detail else [speech.tell(_CAN_STILL)]
    asked_later = say.detail or facts.announces_recording or facts.other_language
    if not asked_later and not parts[-1].endswith("?"):
        parts.append(speech.tell(_WORDING[Line.HOW_CAN_I_HELP][0]))
    return " ".join(parts)


def _why_closed(facts: Facts, speech: Speech) -> list[str]:
    """And when it opens again, as far as that is near enough to be told by its day."""
    shut = facts.shut or Shut.CLOSED
    day, at = facts.opens or (None, "00:00")
    time = spoken.clock(at, speech)
    note = facts.hours[0].note.rstrip(".") if facts.hours else ""
    parts = [speech.tell(_SHUT[shut], time=time, note=note)]
    if day and shut != Shut.BREAK:
        parts.append(speech.tell(_OPENS, day=spoken.day_name(day, facts.today, speech), time=time))
    return parts


def _discloses(greeting: str) -> bool:
    heard = "".join(c if c.isalnum() else " " for c in greeting.casefold())
    return any(word in f" {heard} " for word in _DISCLOSED)


def _menu(say: Say, facts: Facts, memory: Memory, settings: Voice, speech: Speech) -> str:
    choices = [
        speech.tell(_MENU_CHOICE, place=department.name, key=str(key))
        for key, department in enumerate(facts.departments[:9], 1)
    ]
    person = [speech.tell(_MENU_PERSON)] if facts.operator else []
    return " ".join([speech.tell(_MENU_INTRO), *choices, *person])


def _hours(say: Say, facts: Facts, memory: Memory, settings: Voice, speech: Speech) -> str:
    if say.at is None:
        return spoken.hours(say.days, facts, speech)
    return spoken.open_at(say.days, say.at, facts, speech)


def _ask(say: Say, facts: Facts, memory: Memory, settings: Voice, speech: Speech) -> str:
    wordings = _ASKS if say.line is Line.ASK_FIELD else _ASKS_AGAIN
    intake = next((intake for intake in facts.intake if intake.key == say.detail), None)
    if intake and intake.question:  # the tenant's own words, in the tenant's language
        if memory.times_asked == 0:
            return intake.question
        return speech.tell(_ONCE_MORE[memory.times_asked % 2], question=intake.question)
    pair = wordings.get(say.detail, _OTHER_ASK)
    return speech.tell(pair[memory.times_asked % 2], label=_label(say.detail, facts))


def _read_back(say: Say, facts: Facts, memory: Memory, settings: Voice, speech: Speech) -> str:
    again = memory.read_backs > 1
    which = (max(memory.read_backs, 1) + 1) % 2
    fields = [
        speech.tell(
            _READ.get(field.key, _OTHER_READ)[which],
            label=_label(field.key, facts),
            value=_value(field.key, field.value, facts, speech, spelled=again),
        )
        for field in memory.draft.fields
    ]
    intro = speech.tell(_READ_BACK[which])
    return " ".join([intro, *fields, speech.tell(_RIGHT)])


def _value(key: str, value: str, facts: Facts, speech: Speech, spelled: bool = False) -> str:
    """`spelled`: letter by letter besides, where a letter may have been heard wrong."""
    match key:
        case Ask.PHONE:
            return spoken.phone(value, facts.region, speech)
        case Ask.EMAIL:
            plain = spoken.email(value, speech)
            return f"{plain}, {_spelled(value, speech)}" if spelled else plain
        case Ask.NAME if spelled:
            return f"{value}, {_spelled(value, speech)}"
    return spoken.shortened(value)


def _spelled(value: str, speech: Speech) -> str:
    return f"{speech.tell(_SPELLED)} {spoken.letters(value, speech)}"


def _label(key: str, facts: Facts) -> str:
    intake = next((intake for intake in facts.intake if intake.key == key), None)
    return intake.label if intake and intake.label else key.replace("_", " ")


_COMPOSED: dict[Line, Callable[[Say, Facts, Memory, Voice, Speech], str]] = {
    Line.WELCOME: _welcome,
    Line.WELCOME_CLOSED: _welcome,
    Line.MENU: _menu,
    Line.HOURS: _hours,
    Line.ASK_FIELD: _ask,
    Line.ASK_FIELD_AGAIN: _ask,
    Line.READ_BACK: _read_back,
}
