"""Connecting a caller to a department: who may be rung, and what follows when nobody answers."""

from dataclasses import replace

from app.voice.flow import messages as m
from app.voice.flow import taking, words
from app.voice.flow.messages import Line
from app.voice.flow.states import State
from app.voice.flow.turn import Turn


def welcome(turn: Turn) -> m.Decision:
    """The first words of a call, also after a staff-first attempt that nobody answered."""
    line = Line.WELCOME if turn.facts.is_open else Line.WELCOME_CLOSED
    message_only = turn.facts.message_only
    # the detail leaves "how can I help?" to the message's question
    turn = turn.say(line, detail="message" if message_only else "")
    if turn.facts.other_language:
        turn = turn.say(Line.OTHER_LANGUAGE)
    if message_only:
        return taking.take(turn.to(State.INTENT) if turn.state is State.GREETING else turn)
    if turn.facts.other_language:
        turn = turn.say(Line.HOW_CAN_I_HELP)
    return turn.listen()


def staff_first(turn: Turn) -> m.Department | None:
    """The department that rings before the receptionist speaks, when it can be rung now."""
    if turn.facts.staff_first is None:
        return None
    department = turn.facts.department(turn.facts.staff_first)
    return department if department and not _refusal(turn, department) else None


def attempt(turn: Turn, department_id: int | None) -> m.Decision:
    """Ring the department (None: the operator), or say why not and take a message."""
    facts = turn.facts
    if department_id is None:
        department, unknown = facts.operator, "nobody to ring"
    else:
        department, unknown = facts.department(department_id), "unknown department"
    if department is None:
        return _take_instead(turn.refuse(unknown), m.Say(Line.NOBODY_AVAILABLE))
    if refusal := _refusal(turn, department):
        closed = refusal == "closed"
        line = Line.DEPARTMENT_CLOSED if closed else Line.NOBODY_AVAILABLE
        return _take_instead(turn.refuse(refusal), m.Say(line, detail=department.name))
    return connect(turn, department)


def urgent(turn: Turn, words_said: str) -> m.Department | None:
    """Who is on call, when the caller says an urgent word: rung open or closed."""
    facts = turn.facts
    if facts.on_call is None or not words.urgent(words_said, facts.urgent_words):
        return None
    department = facts.department(facts.on_call)
    ringable = department and not _refusal(turn, department, also_closed=True)
    return department if ringable else None


def connect(turn: Turn, department: m.Department) -> m.Decision:
    return turn.say(Line.CONNECTING, department.name).dial(department.id)


def bridged(turn: Turn) -> m.Decision:
    """A human has spoken with the caller; nothing is left to say."""
    return turn.hang_up()


def not_bridged(turn: Turn) -> m.Decision:
    """Nobody took the call, whatever Twilio's status says: voicemail also "completes"."""
    rung = turn.facts.department(turn.memory.ringing) if turn.memory.ringing is not None else None
    turn = turn.knowing(replace(turn.memory, ringing=None))
    if turn.memory.turns == 0:  # staff first: the caller has heard nothing from us yet
        return welcome(turn if turn.facts.message_only else turn.to(State.INTENT))
    return _take_instead(turn, m.Say(Line.NOBODY_PICKED_UP, detail=rung.name if rung else ""))


def _refusal(turn: Turn, department: m.Department, also_closed: bool = False) -> str:
    memory = turn.memory
    if not (department.is_open or also_closed):
        return "closed"
    if not department.numbers:
        return "numbers not allowed" if department.barred else "nobody to ring"
    if department.id in memory.tried:
        return "already tried"
    if memory.transfers >= turn.facts.limits.max_transfers:
        return "transfers used up"
    return ""


def _take_instead(turn: Turn, because: m.Say) -> m.Decision:
    turn = turn.knowing(replace(turn.memory, refusals=turn.memory.refusals + 1))
    turn = turn.to(State.TRANSFER_ATTEMPT, State.LEAD_CAPTURE).also(because)
    return taking.begin_or_resume(turn)
