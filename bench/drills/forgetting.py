"""Drills of what is kept of people: one person is erased, old calls go, all else stays."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from app.phone.conversation import Caller
from app.phone.leg import Heard
from app.phone.script import Step
from bench.drills import kept, later
from bench.drills.businesses import Business
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.ledger import Call
from bench.drills.logbook import Logbook
from bench.drills.mail import wait_for
from bench.drills.robot import LEAVE
from bench.drills.staff import Admin

# What nobody else says; the last one is said to the other business by the same person.
HERS, HIS, TO_THEM = "zubrowka", "kalamata", "gorgonzola"
DAYS = 30
# What goes by itself after a month (jobs) or two days (the inbox) is not among them.
ROWS = ("call_session", "lead", "transcript")


def _leaves(stage: Stage, business: Business, word: str, phone: str = "") -> Call:
    """Somebody whose wish holds that word, perhaps from the number of an earlier call."""
    line = stage.robot.line(business)
    call = line.call
    if phone:
        call.caller = call.phone = phone
        line.leg.form |= {"From": phone, "Caller": phone}
        stage.world.twilio.calls[call.call_sid]["from"] = phone
    answers = {
        "name": f"my name is {call.name}", "reason": f"my brakes need a repair because of {word}",
        "phone": " ".join(call.phone[2:]), "confirm": "yes that is right",
        "anything_else": "no thank you", "goodbye": "goodbye", "": LEAVE,
    }  # fmt: skip
    steps = (Step(Heard(f"Do you sell {word}?")), Step(Heard(LEAVE)))
    stage.robot.play(line, Caller(steps, answers, patience=3))
    return call


def erased(stage: Stage) -> Figures:
    world, mine, theirs = stage.world, stage.mine, stage.theirs
    world.query("update receptionist_config set recording = 'announce'")
    hers = [_leaves(stage, mine, HERS)]
    phone = hers[0].phone
    hers.append(_leaves(stage, mine, HERS, phone))
    his = [_leaves(stage, mine, HIS), _leaves(stage, theirs, HIS)]
    also_hers = _leaves(stage, theirs, TO_THEM, phone)
    world.query("update receptionist_config set recording = 'off'")
    stage.close_ledger()
    _noted(stage, his[0], f"His wife is at {phone[2:5]}-{phone[5:8]}-{phone[8:]}.")
    marks = (HERS, phone[2:], *(call.name for call in hers), *(call.call_sid for call in hers))
    named = kept.holders(world, mine.tenant_id, marks)
    stage.expect(len(named) > 5, f"before, only {', '.join(named)} had anything of hers")
    others = kept.told_of(world, theirs.tenant_id), _of(stage, his[0])
    recordings = _recordings(world, hers)
    stage.expect(len(recordings) > 1, f"only {len(recordings)} recordings of hers were made")
    log = Logbook({part.name: part.log for part in world.product})
    job = Admin(world, mine).post("/privacy/erase", {"phone": phone})["job"]
    wait_for("she is erased", lambda: _is_over(stage, job))
    for place, texts in kept.places(world, mine.tenant_id).items():
        found = kept.holding(texts, marks)
        stage.expect(not found, f"{place} still has {', '.join(found)}")
    found = kept.holding([line.text for line in log.lines()], marks)
    stage.expect(not found, f"logs have {', '.join(found)} since")
    stage.expect(not _recordings(world, hers), "recordings of hers are still at Twilio")
    stage.expect(len(_recordings(world, [*his, also_hers])) > 2, "others' recordings went, too")
    after = kept.told_of(world, theirs.tenant_id), _of(stage, his[0])
    changed = [name for name in others[0] if others[0][name] != after[0].get(name)]
    stage.expect(not changed, f"the other business's {', '.join(changed)} are not what they were")
    stage.expect(others[1] == after[1], f"the other caller's message is {after[1]}")
    _calls_go_on(stage, phone)
    return {"places before": len(named), "recordings": len(recordings)}


def _noted(stage: Stage, call: Call, note: str) -> None:
    """By the staff, in the message of somebody else."""
    stage.world.query(
        "update lead set notes = %s where call_id ="
        " (select id from call_session where call_sid = %s)", note, call.call_sid,
    )  # fmt: skip


def _calls_go_on(stage: Stage, phone: str) -> None:
    """Whoever was erased may call again, and is a stranger."""
    for business in (stage.mine, stage.theirs):
        _leaves(stage, business, HIS, phone)
    stage.healed()


def _recordings(world: Any, calls: Iterable[Call]) -> list[str]:
    sids = {call.call_sid for call in calls}
    return [sid for sid, one in list(world.twilio.recordings.items()) if one["call_sid"] in sids]


def _of(stage: Stage, call: Call) -> list[tuple[Any, ...]]:
    """What is kept of a call and its message, but for when it was last changed."""
    return stage.world.query(
        "select l.name, l.phone, l.reason, c.call_sid, c.outcome, c.duration"
        " from lead l join call_session c on c.id = l.call_id where c.call_sid = %s",
        call.call_sid,
    )


def _is_over(stage: Stage, job: int) -> bool:
    status, error = stage.world.query("select status, last_error from job where id = %s", job)[0]
    stage.expect(status != "dead", f"the erasure was given up: {error}")
    return status in ("done", "dead")


def retained(stage: Stage) -> Figures:
    """Calls made older: by less than the limit, and by more; the other business has none."""
    world, mine, theirs = stage.world, stage.mine, stage.theirs
    calls = [_leaves(stage, business, HERS) for business in (mine, theirs) for _ in range(4)]
    stage.close_ledger()
    mine_old, mine_new, theirs_old = calls[:2], calls[2:4], calls[4:6]
    kept.age(world, [call.call_sid for call in mine_old + theirs_old], timedelta(days=DAYS + 2))
    kept.age(world, [call.call_sid for call in mine_new], timedelta(days=DAYS - 2))
    limits = "transcript_days = %s, recording_days = %s, call_days = %s, lead_days = %s"
    change = f"update receptionist_config set {limits} where tenant_id = %s"
    world.query(change, *[DAYS] * 4, mine.tenant_id)
    later.clean_up(world)
    wait_for("old calls are gone", lambda: not _sids(stage, mine_old))
    world.query(change, *[None] * 4, mine.tenant_id)
    for whose, left in (("old", mine_old), ("new", mine_new), ("other's", theirs_old)):
        marks = [mark for call in left for mark in (call.name, call.call_sid, call.phone[2:])]
        tenant = theirs.tenant_id if whose == "other's" else mine.tenant_id
        places = kept.holders(world, tenant, marks)
        if whose == "old":
            stage.expect(not places, f"{', '.join(places)} still have old calls")
        else:
            gone = sorted(f"table {one}" for one in ROWS if f"table {one}" not in places)
            stage.expect(not gone, f"{', '.join(gone)} have no {whose} calls any more")
            stage.expect(len(_sids(stage, left)) == len(left), f"{whose} calls went, too")
    stage.robot.leaves_message(mine)
    stage.healed()
    return {"old": len(mine_old), "kept": len(mine_new) + len(theirs_old)}


def _sids(stage: Stage, calls: Iterable[Call]) -> list[tuple[Any, ...]]:
    which = "select call_sid from call_session where call_sid = any(%s)"
    return stage.world.query(which, [call.call_sid for call in calls])


DRILLS = (
    Drill(
        "erasure", "two callers at two businesses, recorded; one is erased at one of them",
        "nothing of hers in tables, Redis, files, logs or at Twilio; all else as it was",
        erased, Sabotage("erasing-elsewhere", of=("worker",)), first=False,
    ),
    Drill(
        "retention", f"calls of {DAYS + 2} and of {DAYS - 2} days, where {DAYS} may be kept",
        "nothing of the old ones is left, all else is", retained,
        Sabotage("retention", of=("worker",)), first=False,
    ),
)  # fmt: skip
