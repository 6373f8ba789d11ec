"""The walk of docs/rest.md, as a stranger would run it, against a running server."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from app import models
from tests.factories import PASSWORD, Rows
from tests.web.speaking import Rest

WALK = Path(__file__).parents[2] / "docs" / "rest.md"


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def walked(address: str, username: str) -> subprocess.CompletedProcess[str]:
    (code,) = re.findall(r"```python\n(.*?)```", WALK.read_text(encoding="utf-8"), re.S)
    known = {
        "RECEPTIONIST_URL": address,
        "RECEPTIONIST_USER": username,
        "RECEPTIONIST_PASSWORD": PASSWORD,
        "NO_PROXY": "*",
    }
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | known, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_the_walk_goes_through(app: Flask, address: str):
    rows = Rows(app)
    admin = rows.super_admin().username
    done = walked(address, admin)
    assert done.returncode == 0, done.stderr
    assert "knowledge: ['Do you deliver?']" in done.stdout

    rest = Rest(app.test_client()).sign_in(admin)
    (tenant,) = rest.rows("tenants")
    owner = models.Tenant(id=tenant["id"])
    call = rows.call(owner)
    rows.lead(owner, call_id=call.id)
    assert len(rest.acting_for(tenant["id"]).rows("hours")) == 5
    again = walked(address, admin)
    assert again.returncode == 1
    assert "'number': ['This value cannot be used. Choose another.']" in again.stderr


def test_the_commands_of_the_page_name_what_there_is(app: Flask):
    text = WALK.read_text(encoding="utf-8")
    named = set(re.findall(r"ask '?(\w+)/", text))
    paths = {str(rule) for rule in app.url_map.iter_rules()}
    assert named
    assert all(f"/api/v1/{resource}/" in paths for resource in named)
