"""Who may do what: every route and method, asked by every role and key, as one table.

`python -m tests.isolation.matrix` writes permissions.txt anew; look at its diff before committing.
"""

import hashlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from app.cli.migrate import migrate
from tests.conftest import STEP, Services, launched
from tests.factories import Rows, sid
from tests.isolation.crawler import ENDING, EXEMPT, Actor, csrf_of, refused
from tests.isolation.rivals import ROLES
from tests.web.speaking import Rest, log_in

GOLDEN = Path(__file__).with_name("permissions.txt")
NOBODYS = 2_000_000_000  # an id that nothing has: what is allowed finds nothing and changes nothing
FILL = {"version": "v1", "locale": "en", "filename": "report.csv"}
HEAD = f"""\
# Who may do what. Made by `python -m tests.isolation.matrix`: never edit it, read its diff.
# + let in (whatever the answer then is), - refused or sent to the login, . not tried: keys and
# tokens are for /api/. People use the session of a page, or a token for /api/.
# Actions are asked by name, "nothing" where a page has none.
# 1 anonymous  2 Viewer  3 Agent  4 Tenant Admin  5 Super Admin
# keys that may read:  6 Viewer  7 Agent  8 Tenant Admin
# keys that may write: 9 Viewer 10 Agent 11 Tenant Admin
#{"":5}1 2 3 4 5  6 7 8  9 10 11
"""


def table(app: Flask) -> str:
    pages, scripts, keys = _people(app)
    lines = []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.rule in EXEMPT:
            continue
        rest = rule.rule.startswith("/api/")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for action in _actions(app, rule):
                ask = method, _path(app, rule, action), action
                asked = [_may(actor, *ask) for actor in (scripts if rest else pages)]
                tried = [_may(actor, *ask) if rest else "." for actor in keys]
                marks = f"{' '.join(asked)}  {' '.join(tried[:3])}  {' '.join(tried[3:])}"
                lines.append(f"{marks}  {method:6} {rule.rule} {action}".rstrip())
    return HEAD + "\n".join(lines) + "\n"


def _people(app: Flask) -> tuple[list[Actor], list[Actor], list[Actor]]:
    """By page, by token, by key: in the order of the columns."""
    rows = Rows(app)
    tenant = rows.tenant()
    roles = tuple(reversed(ROLES))
    users = [rows.user(tenant, role).username for role in roles] + [rows.super_admin().username]
    nobody = Actor("anonymous", app.test_client())
    pages = [nobody, *(Actor(name, log_in(app.test_client(), name)) for name in users)]
    for actor in pages:
        actor.csrf = csrf_of(actor.client)
    scripts = [nobody]
    for name in users:
        signed = Rest(app.test_client(use_cookies=False)).sign_in(name)
        scripts.append(Actor(name, signed.client, signed.headers))
    scripts[-1].headers["X-Tenant"] = str(tenant.id)
    keys = []
    for scope in ("read", "write"):
        for role in roles:
            plain = f"rk_{sid('')}{sid('')}"
            rows.api_key(
                tenant, role=role, scopes=[scope],
                key_hash=hashlib.sha256(plain.encode()).hexdigest(),
            )  # fmt: skip
            client = app.test_client(use_cookies=False)
            keys.append(Actor(role, client, {"Authorization": f"Bearer {plain}"}))
    return pages, scripts, keys


def _actions(app: Flask, rule: Rule) -> list[str]:
    """What this route does by name, each with a permission of its own; one of no name elsewhere."""
    page, _, function = rule.endpoint.rpartition(".")
    if function not in ("action", "action_post"):
        return [""]
    views = app.appbuilder.baseviews  # type: ignore[attr-defined]
    return sorted(next(view for view in views if view.endpoint == page).actions) or ["nothing"]


def _path(app: Flask, rule: Rule, action: str) -> str:
    values = {name: FILL.get(name, NOBODYS) for name in rule.arguments}
    if "name" in values:
        values["name"] = action
    return str(app.url_map.bind("localhost").build(rule.endpoint, values))


def _may(actor: Actor, method: str, path: str, action: str) -> str:
    client = actor.client
    if ENDING.search(path):  # asked with a session that nobody needs afterwards
        client = client.application.test_client(use_cookies=False)
    headers = actor.headers | ({"X-CSRFToken": actor.csrf} if actor.csrf else {})
    body: dict[str, Any] = (
        {"json": {}} if path.startswith("/api/") and method in ("POST", "PUT") else {}
    )
    if action:
        body = {"data": {"action": action, "rowid": NOBODYS}}
    if path.startswith("/twilio/"):
        body = {"data": {"CallSid": sid("CA"), "AccountSid": sid("AC")}}  # unsigned
    answer = client.open(path, method=method, headers=headers, **body)
    answer.close()
    return "-" if refused(answer) else "+"


def main() -> int:
    from app import create_app

    with tempfile.TemporaryDirectory(prefix="recep-matrix-") as made:
        Path(made).chmod(0o711)
        with launched(Path(made)) as services:
            ready(services)
            GOLDEN.write_text(table(create_app(services.settings)), encoding="utf-8")
    print(f"{GOLDEN}: {len(GOLDEN.read_text().splitlines())} lines")
    return 0


def ready(services: Services) -> None:
    """A fresh database with the roles and permissions of the admin panel."""
    migrate(services.postgres.admin_url, replace(services.settings, database_url=""))
    services.copy.renew(STEP)


if __name__ == "__main__":
    sys.exit(main())
