"""What an interpreter proposes is weighed here: against the map first, then against the facts."""

from app.voice.flow import closing, confirming, taking, talk, transfers
from app.voice.flow import messages as m
from app.voice.flow.fields import fits, is_field
from app.voice.flow.messages import Ask
from app.voice.flow.silence import repeat
from app.voice.flow.states import MAY_PROPOSE, State
from app.voice.flow.turn import Turn

_OPEN_TALK = (State.GREETING, State.INTENT, State.FAQ, State.WRAP_UP)
MOST_ASKED_BACK = 2
MOST_REFUSALS = 3


def consider(turn: Turn, words: str, proposal: m.Proposal) -> m.Decision:
    """`words` are what the caller said, "" for keys."""
    if type(proposal) not in MAY_PROPOSE[turn.state]:
        refused = turn.refuse(f"{type(proposal).__name__} in {turn.state}")
        return not_understood(refused, words)
    if isinstance(proposal, m.Clarify):
        if not talk.is_question(proposal.question):
            return not_understood(turn.refuse("not a question"), words)
        if turn.memory.asked_back >= MOST_ASKED_BACK:
            return not_understood(turn.refuse("asked back too often"), words)
    confirmation, message = State.CONFIRMATION, State.LEAD_CAPTURE
    here = turn.state
    turn = turn.to(State.INTENT) if here is State.GREETING else turn
    match proposal:
        case m.Answer():
            return talk.answer(turn, words, proposal)
        case m.TellHours():
            return talk.tell_hours(turn, words, proposal)
        case m.Clarify(question):
            return talk.clarify(turn, words, question)
        case m.Transfer() if here is message and turn.memory.refusals >= MOST_REFUSALS:
            # Round in circles: what is said now is taken down instead.
            return not_understood(turn.refuse("asked for a person again"), words)
        case m.Transfer(department_id):
            return transfers.attempt(turn.understood().wishing(words), department_id)
        case m.TakeMessage(fields, unanswered) if here is confirmation and not unanswered:
            return confirming.corrected(turn, fits(turn, fields))
        case m.TakeMessage(fields, False) if here is message and not fits(turn, fields):
            return not_understood(turn, "")
        case m.TakeMessage():
            return taking.wanted(turn, words, proposal)
        case m.Confirm() if here is confirmation:
            return confirming.answered(turn, proposal)
        case m.Again() if here is confirmation:
            return taking.read_back(turn.understood())
        case m.Again():
            told = None if here is message else talk.again(turn)
            return told or repeat(turn.understood())
        case m.Hold(piece):
            return taking.hold(turn, piece if here is message else "")
        case m.Confirm(accepted) if here is message and turn.memory.offered:
            return taking.offer_answered(turn, accepted)
        case m.Confirm(False) if here is message and taking.may_be_declined(turn):
            return taking.declined(turn)
        case m.Confirm(False) if here is message and turn.memory.asking == Ask.EMAIL:
            return taking.without(turn)
        case m.Confirm() if here is message:
            # A yes is an answer to an intake question, but nobody's name.
            return not_understood(turn, "" if turn.memory.asking == Ask.NAME else words)
        case m.Confirm(accepted):
            return talk.yes_or_no(turn, accepted)
        case m.Finish() if here is message:
            return closing.give_up_message(turn)
        case m.Finish():
            return closing.wrap_up(turn.understood())


def also_asked(turn: Turn, words: str, besides: m.Answer | m.TellHours | None) -> Turn:
    """What was asked in the same breath is told first. Only in open talk: amid a message one thing
    at a time is enough."""
    if besides is None or turn.state not in _OPEN_TALK:
        return turn
    turn = turn.to(State.INTENT) if turn.state is not State.FAQ else turn
    return talk.told(turn, besides) or turn


def not_understood(turn: Turn, words: str) -> m.Decision:
    """Nobody understood, or what was understood may not be: each state has its own way on."""
    turn = turn.missed()
    match turn.state:
        case State.LEAD_CAPTURE:
            if is_field(turn, turn.memory.asking):
                return taking.words_said(turn, words)
            return confirming.correction_missed(turn, words)
        case State.CONFIRMATION:
            return confirming.unclear(turn)
        case _ if turn.memory.asking == Ask.GOODBYE:
            return turn.hang_up()
        case _:
            return talk.not_understood(turn, words)
