"""The doctor of numbers: what is compared, and whose certificate is trusted."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app import doctor
from app.carrier import Addresses, CarrierNumber
from app.embedded.ports import free_port

SHOULD = Addresses("https://us/voice#x", "https://us/fallback", "https://us/call-status")
OURS = "+12125550100"


def number(addresses: Addresses = SHOULD, **more) -> CarrierNumber:
    return CarrierNumber("PN1", OURS, addresses, **more)


def problems(found: CarrierNumber | None) -> tuple[str, ...]:
    [finding] = doctor.examine([OURS], [found] if found else [], SHOULD)
    return finding.problems


def test_a_number_as_it_should_be_has_no_problems():
    assert problems(number()) == ()


def test_every_difference_is_named():
    told = problems(number(Addresses("https://us/voice", "", "https://them/x")))
    assert [text.partition(":")[0] for text in told] == [
        "A call comes in", "Primary handler fails", "Call status changes",
    ]  # fmt: skip
    assert "is empty" in told[1]


def test_a_detour_and_a_wrong_method_are_problems():
    assert "SIP trunk" in problems(number(detour="TK1"))[0]
    assert "GET" in problems(number(methods=("GET", "POST", "POST")))[0]


def test_a_missing_number_is_a_problem_and_a_further_one_is_not():
    assert "not in this Twilio account" in problems(None)[0]
    [finding] = doctor.examine([], [number()], SHOULD)
    assert (finding.ours, finding.there, finding.problems) == (False, True, ())


def test_a_foreign_password_is_not_shown():
    told = problems(number(Addresses("https://me:secret@them/voice?key=secret", "", "")))
    assert "them/voice" in told[0]
    assert "secret" not in str(told)


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[int]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "both.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ) + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_certificate_nobody_vouches_for_is_found(self_signed):
    assert "is not valid" in doctor.certificate(f"https://localhost:{self_signed}")


def test_an_address_without_tls_or_without_anybody_is_found():
    assert "not https" in doctor.certificate("http://127.0.0.1:8080")
    assert "cannot be reached" in doctor.certificate(f"https://127.0.0.1:{free_port(9)}")
