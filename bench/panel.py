"""Lists, searches and exports of the panel and REST with very many calls: time, statements, walls.

Over loopback HTTP against the gunicorn of `run.py web`, on a database made for it.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.embedded import free_port
from bench import asking, cases, machine, many, product, served
from config import ROOT, Settings

LIST = "/api/v1/calls/?q=(page_size:25)"
SECONDS = 5.0  # that reads are counted for


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench panel", description=__doc__)
    parser.add_argument("--calls", type=int, default=200_000)
    parser.add_argument("--leads", type=int, default=0, help="default: a quarter of the calls")
    parser.add_argument("--quick", action="store_true", help="5 requests of each, not 40")
    parser.add_argument("--only", metavar="WORD", default="", help="what is called so, no walls")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    asked = parser.parse_args(argv)
    leads = min(asked.leads or asked.calls // 4, asked.calls)
    print(f"Filling a database with {asked.calls:,} calls …", file=sys.stderr)
    try:
        with many.filled(asked.calls, leads) as one:
            result = {"bench": "panel", "calls": asked.calls, "leads": leads}
            result |= {"where": machine.facts(), "filled_in": round(one.seconds)}
            result |= measure(one, 5 if asked.quick else 40, asked.only)
    except (product.NotRunning, asking.NotAnswered) as problem:
        print(problem, file=sys.stderr)
        return 2
    print(shown(result))
    if asked.json:
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        asked.json.write_text(text, encoding="utf-8")
    return 0


def measure(one: many.Filled, times: int, only: str = "") -> dict[str, Any]:
    with serving(one, "both") as port:
        rows = [
            {"what": case.what, "role": case.role} | asking.timed(asker, case.path, case.of(times))
            for case, asker in cases.every(one, port)
            if only in case.what
        ]
        if only:
            return {"rows": rows}
        reads = {
            f"{n} connections" if n > 1 else "1 connection": asking.per_second(
                asking.script(port, one.key), LIST, n, SECONDS
            )
            for n in (1, 8)
        }
    return {"rows": rows, "reads_per_second": reads, "walls": walls(one, times)}


def walls(one: many.Filled, times: int) -> dict[str, Any]:
    """The same request with either wall taken away, and with none. What is slow anyhow is left out:
    a page by its key, one list, one page of the panel."""
    found: dict[str, Any] = {}
    for which in served.WALLS:
        if which == "session":  # from here on there are no policies
            one.execute(served.NO_POLICIES)
        with serving(one, which) as port:
            script = asking.script(port, one.key)
            person = asking.browser(port, many.TENANT_ADMIN, one.password)
            found[which] = {
                "one call by REST": asking.timed(script, cases.one_call(one), 5 * times),
                "25 calls by REST": asking.timed(script, LIST, 5 * times),
                "page of calls": asking.timed(person, "/callsessionpage/list/", 2 * times),
            }
    return found


@contextlib.contextmanager
def serving(one: many.Filled, which: str) -> Iterator[int]:
    """The port of a web server behind these walls."""
    port = free_port(0)
    env = product.on_port(port, one.settings.data_dir) | {
        "DATABASE_URL": one.settings.database_url,
        "REDIS_URL": one.settings.redis_url,
    }
    with TemporaryDirectory(prefix="recep-bench-log-") as folder:
        log = Path(folder) / "web.log"
        command = [sys.executable, "-m", "bench.served", which]
        with product.launched(command, ROOT, env, log) as process:
            product.wait_healthy(process, port, log)
            yield port


def shown(result: dict[str, Any]) -> str:
    head = ("page or resource", "who", "p50 ms", "p95 ms", "statements", "kB")
    rows = [
        (r["what"], r["role"], r["p50"], r["p95"], r["statements"], f"{r['bytes'] / 1000:,.1f}")
        for r in result["rows"]
    ]
    parts = [
        f"{result['calls']:,} calls, {result['leads']:,} leads, 40 tenants (one has a quarter)",
        machine.table(head, rows),
    ]
    if "walls" in result:
        costs = [
            (what, *(result["walls"][which][what]["p50"] for which in served.WALLS))
            for what in result["walls"]["both"]
        ]
        reads = ", ".join(f"{n:,} with {how}" for how, n in result["reads_per_second"].items())
        parts += [
            machine.table(("p50 ms behind these walls", *served.WALLS), costs),
            f"REST lists of 25 calls a second, with an API key: {reads}",
        ]
    return "\n\n".join((*parts, machine.show(result["where"])))
