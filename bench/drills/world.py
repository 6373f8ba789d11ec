"""The whole product as in production, on this machine, with everything it depends on behind a
fault proxy: PostgreSQL, Valkey, two web nodes behind nginx, two workers, the scheduler."""

import contextlib
import os
import signal
import socket
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2

from app.cli import prepare
from app.cli.migrate import DATABASE
from app.cli.start import is_healthy
from app.embedded import EmbeddedPostgres, EmbeddedValkey, free_port
from app.embedded.ports import HOST
from app.embedded.server import EmbeddedServer
from bench.drills import businesses, nginx
from bench.drills.faults import FaultProxy, Loop
from bench.drills.outside import MailSink, Model, TwilioRest
from bench.drills.parts import Part
from bench.drills.settings import PATIENCE, environment, left_alone, production
from config import Settings

NODES, WORKERS = 2, 2


class NotStarted(Exception):
    """The product did not come up; the message shows the end of what it printed."""


@dataclass
class World:
    """Proxies by what they lead to. `parts` by name: web-1, web-2, worker-1, worker-2, scheduler,
    nginx. `nodes` are the ports of the web nodes, `front` is nginx's."""

    folder: Path
    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    model: Model
    twilio: TwilioRest
    sink: MailSink
    proxies: dict[str, FaultProxy]
    businesses: tuple[businesses.Business, ...]
    settings: Settings
    front: int
    nodes: tuple[int, ...]
    parts: dict[str, Part]

    @property
    def url(self) -> str:
        """Where the robot connects; what it signs is PUBLIC."""
        return f"http://{HOST}:{self.front}"

    @property
    def product(self) -> list[Part]:
        """All parts but nginx."""
        return [part for part in self.parts.values() if part.name != "nginx"]

    def environment(self, name: str) -> dict[str, str]:
        """Of the part with this name."""
        port = self.nodes[int(name[-1]) - 1] if name.startswith("web") else self.nodes[0]
        return environment(self.settings, port, self.proxies)

    def proxy(self, name: str) -> FaultProxy:
        return self.proxies[name]

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As superuser, past all proxies and walls. Commits."""
        connection = psycopg2.connect(self.postgres.url(DATABASE), connect_timeout=5)
        with contextlib.closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def heal(self) -> None:
        """No fault any more: databases run, proxies pass, stand-ins answer as they should, and
        what was killed runs again."""
        for service in (self.postgres, self.valkey):
            with contextlib.suppress(Exception):
                service.check()
                continue
            service.revive()
        for proxy in self.proxies.values():
            proxy.heal()
        self.model.manner = lambda _, reply: reply
        self.sink.data_replies, self.sink.refused = [], {}
        self.sink.hold_next, self.sink.holding = "", False
        self.sink.mute, self.sink.cut = set(), set()
        self.twilio.fault, self.twilio.mute, self.twilio.drip = None, "", 0.0
        self.start([part for part in self.parts.values() if not part.alive])

    def start(self, parts: list[Part]) -> None:
        for part in parts:
            part.start()
        self.wait_ready()

    def stop(self, parts: list[Part]) -> None:
        for part in parts:
            part.ask_to_end()
        for part in parts:
            part.wait_ended()

    def dress(
        self,
        changes: Mapping[str, str],
        without: str = "",
        of: Collection[str] = (),
        planted: str = "",
    ) -> None:
        """The product with these settings changed, those processes (web, worker, scheduler)
        without that control, and what is planted in whoever works: the scheduler, too, while it
        leaves Redis alone. Only what is otherwise, or does not run, begins anew."""
        changed = [] if self.parts["nginx"].alive else [self.parts["nginx"]]
        for part in self.product:
            wanted = self.environment(part.name) | dict(changes)
            put_in = planted if part.command in ("worker", "scheduler") else ""
            taken_out = without if part.command in of else ""
            removed = "+".join(filter(None, (put_in, taken_out)))
            if (part.environment, part.without) != (wanted, removed) or not part.alive:
                part.environment, part.without = wanted, removed
                changed.append(part)
        self.restart(changed)

    def remember_nothing(self) -> None:
        """Nodes that leave something alone since the last drill begin anew: they would not meet
        the next fault."""
        nodes = [self.parts[f"web-{n}"] for n in range(1, NODES + 1)]
        asked = zip(nodes, self.nodes, strict=True)
        self.restart([node for node, port in asked if left_alone(port)])

    def restart(self, parts: list[Part]) -> None:
        """In good order, and ready again."""
        if not parts:
            return
        self.stop(parts)
        self.start(parts)

    def wait_ready(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self._is_ready():
            for part in self.parts.values():
                if not part.alive:
                    raise NotStarted(f"{part.name} ended while starting.\n{part.tail()}")
            if time.monotonic() > until:
                raise NotStarted(f"Not ready after {PATIENCE:.0f} s.\n{self.parts['web-1'].tail()}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        """Signs of life are rows: of the two workers and the scheduler."""
        if not all(is_healthy(port) for port in self.nodes):
            return False
        with socket.socket() as probe:
            if probe.connect_ex((HOST, self.front)):
                return False
        seen = {name for (name,) in self.query("select name from heartbeat")}
        of_jobs = [part for part in self.product if part.command in ("worker", "scheduler")]
        return all(any(name.endswith(str(part.pid)) for name in seen) for part in of_jobs)

    def stop_service(self, service: EmbeddedServer, how: signal.Signals) -> None:
        """It ends and nobody starts it, until `service.revive()`."""
        assert service.process_id
        os.kill(service.process_id, how)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                service.check()
            except Exception:
                return
            time.sleep(0.02)
        raise NotStarted(f"{service.name} does not end.")


@contextmanager
def running() -> Iterator[World]:
    """Its product is not started yet: `dress` does that. Raises NotStarted, nginx.Missing and what
    the parts of it raise."""
    with ExitStack() as stack:
        made = stack.enter_context(tempfile.TemporaryDirectory(prefix="recep-drills-"))
        folder = Path(made)
        folder.chmod(0o711)  # PostgreSQL and nginx do not run as root, and must get through
        postgres = stack.enter_context(EmbeddedPostgres(folder / "data"))
        valkey = stack.enter_context(EmbeddedValkey(folder / "data"))
        settings = prepare.prepare(production(folder / "data", valkey.url), postgres)
        world = _made(stack, folder, postgres, valkey, settings)
        stack.callback(world.stop, list(world.parts.values()))
        for business in world.businesses:
            world.twilio.accounts[business.account_sid] = business.auth_token
        yield world


def _made(
    stack: ExitStack,
    folder: Path,
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    settings: Settings,
) -> World:
    model, twilio = stack.enter_context(Model()), stack.enter_context(TwilioRest())
    sink = MailSink()
    sink.start()
    stack.callback(sink.stop)
    loop = stack.enter_context(Loop())
    targets = {
        "postgres": postgres.port, "redis": valkey.port, "mail": sink.port,
        "model": int(urlsplit(model.base_url).port or 0),
        "twilio": int(urlsplit(twilio.url).port or 0),
    }  # fmt: skip
    proxies = {name: FaultProxy(loop, port) for name, port in targets.items()}
    for proxy in proxies.values():
        stack.callback(proxy.close)
    nodes = tuple(free_port(0) for _ in range(NODES))
    world = World(
        folder, postgres, valkey, model, twilio, sink, proxies, businesses.make(settings),
        settings, free_port(0), nodes, {},
    )  # fmt: skip
    names = [*(f"web-{n + 1}" for n in range(NODES)), *(f"worker-{n + 1}" for n in range(WORKERS))]
    for name in [*names, "scheduler"]:
        log = folder / f"{name}.log"
        command = name.partition("-")[0]
        world.parts[name] = Part(name, command, world.environment(name), log)
    site = folder / "nginx"
    site.mkdir()
    site.chmod(0o711)
    program = nginx.command(site, world.front, nodes)
    world.parts["nginx"] = Part("nginx", program, dict(os.environ), folder / "nginx.log")
    return world
