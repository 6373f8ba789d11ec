"""Controls of work, nodes, limits and words, taken away: see undone.py, which has the others."""

from collections.abc import Callable
from typing import Any

from bench.drills.control import Control


def _long_leases() -> None:
    from datetime import timedelta

    from app.jobs import holding

    vars(holding)["LEASE"] = timedelta(hours=1)


def _one_try() -> None:
    """What is refused for now is given up at once."""
    from app.jobs import outbox

    made = outbox.JobError.__init__

    def final(self: Any, reason: str, permanent: bool = False, result: Any = None) -> None:
        made(self, reason, True, result)

    outbox.JobError.__init__ = final  # type: ignore[method-assign]


def _no_verdicts() -> None:
    """A refusal for good is tried again like any other."""
    from app.jobs import outbox

    made = outbox.JobError.__init__

    def hopeful(self: Any, reason: str, permanent: bool = False, result: Any = None) -> None:
        made(self, reason, False, result)

    outbox.JobError.__init__ = hopeful  # type: ignore[method-assign]


def _patient_mail() -> None:
    """A server that says nothing is waited for."""
    from app.jobs import smtp

    vars(smtp)["TIMEOUT"] = vars(smtp)["SECONDS"] = 3600.0


def _new_message_ids() -> None:
    """Each try is another mail."""
    import secrets

    from app.jobs import post

    vars(post)["message_id"] = lambda work: f"<{secrets.token_hex(8)}@reception.example.com>"


def _no_handler(kind: str) -> Callable[[], None]:
    """Jobs of that kind are done without doing anything."""

    def take_away() -> None:
        from dataclasses import replace

        from app.jobs.handlers import HANDLERS

        HANDLERS[kind] = replace(HANDLERS[kind], run=lambda work: {})

    return take_away


def lease_turns(seconds: int) -> None:
    """Whoever claims a turn has it for so long. The statement that claims is made already."""
    from app.voice import before, inbox

    usual, longer = (f"'{lasts} seconds'" for lasts in (inbox.LEASE_SECONDS, seconds))
    vars(before)["_TAKE"] = before.text(before._TAKE.text.replace(usual, longer))


def _no_takeover() -> None:
    """What a dead node was thinking about stays its own."""
    lease_turns(3600)


def _no_good_order() -> None:
    """Who is asked to end does so at once."""
    from app.cli import web

    options = web.options
    vars(web)["options"] = lambda settings: options(settings) | {"graceful_timeout": 0}


def _no_reservations() -> None:
    """Whatever is asked for is granted."""
    from app import spending

    vars(spending)["reserve"] = lambda *_: 0


def _no_fairness() -> None:
    """Who comes first is served first, however many come of one business."""
    from app.voice import callers, sharing

    vars(sharing)["most_of"] = lambda threads: 10_000
    vars(sharing)["_Place"].take = lambda self: None
    vars(callers)["_treated"] = lambda *_: (callers.Treatment.ANSWER, None)

    def in_order(self: Any) -> Any:
        return next(iter(self._waiting), None)

    class Unmoved(sharing.OrderedDict[Any, Any]):
        def move_to_end(self, key: Any, last: bool = True) -> None:
            pass

    sharing.FairPool._next = in_order  # type: ignore[method-assign]
    vars(sharing)["OrderedDict"] = Unmoved


def _nothing_need_be_said() -> None:
    """What a model notes is kept."""
    from app.ai import spoken_by, tools

    vars(spoken_by)["likely"] = vars(spoken_by)["agreed"] = lambda *_: True
    vars(tools)["_phone_said"] = lambda *_: True


def _endless_tries() -> None:
    from dataclasses import replace

    from app.jobs.handlers import HANDLERS

    for kind, handler in HANDLERS.items():
        HANDLERS[kind] = replace(handler, attempts=1_000_000)


def _endless_work() -> None:
    """Whoever works on a row keeps it, however long that takes."""
    from datetime import timedelta

    from app.jobs import holding

    vars(holding)["LONGEST"] = timedelta(hours=1)


def _no_session_wall() -> None:
    """Before it is put up: as an application is made."""
    from app import tenancy

    vars(tenancy)["_filter_statement"] = lambda state: None


def _no_shapes() -> None:
    """Whatever stands in a field of Twilio's is let in."""
    import re

    from app.voice import webhook

    for name in ("_CALL", "_RECORDING", "_SECONDS", "_TURN", "_DIGITS", "_CODE", "_CALLER"):
        vars(webhook)[name] = re.compile("(?s).*")


def _no_body_limits() -> None:
    """Bodies of any size are read."""
    import app
    from app.voice import gate

    make = app.create_app

    def patient(*arguments: Any, **named: Any) -> Any:
        made = make(*arguments, **named)
        made.config["MAX_CONTENT_LENGTH"] = made.config["MAX_FORM_PARTS"] = None
        return made

    app.create_app = patient
    vars(gate)["_check_body"] = lambda request: None


def _no_lockout() -> None:
    from app.views import attempts

    vars(attempts)["_wait"] = lambda *_: 0


def _words_as_they_are() -> None:
    from app.voice import unkept

    vars(unkept)["cleaned"] = lambda admitted: admitted


CONTROLS = {
    "short-leases": Control("the short lease of a job", _long_leases),
    "mail-tried-again": Control("the further tries of a mail", _one_try),
    "mail-verdicts": Control("the difference between not now and not at all", _no_verdicts),
    "mail-clock": Control("the clock over a mail server", _patient_mail),
    "message-id": Control("the one Message-ID of all tries", _new_message_ids),
    "orphans": Control("the look for calls whose end was not told", _no_handler("close_orphans")),
    "takeover": Control("the end of a dead node's claim on a turn", _no_takeover),
    "good-order": Control("the time to finish what is under way when ending", _no_good_order),
    "reservations": Control("the reservation of money before it is spent", _no_reservations),
    "fairness": Control("limits of calls, and threads shared by businesses", _no_fairness),
    "said": Control("the check that a caller said what is noted", _nothing_need_be_said),
    "bounded-tries": Control("the end of the tries of a job", _endless_tries),
    "bounded-work": Control("the longest that a job may take", _endless_work),
    "session-wall": Control("the session's wall between businesses", _no_session_wall),
    "shapes": Control("the shapes of Twilio's fields", _no_shapes),
    "body-limits": Control("the limits of what a request may hold", _no_body_limits),
    "lockout": Control("the pause after wrong passwords", _no_lockout),
    "unkept": Control("the taking out of numbers that are not to be kept", _words_as_they_are),
}
