"""Drills of mail: a server that refuses, hangs or breaks off, and workers that die over one."""

import time
from collections.abc import Callable

from bench.drills.businesses import Business
from bench.drills.checking import Allowed
from bench.drills.drill import LOOK, RECOVERY, Drill, Figures, Sabotage, Stage
from bench.drills.faults import How

MAILS = 2  # of a call with a message: the message itself, and the summary
PROMPT = 20.0  # seconds until the other business's mails are there
PATIENCE = 90.0  # a worker may be starting


class NeverCame(Exception):
    """What a drill waits for before it breaks something."""


def wait_for(what: str, condition: Callable[[], bool], seconds: float = PATIENCE) -> float:
    """Seconds until it holds. Raises NeverCame."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + seconds:
            raise NeverCame(f"{what}: not within {seconds:.0f} s")
        time.sleep(LOOK / 5)
    return time.monotonic() - began


def arrived(stage: Stage, business: Business) -> int:
    """Mails of this business that the server has, each counted once."""
    mails = stage.seen().mails
    return len({mail.message_id for mail in mails if business.mailbox in mail.recipients})


def theirs_flow(stage: Stage, seconds: float = PROMPT) -> float:
    """A call at each business; those of the other one must get through meanwhile. How long they
    took."""
    wanted = arrived(stage, stage.theirs) + MAILS
    stage.robot.leaves_message(stage.mine)
    stage.robot.leaves_message(stage.theirs)
    try:
        return wait_for("", lambda: arrived(stage, stage.theirs) >= wanted, seconds)
    except NeverCame:
        stage.expect_in_time(False, f"the other's mails are not there after {seconds:.0f} s")
        return seconds


def mine(stage: Stage) -> list[tuple[str, int, str]]:
    """Status, attempts and error of my mails; none of the other's."""
    return [
        (job.status, job.attempts, job.error) for job in stage.kept().jobs
        if job.is_mail and job.tenant_id == stage.mine.tenant_id and job.kind != "alert_mail"
    ]  # fmt: skip


def not_now(stage: Stage) -> Figures:
    """My mailbox is full for the moment; then the server takes one mail in two."""
    stage.world.sink.refused = {stage.mine.mailbox: "452 4.2.2 Mailbox full, try again later"}
    took = theirs_flow(stage)
    wait_for("each is tried", lambda: len([1 for _, tries, _ in mine(stage) if tries]) >= MAILS)
    wait_for("none is tried", lambda: all(status != "running" for status, _, _ in mine(stage)))
    waiting = [status for status, _, _ in mine(stage)]
    stage.expect(set(waiting) == {"waiting"}, f"refused for now, and yet they are {waiting}")
    stage.expect(not arrived(stage, stage.mine), "a mail that was refused arrived")
    stage.world.sink.refused = {}
    stage.world.sink.data_replies = ["451 4.3.0 Try again later"]
    stage.healed()
    stage.wait_settled()
    return {"the other's took": round(took, 1), "tries": max(tries for _, tries, _ in mine(stage))}


def not_at_all(stage: Stage) -> Figures:
    """My mailbox does not exist. Whoever is to be told of that is told, at another address."""
    world, told = stage.world, f"owner@{stage.mine.canary}.example.com"
    alerted = "update receptionist_config set alert_recipients = %s where tenant_id = %s"
    world.query(alerted, [told], stage.mine.tenant_id)
    world.sink.refused = {stage.mine.mailbox: "550 5.1.1 No such user here"}
    took = theirs_flow(stage)
    stage.healed()
    stage.wait_settled()
    world.query(alerted, [stage.mine.mailbox], stage.mine.tenant_id)
    for status, tries, error in mine(stage):
        stage.expect(
            (status, tries) == ("dead", 1) and "No such user" in error,
            f"a mail that is not taken: {status} after {tries} tries, {error!r}",
        )
    alerts = [mail for mail in stage.seen().mails if told in mail.recipients]
    stage.expect(len(alerts) > 0, "nobody was told")
    return {"the other's took": round(took, 1), "given up": len(mine(stage)), "told": len(alerts)}


def hanging(stage: Stage) -> Figures:
    """Whoever names my mailbox gets no answer. Both workers come to wait for it."""
    world = stage.world
    world.sink.mute = {stage.mine.mailbox}
    stage.robot.at_once([lambda: stage.robot.leaves_message(stage.mine)] * 3)
    wait_for("both workers wait for my mailbox", lambda: world.sink.waiting > 1)
    took = theirs_flow(stage)
    stage.expect(not arrived(stage, stage.mine), "a mail arrived past a server that hangs")
    world.sink.mute = set()
    stage.healed()
    stage.wait_settled()
    return {"the other's took": round(took, 1)}


