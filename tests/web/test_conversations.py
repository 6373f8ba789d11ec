"""Every conversation of tests/calls, over real HTTP against the whole application."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from flask import Flask
from werkzeug.serving import make_server

from app.phone.business import install
from app.phone.rehearsal import line_for, rehearse
from app.phone.rest import Rest
from app.phone.script import BadScript, read
from tests.factories import PASSWORD, Rows

CALLS = sorted((Path(__file__).parents[1] / "calls").glob("*.yaml"))


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the application really listens; it signs for its PUBLIC_BASE_URL all the same."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_a_conversation_goes_as_written(path: Path, app: Flask, address: str, rows: Rows) -> None:
    script = read(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert script.business, "a test brings its own business"
    rest = Rest.log_in(address, rows.super_admin().username, PASSWORD)
    who = install(rest, script.business)
    line = line_for(script, who, app.extensions["settings"].public_base_url, server=address)
    assert rehearse(script, line, rest.acting_for(who.tenant_id)) == []


def test_there_are_conversations() -> None:
    assert CALLS


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"turns": []},
        {"tenant": "a", "business": {"name": "A"}},
        {"tenant": "a", "turnss": []},
        {"tenant": "a", "turns": [{"said": "hello"}]},
        {"tenant": "a", "expect": {"outcomes": "lead"}},
        {"business": {}},
    ],
)
def test_a_script_with_a_slip_is_refused_rather_than_half_read(data: object) -> None:
    with pytest.raises(BadScript):
        read(data)
