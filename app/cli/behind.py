"""Everything but the web server, where that is somebody else's: databases, workers, scheduler.

What it finds out (where its databases are) it notes for the web server's processes.
"""

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.cli import demo_file, needs, prepare, start
from app.cli.family import Family
from app.embedded import EmbeddedPostgres, EmbeddedValkey
from config import ROOT, BadSetting, Settings

RESTART = ROOT / "tmp" / "restart.txt"
"""Passenger starts an application anew when this file has become newer.
https://www.phusionpassenger.com/library/admin/nginx/restart_app.html"""
NOT_STARTED = (
    "The databases of our own have not been started yet. Run `python3 run.py keep-alive` once, and "
    "then from cron."
)


def run(settings: Settings, stack: contextlib.ExitStack, ready: Callable[[], None]) -> None:
    """Until interrupted; `ready` is called when everything has been started. What ends is started
    again for as long as it takes. Raises what `start.PROBLEMS` lists."""
    before = noted(settings)
    postgres = None if settings.database_url else EmbeddedPostgres(settings.data_dir)
    valkey = None if settings.redis_url else EmbeddedValkey(settings.data_dir)
    for service, url in ((postgres, "database_url"), (valkey, "redis_url")):
        if service and url in before:  # where the web server's processes look for it
            service.usual_port = urlsplit(before[url]).port or service.usual_port
    own = [service for service in (postgres, valkey) if service]
    start.start_databases(own, stack)
    if postgres:
        settings = prepare.prepare(settings, postgres)
    needs.database(settings)
    settings = replace(settings, redis_url=valkey.url) if valkey else settings
    demo_file.correct_base_url(settings)
    _note(settings, before, {"database_url": postgres, "redis_url": valkey})
    family = Family(start.environment(settings), settings.data_dir / "log", gives_up=False)
    stack.callback(family.end)
    start.start_others(family, settings)
    ready()
    family.watch([start.kept_alive(service) for service in own])


def joined(settings: Settings) -> Settings:
    """With the addresses of the databases that `run` has started. Raises BadSetting."""
    known = noted(settings)
    wanted = [name for name in ("database_url", "redis_url") if not getattr(settings, name)]
    if any(name not in known for name in wanted):
        raise BadSetting(NOT_STARTED)
    return replace(
        settings,
        database_url=settings.database_url or known["database_url"],
        redis_url=settings.redis_url or known["redis_url"],
    )


def noted(settings: Settings) -> dict[str, str]:
    try:
        found = json.loads(_path(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _note(settings: Settings, before: dict[str, str], own: dict[str, Any]) -> None:
    """If it differs, or the code does, the web server is to begin anew."""
    found = {name: getattr(settings, name) for name, service in own.items() if service}
    found["code"] = prepare.fingerprint(settings)
    if found == before:
        return
    unfinished = _path(settings).with_suffix(".unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(found), encoding="utf-8")
    os.replace(unfinished, _path(settings))
    with contextlib.suppress(OSError):  # a clone that is not ours to write in
        RESTART.parent.mkdir(exist_ok=True)
        RESTART.touch()


def _path(settings: Settings) -> Path:
    return settings.data_dir / "addresses.json"
