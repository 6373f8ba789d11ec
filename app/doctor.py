"""Would a call reach us? What Twilio has, held against what it should have."""

import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.carrier import Addresses, CarrierNumber

TIMEOUT = 5.0
# Where TwiML Bins are: what `run.py fallback` prints may stand there in place of our own address.
BINS = "https://handler.twilio.com/twiml/"
_NAMES = ("A call comes in", "Primary handler fails", "Call status changes")


@dataclass(frozen=True, slots=True)
class Finding:
    """One number. `ours`: it belongs to the business here; `there`: it is in the account at
    Twilio. No problems: calls arrive."""

    number: str
    ours: bool
    there: bool
    problems: tuple[str, ...] = ()


def examine(
    ours: Iterable[str], found: Sequence[CarrierNumber], should: Addresses
) -> list[Finding]:
    """Every number of either side. Pure. A number that is only at Twilio is no problem of ours."""
    known, there = set(ours), {n.number: n for n in found}
    return [
        Finding(number, number in known, number in there, _problems(there.get(number), should))
        for number in sorted(known | set(there))
    ]


def _problems(found: CarrierNumber | None, should: Addresses) -> tuple[str, ...]:
    if found is None:
        return ("It is not in this Twilio account: its calls do not come here.",)
    problems = []
    if found.detour:
        problems.append("A SIP trunk or TwiML application takes its calls instead.")
    pairs = zip(_NAMES, _urls(found.addresses), _urls(should), found.methods, strict=True)
    for name, has, wanted, method in pairs:
        if wanted == should.voice_fallback_url and has.startswith(BINS):
            continue
        if has != wanted:
            problems.append(f"{name}: is {_shown(has)}, should be {wanted}")
        elif method.upper() != "POST":
            problems.append(f"{name}: is sent by {method}, should be POST")
    return tuple(problems)


def _urls(of: Addresses) -> tuple[str, str, str]:
    return of.voice_url, of.voice_fallback_url, of.status_callback


def _shown(url: str) -> str:
    """Another installation's address may carry a password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{parts.scheme}://{host}{parts.path}{fragment}" if host else "empty"


def certificate(base_url: str) -> str:
    """What is wrong with the certificate of our public address, as the world sees it; "" if
    nothing is. It must be signed by an authority that everybody trusts, as Twilio checks it."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return f"{base_url} is not https: Twilio's requests would travel unprotected."
    try:
        with (
            socket.create_connection((host, parts.port or 443), TIMEOUT) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return f"The certificate of {host} is not valid: {error.verify_message}."
    except OSError as error:
        return f"{host} cannot be reached from here: {type(error).__name__}."
