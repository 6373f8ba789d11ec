"""No log line and no error text shows a secret or a telephone number, whoever wrote it there."""

import json
import logging

import pytest

from app import logs, masking
from app.masking import mask
from config import Settings

SECRETS = (
    "Authorization: Basic QUMxMjM0NTY3ODkwOnNlY3JldA==",
    "Authorization: Bearer rk_0123456789abcdef0123",
    "{'X-Twilio-Signature': 'dGhlIHNpZ25hdHVyZQ=='}",
    "Cookie: session=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2ln",
    "connection to postgresql://me:hunter22@db.example.com/recep failed",
    "redis://:hunter22@cache:6379/0",
    "auth_token=0123456789abcdef0123456789abcdef&x=1",
    '{"password": "hunter22"}',
    "key sk-proj-0123456789abcdef was refused",
    "whsec_0123456789abcdefghij",
    "gAAAAABn0123456789abcdefghij==",
    "GET /password/set/Zm9yZ290dGVu-link",
)  # fmt: skip
HIDDEN = (
    "QUMx",
    "rk_0",
    "dGhl",
    "eyJh",
    "hunter22",
    "0123456789abcdef",
    "whsec_0",
    "gAAAA",
    "Zm9y",
)
PHONES = (
    "+12125550142", "+1 (212) 555-0142", "(212) 555-0142", "212-555-0142", "212.555.0142",
    "2125550142", "From=%2B12125550142", "+44 7911 123456", "caller 12125550142 hung up",
    "4111 1111 1111 1111", "ann@example.com",
)  # fmt: skip
HARMLESS = (
    "turn decided", "CA1f2e3d4c5b6a79881f2e3d4c5b6a7988", "2026-11-24T00:11:55.123+00:00",
    "127.0.0.1:8080", "192.168.100.200", "10.0.0.1 - 200 in 1234 ms", "job 123456 of tenant 7",
    "tokens_in=1200", "at 1732406400.25", "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "app/voice/desk.py line 120", "2026-11-24 00:11:55",
)  # fmt: skip


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_masked_wherever_it_stands(text: str) -> None:
    for around in ("{}", "it failed: {} (again)", "line one\n{}\nline three"):
        shown = mask(around.format(text))
        assert not [hidden for hidden in HIDDEN if hidden in shown], shown
        assert masking.MASK in shown


@pytest.mark.parametrize("text", PHONES)
def test_a_persons_number_is_masked(text: str) -> None:
    for around in ("{}", "no answer from {}, given up", "'{}'"):
        shown = mask(around.format(text))
        assert sum(c.isdigit() for c in shown) <= 2, shown
        assert "ann@" not in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_operators_need_is_left(text: str) -> None:
    assert mask(text) == text


def test_what_the_database_quotes_of_a_row_is_masked() -> None:
    told = 'null value in column "x"\nDETAIL:  Failing row contains (1, Ada Byron, +12125550142).\n'
    assert "Ada" not in mask(told)
    assert "null value" in mask(told)


def test_settings_that_are_secret_are_masked_by_value(tmp_path) -> None:
    given = {
        "DATA_DIR": str(tmp_path), "MAIL_USERNAME": "me", "MAIL_PASSWORD": "plain word phrase",
        "DATABASE_URL": "postgresql://me:in%20the%20address@db/x",
        "OPENAI_API_KEY": "no-known-form",
    }  # fmt: skip
    settings = Settings.load(given)
    masking.hide(settings.secret_values)
    shown = mask(f"plain word phrase; in%20the%20address; no-known-form; {settings.secret_key}")
    assert shown == "; ".join([masking.MASK] * 4)


def test_every_part_of_a_log_line_is_masked() -> None:
    try:
        raise ValueError("could not reach +12125550142 with token=abcdef123456")
    except ValueError as error:
        found = (type(error), error, error.__traceback__)
    record = logging.LogRecord(
        "x", logging.ERROR, __file__, 1, "from %s", ("+12125550143",), exc_info=found
    )
    record.caller, record.speech, record.ms = "somebody", "my words", 12
    record.detail = {"auth_token": "abcdef123456", "list": ["+12125550144"]}
    line = logs.JsonLines().format(record)
    told = json.loads(line)
    assert not [part for part in ("212555", "abcdef", "somebody", "my words") if part in line]
    assert told["ms"] == 12
    assert "ValueError" in told["trace"]
