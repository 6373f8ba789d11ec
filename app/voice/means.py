"""What a call may still use: its time, its tokens, its tenant's money.

Money is reserved some minutes of the line and some questions to the model ahead, so that most turns
need not ask the account. What is not granted takes the call down a step, never off the line: the
offline interpreter answers, then only a message is taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from flask import current_app

from app import spending
from app.models import CallSession, Channel, SpendKind
from app.rates import CENT
from app.spending import MODEL_SHARE, Offer
from app.voice.facts import Snapshot

AHEAD: Final = 60  # seconds of the line that are paid at least, as a turn begins
STEP: Final = 180  # and for how many they are reserved when they are not
QUESTIONS: Final = 4  # to the model that are reserved at a time
WIND_UP: Final = 120  # seconds before its end in which a call only takes a message
SHORTEST_TALK: Final = 60  # seconds
PROMPT: Final = 8_000  # characters besides the tenant's own: instructions, tools, hours, notes
CHARACTERS: Final = 3  # of a token, at least
ANSWER: Final = 200  # tokens that a model may write
BEYOND: Final = 200  # percent of the limits of money, up to which messages are taken


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a call stands as a turn begins; sums as CallSession has them."""

    tenant_id: int
    test: bool = False
    elapsed: int = 0
    reserved: int = 0
    settled: int = 0
    line_paid: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Means:
    """What a turn may use. `granted` was reserved for it, `talk` of that for a transfer that may
    last `talk_seconds`; `line_paid` seconds of the line are paid with it. `beyond`: a limit of
    money is passed, and what was granted is for taking a message."""

    model: bool = False
    beyond: bool = False
    granted: int = 0
    line_paid: int = 0
    running_out: bool = False
    time_is_up: bool = False
    talk: int = 0
    talk_seconds: int = 0


def to_begin(found: Snapshot, here: Balance) -> Means | None:
    """For the first minutes of a call; None: the tenant's money is spent twice over."""
    if here.test:
        return Means()
    cost = found.rates.cost(SpendKind.CALL_SECONDS, STEP, _today())
    at = spending.reserve(here.tenant_id, found.bounds, [Offer(cost), Offer(cost, BEYOND)])
    return None if at is None else Means(beyond=at > 0, granted=cost, line_paid=STEP)


def to_go_on(found: Snapshot, here: Balance, asked: int | None) -> Means:
    """For a turn; `asked` are the characters of what a model would be asked, None if none would."""
    left = found.bounds.call_seconds - here.elapsed
    means = Means(line_paid=here.line_paid, running_out=left <= WIND_UP, time_is_up=left <= 0)
    question = _question(found, here, asked)
    if here.test or means.time_is_up:
        return replace(means, model=here.test and question is not None)
    ends = here.line_paid < here.elapsed + AHEAD
    line_paid = max(here.line_paid, here.elapsed + STEP) if ends else here.line_paid
    line = _line(found, line_paid) - _line(found, here.line_paid)
    unused = max(0, here.reserved - here.settled - _line(found, here.line_paid))
    if not line and (question is None or question <= unused):
        return replace(means, model=question is not None)
    left = found.bounds.call_cents * CENT - here.reserved
    offers = [offer for offer in _offers(line, question, unused) if offer.micros <= left]
    at = spending.reserve(here.tenant_id, found.bounds, offers) if offers else None
    if at is None:
        return replace(means, running_out=means.running_out or line > 0)
    return replace(
        means, model=offers[at].percent == MODEL_SHARE, granted=offers[at].micros,
        line_paid=line_paid,
    )  # fmt: skip


def to_talk(found: Snapshot, here: Balance, means: Means) -> Means | None:
    """For a transfer: as long as the tenant's limit says, or as its money lasts; None: not even
    for a minute."""
    longest = found.bounds.talk_seconds
    if here.test:
        return replace(means, talk_seconds=longest)
    left = found.bounds.call_cents * CENT - here.reserved - means.granted
    talks = [
        (seconds, _talk(found, seconds), max(means.line_paid, here.elapsed + seconds))
        for seconds in (longest, longest // 2, longest // 4, longest // 8, SHORTEST_TALK)
        if seconds >= SHORTEST_TALK
    ]
    costs = [talk + _line(found, paid) - _line(found, means.line_paid) for _, talk, paid in talks]
    fits = [at for at, cost in enumerate(costs) if cost <= left]
    if not fits:
        return None
    at = spending.reserve(here.tenant_id, found.bounds, [Offer(costs[at]) for at in fits])
    if at is None:
        return None
    seconds, talk, line_paid = talks[fits[at]]
    granted = means.granted + costs[fits[at]]
    return replace(means, granted=granted, line_paid=line_paid, talk=talk, talk_seconds=seconds)


def put_down(call: CallSession, used: Means, tokens: int) -> None:
    """Of a turn: what was reserved for it, and what its tokens cost. A transfer counts as if it
    lasted as long as it may, until its end is known."""
    if call.channel == Channel.TEST:
        return
    call.reserved += used.granted
    call.line_paid = used.line_paid
    call.settled += tokens + used.talk


def _question(found: Snapshot, here: Balance, asked: int | None) -> int | None:
    """What one question to the model costs at most; None: it is not asked any more."""
    if asked is None:
        return None
    tokens = (PROMPT + found.told + asked) // CHARACTERS
    if here.tokens + tokens + ANSWER > found.bounds.call_tokens:
        return None
    return tokens_cost(found, tokens, ANSWER)


def tokens_cost(found: Snapshot, read: int, written: int) -> int:
    model = found.model or str(current_app.extensions["settings"].openai_model)
    return found.rates.tokens(read, written, _today(), model)


def _offers(line: int, question: int | None, unused: int) -> Iterator[Offer]:
    """Best first: several questions, one, none. `unused` is left of those reserved before."""
    if question is not None:
        for questions in (QUESTIONS, 1):
            yield Offer(line + max(0, questions * question - unused), MODEL_SHARE)
    if line:
        yield Offer(line)


def _line(found: Snapshot, seconds: int) -> int:
    return found.rates.cost(SpendKind.CALL_SECONDS, seconds, _today())


def _talk(found: Snapshot, seconds: int) -> int:
    once = found.rates.cost(SpendKind.TRANSFERS, 1, _today())
    return once + found.rates.cost(SpendKind.TRANSFER_SECONDS, seconds, _today())


def _today() -> date:
    return datetime.now(UTC).date()
