"""Goes everywhere that a tenant can go, tries what it must not, and looks for the other's marks.

What goes wrong is a `Leak`; what was tried is counted in `Report`. `prepare(…).attack(walls)` goes
against both walls or either alone, as far as its `Extent` says: `WHOLE` is everybody and everything
and what `run.py bench isolation` runs; `BRIEF` is for the test run, the same every time, and says
what it leaves out and why.
"""

import gzip
import io
import itertools
import json
import logging
import re
import secrets
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import prison
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import Date, DateTime, String, inspect
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.logs import JsonLines
from app.phone.form import inbound
from app.phone.signature import sign
from tests.conftest import Services
from tests.factories import sid
from tests.fakes.twilio_rest import TwilioRest
from tests.isolation.pages import Form, Page
from tests.isolation.rivals import ROLES, Side, World, found_in, standing
from tests.web.speaking import Rest, log_in

# Neither visited nor to be taught to the crawler, and why.
EXEMPT = {
    "/static/<path:filename>": "files of the repository",
    "/static/appbuilder/<path:filename>": "files of Flask-AppBuilder",
}
# Visited when an identity has nothing else to do: it then is nobody.
ENDING = re.compile(r"log-?out|sign-?out")
SAFE = ("GET", "HEAD", "OPTIONS")
SIZES = (-1, 1, 100_000)
MOST_LINKS = 400  # of one identity
PROOF_PAGE, PROOF_REST = "/sign-ins/", "/api/v1/calls/?q=(page_size:1)"


@dataclass(frozen=True)
class Leak:
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.what}: {self.where}"


@dataclass
class Report:
    visited: set[tuple[str, str]] = field(default_factory=set)
    attacks: Counter[str] = field(default_factory=Counter)
    leaks: list[Leak] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)  # answers of 500 and more
    seen: set[str] = field(default_factory=set)  # rules that showed marks of one's own
    unvisited: list[str] = field(default_factory=list)
    log_lines: int = 0
    renewed: int = 0  # sign-ins that something tried had ended

    @property
    def tried(self) -> int:
        return sum(self.attacks.values())


@dataclass(frozen=True)
class Extent:
    """How much is tried. Who goes where, by walls; and of the questions (filters, orders, sizes)
    every how-manieth. `operators`: of each column all, or the first alone. `bodies`: all of them
    also for a row that was not found with the first."""

    people: dict[str, tuple[str, ...]]
    questions: dict[str, int]
    operators: bool
    bodies: bool


EVERYBODY = (
    "anonymous",
    *(f"{role}, {way}" for role in ROLES for way in ("page", "token")),
    "Tenant Admin, key",
)
WHOLE = Extent(
    dict.fromkeys(("both", "session", "database"), EVERYBODY),
    {"session": 1, "database": 1}, operators=True, bodies=True,
)  # fmt: skip
# Either wall alone is met by who may do most: what others may is a part of it, by the golden table.
# Both are met by another role and by a key: for a Tenant Admin they are no weaker than each alone.
# PostgreSQL's wall does not know how a question is put, so that questions try only the session's,
# which rewrites them.
BRIEF = Extent(
    {
        "session": ("anonymous", "Tenant Admin, page", "Tenant Admin, token"),
        "database": ("Tenant Admin, page",),
        "both": ("Agent, page", "Tenant Admin, key"),
    },
    {"session": 4},
    operators=False,
    bodies=False,
)
ASKING = ("Tenant Admin, page", "Tenant Admin, token")


@dataclass
class Actor:
    """Somebody of `mine`: a browser's session, a token, a key, or nobody. `renew` signs in again:
    much of what is tried ends sign-ins."""

    name: str
    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    renew: Callable[["Actor"], None] | None = None

    @property
    def browses(self) -> bool:
        return not self.headers

    @property
    def goes_everywhere(self) -> bool:
        """Tokens are for REST; that pages do not know them is tried with an admin's."""
        return self.browses or self.name.startswith("Tenant Admin")


