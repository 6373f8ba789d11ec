"""What an interpreter proposes is weighed here: against the map first, then against the facts."""

from app.voice.flow import closing, confirming, taking, talk, transfers
from app.voice.flow import messages as m
from app.voice.flow.fields import fits, is_field
from app.voice.flow.messages import Ask
from app.voice.flow.states import MAY_PROPOSE, State
from app.voice.flow.turn import Turn


def consider(turn: Turn, words: str, proposal: m.Proposal) -> m.Decision:
    """`words` are what the caller said, "" for keys."""
    if type(proposal) not in MAY_PROPOSE[turn.state]:
        refused = turn.refuse(f"{type(proposal).__name__} in {turn.state}")
        # A yes is an answer to an intake question, but nobody's name.
        return not_understood(refused, "" if turn.memory.asking == Ask.NAME else words)
    if isinstance(proposal, m.Clarify) and not talk.is_question(proposal.question):
        return not_understood(turn.refuse("not a question"), words)
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
        case m.Confirm(accepted):
            return talk.yes_or_no(turn, accepted)
        case m.Finish() if here is message:
            return closing.give_up_message(turn)
        case m.Finish():
            return closing.wrap_up(turn.understood())


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
