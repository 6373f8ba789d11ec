"""Every screen of the menu: server time, weight, and what Lighthouse says of the main ones.

Over loopback HTTP against the gunicorn of `run.py web`, in Chromium. Lighthouse is an npm package,
so it is named: `npm install --prefix FOLDER lighthouse`, then `--lighthouse FOLDER`.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import BrowserContext, sync_playwright

from bench import asking, cases, machine, many, panel, product
from config import Settings

JUDGED = ("performance", "accessibility", "best-practices")
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
PLACES = "links => [...new Set(links.map(a => a.pathname))]"


def main(argv: list[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench screens", description=__doc__)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--lighthouse", type=Path, metavar="FOLDER", help="where npm put it")
    parser.add_argument("--save", action="store_true", help="keep the result in bench/results")
    asked = parser.parse_args(argv)
    chromium = which("chromium")
    if chromium is None:
        print("There is no chromium to look at screens with: install it first.", file=sys.stderr)
        return 2
    try:
        with many.filled(asked.calls, asked.calls // 4) as one, panel.serving(one, "both") as port:
            result: dict[str, Any] = {"bench": "screens", "calls": asked.calls}
            result |= {"where": machine.facts(), "screens": measure(one, port, chromium)}
            if asked.lighthouse:
                result["lighthouse"] = judge(one, port, chromium, asked.lighthouse)
    except (product.NotRunning, asking.NotAnswered, subprocess.CalledProcessError) as problem:
        print(problem, file=sys.stderr)
        return 2
    print(shown(result))
    if asked.save:
        print(f"Saved as {machine.save('screens', result)}", file=sys.stderr)
    return 0


def measure(one: many.Filled, port: int, chromium: str) -> list[dict[str, Any]]:
    """Of the big tenant's admin: server time of the page alone, weight with all it needs."""
    person = asking.browser(port, many.TENANT_ADMIN, one.password)
    base = f"http://127.0.0.1:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM))
        context = browser.new_context(extra_http_headers={"Cookie": person.headers["Cookie"]})
        page = context.new_page()
        page.goto(base)
        paths = page.eval_on_selector_all(".side a", PLACES)
        found: list[dict[str, Any]] = []
        for path in [*paths, *_main(one).values()]:
            if path not in [screen["path"] for screen in found]:
                weight = _weight(context, base + path)
                found.append({"path": path} | asking.timed(person, path, 20) | weight)
        browser.close()
    return found


def _main(one: many.Filled) -> dict[str, str]:
    call = cases.one_call(one).rpartition("/")[2]
    return {
        "dashboard": "/",
        "calls list": "/callsessionpage/list/",
        "call page": f"/callsessionpage/show/{call}",
    }


def _weight(context: BrowserContext, url: str) -> dict[str, int]:
    """What a browser with an empty cache fetches for it, in bytes as sent."""
    sizes: list[int] = []
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on("Network.loadingFinished", lambda done: sizes.append(int(done["encodedDataLength"])))
    page.goto(url, wait_until="networkidle")
    page.close()
    return {"files": len(sizes), "weight": sum(sizes)}


def judge(one: many.Filled, port: int, chromium: str, folder: Path) -> list[dict[str, Any]]:
    """Lighthouse's scores, from 0 to 100. Raises CalledProcessError."""
    person = asking.browser(port, many.TENANT_ADMIN, one.password)
    headers = json.dumps({"Cookie": person.headers["Cookie"]})
    found = []
    for name, path in _main(one).items():
        for device in ("desktop", "phone"):
            scores = _scores(f"http://127.0.0.1:{port}{path}", device, headers, chromium, folder)
            found.append({"screen": name, "device": device} | scores)
    return found


def _scores(url: str, device: str, headers: str, chromium: str, folder: Path) -> dict[str, int]:
    with TemporaryDirectory(prefix="recep-bench-") as made:
        out = Path(made) / "report.json"
        command = [
            str(folder / "node_modules" / ".bin" / "lighthouse"), url, "--quiet", "--output=json",
            f"--output-path={out}", f"--only-categories={','.join(JUDGED)}",
            f"--extra-headers={headers}", f"--chrome-flags=--headless=new {' '.join(CHROMIUM)}",
        ]  # fmt: skip
        if device == "desktop":
            command.append("--preset=desktop")
        environment = os.environ | {"CHROME_PATH": chromium}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        categories = json.loads(out.read_text(encoding="utf-8"))["categories"]
    return {name: round(categories[name]["score"] * 100) for name in JUDGED}


def shown(result: dict[str, Any]) -> str:
    head = ("screen", "p50 ms", "p95 ms", "statements", "HTML kB", "files", "all kB")
    rows = [
        (s["path"], s["p50"], s["p95"], s["statements"], f"{s['bytes'] / 1000:,.1f}", s["files"],
         f"{s['weight'] / 1000:,.1f}")
        for s in result["screens"]
    ]  # fmt: skip
    parts = [f"{result['calls']:,} calls", machine.table(head, rows)]
    if "lighthouse" in result:
        scores = [tuple(row.values()) for row in result["lighthouse"]]
        parts.append(machine.table(("Lighthouse", "device", *JUDGED), scores))
    return "\n\n".join((*parts, machine.show(result["where"])))
