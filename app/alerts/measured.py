"""What alerts compare with their thresholds, asked of the rows that everybody keeps.

What is counted (app/metrics) is noted once a minute as it stands: what happened within some minutes
is the difference, whichever processes were restarted meanwhile, this one included.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app import limits, spending
from app.extensions import db
from app.figures import queue
from app.jobs import heartbeat
from app.metrics import catalogue, keeping
from app.metrics.counting import BUCKET, COUNT, INFINITE, Series
from app.models import (
    BACKUP,
    CallLimits,
    CallSession,
    Channel,
    Job,
    JobStatus,
    MetricSample,
    Milestone,
    Tenant,
)
from app.rates import CENT

KEPT: Final = timedelta(hours=2)  # samples
WEEK: Final = timedelta(weeks=1)
WEEKS: Final = 4
LEAST_CALLS: Final = 5  # that are usual, before their absence says anything
LEAST_TURNS: Final = 20
LEAST_MAILS: Final = 3  # that failed
LONGEST_SILENCE: Final = timedelta(days=1)
JOBS_WITHIN: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Measured:
    """`detail` names what the value does not tell, or is empty. No person's name or number; a
    tenant is told by its slug."""

    value: float
    detail: str = ""


Found = dict[str, Measured | None]
"""By the name of a rule; None: it does not apply."""


def everything(now: datetime, thresholds: Mapping[str, float]) -> Found:
    """Platform work. Writes the sample of this minute; the caller commits."""
    since = _Since(now)
    return {
        **_counted(since),
        **_processes(now),
        "jobs": _given_up(now),
        "outbox": _overdue(now),
        "silence": _silence(now, timedelta(minutes=thresholds["silence"])),
        "spend": _spend(),
        "backup": _backup(now),
    }


class _Since:
    """What was counted within a stretch of time before `now`."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._totals = _summed(keeping.read())
        fresh = insert(MetricSample).values(at=now, totals=self._totals)
        db.session.execute(fresh.on_conflict_do_nothing(index_elements=["at"]))
        old = delete(MetricSample).where(MetricSample.at < now - KEPT)
        db.session.execute(old, execution_options={"synchronize_session": False})
        rows = db.session.execute(
            select(MetricSample.at, MetricSample.totals)
            .where(MetricSample.at <= now)
            .order_by(MetricSample.at)
        )
        self._samples = [(at, totals) for at, totals in rows]

    def counted(self, name: str, within: timedelta) -> float:
        """Since the newest sample that is as old; of younger ones the oldest, which is the first
        that there ever was or that came after a pause."""
        begins = self._now - within
        before = [totals for at, totals in self._samples if at <= begins][-1:]
        then = before or [totals for _at, totals in self._samples[:1]]
        return max(0.0, self._totals[name] - float(then[0].get(name, 0.0)))


def _summed(totals: Mapping[Series, float]) -> dict[str, float]:
    def of(metric: str, *, first: tuple[str, ...] = (), last: tuple[str, ...] = ()) -> float:
        return sum(
            value for (name, labels), value in totals.items()
            if name == metric and (not first or labels[0] in first)
            and (not last or labels[-1] in last)
        )  # fmt: skip

    turns = catalogue.TURN_DURATION
    slow = (*(f"{b:g}" for b in turns.buckets if b > catalogue.SLOW), INFINITE)
    errors = ("away", "pool", "timeout")
    return {
        "errors": of(catalogue.DATABASE_ERRORS.name, first=errors),
        "turns": of(turns.name + COUNT),
        "slow": of(turns.name + BUCKET, last=slow),
        "model": of(turns.name + COUNT, first=("model",)),
        "fallbacks": of(catalogue.FALLBACKS.name),
        "mails": of(catalogue.MAILS.name),
        "mails_failed": of(catalogue.MAILS.name, first=("again", "given_up")),
        "signatures": of(catalogue.REFUSED.name, first=("signature",)),
        "scope": of(catalogue.SCOPE_VIOLATIONS.name),
    }


