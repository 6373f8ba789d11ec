"""nginx and certbot: the challenge is found, everything else goes to https, and a renewed
certificate is taken up by the hook: the files in deploy/nginx as they are, but for ports and
folders."""

import os
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.embedded import free_port
from bench.drills.nginx import FRAME, PROGRAM
from config import ROOT
from tests.deploy.test_nginx import PATIENCE, Node, started

FILES = ROOT / "deploy" / "nginx"
HOST = "reception.example.com"


def certify(folder: Path) -> int:
    """A new certificate where certbot keeps them; its serial number."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.NameAttribute(NameOID.COMMON_NAME, HOST),
    )
    day, now = timedelta(days=1), datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([name]))
        .issuer_name(x509.Name([name]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .sign(key, hashes.SHA256())
    )
    live = folder / "live" / HOST
    live.mkdir(parents=True, exist_ok=True)
    (live / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (live / "privkey.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    return made.serial_number


def shown(port: int) -> int:
    """The serial number of the certificate that nginx shows."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
        trusting.wrap_socket(plain, server_hostname=HOST) as secured,
    ):
        found = secured.getpeercert(binary_form=True)
        assert found
        return x509.load_der_x509_certificate(found).serial_number


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not tmp_path, which is closed to the user that nginx becomes when root starts it."""
    with tempfile.TemporaryDirectory(prefix="recep-test-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def configured(folder: Path, node: int, plain: int, secure: int) -> None:
    site = "".join((FILES / f"receptionist{name}.conf").read_text() for name in ("-http", ""))
    for before, after in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{secure} ssl;"),
        ("127.0.0.1:8080 ", f"127.0.0.1:{node} "),
        ("/var/www/certbot;", f"{folder}/certbot;"),
        ("/etc/letsencrypt/", f"{folder}/"),
    ):
        assert before in site
        site = site.replace(before, after)
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(FRAME.format(folder=folder))


def test_a_certificate_is_asked_for_used_and_renewed(folder: Path) -> None:
    if PROGRAM is None:
        pytest.skip("not run: no nginx")
    plain, secure, first = free_port(0), free_port(0), certify(folder)
    challenge = folder / "certbot" / ".well-known" / "acme-challenge" / "token"
    challenge.parent.mkdir(parents=True)
    challenge.write_text("token.thumbprint")
    with Node() as node:
        configured(folder, node.port, plain, secure)
        with started([PROGRAM, "-c", f"{folder}/nginx.conf", "-p", str(folder)], secure):
            given = {"headers": {"Host": HOST}, "allow_redirects": False, "timeout": PATIENCE}
            http = f"http://127.0.0.1:{plain}"
            asked = requests.get(f"{http}/.well-known/acme-challenge/token", **given)
            assert (asked.status_code, asked.text) == (200, "token.thumbprint")
            moved = requests.get(f"{http}/login/?a=1", **given)
            assert moved.status_code == 301
            assert moved.headers["Location"] == f"https://{HOST}/login/?a=1"
            assert shown(secure) == first
            second = certify(folder)
            renewed(folder)
            until = time.monotonic() + PATIENCE
            while shown(secure) == first and time.monotonic() < until:
                time.sleep(0.02)  # workers that have the old one end when they have answered
            assert shown(secure) == second


def renewed(folder: Path) -> None:
    """The hook, for this nginx in place of the system's."""
    stand_in = folder / "bin" / "nginx"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\nexec {PROGRAM} -c {folder}/nginx.conf -p {folder} "$@"\n')
    stand_in.chmod(0o755)
    path = f"{stand_in.parent}:{os.environ['PATH']}"
    done = subprocess.run([FILES / "renewed"], env=os.environ | {"PATH": path}, capture_output=True)
    assert done.returncode == 0, done.stderr
