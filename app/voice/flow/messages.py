"""What flows through a turn: facts, memory, proposals, events, effects. Frozen data, no behaviour
beyond reading itself."""

from dataclasses import dataclass, field, replace
from datetime import date, time
from enum import StrEnum


class Known(StrEnum):
    """How a lead's field is known, surest first."""

    CONFIRMED = "confirmed"
    KEYED = "keyed"
    CALLER_ID = "caller_id"
    HEARD = "heard"


class Consent(StrEnum):
    """How far a call has come with the question whether it may be recorded; "" is before it."""

    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"


class Shut(StrEnum):
    """Why a business is not open at this moment; "" when it is."""

    CLOSED = "closed"
    BREAK = "break"  # between two spans of the same day
    HOLIDAY = "holiday"


class Ask(StrEnum):
    """What a Gather asks for: the `ask=` of its action URL. Intake questions use their own key."""

    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    REASON = "reason"
    CONFIRM = "confirm"
    ANYTHING_ELSE = "anything_else"
    GOODBYE = "goodbye"
    RECORDING = "recording"  # after a Record; never in a URL


# --- The lead as it grows during a call -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Noted:
    """One field of a lead: `value` as it would be written down (phones in E.164)."""

    key: str
    value: str
    known: Known = Known.HEARD