def _counted(since: _Since) -> Found:
    minutes = {n: timedelta(minutes=n) for n in (5, 15, 30, 60)}
    failed = since.counted("mails_failed", minutes[30])
    turns, slow = (since.counted(name, minutes[15]) for name in ("turns", "slow"))
    down = since.counted("fallbacks", minutes[15])
    wanted = down + since.counted("model", minutes[15])
    return {
        "database": Measured(since.counted("errors", minutes[5])),
        "signatures": Measured(since.counted("signatures", minutes[5])),
        "scope": Measured(since.counted("scope", minutes[60])),
        "mail": _share(failed, since.counted("mails", minutes[30]), failed >= LEAST_MAILS),
        "slow": _share(slow, turns, turns >= LEAST_TURNS),
        "fallback": _share(down, wanted, wanted >= LEAST_TURNS),
    }


def _share(part: float, whole: float, says_something: bool) -> Measured:
    if not says_something or not whole:
        return Measured(0, f"{part:.0f} of {whole:.0f}" if whole else "")
    return Measured(100 * part / whole, f"{part:.0f} of {whole:.0f}")


def _processes(now: datetime) -> Found:
    beats = heartbeat.rows()
    found: Found = {}
    for kind in heartbeat.KINDS:
        seen = [beat.seen_at for beat in beats if beat.kind == kind]
        silent = min((max(now - at, timedelta(0)) for at in seen), default=LONGEST_SILENCE)
        detail = "" if seen else "none is running"
        found[kind] = Measured(min(silent, LONGEST_SILENCE) / timedelta(minutes=1), detail)
    return found


def _given_up(now: datetime) -> Measured:
    rows = db.session.execute(
        select(Job.kind, func.count())
        .where(
            Job.status == JobStatus.DEAD,
            Job.finished_at > now - JOBS_WITHIN,
            Job.finished_at <= now,
        )
        .group_by(Job.kind)
        .order_by(func.count().desc(), Job.kind)
    ).all()
    detail = ", ".join(f"{kind} {many}" for kind, many in rows[:4])
    return Measured(sum(many for _kind, many in rows), detail)


def _overdue(now: datetime) -> Measured:
    due = queue.standing(now).due
    return Measured(max(timedelta(0), now - due) / timedelta(minutes=1) if due else 0)


def _silence(now: datetime, within: timedelta) -> Measured:
    """In UTC: around a change of clocks an hour is compared with its neighbour."""
    before = [_calls(now - weeks * WEEK, within) for weeks in range(1, WEEKS + 1)]
    usual = median(before)
    if usual < LEAST_CALLS:
        return Measured(0, f"usual: {usual:.0f}")
    last = db.session.scalar(
        select(func.max(CallSession.started_at)).where(
            CallSession.started_at > now - LONGEST_SILENCE,
            CallSession.started_at <= now,
            CallSession.channel != Channel.TEST,
        )
    )
    silent = min(now - last, LONGEST_SILENCE) if last else LONGEST_SILENCE
    return Measured(silent / timedelta(minutes=1), f"usual: {usual:.0f}")


def _calls(until: datetime, within: timedelta) -> int:
    many = select(func.count()).where(
        CallSession.started_at > until - within,
        CallSession.started_at <= until,
        CallSession.channel != Channel.TEST,
    )
    return db.session.scalar(many) or 0


def _spend() -> Measured:
    """A limit of 0 is a tenant that shall spend nothing."""
    spent = {one.tenant_id: one for one in spending.spent() if one.day or one.month}
    rows = db.session.execute(
        select(Tenant, CallLimits)
        .outerjoin(CallLimits, CallLimits.tenant_id == Tenant.id)
        .where(Tenant.id.in_(spent))
    )
    shares = []
    for tenant, own in rows:
        bounds, used = limits.in_force(tenant, own), spent[tenant.id]
        for period, micros, cents in (
            ("day", used.day, bounds.day_cents),
            ("month", used.month, bounds.month_cents),
        ):
            if cents:
                shares.append((100 * micros / (cents * CENT), tenant.slug, period))
    if not shares:
        return Measured(0)
    most, slug, period = max(shares)
    return Measured(most, f"{slug}, of its {period}")


def _backup(now: datetime) -> Measured | None:
    at = db.session.scalar(select(Milestone.at).where(Milestone.name == BACKUP))
    return Measured(max(timedelta(0), now - at) / timedelta(hours=1)) if at else None
