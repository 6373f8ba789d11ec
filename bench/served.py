"""The web server of `run.py web`, which also says how many statements each answer took.

For bench/panel.py alone, as a process: `python -m bench.served WALLS` with the settings in its
environment. WALLS are those that stand: `both`, `database`, `session` or `none`. They are taken
down here, in a process on a database made for it: the product has no such switch.
"""

import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from app import tenancy
from app.cli.web import Server
from config import Settings

COUNT = "X-Statements"
WALLS = ("both", "database", "session", "none")
# What the database wall is, as the superuser has to undo it for `session` and `none`.
NO_POLICIES = """
    do $$ declare t text; begin
        for t in select oid::regclass from pg_class
                 where relkind = 'r' and relrowsecurity and relnamespace = 'public'::regnamespace
        loop execute format('alter table %s disable row level security', t); end loop;
    end $$;
    grant all on all tables in schema public to recep_login;
    grant all on all sequences in schema public to recep_login;
"""
_done = threading.local()


class Counting(Server):
    def load(self) -> Flask:
        flask = super().load()
        event.listen(Engine, "before_cursor_execute", _count)
        flask.wsgi_app = counted(flask.wsgi_app)  # type: ignore[method-assign]
        return flask


def _count(*_: Any) -> None:
    _done.statements = getattr(_done, "statements", 0) + 1


def counted(answer: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Of a file that is sent while it is read, those before its first line."""

    def answered(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        _done.statements = 0

        def started(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, (COUNT, str(_done.statements))], *error)

        return answer(environ, started)

    return answered


def leave_standing(walls: str) -> None:
    if walls in ("database", "none"):
        event.remove(Session, "do_orm_execute", tenancy._filter_statement)
        event.remove(Session, "before_flush", tenancy._verify_flush)
    if walls in ("session", "none"):
        event.remove(Session, "after_begin", tenancy._after_begin)
        vars(tenancy)["switch"] = _stay


def _stay(_connection: Connection, _scope: tenancy.Scope) -> None:
    """In the login role, which may then do everything."""


if __name__ == "__main__":
    tenancy.install()
    install, tenancy.install = tenancy.install, lambda: None
    leave_standing(sys.argv[1])
    Counting(Settings.load()).run()
