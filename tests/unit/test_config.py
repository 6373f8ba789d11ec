"""Settings: defaults that work, and malformed values told by name without giving secrets away."""

import re
import stat
from dataclasses import fields
from pathlib import Path

import pytest

from config import ROOT, BadSetting, Settings, kept_secret, read_env_file

EXAMPLE = (ROOT / ".env.example").read_text()
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def load(tmp_path: Path, **environ: str) -> Settings:
    return Settings.load({"DATA_DIR": str(tmp_path / "data"), **environ})


def production(tmp_path: Path, **environ: str) -> Settings:
    safe = {
        "APP_ENV": "production",
        "SECRET_KEY": "0123456789abcdef0123456789abcdef",
        "ENCRYPTION_KEYS": KEY,
        "PUBLIC_BASE_URL": "https://reception.example.com",
    }
    return load(tmp_path, **(safe | environ))


def test_everything_has_a_default_that_works(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.port == 8080
    assert settings.public_base_url == "http://127.0.0.1:8080"
    assert settings.database_url == ""
    assert settings.given == {"data_dir"}


def test_every_setting_and_no_other_is_in_the_example() -> None:
    text = (ROOT / ".env.example").read_text()
    shown = re.findall(r"^# ([A-Z_]+)=", text, flags=re.MULTILINE)
    assert sorted(shown) == sorted(
        entry.name.upper() for entry in fields(Settings) if entry.init and entry.metadata
    )


def test_the_example_shows_the_true_defaults() -> None:
    shown = dict(
        re.findall(r"^# ([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    )
    for entry in fields(Settings):
        if entry.metadata and entry.metadata["default"]:
            assert shown[entry.name.upper()] == entry.metadata["default"]


def test_the_example_with_every_line_active_is_a_valid_file(tmp_path: Path) -> None:
    active = re.sub(
        r"^# ([A-Z_]+=)", r"\1", (ROOT / ".env.example").read_text(), flags=re.MULTILINE
    )
    (tmp_path / ".env").write_text(active)
    found = read_env_file(tmp_path / ".env")
    assert load(tmp_path, **(found | {"DATA_DIR": str(tmp_path / "data")})).web_threads == 64


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("LISTEN_ADDRESS", "example.com"),
        ("PORT", "70000"),
        ("WEB_WORKERS", "0"),
        ("MAIL_USE_TLS", "maybe"),
        ("APP_ENV", "staging"),
        ("DATABASE_URL", "mysql://user:hunter2@db/recep"),
        ("DATABASE_URL", "postgresql://user:hunter2@db:port/recep"),
        ("REDIS_URL", "hunter2"),
        ("PUBLIC_BASE_URL", "reception.example.com"),
        ("PUBLIC_BASE_URL", "https://example.com/hunter2"),
        ("ENCRYPTION_KEYS", "hunter2"),
        ("ENCRYPTION_KEYS", f"{KEY},hunter2"),
        ("TWILIO_AUTH_TOKEN", "hunter2"),
        ("DATA_DIR", "/dev/null/data"),
    ],
)
def test_a_malformed_value_is_named_and_no_secret_is_repeated(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(BadSetting, match=name) as caught:
        load(tmp_path, **{name: value})
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_in_the_settings_own_text(tmp_path: Path) -> None:
    text = repr(
        load(tmp_path, OPENAI_API_KEY="sk-hunter2", DATABASE_URL="postgresql://u:hunter2@db/x")
    )
    assert "hunter2" not in text
    assert load(tmp_path).secret_key not in text


def test_secrets_are_made_once_and_readable_by_us_alone(tmp_path: Path) -> None:
    first, second = load(tmp_path), load(tmp_path)
    assert first.secret_key == second.secret_key
    assert first.encryption_keys == second.encryption_keys
    assert first.secret_key not in first.encryption_keys
    for name in ("secret_key", "encryption_keys"):
        mode = (tmp_path / "data" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_another_process_may_have_made_the_secret_first(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("theirs")
    assert kept_secret(tmp_path / "secret") == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_production_starts_with_safe_settings(tmp_path: Path) -> None:
    assert production(tmp_path).is_production


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 40),
        ("ENCRYPTION_KEYS", ""),
        ("PUBLIC_BASE_URL", ""),
        ("PUBLIC_BASE_URL", "http://reception.example.com"),
        ("ADMIN_PASSWORD", "letmein"),
        ("ENCRYPTION_KEYS", "A" * 43 + "="),
        ("REDIS_URL", "redis://cache.example.com:6379/0"),
        ("TWILIO_API_URL", "http://twilio.example.com"),
        ("LISTEN_ADDRESS", "0.0.0.0"),
    ],
)
def test_production_refuses_an_unsafe_setting(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        production(tmp_path, **{name: value})


def test_production_sends_no_password_in_the_clear(tmp_path: Path) -> None:
    mail = {"MAIL_SERVER": "smtp.example.com", "MAIL_USERNAME": "me", "MAIL_PASSWORD": "secret"}
    with pytest.raises(BadSetting, match="MAIL_USE_TLS"):
        production(tmp_path, **mail, MAIL_USE_TLS="false")
    for safe in ({"MAIL_USE_TLS": "true"}, {"MAIL_USE_TLS": "false", "MAIL_PORT": "465"}):
        assert production(tmp_path, **mail, **safe).mail_username == "me"
    for url in ("redis://:pw@cache:6379", "unix:///run/redis.sock", "redis://127.0.0.1:6379"):
        assert production(tmp_path, REDIS_URL=url).redis_url == url


def test_the_same_key_is_not_used_for_two_things(tmp_path: Path) -> None:
    key = production(tmp_path).encryption_keys[0]
    with pytest.raises(BadSetting, match="SECRET_KEY must not be"):
        production(tmp_path, SECRET_KEY=key)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_a_database_is_understood(tmp_path: Path, scheme: str) -> None:
    settings = load(tmp_path, DATABASE_URL=f"{scheme}://login:pass@db/recep")
    assert settings.database_url == "postgresql://login:pass@db/recep"
    assert settings.sqlalchemy_url == "postgresql+psycopg2://login:pass@db/recep"


def test_an_env_file_knows_quotes_comments_and_export(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# comment\n\nexport PORT=9000\nMAIL_PASSWORD='a # b'\nOPENAI_MODEL=small # cheap\n"
    )
    assert read_env_file(tmp_path / ".env") == {
        "PORT": "9000",
        "MAIL_PASSWORD": "a # b",
        "OPENAI_MODEL": "small",
    }


def test_a_broken_line_of_an_env_file_is_named_but_not_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nhunter2\n")
    with pytest.raises(BadSetting, match="line 2") as caught:
        read_env_file(tmp_path / ".env")
    assert "hunter2" not in str(caught.value)


def test_a_data_dir_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match="DATA_DIR"):
        Settings.load({"DATA_DIR": str(tmp_path / "file" / "data")})


@pytest.mark.parametrize(
    ("raw", "meant"),
    [("", "none"), ("false", "none"), ("true", "admins"), ("Admins", "admins"), ("all", "all")],
)
def test_of_whom_a_second_factor_is_asked(tmp_path: Path, raw: str, meant: str) -> None:
    assert load(tmp_path, REQUIRE_TOTP=raw).require_totp == meant


def test_nobody_is_left_out_by_a_slip_of_the_pen(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="REQUIRE_TOTP must be none, admins or all"):
        load(tmp_path, REQUIRE_TOTP="admin")
