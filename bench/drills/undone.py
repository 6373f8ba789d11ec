"""Controls of the product, and how each is taken away: in a process that the harness starts.

Names of the product's insides are used here on purpose. When one moves, the sabotage of its drill
is no longer caught, and `--sabotage` says so.
"""

import dataclasses
from typing import Any

from bench.drills import undone_upkeep, undone_words, undone_work
from bench.drills.control import Control


def _no_other_mind() -> None:
    from app.ai import interpreter

    def instead(fallback: Any, heard: Any, reason: str, tokens: Any = (0, 0, 0)) -> Any:
        raise RuntimeError(f"nobody else understands words: {reason}")

    vars(interpreter)["_instead"] = instead


def _no_deadline() -> None:
    """Neither of ours nor of the client, nor another thinker when the lease runs out: the model may
    take a minute."""
    from app.ai import openai
    from app.voice import inbox, thinking

    undone_work.lease_turns(60)
    vars(thinking)["THINK_SECONDS"] = 60.0
    vars(inbox)["LEASE_SECONDS"] = 60.0
    made = openai.Clients.__init__

    def patient(self: Any, api_key: str, base_url: str, seconds: float) -> None:
        made(self, api_key, base_url, 60.0)

    openai.Clients.__init__ = patient  # type: ignore[method-assign]


def _no_breaker() -> None:
    from app import breaker

    breaker.Breaker.asks = lambda self: True  # type: ignore[method-assign]


def _no_grounding() -> None:
    from app.ai import speaking

    def as_proposed(proposal: Any, *_: Any) -> Any:
        return proposal, ()

    vars(speaking)["grounded"] = as_proposed


def _no_claims() -> None:
    """Whoever delivers a turn may think about it, and the last one to finish counts."""
    from app.voice import before, inbox, performing, steps

    take, locked = before.take, performing._locked

    def anybody(delivery: Any, event: Any, kept: Any) -> Any:
        found = take(delivery, event, kept)
        claim = inbox.Claim(delivery, "none", event, 1)
        return found and dataclasses.replace(found, claim=found.claim or claim)

    def at_any_turn(claimed: Any, before: Any) -> Any:
        call = locked(claimed, before)
        if call is not None:
            call.turn = claimed.delivery.turn
        return call

    def always(claimed: Any, twiml: str) -> bool:
        finish = inbox.update(inbox._table).where(*inbox._this).values(twiml=twiml)
        inbox.db.session.execute(finish, inbox._is(claimed.delivery))
        return True

    vars(before)["take"], vars(inbox)["finish"] = anybody, always
    vars(performing)["_locked"] = at_any_turn
    vars(steps)["only_talks"] = lambda claimed, before, decision: False


def _no_sweeper() -> None:
    """What is planned each minute wakes workers, too: only the sign of life is left."""
    from app.jobs import schedule

    vars(schedule)["SCHEDULE"] = schedule.SCHEDULE[:1]


def _patient_redis() -> None:
    """With the client's own timeouts and retries."""
    from app.jobs import queues

    vars(queues)["impatient"] = queues.Redis.from_url


def _no_outage_answers() -> None:
    from app.voice import outage

    def nothing(recognised: Any, base_url: str) -> str:
        raise RuntimeError("the database is away")

    vars(outage)["answer"] = nothing


def _no_database_clock() -> None:
    """Neither ours nor PostgreSQL's own: whoever asks waits."""
    from app import database, tenancy

    vars(database)["_ends"] = lambda conn: None
    vars(tenancy)["_HURRIED"] = ""
    vars(database)["hurried"] = lambda: False


def _patient_pool() -> None:
    """Whoever finds no connection waits for one, as long as it takes."""
    from app import database

    init = database.Pool.__init__

    def patient(self: Any, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named | {"timeout": 60.0})

    vars(database)["Pool"].__init__ = patient


CONTROLS = {
    "other-mind": Control("the offline interpreter behind the model", _no_other_mind),
    "deadline": Control("the clock over a model's reply, and the lease behind it", _no_deadline),
    "breaker": Control("the breakers", _no_breaker),
    "grounding": Control("the check of spoken facts against their sources", _no_grounding),
    "claims": Control("the claim of each turn, and the lock that it ends with", _no_claims),
    "redis-patience": Control("the short patience of web requests with Redis", _patient_redis),
    "outage-answers": Control("what callers hear while the database is away", _no_outage_answers),
    "database-clock": Control("the clock over what the database is asked", _no_database_clock),
    "pool-timeout": Control("the short wait for a connection of the pool", _patient_pool),
    "sweeper": Control("the scheduler's look for work that nobody was woken for", _no_sweeper),
    **undone_work.CONTROLS,
    **undone_words.CONTROLS,
    **undone_upkeep.CONTROLS,
}
