"""Taking a message: which field is asked for next, what fills it, and when asking is given up."""

from dataclasses import replace

from app.voice.flow import closing
from app.voice.flow import messages as m
from app.voice.flow.fields import CONTACT, fits, note, pending, required
from app.voice.flow.messages import Ask, Line
from app.voice.flow.states import State
from app.voice.flow.turn import LONGEST_WORDS, Turn

MISSES_PER_FIELD = 2
# What only an interpreter can read out of speech: the words as heard would be useless.
_NEEDS_READING = (Ask.PHONE, Ask.EMAIL)


def take(turn: Turn) -> m.Decision:
    """Begin the message or go on with it: ask for what is missing, else read it back."""
    memory, turn = turn.memory, turn.to(State.LEAD_CAPTURE)
    draft = memory.draft
    if not draft.get(Ask.REASON) and memory.last_words:
        draft = draft.noting(m.Noted(Ask.REASON, memory.last_words))
    if not memory.taking:
        turn = turn.say(Line.TAKE_A_MESSAGE)
    turn = turn.knowing(replace(memory, taking=True, draft=draft))
    if missing := pending(turn):
        return _ask(turn, missing[0])
    if not draft.fields:
        return leave_recording(turn)
    return read_back(turn)


def read_back(turn: Turn) -> m.Decision:
    """Each time in other words: the second time names and addresses are spelled."""
    count = turn.memory.read_backs + 1
    turn = turn.knowing(replace(turn.memory, read_backs=count)).to(State.CONFIRMATION)
    return turn.say(Line.READ_BACK).listen(Ask.CONFIRM)


def resume(turn: Turn) -> m.Decision:
    """Go back to the message after something else came in between."""
    turn = turn.say(Line.BACK_TO_MESSAGE)
    return take(turn.knowing(replace(turn.memory, asking="")))


def begin_or_resume(turn: Turn) -> m.Decision:
    if turn.memory.taking:
        return resume(turn)
    return take(turn.understood())


def unanswered(turn: Turn, words: str, because: Line = Line.CANNOT_ANSWER) -> m.Decision:
    """No source answers this: keep the question for the tenant and have a person see to it."""
    gap = (m.NoteGap(words.strip()),) if words.strip() else ()
    turn = turn.also(*gap).say(because)
    return begin_or_resume(turn if turn.memory.taking else turn.wishing(words))


def wanted(turn: Turn, words: str, proposal: m.TakeMessage) -> m.Decision:
    """The caller wants to leave one, tells a part of it, or asks what nobody can answer. Words
    that only ask for a message are no wish: what it is about is still asked for."""
    fields = fits(turn, proposal.fields)
    if fields:
        turn = note(turn, *fields)
    if proposal.unanswered:
        return unanswered(turn.understood(), words)
    return take(turn.understood())


def words_said(turn: Turn, words: str) -> m.Decision:
    """Nobody understood these words (the miss is counted), yet they may be the asked field."""
    key = turn.memory.asking
    if key not in _NEEDS_READING and words.strip():
        return take(note(turn, *fits(turn, (m.Noted(key, words),))))
    if turn.memory.misses < MISSES_PER_FIELD:
        return ask_again(turn)
    return _do_without(turn.understood(), key)


def hold(turn: Turn, piece: str) -> m.Decision:
    """The caller needs time, or says a value bit by bit: what there is so far is kept."""
    memory = turn.understood().memory
    pieces = f"{memory.pieces} {piece.strip()}".strip()[-LONGEST_WORDS:]
    turn = turn.knowing(replace(memory, pieces=pieces, offered=False))
    turn = turn.say(Line.GO_ON if piece else Line.TAKE_YOUR_TIME)
    return turn.listen(memory.asking, patient=not piece)


def offer_answered(turn: Turn, accepted: bool) -> m.Decision:
    """Yes or no to "shall we call you back on this number?"."""
    if accepted:
        number = m.Noted(Ask.PHONE, turn.facts.caller_number, m.Known.CALLER_ID)
        return take(note(turn, number))
    turn = turn.understood().knowing(replace(turn.understood().memory, offered=False))
    return question(turn, Line.ASK_FIELD, Ask.PHONE)


