"""The ledger check of `bench drills`: it finds each kind of loss, and nothing where all is well."""

from dataclasses import replace

import pytest

from app.phone.callee import TALK_SECONDS, TransferResult
from bench.drills import checking, logbook
from bench.drills.businesses import BUSINESSES
from bench.drills.catalogue import DRILLS
from bench.drills.checking import Allowed, Mail, Seen
from bench.drills.command import Result, UnknownDrill, choose, verdict
from bench.drills.drill import Sabotage
from bench.drills.ledger import Call, Request
from bench.drills.rows import Kept, KeptCall, KeptJob, KeptLead, KeptTransfer
from bench.drills.settings import OPERATOR
from bench.drills.undone import CONTROLS

MINE, THEIRS = (replace(business, tenant_id=n) for n, business in enumerate(BUSINESSES, 1))
CANARIES = (MINE.canary, THEIRS.canary)
NAME, PHONE = "Ada Ashdown", "+16172340001"
DIALLED = (MINE.person,)


def a_call(**told: object) -> Call:
    """Somebody was connected in vain, left a message, and heard that it is noted."""
    given = {
        "said": ["Thank you, I have noted your message."], "told_end": True, "duration": 42,
        "dials": [(DIALLED, TransferResult.ANSWERED)],
    }  # fmt: skip
    return Call(MINE, "CA1", PHONE, NAME, PHONE, **(given | told))  # type: ignore[arg-type]


def a_mail(number: int, **told: object) -> Mail:
    given = {
        "message_id": f"<{number}@x>", "recipients": (MINE.mailbox,), "text": f"of {MINE.name}",
    }  # fmt: skip
    return Mail(**(given | told))  # type: ignore[arg-type]


def a_job(number: int, kind: str, **told: object) -> KeptJob:
    given = {
        "id": number, "tenant_id": 1, "kind": kind, "key": f"{kind}:7", "call_id": 7,
        "status": "done", "attempts": 1, "error": "",
        "result": {"message_id": f"<{number}@x>"} if kind != "summarise_call" else {},
    }  # fmt: skip
    return KeptJob(**(given | told))  # type: ignore[arg-type]


LEAD = KeptLead(1, 7, NAME, PHONE, True)
SUMMARY, LETTER, NOTICE = (
    a_job(n, kind)
    for n, kind in enumerate(("summarise_call", "call_summary_mail", "lead_notification"), 1)
)
SPENT = (
    (1, "calls", 1), (1, "call_seconds", 42), (1, "transfers", 1),
    (1, "transfer_seconds", TALK_SECONDS), (1, "mails", 2), (1, "tokens_in", 120),
    (1, "tokens_out", 12),
)  # fmt: skip
KEPT = Kept(
    (KeptCall(7, 1, "CA1", "ended", "lead", 42, 132),), (LEAD,), (SUMMARY, LETTER, NOTICE),
    (KeptTransfer(1, 7, DIALLED, "answered"),), SPENT,
)  # fmt: skip
SEEN = Seen((a_call(),), (a_mail(2), a_mail(3)), 132, (MINE.name,), ("all is well",), CANARIES)


NOTHING = Allowed()


def found(seen: Seen = SEEN, kept: Kept = KEPT, allowed: Allowed = NOTHING) -> list[str]:
    return checking.discrepancies(seen, kept, allowed)


def test_where_all_is_well_nothing_is_found() -> None:
    assert found() == []
    assert checking.is_settled(SEEN.calls, KEPT)


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (replace(KEPT, calls=()), "has no row"),
        (replace(KEPT, calls=KEPT.calls * 2), "has 2 rows"),
        (replace(KEPT, calls=(replace(KEPT.calls[0], outcome=None),)), "not over"),
        (replace(KEPT, calls=(replace(KEPT.calls[0], tenant_id=2),)), "another tenant's"),
        (replace(KEPT, calls=(*KEPT.calls, KeptCall(8, 1, "CA2", "ended", "blocked", 0, 0))),
         "nobody placed"),
        (replace(KEPT, leads=()), "LOST: the message"),
        (replace(KEPT, leads=(LEAD, LEAD)), "has 2 leads"),
        (replace(KEPT, leads=(LEAD, replace(LEAD, call_id=None))), "2 leads of Ada Ashdown"),
        (replace(KEPT, leads=(replace(LEAD, phone="+1"),)), "otherwise than it was read back"),
        (replace(KEPT, transfers=()), "dialled 1, kept 0"),
        (replace(KEPT, transfers=(replace(KEPT.transfers[0], status="ringing"),)), "still rings"),
        (replace(KEPT, jobs=(SUMMARY, LETTER)), "has no job lead_notification"),
        (replace(KEPT, jobs=(SUMMARY, LETTER, replace(NOTICE, status="waiting"))), "is stuck"),
        (replace(KEPT, jobs=(SUMMARY, LETTER, replace(NOTICE, status="dead"))), "was given up"),
        (replace(KEPT, spent=SPENT[1:]), "calls booked: 0, outside: 1"),
        (replace(KEPT, spent=(*SPENT, (1, "tokens_in", 1))), "tokens booked: 133"),
    ],
)  # fmt: skip
def test_what_the_product_has_kept_wrongly_is_found(kept: Kept, told: str) -> None:
    assert any(told in one for one in found(kept=kept)), found(kept=kept)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (replace(SEEN, mails=(a_mail(2),)), "LOST: mail lead_notification:7"),
        (replace(SEEN, mails=(*SEEN.mails, a_mail(3))), "arrived 2 times"),
        (replace(SEEN, mails=(*SEEN.mails, a_mail(9))), "no job sent it"),
        (replace(SEEN, calls=(a_call(dials=[((THEIRS.person,), TransferResult.ANSWERED)]),)),
         f"dialled {THEIRS.person}"),
        (replace(SEEN, calls=(a_call(requests=[Request("/", 0, 1, 200, f"{THEIRS.name}")]),)),
         f"LEAK: call CA1 heard {THEIRS.canary}"),
        (replace(SEEN, mails=(a_mail(2), a_mail(3, text=THEIRS.name))), "LEAK: mail <3@x>"),
        (replace(SEEN, model_requests=(f"{MINE.name} {THEIRS.name}",)), "LEAK: one request"),
        (replace(SEEN, log_lines=(f"of {MINE.name}",)), "LEAK: a log line"),
    ],
)  # fmt: skip
def test_what_was_seen_outside_and_should_not_be_is_found(seen: Seen, told: str) -> None:
    assert any(told in one for one in found(seen=seen)), found(seen=seen)


