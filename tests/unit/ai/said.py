"""A made-up business, and ways to say something to it."""

from datetime import date, timedelta

from app.ai.interpreter import Heard, Speaker, Turn
from app.voice.flow.messages import Context, DayHours, Department, Draft, Facts, Memory, Passage
from app.voice.flow.states import State

MONDAY = date(2026, 6, 1)


def passage(number: int, question: str, answer: str, *alternates: str) -> Passage:
    return Passage(f"knowledge:{number}", number, 1, question, answer, alternates)


PASSAGES = (
    passage(1, "Do you have parking?", "Yes, there are twenty free places behind the house."),
    passage(2, "How much is a boat tour?", "A tour costs 35 dollars, children pay half."),
    passage(3, "Can I bring my dog?", "Dogs are welcome on the terrace but not on the boats."),
    passage(4, "Do you sell gift vouchers?", "Yes, at the desk and by post, from 20 dollars."),
)
DEPARTMENTS = (
    Department(1, "Tours", "Boat tours, tickets and group bookings", ("+12125550101",)),
    Department(2, "Workshop", "Repairs of boats and engines", ("+12125550102",)),
    Department(3, "Accounts", "Invoices, payments and refunds", ("+12125550103",)),
)
HOURS = tuple(
    DayHours(MONDAY + timedelta(day), (("09:00", "18:00"),) if day < 6 else ()) for day in range(7)
)
FACTS = Facts(
    business="Harbour Boats",
    is_open=True,
    departments=DEPARTMENTS,
    passages=PASSAGES,
    hours=HOURS,
    today=MONDAY,
    caller_number="+12125550177",
)


def heard(
    words: str,
    state: State = State.INTENT,
    asking: str = "",
    draft: Draft | None = None,
    facts: Facts = FACTS,
    last: str = "",
    last_words: str = "",
) -> Heard:
    taking = state in (State.LEAD_CAPTURE, State.CONFIRMATION)
    memory = Memory(asking=asking, taking=taking, draft=draft or Draft(), last_words=last_words)
    history = (Turn(Speaker.RECEPTIONIST, last),) if last else ()
    return Heard(words, state, Context(facts, memory), history)