def ask_again(turn: Turn) -> m.Decision:
    """Repeat the question for the field the caller was just asked for."""
    return question(turn, Line.ASK_FIELD_AGAIN, turn.memory.asking)


def question(turn: Turn, line: Line, key: str) -> m.Decision:
    """Counted, so that the same field is never asked for in the same words twice running."""
    memory = turn.memory
    times = memory.times_asked + 1 if memory.asked_for == key else 0
    turn = turn.knowing(replace(memory, asked_for=key, times_asked=times))
    return turn.say(line, key).listen(key)


def may_be_declined(turn: Turn) -> bool:
    """A no to the first question for a message is a no to the message."""
    memory = turn.memory
    begun = any(field.key != Ask.REASON for field in memory.draft.fields) or memory.redo
    return memory.asking in (*CONTACT, Ask.REASON) and not begun


def declined(turn: Turn) -> m.Decision:
    """The caller wants to leave none: nothing of it is kept, and the call goes on."""
    memory = replace(turn.understood().memory, taking=False, offered=False, last_words="",
                     pieces="", skipped=(), draft=m.Draft())  # fmt: skip
    turn = turn.knowing(memory).to(State.WRAP_UP).say(Line.NO_MESSAGE).say(Line.ANYTHING_ELSE)
    return turn.listen(Ask.ANYTHING_ELSE)


def without(turn: Turn) -> m.Decision:
    """They do not want to tell what was asked for, or have none: the message goes on without."""
    return _do_without(turn.understood(), turn.memory.asking)


def leave_recording(turn: Turn) -> m.Decision:
    return turn.to(State.LEAD_CAPTURE).say(Line.LEAVE_RECORDING).record()


def recorded(turn: Turn, seconds: int) -> m.Decision:
    """A recorded message is a lead even when nothing else is known."""
    if seconds <= 0:
        return closing.goodbye(turn)
    lead = m.SaveLead(closing.reachable(turn.memory.draft, turn.facts))
    return turn.also(lead).say(Line.MESSAGE_SAVED).say(Line.GOODBYE).hang_up()


def saved(turn: Turn, agreed: bool) -> m.Decision:
    """Keep the message and offer more. Who is calling stays known for a second message; what it
    was about does not."""
    memory, facts = turn.memory, turn.facts
    draft = memory.draft.confirmed() if agreed else closing.reachable(memory.draft, facts)
    complete = not draft.missing(required(turn))
    contact = m.Draft(tuple(field for field in draft.fields if field.key in CONTACT))
    after = replace(
        turn.understood().memory,
        taking=False,
        confirmed=memory.confirmed or agreed,
        corrections=0,
        read_backs=0,
        offered=False,
        last_words="",
        skipped=(),
        redo=(),
        draft=contact,
    )
    turn = turn.knowing(after).also(m.SaveLead(draft, confirmed=agreed and complete))
    turn = turn.to(State.WRAP_UP).say(Line.MESSAGE_SAVED).say(Line.ANYTHING_ELSE)
    return turn.listen(Ask.ANYTHING_ELSE)


def _ask(turn: Turn, key: str) -> m.Decision:
    memory, again = turn.memory, turn.memory.asking == key and not turn.effects
    fresh = not (again or memory.offered or key in memory.redo)
    if key == Ask.PHONE and turn.facts.caller_number and fresh:
        turn = turn.knowing(replace(memory, offered=True))
        return turn.say(Line.OFFER_CALLER_ID).listen(key)
    return question(turn, Line.ASK_FIELD_AGAIN if again else Line.ASK_FIELD, key)


def _do_without(turn: Turn, key: str) -> m.Decision:
    """Go on without a field that could not be had, so that the call comes to its end."""
    memory, facts = turn.memory, turn.facts
    if memory.draft.get(key):  # it was asked for again: the old value stands
        redo = tuple(other for other in memory.redo if other != key)
        return take(turn.knowing(replace(memory, redo=redo)))
    if key == Ask.PHONE and facts.caller_number:
        return take(note(turn, m.Noted(key, facts.caller_number, m.Known.CALLER_ID)))
    if key == Ask.PHONE:
        return leave_recording(turn)
    return take(turn.knowing(replace(memory, skipped=(*memory.skipped, key))))
