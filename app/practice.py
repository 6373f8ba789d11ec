"""Practice numbers: to try a business out before it has a number at Twilio.

They are of the range that is kept for fiction (555-0100 to 555-0199): no carrier gives them to
anybody, so that only the built-in telephones call one. Whatever calls it is a test call. In
production there are none, and one that was left over is not answered (app/directory.py).
"""

import hashlib
import hmac
import re
import secrets

AREAS = (
    "201", "202", "203", "206", "212", "213", "214", "301", "303", "305", "312", "313", "314",
    "404", "408", "412", "414", "415", "502", "503", "504", "505", "512", "602", "603", "612",
    "615", "617", "619", "702", "703", "713", "716", "717", "801", "802", "803", "804", "813",
    "816", "901", "904", "914", "916", "919",
)  # fmt: skip
_FICTIONAL = re.compile(r"\+1[2-9]\d{2}55501\d{2}")


def account(secret_key: str) -> tuple[str, str]:
    """Account and token by which the built-in telephones sign where there is no account at Twilio:
    whoever signs for this one has the installation's SECRET_KEY."""
    sid, token = (
        hmac.new(
            secret_key.encode(), f"built-in telephone: {part}".encode(), hashlib.sha256
        ).hexdigest()[:32]
        for part in ("account", "token")
    )
    return f"AC{sid}", token


def is_fictional(number: str) -> bool:
    return bool(_FICTIONAL.fullmatch(number))


def some_number() -> str:
    """Any of them; it may be taken."""
    return f"+1{secrets.choice(AREAS)}55501{secrets.randbelow(100):02}"
