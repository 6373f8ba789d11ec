"""Database rows -> flow.Facts: what a tenant's settings and this moment allow.

Tenant data is read once per version and kept in the process: triggers raise `facts_version` in the
transaction that edits anything read here, and each turn sees the current version together with its
call (one statement).
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import groupby

import phonenumbers
from sqlalchemy import select

from app import directory, limits, rates
from app.extensions import db
from app.limits import Limits
from app.models import (
    AfterHours,
    CallLimits,
    CallRecording,
    Department,
    EntryStatus,
    Holiday,
    KnowledgeEntry,
    OpeningHours,
    ReceptionistConfig,
    Tenant,
    TwilioNumber,
)
from app.rates import Rates
from app.rules import blanks, dialling, intake
from app.voice import hours
from app.voice.flow import messages as m

DAYS_AHEAD = 14
KEPT_TENANTS = 500
MOST_TOLD = 12_000  # characters of knowledge that a prompt holds: app/ai/prompting.py
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
    other_language: str
    number_languages: dict[str, str]
    practice: frozenset[str]  # numbers that only the built-in telephones call
    required: tuple[str, ...]
    intake: tuple[m.Intake, ...]
    urgent_words: tuple[str, ...]
    on_call: int | None
    message_only_when_closed: bool
    announces_recording: bool
    staff_first: int | None
    suspension_number: str
    fallback_number: str
    forwards: bool  # all calls, to that number
    forwards_until: datetime | None  # None: until further notice
    staff_first_seconds: int
    limits: m.Limits
    bounds: Limits
    rates: Rates
    told: int  # characters of what a model is told of this tenant, at most
    schedule: hours.Schedule
    places: tuple[Place, ...]
    entries: tuple[tuple[m.Passage, str, date | None], ...]
    valid: dict[tuple[str, date], tuple[m.Passage, ...]] = field(
        default_factory=dict, compare=False
    )

    def passages(self, today: date, language: str) -> tuple[m.Passage, ...]:
        """The entries of a language that are valid today: the same tuple all day, as the search
        index goes by identity."""
        found = self.valid.get((language, today))
        if found is None:
            spoken = ("", language, language.split("-")[0])
            found = tuple(
                passage
                for passage, written_in, until in self.entries
                if written_in in spoken and (until is None or until >= today)
            )
            found = self.valid.setdefault((language, today), found)
        return found

    def language_of(self, called: str, chosen: str = "") -> str:
        """What is spoken on a call to this number; `chosen` by a key goes before all."""
        return chosen or self.number_languages.get(called, "") or self.language

    def forwards_to(self, moment: datetime) -> str:
        """Where all calls are sent now; "": they are answered here."""
        over = self.forwards_until is not None and moment >= self.forwards_until
        return "" if over or not self.forwards else self.fallback_number

    def greeting_in(self, language: str) -> str:
        """The greeting's own words are in the tenant's language; "": the scripted ones."""
        return self.greeting if language == self.language else ""


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

    def newest(self, tenant_id: int) -> Snapshot | None:
        with self._lock:
            kept = self._kept.get(tenant_id)
            return kept[1] if kept else None

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


def remembered(tenant_id: int) -> Snapshot | None:
    """As this process saw the tenant last, without asking the database; it may be out of date."""
    return _cache.newest(tenant_id)


def current() -> Snapshot:
    """The tenant of the current scope, as it is now."""
    tenant_id, version = db.session.execute(select(Tenant.id, Tenant.facts_version)).one()
    return snapshot(tenant_id, version)


def build(
    found: Snapshot, moment: datetime, *, caller: str, called: str, chosen: str = ""
) -> m.Facts:
    """What holds for one call at one moment (aware). `chosen` is the caller's language. Pure."""
    open_now = hours.is_open(found.schedule, moment)
    yesterday, *days = (
        m.DayHours(d.day, _spans(d.spans), d.note)
        for d in hours.around(found.schedule, moment, DAYS_AHEAD)
    )
    today, language = days[0].day, found.language_of(called, chosen)
    opens = None if open_now else hours.next_opening(found.schedule, moment)
    return m.Facts(
        business=found.business,
        is_open=open_now,
        departments=tuple(_at(place, moment) for place in found.places),
        passages=found.passages(today, language),
        hours=tuple(days),
        today=today,
        yesterday=yesterday,
        shut="" if open_now else _shut(days[0], opens),
        opens=(opens.date(), f"{opens:%H:%M}") if opens else None,
        required=found.required,
        intake=found.intake,
        urgent_words=found.urgent_words,
        on_call=found.on_call,
        caller_number=caller if caller.startswith("+") else "",
        region=region(called),
        language=language,
        other_language=found.other_language if found.other_language != language else "",
        persona=found.persona,
        model=found.model,
        staff_first=found.staff_first,
        staff_first_seconds=found.staff_first_seconds,
        message_only=found.message_only_when_closed and not open_now,
        announces_recording=found.announces_recording,
        limits=found.limits,
    )


def _shut(today: m.DayHours, opens: datetime | None) -> m.Shut:
    if today.note and not today.spans:
        return m.Shut.HOLIDAY
    later = opens is not None and opens.date() == today.day
    if later and any(start < f"{opens:%H:%M}" for start, _ in today.spans):
        return m.Shut.BREAK
    return m.Shut.CLOSED


def _at(place: Place, moment: datetime) -> m.Department:
    return replace(place.department, is_open=hours.is_open(place.schedule, moment))