def dropping(stage: Stage) -> Figures:
    """Each of my mails is accepted, and the connection breaks before that is said."""
    stage.world.sink.cut = {stage.mine.mailbox}
    took = theirs_flow(stage)
    stage.healed()
    stage.wait_settled()
    theirs = [m for m in stage.seen().mails if stage.theirs.mailbox in m.recipients]
    stage.expect(len(theirs) == MAILS, f"the other's {MAILS} mails came {len(theirs)} times")
    copies = len(stage.seen().mails) - arrived(stage, stage.mine) - arrived(stage, stage.theirs)
    return {"the other's took": round(took, 1), "duplicates": copies, "breaks": MAILS}


def killed(stage: Stage) -> Figures:
    """All workers, at four steps of a mail; what they held is taken up when its lease ends."""
    world = stage.world
    workers = [part for part in world.product if part.command == "worker"]
    held: set[int] = set()
    for step in (_before_it_speaks, _before_it_is_accepted, _before_it_hears, _before_it_commits):
        step(stage, stage.mine)
        for worker in workers:
            worker.kill()
        stage.expect(bool(_lying(stage)), f"{step.__name__}: no mail was interrupted")
        held |= _lying(stage)
        for proxy in world.proxies.values():
            proxy.heal()
        world.sink.hold_next, world.sink.holding = "", False
        for worker in workers:
            worker.start()
    stage.healed()
    world.wait_ready()
    stage.wait_settled()
    mails = stage.seen().mails
    copies = len(mails) - len({mail.message_id for mail in mails})
    stage.expect(copies > 0, "no mail was killed between its arrival and the note of it")
    return {"kills": 4, "mails held": len(held), "duplicates": copies}


def _lying(stage: Stage) -> set[int]:
    """Mails that are being sent, or whose worker is dead."""
    return {job.id for job in stage.kept().jobs if job.is_mail and job.status == "running"}


def _before_it_speaks(stage: Stage, business: Business) -> None:
    """The connection stands, and the server has not greeted yet."""
    mail = stage.world.proxy("mail")
    mail.set(How.BLACK_HOLE)
    begun = mail.connections
    stage.robot.leaves_message(business)
    wait_for("a mail is begun", lambda: mail.connections > begun and bool(_lying(stage)))


def _before_it_is_accepted(stage: Stage, business: Business) -> None:
    """All of it is sent, and nobody has said that it is taken."""
    stage.world.sink.hold_next = business.mailbox
    stage.robot.leaves_message(business)
    wait_for("a mail is sent", lambda: stage.world.sink.holding)


def _before_it_hears(stage: Stage, business: Business) -> None:
    """It is taken, and the 250 is on its way."""
    _before_it_is_accepted(stage, business)
    stage.world.proxy("mail").set(How.BLACK_HOLE)
    _is_taken(stage)


def _before_it_commits(stage: Stage, business: Business) -> None:
    """The 250 is heard, and PostgreSQL does not get to know it."""
    _before_it_is_accepted(stage, business)
    stage.world.proxy("postgres").set(How.BLACK_HOLE)
    _is_taken(stage)
    time.sleep(4 * LOOK)


def _is_taken(stage: Stage) -> None:
    sink = stage.world.sink
    sink.holding = False
    wait_for("the mail is taken", lambda: sink.has(sink.held))


TWICE = Allowed(copies=2)
KILLED = Allowed(copies=2, unread=True)  # perhaps while a model's summary was on its way
UNKNOWN = Allowed(dead=frozenset({"call_summary_mail", "lead_notification"}))
FLOWS = f"the other's mails within {PROMPT:.0f} s"
DRILLS = (
    Drill(
        "worker-killed", "workers are killed at four steps of a mail",
        f"each mail arrives within {RECOVERY:.0f} s, one Message-ID, one duplicate a kill at most",
        killed, Sabotage("short-leases", of=("worker",)), KILLED,
    ),
    Drill(
        "smtp-4xx", "the mail server refuses one business for now", f"all arrive once; {FLOWS}",
        not_now, Sabotage("mail-tried-again", of=("worker",)),
    ),
    Drill(
        "smtp-5xx", "the mail server refuses one business for good",
        f"given up at once, with the reason, and told; {FLOWS}",
        not_at_all, Sabotage("mail-verdicts", of=("worker",)), UNKNOWN,
    ),
    Drill(
        "smtp-hang", "the mail server says nothing to one business's mails, in both workers",
        f"all arrive once; {FLOWS}", hanging, Sabotage("mail-clock", of=("worker",)),
    ),
    Drill(
        "smtp-drop", "the mail server takes each mail of one business and hangs up",
        f"all arrive, one duplicate a break at most; {FLOWS}",
        dropping, Sabotage("message-id", of=("worker",)), TWICE,
    ),
)  # fmt: skip
