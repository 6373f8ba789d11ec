"""Who is calling, and how a call that begins is met: answered, asked for a message only, or turned
away before it costs anything.

One statement counts, and takes the call's lease; it stands in the transaction that reserved the
call's first minutes, which lets a tenant's calls begin one after the other.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import text

from app import leases
from app.extensions import db
from app.jobs import outbox
from app.limits import Limits
from app.models import JobKind, LeaseKind, Limited, Outcome, Treatment, audit
from app.rates import CENT
from app.spending import REACHED, WARNED_AT
from app.voice import means
from app.voice.facts import Snapshot
from app.voice.means import Balance, Means
from app.voice.webhook import WITHHELD

MUCH_TOO_MANY: Final = 2  # times a tenant's limit: not even messages are taken from so many
NOTHING: Final = Means()
REJECTED: Final = "rejected"
FAILED: Final = "TN-Validation-Failed"
FEW: Final = 4
SHORT_CALLS: Final = 5  # that one number may make within TEN_MINUTES before it is suspected
SHORT: Final = 10  # seconds; nothing was said that led anywhere
TEN_MINUTES: Final = timedelta(minutes=10)
# A burst: half of the calls that a minute may bring, most of them of different callers.
BURST_SHARE, STRANGERS_SHARE = 0.5, 0.8

# What it counts is from before it takes the lease.
_COUNT: Final = text(f"""
    with taken as ({leases.TAKE}),
    recent as (
        select caller, began, until from lease
        where tenant_id = :tenant and kind = '{LeaseKind.CALL}' and holder <> :sid
          and until > clock_timestamp() - interval '1 minute'
    ),
    live as (select caller from recent where until > clock_timestamp()),
    fresh as (select caller from recent where began > clock_timestamp() - interval '1 minute')
    select
        (select count(*) from live) as at_once,
        (select count(*) from fresh) as minute,
        (select count(distinct caller) from fresh) as callers,
        (select count(*) from live where caller = :hashed) as own_at_once,
        (select count(*) from fresh where caller = :hashed) as own_minute,
        exists (select from block where tenant_id = :tenant and phone = :caller) as listed,
        own.short, own.spent, own.known
    from (
        select count(*) filter (
                   where outcome = '{Outcome.ABANDONED}' and duration <= :short
                     and started_at > clock_timestamp() - cast(:lately as interval)
               ) as short,
               coalesce(sum(reserved) filter (
                   where started_at > clock_timestamp() - interval '1 day'
               ), 0) as spent,
               bool_or(
                   outcome <> '{Outcome.BLOCKED}'
                   and started_at < clock_timestamp() - interval '1 hour'
               ) as known
        from (
            select outcome, duration, started_at, reserved from call_session
            where tenant_id = :tenant and caller = :caller and :caller <> '' and call_sid <> :sid
            order by started_at desc limit 200
        ) as newest
    ) as own