def csrf_of(client: FlaskClient) -> str:
    """A valid token of this session, so that no attack fails for want of one."""
    with client.session_transaction() as session:
        raw = session.setdefault("csrf_token", secrets.token_hex(20))
    return str(
        URLSafeTimedSerializer(str(client.application.secret_key), "wtf-csrf-token").dumps(raw)
    )


def actors(world: World, names: tuple[str, ...] = EVERYBODY) -> list[Actor]:
    return [_actor(world, name) for name in names]


def _actor(world: World, name: str) -> Actor:
    role, _, way = name.partition(", ")
    client = world.app.test_client(use_cookies=way in ("", "page"))
    actor = Actor(name, client)
    if way == "key":
        actor.headers = {"Authorization": f"Bearer {world.key}"}
        actor.renew = lambda _: world.revive_key()
    if way in ("page", "token"):
        actor.renew = lambda actor: _sign_in(world, actor, role)
        _sign_in(world, actor, role)
    elif not way:
        actor.csrf = csrf_of(client)
    return actor


def _sign_in(world: World, actor: Actor, role: str) -> None:
    username = world.revive(role)
    if actor.name.endswith("page"):
        actor.client = log_in(world.app.test_client(), username)
        actor.csrf = csrf_of(actor.client)
    else:
        actor.headers = Rest(world.app.test_client(use_cookies=False)).sign_in(username).headers


class Watch(logging.Handler):
    """Reads every log line as it would be written."""

    def __init__(self, crawler: "Crawler") -> None:
        super().__init__(logging.INFO)
        self.crawler = crawler
        self.lines = JsonLines()

    def emit(self, record: logging.LogRecord) -> None:
        self.crawler.report.log_lines += 1
        self.crawler.look(self.lines.format(record), "in the log")


