"""What bench/panel.py asks for: every list, then one list in every way people narrow it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import prison

from app.models import CallSession, Lead, Transcript
from app.phone.rest import Rest
from app.views import ENTITIES
from app.views.entity import Entity
from app.views.filters import FilterConverter
from app.views.interface import Rows
from bench import asking, many
from bench.asking import Asker

ADMIN, SUPER, KEY, SUPER_REST = "tenant admin", "super admin", "API key", "super admin's token"
SLOW = 5  # requests of what takes long
NOT_FOR_KEYS = ("tenants", "keys", "prices")  # a tenant's role has no such list


@dataclass(frozen=True, slots=True)
class Case:
    what: str
    role: str
    path: str
    slow: bool = False

    def of(self, times: int) -> int:
        return min(times, SLOW) if self.slow else times


def every(one: many.Filled, port: int) -> Iterator[tuple[Case, Asker]]:
    askers = {
        ADMIN: asking.browser(port, many.TENANT_ADMIN, one.password),
        SUPER: asking.browser(port, many.SUPER_ADMIN, one.password),
        KEY: asking.script(port, one.key),
        SUPER_REST: _token(port, one.password),
    }
    for case in (*_dashboards(), *_lists(), *_shown(one), *_narrowed(one), *_sheets()):
        yield case, askers[case.role]


def _token(port: int, password: str) -> Asker:
    found = Rest.log_in(f"http://127.0.0.1:{port}", many.SUPER_ADMIN, password)
    return Asker(port, {"Authorization": f"Bearer {found.token}"})


def _dashboards() -> Iterator[Case]:
    for role in (ADMIN, SUPER):
        yield Case("dashboard", role, "/")


def _lists() -> Iterator[Case]:
    for entity in ENTITIES:
        page = f"/{entity.name.lower()}page/list/"
        tenants = entity.resource in NOT_FOR_KEYS
        for role in (SUPER,) if tenants else (ADMIN, SUPER):
            yield Case(f"page {entity.menu}", role, page)
        rest = f"/api/v1/{entity.resource}/"
        if not tenants:
            yield Case(f"REST {entity.resource}", KEY, rest)
        if entity.platform:
            yield Case(f"REST {entity.resource}", SUPER_REST, rest)


def _shown(one: many.Filled) -> Iterator[Case]:
    yield Case("one call", KEY, one_call(one))
    for model in (CallSession, Lead, Transcript):
        pk = _newest(one, model)
        yield Case(f"one {model.__name__}", ADMIN, f"/{model.__name__.lower()}page/show/{pk}")


def one_call(one: many.Filled) -> str:
    return f"/api/v1/calls/{_newest(one, CallSession)}"


def _newest(one: many.Filled, model: Any) -> int:
    table = model.__tablename__
    return one.ask(f"select max(id) from {table} where tenant_id = {many.BIG}")


def _narrowed(one: many.Filled) -> Iterator[Case]:
    since = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%d %H:%M:%S")
    caller = one.ask(
        f"select substr(caller, 2)::bigint from call_session where tenant_id = {many.BIG} limit 1"
    )
    found = {
        "of one outcome": [("outcome", "eq", "failed")],
        "since 30 days": [("started_at", "gt", since)],
        "of one outcome since 30 days": [("outcome", "eq", "lead"), ("started_at", "gt", since)],
        "of one caller": [("caller", "eq", f"+{caller}")],
        "whose caller contains 4 digits": [("caller", "ct", str(caller)[-4:])],
        "with a department tried": [("departments", "rel_m_m", "1")],
        "a frequent word said": [("utterances", "ct", "appointment")],
        "a word of one in 250 said": [("utterances", "ct", "boiler")],
        "a word of one in 100,000 said": [("utterances", "ct", "zeppelin")],
        "a word that nobody said": [("utterances", "ct", "xylophone")],
        "such a word, since 30 days": [
            ("utterances", "ct", "xylophone"), ("started_at", "gt", since)
        ],
    }  # fmt: skip
    for role in (ADMIN, SUPER):
        for what, wanted in found.items():
            path = _page(CallSession, wanted)
            yield Case(f"calls {what}", role, path, slow="said" in what)
        for column in ("started_at", "caller", "called", "outcome", "duration"):
            yield Case(f"calls by {column}", role, _ordered(CallSession, column))
        for column in ("created_at", "name", "status", "due"):
            yield Case(f"leads by {column}", role, _ordered(Lead, column))
        yield Case("leads that are new", role, _page(Lead, [("status", "eq", "new")]))
        yield Case("transcripts with a frequent word", role,
                   _page(Transcript, [("text", "ct", "appointment")]))  # fmt: skip
        yield Case("transcripts with a rare word", role,
                   _page(Transcript, [("text", "ct", "zeppelin")]), slow=True)  # fmt: skip
        yield Case("calls, page 100", role, _ordered(CallSession, "started_at", page=99))
        where = f"where tenant_id = {many.BIG}" if role == ADMIN else ""
        last = (one.ask(f"select count(*) from call_session {where}") - 1) // 25
        yield Case("calls, last page", role, _ordered(CallSession, "started_at", page=last))
    rare = prison.dumps({"filters": [{"col": "utterances", "opr": "ct", "value": "boiler"}]})
    yield Case("REST calls, a word said", KEY, f"/api/v1/calls/?{urlencode({'q': rare})}", True)


def _sheets() -> Iterator[Case]:
    for resource in ("calls", "leads", "transcripts"):
        entity: Entity = next(entity for entity in ENTITIES if entity.resource == resource)
        yield Case(f"CSV of {resource}, at most 50,000", ADMIN,
                   f"/{entity.name.lower()}page/csv", slow=True)  # fmt: skip


def _page(model: Any, wanted: list[tuple[str, str, str]]) -> str:
    """The list with these filters: the address of one names its place among those of its column."""
    arguments = []
    for column, operation, value in wanted:
        known = [found.arg_name for found in FilterConverter(Rows(model)).convert(column) or ()]
        arguments.append((f"_flt_{known.index(operation)}_{column}", value))
    return f"/{model.__name__.lower()}page/list/?{urlencode(arguments)}"


def _ordered(model: Any, column: str, page: int = 0) -> str:
    name = f"{model.__name__}Page"
    arguments = {f"_oc_{name}": column, f"_od_{name}": "desc", f"page_{name}": page}
    return f"/{name.lower()}/list/?{urlencode(arguments)}"
