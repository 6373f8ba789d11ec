"""Database rows -> flow.Facts: what a tenant's settings and this moment allow.

Tenant data is read once per version and kept in the process: triggers raise `facts_version` in the
transaction that edits anything read here, and each turn sees the current version together with its
call (one statement).
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from itertools import groupby

import phonenumbers
from sqlalchemy import select

from app.extensions import db
from app.models import (
    AfterHours,
    CallRecording,
    Department,
    EntryStatus,
    Holiday,
    KnowledgeEntry,
    OpeningHours,
    ReceptionistConfig,
    Tenant,
)
from app.voice import hours
from app.voice.flow import messages as m

DAYS_AHEAD = 14
KEPT_TENANTS = 500
_DEFAULT_FIELDS = (m.Ask.NAME, m.Ask.PHONE, m.Ask.REASON)


@dataclass(frozen=True, slots=True)
class Place:
    """A department with the schedule that holds for it."""

    department: m.Department
    schedule: hours.Schedule


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of a tenant that a call needs, as of one `facts_version`."""

    business: str
    zone: str
    greeting: str
    persona: str
    voice: str
    language: str
    model: str
    required: tuple[str, ...]
    message_only_when_closed: bool
    announces_recording: bool
    staff_first: int | None
    suspension_number: str
    limits: m.Limits
    schedule: hours.Schedule
    places: tuple[Place, ...]
    entries: tuple[tuple[m.Passage, date | None], ...]
    valid: dict[date, tuple[m.Passage, ...]] = field(default_factory=dict, compare=False)

    def passages(self, today: date) -> tuple[m.Passage, ...]:
        """The entries valid today: the same tuple all day, as the search index goes by identity."""
        found = self.valid.get(today)
        if found is None:
            found = tuple(p for p, until in self.entries if until is None or until >= today)
            found = self.valid.setdefault(today, found)
        return found


