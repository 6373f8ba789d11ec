"""What is saved is known to the encoder before anybody calls."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.ai import knowledge, meaning
from app.ai.encoder import wire
from app.ai.encoder.client import Texts
from app.ai.reading import departments
from app.voice.flow.messages import Department, Passage
from bench import encoding
from tests.factories import Rows
from tests.web.speaking import Rest

ANSWER = "Behind the house, free of charge."


@pytest.fixture
def encoder(app: Flask, tmp_path: Path) -> Iterator[Path]:
    with encoding.started(tmp_path):
        yield tmp_path
    meaning.listen(None)


@pytest.fixture
def rest(app: Flask, client: FlaskClient) -> Rest:
    rows = Rows(app)
    return Rest(client).sign_in(rows.super_admin().username).acting_for(rows.tenant().id)


def is_known(data_dir: Path, texts: Texts) -> bool:
    """Asked past the client, which would hand over what is not known."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(wire.socket_of(data_dir)))
        wire.send(sock, {"set": texts.key, "words": "ready?"})
        return wire.exactly(sock, 1) == wire.ALIKE


def becomes_known(data_dir: Path, texts: Texts) -> bool:
    until = time.monotonic() + 60
    while not (known := is_known(data_dir, texts)) and time.monotonic() < until:
        time.sleep(0.05)
    return known


def passage(question: str, *alternates: str) -> Texts:
    return knowledge.texts((Passage("", 0, 1, question, ANSWER, alternates),))


def test_an_entry_is_learnt_when_it_is_saved_and_a_draft_is_not(encoder: Path, rest: Rest) -> None:
    rest.add("knowledge", question="May I smoke?", answer=ANSWER, status="draft")
    made = rest.add("knowledge", question="Where can I park?", answer=ANSWER)["id"]
    assert becomes_known(encoder, passage("Where can I park?"))
    assert not is_known(encoder, passage("May I smoke?"))
    rest.edit("knowledge", made, alternates=["Is there a place for my car?"])
    assert becomes_known(encoder, passage("Where can I park?", "Is there a place for my car?"))


def test_a_department_is_learnt_when_it_is_saved(encoder: Path, rest: Rest) -> None:
    rest.add("departments", name="Workshop", description="Repairs", numbers=["+12125550101"])
    assert becomes_known(encoder, departments.texts([Department(1, "Workshop", "Repairs")]))


def test_what_is_refused_is_not_learnt(encoder: Path, rest: Rest) -> None:
    rest.add("knowledge", expect=422, question="", answer=ANSWER)
    rest.add("knowledge", question="Where can I park?", answer=ANSWER)
    assert becomes_known(encoder, passage("Where can I park?"))
    assert not is_known(encoder, passage(""))