def test_an_alert_to_the_operator_needs_no_job_and_one_to_anybody_else_does() -> None:
    for whom, faults in ((OPERATOR, 0), ("somebody@example.com", 1)):
        alert = a_mail(9, message_id="<alert-9@x>", recipients=(whom,), text="a worker is away")
        assert len(found(replace(SEEN, mails=(*SEEN.mails, alert)))) == faults


@pytest.mark.parametrize(
    ("words", "whom", "faults"),
    [
        (f"Spending: 100 % ({MINE.canary}, of its day)", OPERATOR, 0),
        (f"Spending: 100 % ({MINE.canary}, of its day)", "somebody@example.com", 1),
        (f"{MINE.name} says: {MINE.answer}", OPERATOR, 1),
    ],
)
def test_an_alert_may_name_who_spends_much_and_nothing_else_of_anybody(
    words: str, whom: str, faults: int
) -> None:
    alert = a_mail(9, message_id="<alert-9@x>", recipients=(whom,), text=words)
    told = found(replace(SEEN, mails=(*SEEN.mails, alert)))
    assert len([one for one in told if "LEAK" in one]) == faults


def test_only_what_a_drill_allows_is_let_pass() -> None:
    twice = replace(SEEN, mails=(*SEEN.mails, a_mail(3)), tokens=500)
    dead = replace(KEPT, jobs=(SUMMARY, LETTER, replace(NOTICE, status="dead")))
    assert len(found(twice)) == 2
    assert found(twice, allowed=Allowed(copies=2, unread=True)) == []
    assert found(kept=dead, allowed=Allowed(dead=frozenset({"lead_notification"}))) == []
    for seconds, allowed in ((41, Allowed(untold=True)), (43, Allowed(strangers=True))):
        spent = replace(KEPT, spent=tuple({(1, "call_seconds", seconds), *SPENT} - {SPENT[1]}))
        assert len(found(kept=spent)) == 1
        assert found(kept=spent, allowed=allowed) == []


def test_a_conversation_may_be_unbooked_only_where_twilio_fell_back() -> None:
    unbooked = replace(KEPT, spent=tuple(one for one in SPENT if "transfer" not in one[1]))
    fallen = replace(SEEN, calls=(a_call(fallbacks=1),))
    assert found(fallen, unbooked, Allowed(held=True)) == []
    assert len(found(fallen, unbooked)) == 2
    assert len(found(SEEN, unbooked, Allowed(held=True))) == 2
    halves = replace(KEPT, spent=tuple(one for one in SPENT if one[1] != "transfer_seconds"))
    assert len(found(fallen, halves, Allowed(held=True))) == 1


def line(text: str) -> logbook.Line:
    return logbook.Line("web-1", text, logbook._fields(text))


def test_errors_without_their_call_and_what_is_printed_past_the_log_are_found() -> None:
    fine = (
        '{"level": "error", "event": "turn failed", "logger": "a", "call_sid": "CA1"}',
        '{"level": "error", "event": "job given up", "logger": "app.jobs.running", "job_id": 1}',
        '{"level": "warning", "event": "left alone for a while", "logger": "a"}',
    )
    bad = ('{"level": "error", "event": "turn failed", "logger": "a"}', "Traceback (most recent")
    assert len(logbook.faults(line(text) for text in (*fine, *bad))) == len(bad)


def test_drills_are_named_once_and_each_has_a_control_to_take_away_or_says_why_not() -> None:
    names = [drill.name for drill in DRILLS]
    assert len(set(names)) == len(names)
    for drill in DRILLS:
        if isinstance(drill.sabotage, Sabotage):
            assert drill.sabotage.control in CONTROLS
        else:
            assert len(drill.sabotage) > 20
    assert [drill.name for drill in choose(["duplicates"], False)] == ["duplicates"]
    with pytest.raises(UnknownDrill, match="There is no drill nonsense"):
        choose(["nonsense"], False)


def test_only_what_was_late_and_nothing_worse_gets_a_second_go() -> None:
    slow = "a turn took 8.1 s"
    failed = Result("flood", False, {}, "", (slow,), late=frozenset({slow}))
    assert failed.was_only_late
    assert not replace(failed, failures=(slow, "LOST: mail 1")).was_only_late
    assert not replace(failed, late=frozenset()).was_only_late
    assert not Result("flood", True, {}, "").was_only_late
    second = replace(failed, passed=True, failures=(), before=failed.failures)
    assert verdict(second, sabotage=False) == "passed by itself"
    assert second.told()["before"] == [slow]