class _Cache:
    """The newest snapshot of each tenant, least recently used ones dropped."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[int, Snapshot]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tenant_id: int, version: int) -> Snapshot | None:
        with self._lock:
            kept = self._kept.get(tenant_id)
            if kept is None or kept[0] != version:
                return None
            self._kept.move_to_end(tenant_id)
            return kept[1]

    def put(self, tenant_id: int, version: int, snapshot: Snapshot) -> None:
        with self._lock:
            self._kept[tenant_id] = (version, snapshot)
            self._kept.move_to_end(tenant_id)
            while len(self._kept) > KEPT_TENANTS:
                self._kept.popitem(last=False)


_cache = _Cache()


def snapshot(tenant_id: int, version: int) -> Snapshot:
    """The tenant of the current scope as of `version`, which was read in this transaction."""
    found = _cache.get(tenant_id, version)
    if found is None:
        found = _load()
        _cache.put(tenant_id, version, found)
    return found


def current() -> Snapshot:
    """The tenant of the current scope, as it is now."""
    tenant_id, version = db.session.execute(select(Tenant.id, Tenant.facts_version)).one()
    return snapshot(tenant_id, version)


def build(found: Snapshot, moment: datetime, *, caller: str, called: str) -> m.Facts:
    """What holds for one call at one moment (aware). Pure."""
    open_now = hours.is_open(found.schedule, moment)
    days = hours.upcoming(found.schedule, moment, DAYS_AHEAD)
    today = days[0].day
    return m.Facts(
        business=found.business,
        is_open=open_now,
        departments=tuple(_at(place, moment) for place in found.places),
        passages=found.passages(today),
        hours=tuple(m.DayHours(d.day, _spans(d.spans), d.note) for d in days),
        today=today,
        required=found.required,
        caller_number=caller if caller.startswith("+") else "",
        region=region(called),
        language=found.language,
        persona=found.persona,
        model=found.model,
        staff_first=found.staff_first,
        message_only=found.message_only_when_closed and not open_now,
        announces_recording=found.announces_recording,
        limits=found.limits,
    )


def _at(place: Place, moment: datetime) -> m.Department:
    return replace(place.department, is_open=hours.is_open(place.schedule, moment))


def _spans(spans: Iterable[hours.Span]) -> tuple[tuple[str, str], ...]:
    return tuple((hours.clock(start), hours.clock(end)) for start, end in spans)


def region(called: str) -> str:
    """The region whose way of dialling a caller uses: that of the number that was called."""
    try:
        found = phonenumbers.region_code_for_number(phonenumbers.parse(called))
    except phonenumbers.NumberParseException:
        found = None
    return found or "US"


def _load() -> Snapshot:
    tenant = db.session.scalars(select(Tenant)).one()
    config = db.session.scalars(select(ReceptionistConfig)).one_or_none() or _defaults()
    spans = db.session.scalars(select(OpeningHours)).all()
    holidays = db.session.scalars(select(Holiday)).all()
    return Snapshot(
        business=tenant.name,
        zone=tenant.timezone,
        greeting=config.greeting,
        persona=config.persona,
        voice=config.voice,
        language=config.language,
        model=config.model,
        required=tuple(config.intake_fields) or _DEFAULT_FIELDS,
        message_only_when_closed=config.after_hours == AfterHours.MESSAGE,
        announces_recording=config.recording == CallRecording.ANNOUNCE,
        staff_first=config.staff_first_id,
        suspension_number=config.suspension_number or "",
        limits=m.Limits(max_turns=config.max_turns, max_transfers=config.max_transfers),
        schedule=_schedule(tenant.timezone, spans, holidays, None),
        places=tuple(_places(tenant.timezone, spans, holidays)),
        entries=tuple(_entries(config.language)),
    )


def _defaults() -> ReceptionistConfig:
    """A tenant whose receptionist nobody has set up yet still answers its calls."""
    return ReceptionistConfig(
        greeting="", persona="", voice="Polly.Joanna-Neural", language="en-US", model="",
        intake_fields=[], after_hours=AfterHours.ANSWER, recording=CallRecording.OFF,
        max_turns=40, max_transfers=2,
    )  # fmt: skip


def _places(
    zone: str, spans: Iterable[OpeningHours], holidays: Iterable[Holiday]
) -> Iterable[Place]:
    spans, holidays = list(spans), list(holidays)
    in_order = select(Department).order_by(Department.position, Department.id)
    for row in db.session.scalars(in_order):
        own = row.id if any(s.department_id == row.id for s in spans) else None
        yield Place(
            m.Department(
                id=row.id,
                name=row.name,
                description=row.description,
                numbers=tuple(row.numbers),
                operator=row.operator,
                ring_seconds=row.ring_seconds,
            ),
            _schedule(zone, spans, holidays, own, row.id),
        )


def _schedule(
    zone: str,
    spans: Iterable[OpeningHours],
    holidays: Iterable[Holiday],
    whose: int | None,
    department_id: int | None = None,
) -> hours.Schedule:
    """`whose` weekly hours hold; the tenant's holidays do, too, and a department's own go before
    them. A department with hours of its own (emergencies at night) keeps them on the tenant's
    holidays."""
    weekly = sorted(
        (s for s in spans if s.department_id == whose), key=lambda s: (s.weekday, s.opens)
    )
    special = {h.day: h for h in holidays if h.department_id is None and whose is None}
    if department_id is not None:
        special |= {h.day: h for h in holidays if h.department_id == department_id}
    return hours.Schedule(
        zone=zone,
        weekly={
            weekday: tuple((_minute(s.opens), _minute(s.closes)) for s in group)
            for weekday, group in groupby(weekly, key=lambda s: s.weekday)
        },
        holidays={day: _holiday(h) for day, h in special.items()},
    )


def _holiday(row: Holiday) -> hours.Holiday:
    if row.opens is None or row.closes is None:
        return hours.Holiday((), row.name)
    return hours.Holiday(((_minute(row.opens), _minute(row.closes)),), row.name)


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _entries(language: str) -> Iterable[tuple[m.Passage, date | None]]:
    live = (
        select(KnowledgeEntry)
        .where(
            KnowledgeEntry.status == EntryStatus.LIVE,
            KnowledgeEntry.language.in_(("", language, language.split("-")[0])),
        )
        .order_by(KnowledgeEntry.id)
    )
    for row in db.session.scalars(live):
        passage = m.Passage(
            id=f"knowledge:{row.id}",
            entry_id=row.id,
            version=row.version,
            question=row.question,
            answer=row.answer,
            alternates=tuple(row.alternates),
        )
        yield passage, row.valid_until


def now() -> datetime:
    return datetime.now(UTC)