@dataclass
class Crawler:
    world: World
    report: Report = field(default_factory=Report)
    extent: Extent = WHOLE
    only: str = "/"  # rules that begin like this
    doing: str = ""
    sent: str = ""

    @contextmanager
    def watching(self) -> Iterator[None]:
        root, watch = logging.getLogger(), Watch(self)
        before = root.level
        root.addHandler(watch)
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.removeHandler(watch)
            root.setLevel(before)

    def look(self, text: str, place: str) -> None:
        if not hasattr(self.world, "theirs"):
            return
        for mark in found_in(text, self.world.theirs.canary, self.sent):
            self.report.leaks.append(Leak(self.doing, f"foreign {mark!r} {place}"))

    def ask(
        self, actor: Actor, method: str, path: str, kind: str, rule: str = "", **options: Any
    ) -> TestResponse:
        self.doing = f"{actor.name}: {method} {path} ({kind})"
        self.sent = f"{unquote(path)} {options}"
        self.report.attacks[kind] += 1
        answer = self._open(actor, method, path, options)
        if unproven(answer) and actor.renew and self._is_out(actor):
            actor.renew(actor)
            self.report.renewed += 1
            answer = self._open(actor, method, path, options)
        self._read(answer, rule)
        if rule:
            self.report.visited.add((rule, method))
        return answer

    def _open(self, actor: Actor, method: str, path: str, options: dict[str, Any]) -> TestResponse:
        headers = actor.headers | options.get("headers", {})
        if method not in SAFE and actor.csrf:
            headers["X-CSRFToken"] = actor.csrf
        return actor.client.open(path, method=method, **(options | {"headers": headers}))

    def _is_out(self, actor: Actor) -> bool:
        """Whether this is nobody any more."""
        answer = self._open(actor, "GET", PROOF_PAGE if actor.browses else PROOF_REST, {})
        answer.close()
        return unproven(answer)

    def _read(self, answer: TestResponse, rule: str) -> None:
        if answer.status_code >= 500:
            self.report.broken.append(f"{answer.status_code}: {self.doing}")
        for text in texts_of(answer.data):
            self.look(text, "in the body")
            if rule and found_in(text, self.world.mine.canary, self.sent):
                self.report.seen.add(rule)
        for name, value in answer.headers:
            self.look(f"{name}: {value}", "in a header")
        for cookie in answer.headers.getlist("Set-Cookie"):
            self.look(opened(self.world.app, cookie), "in a cookie")
        answer.close()

    # -- the rules of the URL map

    def rules(self) -> list[tuple[Rule, str]]:
        pairs = [
            (rule, method)
            for rule in self.world.app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
            if rule.rule not in EXEMPT and rule.rule.startswith(self.only)
        ]
        return sorted(pairs, key=lambda pair: (bool(ENDING.search(pair[0].rule)), pair[0].rule))

    def unvisited(self) -> list[str]:
        every = {(rule.rule, method) for rule, method in self.rules()}
        return [f"{method} {rule}" for rule, method in sorted(every - self.report.visited)]

    def path_of(self, rule: Rule, side: Side) -> str | None:
        """The rule's address with ids of this side; None when a parameter is not known."""
        values: dict[str, Any] = {}
        for name in rule.arguments:
            value = self._argument(rule, name, side)
            if value is None:
                return None
            values[name] = value
        with self.world.app.test_request_context():
            adapter = self.world.app.url_map.bind("localhost")
            built = adapter.build(rule.endpoint, values, force_external=False)
        return str(built) if built else None

    def _argument(self, rule: Rule, name: str, side: Side) -> Any:
        """New routes may bring new parameters: they are taught here."""
        match name:
            case "tenant_id":
                return side.tenant.id
            case "token":  # of a link that sets a password
                return side.link if side is self.world.mine else side.canary.word
            case "sign_in":
                return side.id_in("login_attempt")
            case "version":
                return "v1"
            case "locale":
                return "en"
            case "name":
                return "nothing"
            case "filename":
                return "report.csv"
            case "alert":
                return "jobs"
            case "pk":
                return side.id_in(self._table(rule))
        return side.id_in(name.removesuffix("_id")) or None

    def _table(self, rule: Rule) -> str:
        """What the view is of; of a view without a model, what REST calls by its first name."""
        views = self.world.app.appbuilder.baseviews  # type: ignore[attr-defined]
        name = rule.rule.split("/")[1]
        alike = (v for v in views if getattr(v, "resource_name", "") == name)
        view = self._view(rule)
        view = view if hasattr(view, "datamodel") else next(alike, None)
        return "" if view is None else str(view.datamodel.obj.__tablename__)

    def _view(self, rule: Rule) -> Any:
        name = rule.endpoint.rpartition(".")[0]
        views = self.world.app.appbuilder.baseviews  # type: ignore[attr-defined]
        return next((view for view in views if view.endpoint == name), None)

    # -- reading

    def read_everything(self, actor: Actor) -> None:
        pages: list[tuple[str, str]] = []
        for rule, method in self.rules():
            if method != "GET" or rule.rule.startswith("/twilio/") or ENDING.search(rule.rule):
                continue
            if not (actor.goes_everywhere or rule.rule.startswith("/api/")):
                continue
            for side, kind in ((self.world.mine, "own ids"), (self.world.theirs, "foreign ids")):
                path = self.path_of(rule, side)
                if path is None or (kind == "foreign ids" and not rule.arguments):
                    continue
                answer = self.ask(actor, "GET", path, kind, rule.rule)
                if refused(answer):
                    break  # before any id was looked at
                if side is self.world.mine and answer.mimetype == "text/html" and actor.browses:
                    pages.append((path, answer.text if answer.status_code == 200 else ""))
        if actor.browses:
            self.follow(actor, pages)

    def follow(self, actor: Actor, pages: list[tuple[str, str]]) -> None:
        """Every link and form of each page; each address once, the pages' order aside."""
        known = {path for path, _ in pages}
        posted: set[tuple[str, tuple[str, ...]]] = set()
        forms: list[tuple[str, Form]] = []
        for path, text in pages:
            if not text:
                continue
            page = Page(text)
            forms += [(path, form) for form in page.forms]
            for link in page.links:
                target = urljoin(f"http://localhost{path}", link)
                parts = urlsplit(target)
                wanted = parts.path + (f"?{parts.query}" if parts.query else "")
                if parts.netloc != "localhost" or wanted in known or ENDING.search(wanted):
                    continue
                if wanted.startswith(("/static/", "/back")) or len(known) > MOST_LINKS:
                    continue
                known.add(wanted)
                self.ask(actor, "GET", wanted, "links")
        for path, form in forms:
            shape = (urlsplit(form.action or path).path, tuple(sorted(form.selects)))
            if shape not in posted:
                posted.add(shape)
                self.fill_in(actor, path, form)

    def fill_in(self, actor: Actor, path: str, form: Form) -> None:
        target = urljoin(path, form.action or path)
        if urlsplit(target).netloc not in ("", "localhost") or ENDING.search(target):
            return
        for changes in self._foreign_fields(form):
            values = form.sent(**changes)
            if form.method == "get":
                self.ask(actor, "GET", f"{target}?{urlencode(values, doseq=True)}", "forms")
            else:
                self.ask(actor, "POST", target, "forms", data=values)

    def _foreign_fields(self, form: Form) -> Iterator[dict[str, str]]:
        theirs = self.world.theirs
        for name in form.selects:
            yield {name: str(theirs.id_in(self._table_named(name)) or theirs.tenant.id)}
        yield {"tenant": str(theirs.tenant.id), "tenant_id": str(theirs.tenant.id)}
        extras = {name: str(theirs.id_in(table)) for name, table in RELATIONS.items()}
        yield extras | {f"{name}_id": value for name, value in extras.items()}
        yield {"id": str(theirs.tenant.id), "roles": "1", "role": "Super Admin"}

    def _table_named(self, name: str) -> str:
        return RELATIONS.get(name.removesuffix("_id"), name.removesuffix("_id"))

    # -- filters, orders, sizes: all that may tell a value without showing it

    def oracle(self, actor: Actor, step: int) -> dict[str, Any]:
        """What this identity is told, by question, of every `step`-th question. It must not depend
        on the other tenant."""
        questions = self._rest_questions() if actor.headers else self._page_questions()
        ask = self._listed if actor.headers else self._shown
        return dict(ask(actor, *one) for one in itertools.islice(questions, 0, None, step))

    def _rest_questions(self) -> Iterator[tuple[str, str]]:
        for view in self._views(rest=True):
            for kind, query in self._queries(view):
                yield f"/api/v1/{view.resource_name}/?q={prison.dumps(query)}", kind

    def _queries(self, view: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        mapped = inspect(view.datamodel.obj).columns
        for column, filters in view._filters.get_search_filters().items():
            for one in filters if self.extent.operators else filters[:1]:
                value = _guess(mapped[column].type if column in mapped else None, one.arg_name)
                asked = {"col": column, "opr": one.arg_name, "value": value}
                yield "filters", {"filters": [asked]}
        for column in [c.key for c in mapped]:
            if column not in view.search_columns:
                asked = {"col": column, "opr": "sw", "value": GUESS}
                yield "hidden filters", {"filters": [asked]}
            yield "orders", {"order_column": column, "order_direction": "desc"}
        for relation in inspect(view.datamodel.obj).relationships:
            yield "orders", {"order_column": f"{relation.key}.id", "order_direction": "asc"}
        for size in SIZES:
            yield "sizes", {"page_size": size}
        for query in ({"columns": [c.key for c in mapped]}, {"keys": ["none"]}, {"page": 1}):
            yield "sizes", query

    def _listed(self, actor: Actor, question: str, kind: str) -> tuple[str, tuple[Any, ...]]:
        answer = self.ask(actor, "GET", question, kind, question.partition("?")[0])
        told = answer.get_json() or {}
        return f"{actor.name}: {question}", (
            answer.status_code, told.get("count"), told.get("ids"), told.get("message"),
        )  # fmt: skip

    def _page_questions(self) -> Iterator[tuple[str, str]]:
        for view in self._views(rest=False):
            base, name = f"{view.route_base}/list/", type(view).__name__
            filters = view._filters.get_search_filters()
            for column in [c.key for c in inspect(view.datamodel.obj).columns]:
                order = f"_oc_{name}={column}&_od_{name}=desc"
                if column not in filters:
                    yield f"{base}?{order}&_flt_0_{column}={GUESS}", "hidden filters"
                    continue
                yield f"{base}?{order}", "orders"
                for number in range(len(filters[column]) if self.extent.operators else 1):
                    yield f"{base}?_flt_{number}_{column}={GUESS}", "filters"
            for size in SIZES:
                yield f"{base}?psize_{name}={size}", "sizes"

    def _shown(self, actor: Actor, question: str, kind: str) -> tuple[str, tuple[Any, ...]]:
        answer = self.ask(actor, "GET", question, kind)
        told = re.findall(r"/show/(\d+)|(Record Count:?[^\d]*\d+)", answer.text)
        return f"{actor.name}: {question}", (answer.status_code, tuple(told))

    def _views(self, *, rest: bool) -> list[Any]:
        views = self.world.app.appbuilder.baseviews  # type: ignore[attr-defined]
        return [
            v for v in views
            if hasattr(v, "datamodel") and hasattr(v, "_filters")
            and hasattr(v, "resource_name") is rest
        ]  # fmt: skip

    def compare(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        for question, told in after.items():
            if before[question] != told:
                what = f"told {before[question]} without and {told} with the other"
                self.report.leaks.append(Leak(question, what))

    # -- writing

    def write_everything(self, actor: Actor) -> None:
        """Every other verb: with foreign ids, with own ids and foreign values, deleting last."""
        last = [pair for pair in self.rules() if pair[1] != "GET"]
        last.sort(key=lambda pair: (pair[1] == "DELETE", "delete" in pair[0].rule))
        for rule, method in last:
            if ENDING.search(rule.rule) or rule.rule.startswith("/twilio/"):
                continue
            for side, kind in ((self.world.theirs, "foreign ids"), (self.world.mine, "own ids")):
                path = self.path_of(rule, side)
                if path is None or (side is self.world.mine and self._ends_own(rule, method)):
                    continue
                if not self._write(actor, rule, method, path, side, f"writing, {kind}"):
                    break

    def _write(
        self, actor: Actor, rule: Rule, method: str, path: str, side: Side, kind: str
    ) -> bool:
        for body in self._bodies(rule, method, side):
            answer = self.ask(actor, method, path, kind, rule.rule, **body)
            if refused(answer):
                return False  # before any body was looked at
            if answer.status_code == 404 and rule.arguments and not self.extent.bodies:
                break
        return True

    def _ends_own(self, rule: Rule, method: str) -> bool:
        """Own rows are kept for who comes after; a foreign id goes through the same code."""
        return method == "DELETE" or "delete" in rule.rule or "action" in rule.rule

    def _bodies(self, rule: Rule, method: str, side: Side) -> Iterator[dict[str, Any]]:
        if method == "DELETE":
            yield {}
            return
        if rule.rule.startswith("/api/"):
            for values in self._values(rule, side):
                yield {"json": values}
            return
        table = self._table(rule)
        foreign = [str(pk) for pk in self.world.theirs.ids.get(table, ["1"])]
        for action in self._actions(rule):
            yield {"data": {"action": action, "rowid": foreign, "id": foreign, "pk": foreign}}

    def _actions(self, rule: Rule) -> list[str]:
        return [*getattr(self._view(rule), "actions", {}), "nothing"]

    def _values(self, rule: Rule, side: Side) -> Iterator[dict[str, Any]]:
        theirs, view = self.world.theirs, self._view(rule)
        foreign = {name: theirs.id_in(table) for name, table in RELATIONS.items()}
        yield {}
        yield foreign | {"number": "+1303" + theirs.canary.digits, "id": theirs.tenant.id}
        if not hasattr(view, "add_columns"):
            return
        good = self._good(view)
        yield good
        for name in ("tenant", "tenant_id", "id"):
            yield good | {name: theirs.tenant.id}
        for relation in inspect(view.datamodel.obj).relationships:
            pk = theirs.id_in(relation.mapper.local_table.name)
            yield good | {relation.key: pk}
            yield good | {column.key: pk for column in relation.local_columns}
            yield good | {relation.key: [pk]}

    def _good(self, view: Any) -> dict[str, Any]:
        """An own row, as REST would take it back."""
        texts = self.world.mine.texts.get(view.datamodel.obj.__tablename__, {})
        columns = inspect(view.datamodel.obj).columns
        found: dict[str, Any] = {}
        for name in view.add_columns:
            value = texts.get(name)
            if isinstance(value, str | list):
                found[name] = value
            elif name in columns and columns[name].info.get("choices"):
                continue
            elif name in USUAL:
                found[name] = USUAL[name]
        return found

    # -- Twilio's side

    def call(self) -> None:
        """Each webhook, signed with our own token, naming the other's account, number and call."""
        mine, theirs = self.world.mine, self.world.theirs
        nobody = Actor("Twilio for mine", self.world.app.test_client(use_cookies=False))
        foreign = {"CallSid": self._text(theirs, "call_session", "call_sid"),
                   "To": self._text(theirs, "twilio_number", "number"),
                   "ParentCallSid": self._text(theirs, "call_session", "call_sid"),
                   "RecordingSid": self._text(theirs, "recording", "recording_sid"),
                   "AccountSid": theirs.account_sid}  # fmt: skip
        own = inbound(
            mine.account_sid, self._text(mine, "call_session", "call_sid"),
            self._text(mine, "twilio_number", "number"), "+12125550142",
        )  # fmt: skip
        own |= {
            "DialCallStatus": "completed", "RecordingStatus": "completed", "CallDuration": "30",
            "RecordingSid": sid("RE"), "ParentCallSid": own["CallSid"], "SpeechResult": "Hello",
            "CallStatus": "completed",
        }  # fmt: skip
        attempt = theirs.id_in("transfer_attempt")
        for rule, method in self.rules():
            if not rule.rule.startswith("/twilio/"):
                continue
            path = f"{rule.rule}?turn=1&attempt={attempt}"
            for changes in ({}, foreign, *({name: value} for name, value in foreign.items())):
                self._post(nobody, rule, method, path, own | changes, mine.token, bool(changes))
        fresh = own | {"CallSid": sid("CA")}
        self._post(nobody, None, "POST", "/twilio/voice", fresh, mine.token, False)
        self._post(nobody, None, "POST", "/twilio/gather?turn=1", fresh, mine.token, False)

    def _text(self, side: Side, table: str, column: str) -> str:
        return str(side.texts[table][column])

    def _post(
        self, actor: Actor, rule: Rule | None, method: str, path: str, form: dict[str, str],
        token: str, foreign: bool,
    ) -> None:  # fmt: skip
        base = self.world.app.extensions["settings"].public_base_url
        headers = {"X-Twilio-Signature": sign(base + path, form, token)}
        kind = "webhooks, foreign" if foreign else "webhooks, own"
        self.ask(actor, method, path, kind, rule.rule if rule else "", headers=headers, data=form)

    # -- all of it

    def crawl(self, people: list[Actor], say: Callable[[str], None] = lambda text: None) -> None:
        sums = self.world.sums()
        for actor in people:
            self.read_everything(actor)
            sums = self.unharmed(sums, f"{actor.name}, reading and forms")
            say(f"{actor.name}, reading")
        for actor in people:
            self.write_everything(actor)
            sums = self.unharmed(sums, f"{actor.name}, writing")
            say(f"{actor.name}, writing")
        self.call()
        sums = self.unharmed(sums, "Twilio for mine")
        for actor in people:
            for rule, method in self.rules():
                if ENDING.search(rule.rule) and not rule.arguments:
                    self.ask(actor, method, rule.rule, "own ids", rule.rule)
        self.unharmed(sums, "leaving")
        self.report.unvisited = self.unvisited()

    # -- whether the other is unharmed

    def unharmed(self, since: dict[str, str], by: str) -> dict[str, str]:
        now = self.world.sums()
        for table in now:
            if now[table] != since[table]:
                self.report.leaks.append(Leak(by, f"their rows of {table} were changed"))
        return now


# Fields that name another row, and the table it is in.
RELATIONS = {
    "call": "call_session", "department": "department", "number": "twilio_number",
    "entry": "knowledge_entry", "staff_first": "department", "user": "ab_user", "lead": "lead",
}  # fmt: skip
USUAL: dict[str, Any] = {
    "weekday": 3, "opens": "09:00", "closes": "10:00", "day": "2027-03-01", "role": "Viewer",
    "password": "a long enough password", "language": "", "timezone": "Europe/Paris",
    "scopes": ["read"], "events": ["call.ended"],
}  # fmt: skip
GUESS = "quok"  # the first letters of the other's canary: it finds, but shows none


def _guess(kind: Any, operation: str) -> Any:
    if operation in ("in", "not_in"):
        return [GUESS, "b0bb"] if isinstance(kind, String) else [1, 2]
    if isinstance(kind, DateTime | Date):
        return "2027-01-01"
    return GUESS if isinstance(kind, String) else 1


def refused(answer: TestResponse) -> bool:
    """For want of a permission, or of a proof of who asks."""
    return answer.status_code == 403 or unproven(answer)


def unproven(answer: TestResponse) -> bool:
    return answer.status_code == 401 or "/login" in answer.headers.get("Location", "")


def texts_of(data: bytes) -> Iterator[str]:
    """The body as text, and what is packed into it."""
    yield data.decode("utf-8", "replace")
    if data[:2] == b"PK":
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name
                yield from texts_of(archive.read(name))
    if data[:2] == b"\x1f\x8b":
        with suppress(OSError, EOFError):
            yield from texts_of(gzip.decompress(data))


def opened(app: Flask, cookie: str) -> str:
    """What a signed session cookie says: it is packed, not secret."""
    value = cookie.partition("=")[2].partition(";")[0]
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    if serializer is None:
        return ""
    with suppress(BadData):
        return json.dumps(serializer.loads(value), default=str)
    return ""


@dataclass
class Prepared:
    """Two tenants in a database that is kept, and what was told of the first before the second
    had moved in."""

    world: World
    extent: Extent
    alone: dict[str, Any]

    def attack(self, walls: str, say: Callable[[str], None] = lambda text: None) -> Report:
        """Against these walls, on a copy of that database."""
        self.world.restore()
        crawler = Crawler(self.world, extent=self.extent)
        with standing(walls, self.world.services), crawler.watching():
            if step := self.extent.questions.get(walls):
                for actor in actors(self.world, ASKING):
                    crawler.compare(self.alone, crawler.oracle(actor, step))
                say(f"{walls}: questions")
            people = actors(self.world, self.extent.people[walls])
            crawler.crawl(people, lambda text: say(f"{walls}: {text}"))
        return crawler.report


def prepare(app: Flask, services: Services, twilio: TwilioRest, extent: Extent) -> Prepared:
    world = World(app, services, twilio)
    first = Crawler(world, extent=extent)
    step = min(extent.questions.values())
    alone = {
        asked: told for actor in actors(world, ASKING)
        for asked, told in first.oracle(actor, step).items()
    }  # fmt: skip
    world.settle_theirs()
    world.keep()
    return Prepared(world, extent, alone)
