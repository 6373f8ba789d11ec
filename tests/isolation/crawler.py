"""Goes everywhere that a tenant can go, tries what it must not, and looks for the other's marks.

What goes wrong is a `Leak`; what was tried is counted in `Report`. `prepare(…).attack(walls)` is
everything, against both walls or either alone.
"""

import gzip
import io
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

    @property
    def tried(self) -> int:
        return sum(self.attacks.values())


@dataclass
class Actor:
    """Somebody of `mine`: a browser's session, a token, a key, or nobody."""

    name: str
    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

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


def actors(world: World, roles: tuple[str, ...] = ROLES) -> list[Actor]:
    app, mine = world.app, world.mine
    found = [Actor("anonymous", app.test_client())]
    for role in roles:
        name = mine.users[role].username
        found.append(Actor(f"{role}, page", log_in(app.test_client(), name)))
        signed = Rest(app.test_client(use_cookies=False)).sign_in(name)
        found.append(Actor(f"{role}, token", signed.client, signed.headers))
    client = app.test_client(use_cookies=False)
    found.append(Actor("Tenant Admin, key", client, {"Authorization": f"Bearer {world.key}"}))
    for actor in found:
        actor.csrf = csrf_of(actor.client) if actor.browses else ""
    return found


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
        headers = actor.headers | options.pop("headers", {})
        if method not in SAFE and actor.csrf:
            headers["X-CSRFToken"] = actor.csrf
        self.doing = f"{actor.name}: {method} {path} ({kind})"
        self.sent = f"{unquote(path)} {options}"
        self.report.attacks[kind] += 1
        answer = actor.client.open(path, method=method, headers=headers, **options)
        self._read(answer, rule)
        if rule:
            self.report.visited.add((rule, method))
        return answer

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
            case "version":
                return "v1"
            case "locale":
                return "en"
            case "name":
                return "nothing"
            case "filename":
                return "report.csv"
            case "pk":
                return side.id_in(self._table(rule))
        return side.id_in(name.removesuffix("_id")) or None

    def _table(self, rule: Rule) -> str:
        view = self._view(rule)
        return str(view.datamodel.obj.__tablename__) if hasattr(view, "datamodel") else ""

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

    def oracle(self, actor: Actor, every_operator: bool) -> dict[str, Any]:
        """What this identity is told, by question. It must not depend on the other tenant."""
        ask = self._rest_questions if actor.headers else self._page_questions
        return dict(ask(actor, every_operator))

    def _rest_questions(self, actor: Actor, every_operator: bool) -> Iterator[tuple[str, Any]]:
        for view in self._views(rest=True):
            base = f"/api/v1/{view.resource_name}"
            mapped = inspect(view.datamodel.obj).columns
            for column, filters in view._filters.get_search_filters().items():
                for one in filters if every_operator else filters[:1]:
                    value = _guess(mapped[column].type if column in mapped else None, one.arg_name)
                    asked = {"col": column, "opr": one.arg_name, "value": value}
                    yield self._listed(actor, base, {"filters": [asked]}, "filters")
            for column in [c.key for c in mapped]:
                if column not in view.search_columns:
                    asked = {"col": column, "opr": "sw", "value": GUESS}
                    yield self._listed(actor, base, {"filters": [asked]}, "hidden filters")
                order = {"order_column": column, "order_direction": "desc"}
                yield self._listed(actor, base, order, "orders")
            for relation in inspect(view.datamodel.obj).relationships:
                order = {
                    "order_column": f"{getattr(relation, 'key', relation)}.id",
                    "order_direction": "asc",
                }
                yield self._listed(actor, base, order, "orders")
            for size in SIZES:
                yield self._listed(actor, base, {"page_size": size}, "sizes")
            for query in ({"columns": [c.key for c in mapped]}, {"keys": ["none"]}, {"page": 1}):
                yield self._listed(actor, base, query, "sizes")

    def _listed(
        self, actor: Actor, base: str, query: dict[str, Any], kind: str
    ) -> tuple[str, tuple[Any, ...]]:
        question = f"{base}/?q={prison.dumps(query)}"
        answer = self.ask(actor, "GET", question, kind, f"{base}/")
        told = answer.get_json() or {}
        return f"{actor.name}: {question}", (
            answer.status_code, told.get("count"), told.get("ids"), told.get("message"),
        )  # fmt: skip

    def _page_questions(self, actor: Actor, every_operator: bool) -> Iterator[tuple[str, Any]]:
        for view in self._views(rest=False):
            base, name = f"{view.route_base}/list/", type(view).__name__
            filters = view._filters.get_search_filters()
            for column in [c.key for c in inspect(view.datamodel.obj).columns]:
                order = f"_oc_{name}={column}&_od_{name}=desc"
                if column not in filters:
                    query = f"{order}&_flt_0_{column}={GUESS}"
                    yield self._shown(actor, f"{base}?{query}", "hidden filters")
                    continue
                yield self._shown(actor, f"{base}?{order}", "orders")
                for number in range(len(filters[column]) if every_operator else 1):
                    query = f"_flt_{number}_{column}={GUESS}"
                    yield self._shown(actor, f"{base}?{query}", "filters")
            for size in SIZES:
                yield self._shown(actor, f"{base}?psize_{name}={size}", "sizes")

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
            if refused(self.ask(actor, method, path, kind, rule.rule, **body)):
                return False  # before any body was looked at
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
    return answer.status_code in (401, 403) or "/login" in answer.headers.get("Location", "")


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
    asking: list[Actor]
    alone: dict[str, Any]

    def attack(self, walls: str, say: Callable[[str], None] = lambda text: None) -> Report:
        """Everything, against these walls, on a copy of that database. Either wall alone is met
        with the rights of an admin and with all questions; both, with everybody's."""
        self.world.restore()
        crawler = Crawler(self.world)
        with standing(walls, self.world.services), crawler.watching():
            if walls != "both":
                for actor in self.asking:
                    crawler.compare(self.alone, crawler.oracle(actor, walls == "session"))
                say(f"{walls}: questions")
            people = actors(self.world, ROLES if walls == "both" else ROLES[:1])
            crawler.crawl(people, lambda text: say(f"{walls}: {text}"))
        return crawler.report


def prepare(app: Flask, services: Services) -> Prepared:
    world = World(app, services)
    chosen = ("Tenant Admin, page", "Tenant Admin, token")
    asking = [actor for actor in actors(world, ROLES[:1]) if actor.name in chosen]
    first = Crawler(world)
    alone = {k: v for actor in asking for k, v in first.oracle(actor, True).items()}
    world.settle_theirs()
    world.keep()
    return Prepared(world, asking, alone)
