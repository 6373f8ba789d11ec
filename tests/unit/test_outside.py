"""What may be posted to, and that nothing about the other side can hurt."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import outside
from app.outside import OutsideError
from tests.fakes.hook_server import HookServer

NAME = "hooks.example.com"
INSIDE = (
    "127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "168.63.129.16",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::127.0.0.1",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2001:db8::1", "not an address", "",
)  # fmt: skip
REFUSED = (
    "http://hooks.example.com/", "ftp://hooks.example.com/", "gopher://hooks.example.com/",
    "file:///etc/passwd", "//hooks.example.com/", "hooks.example.com", "", "https://", "https:///x",
    "https://hooks.example.com:22/", "https://hooks.example.com:80/",
    "https://hooks.example.com:99999/", "https://localhost/", "https://db/", "https://a.localhost/",
    "https://metadata.google.internal/", "https://printer.local/", "https://127.0.0.1/",
    "https://127.0.0.1./", "https://127.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://017700000001/", "https://0177.0.0.1/", "https://0/",
    "https://10.0.0.1/", "https://192.168.0.1:8443/", "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/", "https://[::1]/", "https://[::]/", "https://[::ffff:7f00:1]/",
    "https://[::ffff:127.0.0.1]/", "https://[fe80::1]/", "https://[fd00::1]/", "https://[64:ff9b::7f00:1]/",
    "https://user@hooks.example.com/", "https://hooks.example.com@127.0.0.1/",
    "https://hooks.example.com\\@127.0.0.1/", "https://hooks.example.com/a b",
    "https://hooks.example.com/\r\nX: y", "https://hööks.example.com/", "https://[bad/",
    "https://①②⑦.0.0.1/",
)  # fmt: skip


@pytest.fixture(scope="module")
def _plain() -> Iterator[HookServer]:
    with HookServer() as server:
        yield server


@pytest.fixture
def plain(_plain: HookServer) -> HookServer:
    _plain.reset()
    return _plain


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HookServer]:
    with HookServer(NAME, tmp_path) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))
        yield server


def send(server: HookServer, *, name: str = "127.0.0.1", seconds: float = 5.0) -> outside.Answer:
    to = outside.target(f"{server.scheme}://{name}:{server.port}/hook?a=1", {name})
    return outside.post(
        to, b"{}", {"X-Test": "1"}, resolver=lambda *_: ["127.0.0.1"], seconds=seconds
    )


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not outside.is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"]
)
def test_an_address_outside_is_public(address: str) -> None:
    assert outside.is_public(address)


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_that_leads_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(OutsideError) as refused:
        outside.target(url)
    assert refused.value.permanent


def test_an_address_outside_is_taken_apart() -> None:
    to = outside.target("https://hooks.example.com:8443?key=1#part")
    assert (to.host, to.port, to.path) == (NAME, 8443, "/?key=1")
    assert to.authority == "hooks.example.com:8443"
    assert outside.target("https://hooks.example.com/x").authority == NAME


def test_the_operator_can_allow_a_host_inside_and_only_that_one() -> None:
    assert outside.target("http://127.0.0.1:5678/x", {"127.0.0.1:5678"}).trusted
    for url in ("http://127.0.0.1:5679/x", "http://127.0.0.2:5678/x", "file://127.0.0.1:5678/x"):
        with pytest.raises(OutsideError):
            outside.target(url, {"127.0.0.1:5678"})


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    to = outside.target("https://hooks.example.com/")
    for found in ([address], ["93.184.216.34", address]):
        with pytest.raises(OutsideError, match="public internet"):
            outside.post(to, b"", {}, resolver=lambda *_, found=found: found)


def test_a_name_is_resolved_once_and_a_second_answer_changes_nothing(plain: HookServer) -> None:
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])
    asked = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return next(answers)

    with pytest.raises(OutsideError, match="not reached"):  # the suite blocks the network
        outside.post(outside.target("https://hooks.example.com/"), b"", {}, resolver=rebinding)
    assert asked == [(NAME, 443)]
    assert plain.received == []


def test_an_unknown_name_is_not_found() -> None:
    def unknown(*_: object) -> list[str]:
        raise OSError

    for resolver in (unknown, lambda *_: []):
        with pytest.raises(OutsideError, match="not found") as refused:
            outside.post(outside.target("https://hooks.example.com/"), b"", {}, resolver=resolver)
        assert not refused.value.permanent


def test_the_address_is_pinned_and_the_certificate_is_the_names(secure: HookServer) -> None:
    assert send(secure, name=NAME) == outside.Answer(200, "thanks")
    (got,) = secure.received
    assert got.headers["Host"] == f"{NAME}:{secure.port}"
    assert (got.path, got.body, secure.sni) == ("/hook?a=1", b"{}", [NAME])


def test_a_certificate_for_another_name_is_refused(secure: HookServer) -> None:
    for name in ("other.example.com", "127.0.0.1"):
        with pytest.raises(OutsideError, match="certificate"):
            send(secure, name=name)
    assert secure.received == []


def test_an_unknown_authority_is_refused(
    secure: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(OutsideError, match="certificate"):
        send(secure, name=NAME)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(plain: HookServer, status: int) -> None:
    plain.status, plain.location = status, plain.url
    assert send(plain).status == status
    assert len(plain.received) == 1


def test_a_server_that_hangs_is_left_in_time(plain: HookServer) -> None:
    plain.delay = 3
    began = time.monotonic()
    with pytest.raises(OutsideError):
        send(plain, seconds=0.3)
    assert time.monotonic() - began < 1.5


def test_a_server_that_drips_is_left_in_time(plain: HookServer) -> None:
    plain.drip, plain.answer = 0.1, b"x" * 40
    began = time.monotonic()
    with pytest.raises(OutsideError, match="no answer within"):
        send(plain, seconds=0.5)
    assert time.monotonic() - began < 1.5


def test_a_resolver_that_hangs_is_left_in_time() -> None:
    def slow(*_: object) -> list[str]:
        time.sleep(1)
        return []

    with pytest.raises(OutsideError, match="no answer within"):
        outside.post(outside.target("https://a.example.com/"), b"", {}, resolver=slow, seconds=0.2)


def test_of_a_huge_answer_only_the_beginning_is_read(plain: HookServer) -> None:
    plain.answer = b"x" * 50_000_000
    assert send(plain).text == "x" * outside.LARGEST_ANSWER


def test_nobody_listening_is_told() -> None:
    with HookServer() as server:
        port = server.port
    to = outside.target(f"http://127.0.0.1:{port}/", {"127.0.0.1"})
    with pytest.raises(OutsideError, match="not reached"):
        outside.post(to, b"", {})
