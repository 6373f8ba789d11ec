"""Posts to addresses that tenants chose: to the public internet only, and within limits.

The name is resolved once, and what was judged is what is connected to, so that a second answer of
the name's server (DNS rebinding) changes nothing. The certificate is still that of the name.
"""

import contextlib
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import certifi
import urllib3

from app.deadline import Late, within

PORTS = (443, 8443)
SECONDS = 10.0
"""For all of it: the name, the connection, the answer."""
LARGEST_ANSWER = 4096
_INSIDE_NAMES = (".local", ".internal", ".localhost", ".home.arpa", ".lan")
# Public by number, but answered by the machine below a virtual one.
_NOT_OUTSIDE = frozenset({ipaddress.ip_address("168.63.129.16")})

Resolver = Callable[[str, int], list[str]]


class OutsideError(Exception):
    """Not reached, or not to be reached. `permanent`: asking again would be refused again."""

    def __init__(self, reason: str, permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart. `trusted`: the operator allows it, wherever it leads."""

    host: str
    port: int
    path: str
    https: bool
    trusted: bool

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.https else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str


def target(url: str, trusted: Collection[str] = ()) -> Target:
    """Where `url` leads, as far as its text tells. `trusted` are hosts, or hosts with a port, that
    may also be inside and without TLS. Raises OutsideError, permanent."""
    try:
        parts = urlsplit(url)
        host, given = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise OutsideError("not an address", permanent=True) from error
    if not re.fullmatch(r"[\x21-\x7e]+", url) or "\\" in url or not host or "@" in parts.netloc:
        raise OutsideError("not an address", permanent=True)
    port = given or (80 if parts.scheme == "http" else 443)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = Target(host, port, path, parts.scheme == "https", False)
    if parts.scheme in ("http", "https") and {host, f"{host}:{port}"} & set(trusted):
        return Target(host, port, path, found.https, True)
    if not found.https:
        raise OutsideError("not an https address", permanent=True)
    if port not in PORTS:
        raise OutsideError("only the ports 443 and 8443 are served", permanent=True)
    if _is_inside(host):
        raise OutsideError("not an address of the public internet", permanent=True)
    return found


def is_public(address: str) -> bool:
    """Also of what is wrapped in an IPv6 address. Text that is no address is not public."""
    try:
        ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.scope_id or ip.sixtofour or ip.teredo:
            return False
        ip = ip.ipv4_mapped or _nat64(ip) or ip
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip in _NOT_OUTSIDE)


def resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def post(
    to: Target,
    body: bytes,
    headers: Mapping[str, str],
    *,
    resolver: Resolver = resolve,
    seconds: float = SECONDS,
) -> Answer:
    """The answer, whatever its status; redirects are not followed. Raises OutsideError.

    In a thread of its own, because neither a resolver nor a server that sends a byte now and then
    can be timed out otherwise. One that is left behind ends with the worker's child at the latest.
    """
    try:
        return within(seconds, lambda: _ask(to, body, headers, resolver, seconds))
    except Late as late:
        raise OutsideError(str(late)) from late
    except OutsideError:
        raise
    except Exception as error:
        raise _explained(error) from error


def _ask(
    to: Target, body: bytes, headers: Mapping[str, str], resolver: Resolver, seconds: float
) -> Answer:
    with contextlib.closing(_pool(to, _address(to, resolver), seconds)) as pool:
        response = pool.urlopen(
            "POST", to.path, body=body, headers={"Host": to.authority} | dict(headers),
            redirect=False, retries=False, assert_same_host=False, preload_content=False,
            decode_content=False,
        )  # fmt: skip
        said = b"".join(iter(lambda: _more(response), b""))[:LARGEST_ANSWER]
        response.close()
        return Answer(response.status, said.decode(errors="replace"))


def _more(response: urllib3.BaseHTTPResponse) -> bytes:
    left = LARGEST_ANSWER - response.tell()
    return response.read(left, decode_content=False) if left > 0 else b""


def _address(to: Target, resolver: Resolver) -> str:
    """One that may be connected to. If any is inside, all are refused: it is a trick or a mess."""
    try:
        found = resolver(to.host, to.port)
    except (OSError, UnicodeError) as error:
        raise OutsideError(f"the name {to.host} is not found") from error
    if not found:
        raise OutsideError(f"the name {to.host} is not found")
    if not to.trusted and not all(map(is_public, found)):
        raise OutsideError(f"{to.host} is not an address of the public internet")
    return next((one for one in found if ":" not in one), found[0])


def _pool(to: Target, address: str, seconds: float) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=seconds / 2, read=seconds)
    if not to.https:
        return urllib3.HTTPConnectionPool(address, to.port, timeout=timeout)
    trust = ssl.create_default_context()  # the system's, and SSL_CERT_FILE
    trust.load_verify_locations(certifi.where())
    return urllib3.HTTPSConnectionPool(
        address, to.port, timeout=timeout, ssl_context=trust,
        server_hostname=to.host, assert_hostname=to.host,
    )  # fmt: skip


def _explained(error: Exception) -> OutsideError:
    if isinstance(error, urllib3.exceptions.SSLError):
        return OutsideError("its certificate is not valid for this name, or not known")
    return OutsideError(f"not reached: {type(error).__name__}")


def _is_inside(host: str) -> bool:
    """A last label of digits is a number in disguise: 2130706433, 0x7f.1, 127.1."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.rpartition(".")[2]
        return (
            "." not in host
            or bool(re.fullmatch(r"\d+|0x[0-9a-f]*", last))
            or host.endswith(_INSIDE_NAMES)
        )
    return not is_public(host)


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address in one of 64:ff9b::/96 (RFC 6052)."""
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if int(ip) >> 32 == 0x64FF9B << 64 else None
