"""Understands callers without a model: when there is no key, and whenever the model is down.

It prefers saying "I have somebody call you" to guessing: an answer needs a clear match, a field
needs a readable value, and a doubtful yes is no yes.
"""

from dataclasses import replace

from app.ai import message, open_talk, together
from app.ai.interpreter import Heard, Tier, Understood
from app.voice.flow import messages as m
from app.voice.flow.states import MAY_PROPOSE, State

LONGEST = 1000  # characters that are read: about a minute of speech


class OfflineInterpreter:
    def interpret(self, heard: Heard) -> Understood:
        heard = replace(heard, words=heard.words[:LONGEST].strip())
        besides, proposal = _all_of(heard) if heard.words else (None, None)
        if type(proposal) not in MAY_PROPOSE[heard.state]:
            proposal = None
        return Understood(proposal, Tier.OFFLINE, besides=besides)


def _all_of(heard: Heard) -> tuple[m.Answer | m.TellHours | None, m.Proposal | None]:
    """Two things in one breath are both dealt with, if each is clear by itself: a question that is
    answered goes first."""
    if heard.state in _OPEN_TALK and (halves := together.apart(heard.words)):
        first, second = (propose(replace(heard, words=half)) for half in halves)
        if isinstance(second, m.Answer | m.TellHours) and not isinstance(first, m.Answer):
            first, second = second, first
        if isinstance(first, m.Answer | m.TellHours) and together.stands(second, first):
            return first, second
    return None, propose(heard)


_OPEN_TALK = (State.GREETING, State.INTENT, State.FAQ, State.WRAP_UP)


def propose(heard: Heard) -> m.Proposal | None:
    match heard.state:
        case State.ENDED | State.TRANSFER_ATTEMPT:
            return None
        case State.LEAD_CAPTURE:
            return message.propose(heard)
        case State.CONFIRMATION:
            return message.to_read_back(heard)
    return open_talk.propose(heard)
