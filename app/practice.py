"""Practice numbers: to try a business out before it has a number at Twilio.

They are of the range that is kept for fiction (555-0100 to 555-0199, which no carrier gives to
anybody), and their calls are signed with a key of their own, made from SECRET_KEY: so that neither
Twilio nor whoever knows an account's token can call one, only the built-in telephones. In
production there are none, and one that was left over is not answered (app/directory.py).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

AREAS = (
    "201", "202", "203", "206", "212", "213", "214", "301", "303", "305", "312", "313", "314",
    "404", "408", "412", "414", "415", "502", "503", "504", "505", "512", "602", "603", "612",
    "615", "617", "619", "702", "703", "713", "716", "717", "801", "802", "803", "804", "813",
    "816", "901", "904", "914", "916", "919",
)  # fmt: skip
_FICTIONAL = re.compile(r"\+1[2-9]\d{2}55501\d{2}")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What stands for a Twilio account in the requests of such a call."""

    account_sid: str
    token: str = field(repr=False)


def credentials(secret_key: str, number: str) -> Credentials:
    """Of this number alone, the same whenever asked."""
    sid, token = (
        hmac.new(secret_key.encode(), f"practice {what} {number}".encode(), hashlib.sha256)
        for what in ("account", "token")
    )
    return Credentials("AC" + sid.hexdigest()[:32], token.hexdigest())


def is_fictional(number: str) -> bool:
    return bool(_FICTIONAL.fullmatch(number))


def some_number() -> str:
    """Any of them; it may be taken."""
    return f"+1{secrets.choice(AREAS)}55501{secrets.randbelow(100):02}"
