"""A stand-in for a business's own server, which webhooks are sent to: over HTTP, or over TLS with
a certificate for one name from an authority of its own."""

import ssl
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


class HookServer:
    """Answers `status` with `answer` and `location`; `delay` seconds before, and `drip` seconds
    between the bytes. `received` holds what was posted, `sni` the names asked for by TLS."""

    def __init__(self, name: str = "", folder: Path | None = None) -> None:
        self.sni: list[str | None] = []
        self.reset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.scheme = "https" if name else "http"
        if name and folder:
            self.authority = folder / "authority.pem"
            self._server.socket = self._tls(name, folder).wrap_socket(
                self._server.socket, server_side=True
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reset(self) -> None:
        self.status, self.answer, self.location = 200, b"thanks", ""
        self.delay, self.drip = 0.0, 0.0
        self.received: list[Received] = []

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}/hook"

    def _tls(self, name: str, folder: Path) -> ssl.SSLContext:
        _make_certificates(name, folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        context.sni_callback = lambda _socket, asked, _context: self.sni.append(asked)
        return context

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.received.append(Received(self.path, dict(self.headers.items()), body))
                time.sleep(server.delay)
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(server.answer)))
                if server.location:
                    self.send_header("Location", server.location)
                self.end_headers()
                if not server.drip:
                    self.wfile.write(server.answer)
                    return
                for byte in server.answer:
                    self.wfile.write(bytes([byte]))
                    time.sleep(server.drip)

            def do_GET(self) -> None:
                server.received.append(Received(self.path, dict(self.headers.items()), b""))
                self.send_error(405)

            def log_message(self, *_: Any) -> None: ...

        return Handler


def _make_certificates(name: str, folder: Path) -> None:
    ours, theirs = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("A test's authority", "A test's authority", ours, ours)
    leaf = _certificate(name, "A test's authority", theirs, ours, names=[name])
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    key = theirs.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(key + leaf.public_bytes(pem))


def _certificate(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    names: list[str] | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        made = made.add_extension(alternative, critical=False)
    return made.sign(signer, hashes.SHA256())
