"""Codes of a second factor, from an app and written down."""

from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from app import codes

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238, appendix B: its last six digits


@pytest.mark.parametrize(
    ("now", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(now: int, code: str) -> None:
    assert codes.matching_step(RFC_SECRET, code, now) == now // 30
    assert codes.matching_step(RFC_SECRET, f"{code[:3]} {code[3:]}", now) == now // 30


@pytest.mark.parametrize(
    ("steps", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_be_one_step_wrong(steps: int, fits: bool) -> None:
    secret, now = codes.new_secret(), 1_790_000_000.0
    shown = pyotp.TOTP(secret).at(now, counter_offset=steps)
    found = codes.matching_step(secret, shown, now)
    assert found == (int(now) // codes.STEP + steps if fits else None)


@pytest.mark.parametrize(
    "code",
    ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "12 34 5x", "\0"],
)
def test_what_is_no_code_fits_nothing(code: str) -> None:
    assert codes.matching_step(codes.new_secret(), code, 1_790_000_000.0) is None
    assert codes.hash_of_recovery(code) is None


def test_secrets_and_recovery_codes_are_new_each_time_and_hard_to_guess() -> None:
    made = [code for _ in range(20) for code in codes.new_recovery_codes()]
    assert len(set(made)) == 20 * codes.RECOVERY_CODES
    assert all(len(code.replace("-", "")) * 5 == 80 for code in made)
    assert len({codes.new_secret() for _ in range(20)}) == 20
    assert len(codes.new_secret()) * 5 == 160


def test_a_recovery_code_is_known_however_it_is_typed() -> None:
    (code, *_) = codes.new_recovery_codes()
    hashed = codes.hash_of_recovery(code)
    assert hashed
    for typed in (code.upper(), code.replace("-", ""), code.replace("-", " "), f" {code} "):
        assert codes.hash_of_recovery(typed) == hashed
    assert codes.hash_of_recovery(code[:-1]) is None
    assert codes.hash_of_recovery(f"{code}a") is None


def test_apps_read_who_it_is_for() -> None:
    address = codes.address(RFC_SECRET, "ada+1@example.com", "Front & Desk")
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Front & Desk:ada+1@example.com"
    assert parse_qs(parts.query) == {"secret": [RFC_SECRET], "issuer": ["Front & Desk"]}


def test_the_picture_needs_no_quoting_in_a_page() -> None:
    picture = codes.picture(codes.address(codes.new_secret(), "ada", "Receptionist"))
    assert picture.startswith("data:image/svg+xml")
    assert not set(picture) & set("<>\"' ")
