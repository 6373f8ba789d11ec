"""Codes of a second factor: from an authenticator app (RFC 6238), and written down for a bad day.

Pure. A secret is base32 as apps take it: 160 bits, six digits, 30 seconds, SHA-1, which is what
all of them know.
"""

import hashlib
import re
import secrets
from typing import Final

import pyotp
import segno

STEP: Final = 30  # seconds
DRIFT: Final = 1  # steps that a clock may be wrong, either way
RECOVERY_CODES: Final = 10
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # 5 bits each, none that looks like another
_GROUPS, _GROUP = 4, 4


def new_secret() -> str:
    return pyotp.random_base32()


def address(secret: str, person: str, issuer: str) -> str:
    """What an app reads out of the picture: otpauth://totp/…"""
    return pyotp.TOTP(secret).provisioning_uri(name=person, issuer_name=issuer)


def picture(text: str) -> str:
    """A QR code of it, as the address of an image."""
    return str(segno.make(text, micro=False).svg_data_uri(scale=4, border=4, light="#fff"))


def matching_step(secret: str, code: str, now: float) -> int | None:
    """Which step around `now` (Unix time, seconds) this is the code of. Steps grow with time: one
    that is not later than the last one accepted is a replay."""
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    current, found = int(now) // STEP, None
    for step in range(current - DRIFT, current + DRIFT + 1):
        if secrets.compare_digest(pyotp.HOTP(secret).at(step), digits):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """80 bits each, so that a plain hash keeps them."""
    return ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def hash_of_recovery(code: str) -> str | None:
    """SHA-256 of one, however it was typed; None: it is none."""
    plain = re.sub(r"[\s-]", "", code).lower()
    if len(plain) != _GROUPS * _GROUP or not set(plain) <= set(_LETTERS):
        return None
    return hashlib.sha256(plain.encode()).hexdigest()


def _group() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_GROUP))
