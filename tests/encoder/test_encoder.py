"""The encoder as a process of its own: what it says, what it keeps, and what happens without it."""

import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.ai import knowledge, meaning
from app.ai.encoder import wire
from app.ai.encoder.client import Client, Texts
from app.ai.encoder.wordpiece import LONGEST
from app.ai.interpreter import Heard
from app.ai.offline import OfflineInterpreter
from app.ai.reading import departments
from app.voice.flow import State
from app.voice.flow.messages import Answer, Context, Department, Facts, Passage, Transfer
from bench import encoding

DEEP = "a-folder-whose-name-is-so-long-that-no-socket-fits-into-it-" * 2
ENTRIES = (
    Passage("parking", 1, 1, "Where can I leave my car?", "Behind the house, free of charge."),
    Passage("pets", 2, 1, "Are animals allowed?", "Small ones are welcome."),
    Passage("refund", 3, 1, "How do I get my money back?", "Bring the receipt within 14 days."),
)
PLACES = (
    Department(1, "Sales", "New machines, prices, offers"),
    Department(2, "Workshop", "Repairs and spare parts"),
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running encoder, asked with patience: this machine may be busy."""
    folder = tmp_path_factory.mktemp("encoder")
    with encoding.started(folder):
        yield folder


@pytest.fixture
def asked(data_dir: Path) -> Iterator[Path]:
    meaning.listen(data_dir, patience=20.0)
    yield data_dir
    meaning.listen(None)


def becomes(state: str) -> bool:
    until = time.monotonic() + 60
    while (found := meaning.state()) != state and time.monotonic() < until:
        time.sleep(0.02)
    return found == state


def test_it_says_that_it_learns_until_it_has_learnt(asked: Path) -> None:
    assert becomes("ok")
    texts = Texts.of([f"Is {os.urandom(8).hex()} sold {n} times?" for n in range(100)])
    meaning.prepare(texts)
    assert meaning.state() == "learning"
    assert becomes("ok")
    assert meaning.alike("is it sold", texts) is not None


def alike(words: str, *texts: str) -> list[float]:
    listed = Texts.of(texts)
    encoding.wait_known(listed)
    return list(meaning.alike(words, listed) or ())


def test_vectors_are_those_that_the_model_is_published_with(asked: Path) -> None:
    found = alike("That is a happy person", "That is a happy dog", "Today is a sunny day")
    assert found == pytest.approx([0.6946, 0.2569], abs=0.001)


def test_words_with_accents_other_scripts_and_none_at_all_are_no_trouble(asked: Path) -> None:
    found = alike("Überraschung ¿señor? 你好 \x00", "", "a" * 5000, "word " * 400, "naïve café")
    assert len(found) == 4
    assert all(-1.01 <= cosine <= 1.01 for cosine in found)
    assert LONGEST < 400


def test_an_entry_is_found_that_shares_no_word_with_the_question(asked: Path) -> None:
    words = "is there somewhere to put the vehicle"
    encoding.wait_known(knowledge.texts(ENTRIES))
    assert knowledge.find(ENTRIES, words)[0].passage.id == "parking"
    assert knowledge.find(ENTRIES, words)[0].score >= knowledge.ASK
    assert knowledge.find(ENTRIES, "who won the chess championship")[0].score < knowledge.ASK


def test_a_department_is_found_by_what_it_does(asked: Path) -> None:
    encoding.wait_known(departments.texts(PLACES))
    fit = departments.fit("the motor makes a strange noise and has to be mended", PLACES)
    assert fit is not None
    assert fit.department.name == "Workshop"


DENTIST = (
    Department(1, "Front Desk", "Appointments, new patients, directions and anything else"),
    Department(2, "Emergencies", "Toothache, bleeding, swelling, a broken or knocked-out tooth"),
    Department(3, "Billing", "Bills, payments, insurance claims and refunds"),
)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("do you repair bicycles", None),
        ("can you fix my washing machine", None),
        ("do you clean windows", None),
        ("could somebody look at a crown that fell off", 2),
        ("is it possible to pay in two parts", 3),
        ("may I make an appointment", 1),
    ],
)
def test_a_question_is_connected_only_where_it_belongs(
    asked: Path, words: str, place: int | None
) -> None:
    """A word that may stand for one of theirs ("repair", "broken") makes no dental emergency."""
    encoding.wait_known(departments.texts(DENTIST))
    context = Context(Facts(departments=DENTIST))
    proposal = OfflineInterpreter().interpret(Heard(words, State.INTENT, context)).proposal
    assert (proposal.department_id if isinstance(proposal, Transfer) else None) == place


def test_a_wish_is_not_answered_with_something_like_it(asked: Path) -> None:
    """An appointment is made by people; how long one takes is another matter."""
    long = Passage("long", 1, 1, "How long does a checkup take?", "A checkup takes half an hour.")
    cost = Passage("cost", 2, 1, "What does a checkup cost?", "From 60 dollars.")
    facts = Facts(departments=DENTIST, passages=(long, cost))
    encoding.wait_known(departments.texts(DENTIST))
    encoding.wait_known(knowledge.texts(facts.passages))

    def proposed(words: str) -> object:
        return OfflineInterpreter().interpret(Heard(words, State.INTENT, Context(facts))).proposal

    assert proposed("put me down for a checkup appointment") == Transfer(1)
    assert proposed("how long will a checkup take") == Answer(long.answer, ("long",))


def test_a_language_that_it_does_not_know_is_matched_by_words_alone(asked: Path) -> None:
    entries = (Passage("x", 1, 1, "¿Se admiten mascotas?", "Sí."), *ENTRIES)
    encoding.wait_known(knowledge.texts(entries))
    assert knowledge.find(entries, "quiero que me devuelvan el dinero", 1, "es-ES") == ()
    assert knowledge.find(entries, "se admiten mascotas", 1, "es-ES")[0].passage.id == "x"


def test_texts_not_known_yet_are_matched_by_words_and_known_the_next_time(asked: Path) -> None:
    entries = (Passage("x", 1, 1, "Is breakfast included?", f"Yes. {os.urandom(8).hex()}"),)
    assert meaning.alike("is breakfast included", knowledge.texts(entries)) is None
    assert knowledge.find(entries, "is breakfast included")[0].passage.id == "x"
    encoding.wait_known(knowledge.texts(entries))
    assert meaning.alike("is breakfast included", knowledge.texts(entries)) is not None


def test_what_is_known_entry_by_entry_is_known_together_at_once(asked: Path) -> None:
    made = [Passage(f"{n}", n, 1, f"Is {os.urandom(8).hex()} sold?", "Yes.") for n in range(3)]
    for one in made:
        knowledge.learn([one], "en")
        encoding.wait_known(knowledge.texts((one,)))
    assert becomes("ok")
    together = knowledge.texts(tuple(made))
    given = {"set": together.key, "texts": together.texts}
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(wire.socket_of(asked)))
        wire.send(sock, given)
        assert wire.exactly(sock, 1) == wire.TAKEN
    assert meaning.alike("is it sold", together) is not None  # nothing was waited for


def test_the_socket_is_for_its_own_user_only(data_dir: Path) -> None:
    mode = wire.socket_of(data_dir).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize("said", [b"", b"\0\0\0\2[]", b"\xff\xff\xff\xff", b"\0\0\0\5{bad}"])
def test_nonsense_is_hung_up_on_and_the_next_question_answered(asked: Path, said: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(wire.socket_of(asked)))
        sock.sendall(said)
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(1) == b""
    assert meaning.state() in ("ok", "learning")


def test_a_question_of_the_wrong_shape_is_refused(asked: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(wire.socket_of(asked)))
        wire.send(sock, {"set": 3, "words": ["x"]})
        assert wire.exactly(sock, 1) == wire.REFUSED


def test_a_data_dir_too_deep_for_a_socket_gets_one_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / DEEP / DEEP
    deep.mkdir(parents=True)
    with encoding.started(deep):
        path = wire.socket_of(deep)
        assert not path.is_relative_to(deep)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert meaning.state() in ("ok", "learning")


def test_a_folder_that_others_can_write_to_is_not_trusted(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert not wire.is_ours(tmp_path)
    assert Client(tmp_path / "encoder.sock").state() == "not running"


def test_without_an_encoder_nothing_is_waited_for(tmp_path: Path) -> None:
    client = Client(tmp_path / "encoder.sock")
    assert [client.alike("hello", Texts.of(("hi",))) for _ in range(5)] == [None] * 5


def test_an_encoder_that_hangs_is_left_alone_after_three_questions(tmp_path: Path) -> None:
    path = tmp_path / "encoder.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen(8)
        silent.settimeout(5)
        client = Client(path, patience=0.01)
        for _ in range(6):
            assert client.alike("hello", Texts.of(("hi",))) is None
        silent.setblocking(False)
        came = 0
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            came += 1
        assert came == 3


def test_the_web_server_needs_no_numpy() -> None:
    code = "import sys, app.ai.offline, app.ai.meaning; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