def _spans(spans: Iterable[hours.Span]) -> tuple[tuple[str, str], ...]:
    return tuple((hours.clock(start), hours.clock(end)) for start, end in spans)


@lru_cache(maxsize=1024)
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
    bounds = limits.in_force(tenant, db.session.scalars(select(CallLimits)).one_or_none())
    places = tuple(_places(tenant.timezone, spans, holidays))
    numbers = db.session.scalars(select(TwilioNumber)).all()
    entries = tuple(_entries())
    return Snapshot(
        business=tenant.name,
        zone=tenant.timezone,
        greeting=config.greeting,
        persona=config.persona,
        voice=config.voice,
        language=config.language,
        model=config.model,
        other_language=config.other_language,
        number_languages={row.number: row.language for row in numbers},
        practice=frozenset(row.number for row in numbers if row.practice),
        required=tuple(config.intake_fields) or _DEFAULT_FIELDS,
        intake=tuple(_questions(config.intake_questions)),
        urgent_words=tuple(config.urgent_words),
        on_call=config.on_call_id,
        message_only_when_closed=config.after_hours == AfterHours.MESSAGE,
        announces_recording=config.recording == CallRecording.ANNOUNCE,
        staff_first=config.staff_first_id,
        suspension_number=_ringable(config.suspension_number),
        fallback_number=_ringable(config.fallback_number),
        forwards=bool(config.forward_calls),
        forwards_until=config.forward_until,
        staff_first_seconds=config.staff_first_seconds,
        limits=m.Limits(
            max_turns=config.max_turns,
            max_transfers=config.max_transfers,
            talk_seconds=bounds.talk_seconds,
            max_unheard=2 if bounds.robocalls else 3,
        ),
        bounds=bounds,
        rates=rates.current(),
        told=_told(places, entries),
        schedule=_schedule(tenant.timezone, spans, holidays, None),
        places=places,
        entries=entries,
    )


def _told(places: Iterable[Place], entries: Iterable[tuple[m.Passage, str, date | None]]) -> int:
    known = sum(len(passage.question) + len(passage.answer) + 30 for passage, *_ in entries)
    named = sum(len(f"{p.department.name}{p.department.description}") + 10 for p in places)
    return min(known, MOST_TOLD) + named


def _defaults() -> ReceptionistConfig:
    """A tenant whose receptionist nobody has set up yet still answers its calls."""
    return ReceptionistConfig(
        greeting="", persona="", voice="Polly.Joanna-Neural", language="en-US", model="",
        intake_fields=[], after_hours=AfterHours.ANSWER, recording=CallRecording.OFF,
        max_turns=40, max_transfers=2, other_language="", intake_questions=[], urgent_words=[],
        staff_first_seconds=20,
    )  # fmt: skip


def _places(
    zone: str, spans: Iterable[OpeningHours], holidays: Iterable[Holiday]
) -> Iterable[Place]:
    spans, holidays = list(spans), list(holidays)
    in_order = select(Department).order_by(Department.position, Department.id)
    departments = db.session.scalars(in_order).all()
    rung = _rung({number for row in departments for number in row.numbers})
    for row in departments:
        numbers = tuple(number for number in row.numbers if number in rung)
        own = row.id if any(s.department_id == row.id for s in spans) else None
        yield Place(
            m.Department(
                id=row.id,
                name=row.name,
                description=row.description,
                numbers=numbers,
                operator=row.operator,
                ring_seconds=row.ring_seconds,
                in_order=row.ring_in_order,
                barred=bool(row.numbers) and not numbers,
            ),
            _schedule(zone, spans, holidays, own, row.id),
        )


def _rung(numbers: set[str]) -> set[str]:
    """Those that may be rung: they were checked when they were saved, but countries may have been
    taken off the list since, and a number may have become one that is answered here."""
    if not numbers:
        return set()
    countries, home = directory.allowed_countries(), directory.own_country()
    answered = set(directory.answered_here(sorted(numbers)))
    return {n for n in numbers - answered if _may_ring(n, countries, home)}


def _ringable(number: str | None) -> str:
    return number if number and _rung({number}) else ""


def _may_ring(number: str, countries: frozenset[str], home: frozenset[str]) -> bool:
    try:
        return dialling.refusal(number, countries, home) is None
    except ValueError:  # nothing saves such a number; a call goes on even so
        return False


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


def _questions(lines: Iterable[str]) -> Iterable[m.Intake]:
    """Lines were checked when they were saved; what an import left unreadable is not asked."""
    for line in lines:
        with contextlib.suppress(ValueError):
            asked = intake.parse(line)
            yield m.Intake(asked.key, asked.question, asked.label, asked.when)


def _entries() -> Iterable[tuple[m.Passage, str, date | None]]:
    live = (
        select(KnowledgeEntry)
        .where(KnowledgeEntry.status == EntryStatus.LIVE)
        .order_by(KnowledgeEntry.id)
    )
    for row in db.session.scalars(live):
        if blanks.left(row.answer):  # no form lets it through; nobody shall hear it all the same
            continue
        yield passage(row), row.language, row.valid_until


def passage(row: KnowledgeEntry) -> m.Passage:
    return m.Passage(
        id=f"knowledge:{row.id}",
        entry_id=row.id,
        version=row.version,
        question=row.question,
        answer=row.answer,
        alternates=tuple(row.alternates),
    )


def now() -> datetime:
    return datetime.now(UTC)