@dataclass(frozen=True, slots=True)
class Draft:
    """The message being taken. Newer values win; nothing is ever erased by silence."""

    fields: tuple[Noted, ...] = ()

    def get(self, key: str) -> str:
        return next((f.value for f in self.fields if f.key == key), "")

    def known(self, key: str) -> Known | None:
        return next((f.known for f in self.fields if f.key == key), None)

    def noting(self, *newer: Noted) -> "Draft":
        kept = {f.key: f for f in self.fields}
        kept.update({f.key: f for f in newer if f.value})
        return Draft(tuple(kept.values()))

    def without(self, *keys: str) -> "Draft":
        return Draft(tuple(f for f in self.fields if f.key not in keys))

    def missing(self, required: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(key for key in required if not self.get(key))

    def confirmed(self) -> "Draft":
        """Every field read back and agreed to; what was keyed or from caller ID counts as well."""
        return Draft(tuple(replace(f, known=Known.CONFIRMED) for f in self.fields))


# --- What is known before the turn: fixed while it is decided ---------------------------------


@dataclass(frozen=True, slots=True)
class Department:
    """A destination of the tenant's table. `numbers` are E.164; empty means nobody can be rung,
    `barred` that it has numbers, none of which may be rung any more. `in_order`: they ring one
    after the other, each for `ring_seconds`."""

    id: int
    name: str
    description: str = ""
    numbers: tuple[str, ...] = ()
    is_open: bool = True
    operator: bool = False
    ring_seconds: int = 20
    in_order: bool = False
    barred: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A knowledge entry offered as a source. `id` is what an Answer names, e.g. `knowledge:12`."""

    id: str
    entry_id: int
    version: int
    question: str
    answer: str
    alternates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DayHours:
    """Opening hours of one local day. `spans` are ("HH:MM", "HH:MM") in the tenant's zone; an end
    before its start runs past midnight. No spans: closed. `note` names the holiday, if any."""

    day: date
    spans: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def id(self) -> str:
        return f"hours:{self.day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Intake:
    """A tenant's own question while a message is taken: how it is asked, and what its answer is
    called in the read-back ("party size"). `when`: asked only of who said one of these."""

    key: str
    question: str
    label: str = ""
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    max_turns: int = 40
    max_silences: int = 2
    max_misses: int = 2
    max_transfers: int = 2
    talk_seconds: int = 3600  # of a transfer
    max_unheard: int = 2  # silences of a caller who never said anything


@dataclass(frozen=True, slots=True)
class Facts:
    """What the tenant's settings and this moment allow. `today` and `hours` are local to the
    tenant; `hours` holds today and the days after it, in order; `opens` is the next opening of a
    closed business. `on_call` is the department rung for `urgent_words`, open or closed."""

    business: str = ""
    is_open: bool = False
    departments: tuple[Department, ...] = ()
    passages: tuple[Passage, ...] = ()
    hours: tuple[DayHours, ...] = ()
    today: date | None = None
    yesterday: DayHours | None = None  # its night may run into today
    shut: str = ""  # a Shut
    opens: tuple[date, str] | None = None
    required: tuple[str, ...] = (Ask.NAME, Ask.PHONE, Ask.REASON)
    intake: tuple[Intake, ...] = ()  # the tenant's own questions
    urgent_words: tuple[str, ...] = ()
    on_call: int | None = None
    caller_number: str = ""
    region: str = "US"
    language: str = "en-US"
    persona: str = ""
    model: str = ""  # the tenant's choice; "" is the installation's
    other_language: str = ""  # the one a key changes to
    staff_first: int | None = None
    staff_first_seconds: int = 20
    message_only: bool = False
    running_out: bool = False  # of time or money: from here on only a message is taken
    time_is_up: bool = False
    announces_recording: bool = False
    limits: Limits = field(default_factory=Limits)

    @property
    def sources(self) -> frozenset[str]:
        return frozenset(p.id for p in self.passages) | frozenset(d.id for d in self.hours)

    def department(self, department_id: int) -> Department | None:
        return next((d for d in self.departments if d.id == department_id), None)

    @property
    def operator(self) -> Department | None:
        """Who takes a caller that wants a person: the flagged department, else the first one that
        is open and can be rung."""
        flagged = next((d for d in self.departments if d.operator), None)
        reachable = next((d for d in self.departments if d.is_open and d.numbers), None)
        return flagged or reachable


@dataclass(frozen=True, slots=True)
class Memory:
    """What the call itself has accumulated. Stored with the CallSession as JSON."""

    turns: int = 0
    silences: int = 0
    misses: int = 0
    transfers: int = 0
    refusals: int = 0  # wishes to be connected that came to nothing
    answers: int = 0
    told: tuple[str, ...] = ()  # what the answer just given rests on
    corrections: int = 0
    language: str = ""  # chosen by key; "": that of the number
    recording: str = ""  # a Consent, once the recording was announced
    asking: str = ""  # the Ask or intake key that the last Gather asked for
    taking: bool = False  # a message is begun and not yet saved or given up
    confirmed: bool = False  # the message of this call was read back and agreed to
    ringing: int | None = None  # the department being dialled
    tried: tuple[int, ...] = ()  # departments already dialled
    last_words: str = ""  # what the caller wants, in their words, until it is dealt with
    pieces: str = ""  # the asked value as far as it was said
    offered: bool = False  # the number of caller ID was offered for calling back
    asked_for: str = ""  # the field last asked for, and how often in a row it was before
    times_asked: int = 0
    read_backs: int = 0
    asked_back: int = 0  # questions back in a row
    hurried: bool = False  # was told that the call comes to its end
    skipped: tuple[str, ...] = ()  # fields given up on: not asked for again
    redo: tuple[str, ...] = ()  # asked for again though noted; the old value stays until then
    draft: Draft = field(default_factory=Draft)


@dataclass(frozen=True, slots=True)
class Context:
    facts: Facts = field(default_factory=Facts)
    memory: Memory = field(default_factory=Memory)


# --- What an interpreter may propose ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """Speak `text`, which rests on `sources` (ids of Facts.sources)."""

    text: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TellHours:
    """Tell when the business is open on these days (none: now and the next opening), and whether
    it is open `at` that time of the first of them (none: today)."""

    days: tuple[date, ...] = ()
    at: time | None = None


@dataclass(frozen=True, slots=True)
class Clarify:
    """Ask the caller back; spoken as it is, so it must be a question."""

    question: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Connect to a department of the table; None: whoever answers for a person ("operator")."""

    department_id: int | None = None


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Note these fields and go on taking the message. With none: the caller wants to leave one.
    `unanswered`: it is taken because no source answers the question (kept as a knowledge gap)."""

    fields: tuple[Noted, ...] = ()
    unanswered: bool = False


@dataclass(frozen=True, slots=True)
class Confirm:
    """Yes or no to what was just asked; `fields` are corrections said in the same breath."""

    accepted: bool
    fields: tuple[Noted, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """The caller is done and wants to go."""


@dataclass(frozen=True, slots=True)
class Hold:
    """The caller needs a moment ("wait, let me look"), or gave only the beginning of the value
    that was asked for: `piece`, in their words."""

    piece: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """The caller asks to hear once more what was said last."""


Proposal = Answer | TellHours | Clarify | Transfer | TakeMessage | Confirm | Finish | Hold | Again


# --- What can happen --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallStarted:
    pass


@dataclass(frozen=True, slots=True)
class CallerSpoke:
    words: str
    proposal: Proposal | None = None  # None: nobody understood it
    no_recording: bool = False  # besides, or (without words) only, they refused to be recorded
    besides: Answer | TellHours | None = None  # asked in the same breath: dealt with first
    told: tuple[Noted, ...] = ()  # of themself, before anybody asked


@dataclass(frozen=True, slots=True)
class CallerSilent:
    pass


@dataclass(frozen=True, slots=True)
class KeysPressed:
    """Keys work without any understanding: 0 a person, 1 yes, 2 no, digits for a number."""

    keys: str


@dataclass(frozen=True, slots=True)
class DialEnded:
    """Result of a Dial. Only `bridged` says that a human spoke; `status` is Twilio's word."""

    bridged: bool
    status: str = ""


@dataclass(frozen=True, slots=True)
class MessageRecorded:
    """Result of a Record: seconds > 0 when something was recorded."""

    seconds: int = 0


@dataclass(frozen=True, slots=True)
class CallerHungUp:
    pass


Event = (
    CallStarted
    | CallerSpoke
    | CallerSilent
    | KeysPressed
    | DialEnded
    | MessageRecorded
    | CallerHungUp
)


# --- What to do about it ----------------------------------------------------------------------


class Line(StrEnum):
    """Scripted sentences; the wording lives in voice/lines.py and the translations."""

    WELCOME = "welcome"
    WELCOME_CLOSED = "welcome_closed"
    RECORDING_NOTICE = "recording_notice"
    NOT_RECORDED = "not_recorded"
    RECORDING_STOPPED = "recording_stopped"
    HOW_CAN_I_HELP = "how_can_i_help"
    DID_NOT_HEAR = "did_not_hear"
    DID_NOT_UNDERSTAND = "did_not_understand"
    MENU = "menu"
    HOURS = "hours"
    CONNECTING = "connecting"
    DEPARTMENT_CLOSED = "department_closed"
    NOBODY_AVAILABLE = "nobody_available"
    NOBODY_PICKED_UP = "nobody_picked_up"
    CANNOT_ANSWER = "cannot_answer"
    TAKE_A_MESSAGE = "take_a_message"
    BACK_TO_MESSAGE = "back_to_message"
    ASK_FIELD = "ask_field"  # detail: the field's key
    ASK_FIELD_AGAIN = "ask_field_again"  # detail: the field's key
    READ_BACK = "read_back"
    PLEASE_CONFIRM = "please_confirm"
    WHAT_TO_CORRECT = "what_to_correct"
    LEAVE_RECORDING = "leave_recording"
    MESSAGE_SAVED = "message_saved"
    NO_MESSAGE = "no_message"
    ANYTHING_ELSE = "anything_else"
    GOODBYE = "goodbye"
    GO_ON = "go_on"
    TAKE_YOUR_TIME = "take_your_time"
    OFFER_CALLER_ID = "offer_caller_id"
    PERSON_INSTEAD = "person_instead"
    OTHER_LANGUAGE = "other_language"
    NOBODY_THERE = "nobody_there"
    RUNNING_OUT = "running_out"
    TIME_IS_UP = "time_is_up"


@dataclass(frozen=True, slots=True)
class Say:
    """A scripted line, or (`line` None) the grounded words of an interpreter in `text`."""

    line: Line | None = None
    text: str = ""
    detail: str = ""
    sources: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    at: time | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    """Gather speech and keys. `ask` is the slot of the action URL ("" when none is asked for);
    `patient` gives the caller time to look something up."""

    ask: str = ""
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Dial:
    """`seconds`: for how long it rings; None: as the department says."""

    department_id: int
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """Let the caller speak a message after the tone."""


@dataclass(frozen=True, slots=True)
class SaveLead:
    """Keep the message as it stands; `confirmed` only after a yes to its read-back."""

    draft: Draft
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class NoteGap:
    """A question that no source answered."""

    words: str


@dataclass(frozen=True, slots=True)
class NoteConsent:
    """Whether the caller agreed to be recorded; a later one takes an earlier one back."""

    given: bool


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


Effect = Say | Listen | Dial | Record | SaveLead | NoteGap | NoteConsent | HangUp


@dataclass(frozen=True, slots=True)
class Decision:
    """`path` is every state passed this turn, first the one it began in; its last one is where the
    call now is. `refused` says why a proposal was set aside, for the log and the call page."""

    path: tuple[str, ...]
    memory: Memory
    effects: tuple[Effect, ...] = ()
    refused: str = ""

    @property
    def state(self) -> str:
        return self.path[-1]