""")


@dataclass(frozen=True, slots=True)
class Ring:
    """A call that begins, as it was told."""

    call_sid: str
    caller: str
    verstat: str = ""
    ours: bool = False
    rung: bool = False

    @property
    def withheld(self) -> bool:
        return self.caller in ("", WITHHELD)


@dataclass(frozen=True, slots=True)
class Welcome:
    """How it is met. `refusal`: it is turned away."""

    means: Means = NOTHING
    limited: Limited | None = None
    refusal: str = ""


def meet(ring: Ring, found: Snapshot, here: Balance) -> Welcome:
    """Takes the lease of a call, and reserves for it. The caller commits, or rolls back where the
    call is not let in."""
    granted = means.to_begin(found, here)  # also: one call of this tenant at a time from here on
    seen = _seen(ring, here.tenant_id, found.bounds.call_seconds)
    treatment, limited = _treated(ring, found.bounds, seen, here.test)
    if treatment is Treatment.REJECT:
        return Welcome(limited=limited, refusal=REJECTED)
    if granted is None:
        return Welcome(limited=Limited.SPENT, refusal=REJECTED)
    if granted.beyond:
        limited = limited or Limited.SPENT
    _warn(found.bounds, seen)
    return Welcome(granted, limited)


def _warn(bounds: Limits, seen: Any) -> None:
    """The tenant's people, once a day for each limit and step; of a limit of a few calls only when
    a caller is beyond it."""
    for name, count in (("calls_at_once", seen["at_once"]), ("calls_per_minute", seen["minute"])):
        most = getattr(bounds, name)
        near = most > FEW and (count + 1) * 100 >= most * WARNED_AT
        step = REACHED if count >= most else WARNED_AT if near else 0
        if step:
            day = datetime.now(UTC).date()
            outbox.add(
                JobKind.LIMIT_MAIL, key=f"limit:{name}:{day}:{step}", limit=name, percent=step
            )


def _treated(ring: Ring, bounds: Limits, seen: Any, test: bool) -> tuple[Treatment, Limited | None]:
    """The first that holds, sternest first. What a tenant tries out is only counted."""
    if seen["listed"]:
        return Treatment.REJECT, Limited.LISTED
    of_caller = None if test else _of_caller(ring, bounds, seen)
    if of_caller and of_caller[0] is Treatment.REJECT:
        return of_caller
    for limited, count, most in (
        (Limited.AT_ONCE, seen["at_once"], bounds.calls_at_once),
        (Limited.RATE, seen["minute"], bounds.calls_per_minute),
    ):
        if count >= MUCH_TOO_MANY * most:
            return Treatment.REJECT, limited
        if count >= most and not of_caller:
            of_caller = Treatment.MESSAGE, limited
    if of_caller is None and not test and bounds.robocalls and _bursts(bounds, seen):
        of_caller = Treatment.MESSAGE, Limited.BURST
    return of_caller or (Treatment.ANSWER, None)


def _of_caller(ring: Ring, bounds: Limits, seen: Any) -> tuple[Treatment, Limited] | None:
    if ring.ours:
        return Treatment.REJECT, Limited.LOOP
    found = []
    if ring.withheld:
        found.append((bounds.withheld, Limited.WITHHELD))
    else:  # those who withhold their numbers are many
        if seen["own_minute"] >= bounds.caller_per_minute:
            found.append((Treatment.REJECT, Limited.CALLER_RATE))
        if seen["own_at_once"] >= bounds.caller_at_once:
            found.append((Treatment.REJECT, Limited.CALLER_AT_ONCE))
        if seen["spent"] >= bounds.caller_day_cents * CENT:
            found.append((Treatment.MESSAGE, Limited.CALLER_SPENT))
        if bounds.robocalls and seen["short"] >= SHORT_CALLS:
            found.append((Treatment.MESSAGE, Limited.REPEATED))
    if ring.verstat.startswith(FAILED):
        found.append((bounds.unverified, Limited.UNVERIFIED))
    sternest = (Treatment.REJECT, Treatment.MESSAGE)
    return next((one for wanted in sternest for one in found if one[0] is wanted), None)


def _bursts(bounds: Limits, seen: Any) -> bool:
    """Many strangers at once; who has called before is not one of them."""
    many = seen["minute"] > max(FEW, BURST_SHARE * bounds.calls_per_minute - 1)
    return bool(many and seen["callers"] >= STRANGERS_SHARE * seen["minute"] and not seen["known"])


def _seen(ring: Ring, tenant_id: int, seconds: int) -> Any:
    caller = "" if ring.withheld else ring.caller
    return db.session.execute(
        _COUNT,
        {
            "tenant": tenant_id, "sid": ring.call_sid, "caller": caller, "hashed": _hashed(ring),
            "short": SHORT, "lately": TEN_MINUTES, "lasts": leases.lasting(seconds),
        },
    ).mappings().one()  # fmt: skip


def _hashed(ring: Ring) -> str:
    """A lease outlives its call: it holds no number that anybody could read."""
    return "" if ring.withheld else audit.keyed_hash(ring.caller)
