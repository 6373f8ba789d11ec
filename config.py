"""Every setting of the product: read once from the environment or `.env`, typed, checked.

Standard library only: the supervisor and the bootstrap read it before anything heavy is imported.
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent
DB_POOL_OVERFLOW = 2
"""Connections a process may open beyond DB_POOL_SIZE for a moment."""
SHORTEST_SECRET = 32
SHORTEST_PASSWORD = 12
SHORTEST_TOKEN = 20


class BadSetting(Exception):
    """A setting cannot be used. The message names it and what to do, never a secret's value."""


def _text(name: str, raw: str) -> str:
    return raw


def _whole(lowest: int, highest: int) -> Callable[[str, str], int]:
    def parse(name: str, raw: str) -> int:
        try:
            number = int(raw)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= highest:
            raise BadSetting(
                f"{name} must be a whole number from {lowest} to {highest}, but is {raw!r}."
            )
        return number

    return parse


def _switch(name: str, raw: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    if raw.lower() not in words:
        raise BadSetting(f"{name} must be true or false, but is {raw!r}.")
    return words[raw.lower()]


def _one_of(*allowed: str) -> Callable[[str, str], str]:
    def parse(name: str, raw: str) -> str:
        if raw not in allowed:
            raise BadSetting(f"{name} must be {' or '.join(allowed)}, but is {raw!r}.")
        return raw

    return parse


def _totp(name: str, raw: str) -> str:
    """Of whom; as a switch it speaks of admins."""
    words = {"none": "none", "admins": "admins", "all": "all"}
    words |= dict.fromkeys(("0", "false", "no", "off"), "none")
    words |= dict.fromkeys(("1", "true", "yes", "on"), "admins")
    if raw.lower() not in words:
        raise BadSetting(f"{name} must be none, admins or all, but is {raw!r}.")
    return words[raw.lower()]


def _url(*schemes: str) -> Callable[[str, str], str]:
    """The value is not repeated in the message: it may hold a password."""

    def parse(name: str, raw: str) -> str:
        try:
            parts = urlsplit(raw)
            usable = parts.scheme in schemes and bool(parts.netloc or parts.path)
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            raise BadSetting(
                f"{name} is not a usable address; it must begin with "
                + " or ".join(f"{scheme}://" for scheme in schemes)
                + "."
            )
        return raw

    return parse


def _database(name: str, raw: str) -> str:
    """One spelling, because libpq does not know SQLAlchemy's and SQLAlchemy not Heroku's."""
    scheme, separator, rest = raw.partition("://")
    if scheme in ("postgres", "postgresql+psycopg2"):
        scheme = "postgresql"
    return _url("postgresql")(name, scheme + separator + rest)


def _base_url(name: str, raw: str) -> str:
    parts = urlsplit(_url("http", "https")(name, raw))
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise BadSetting(f"{name} must be scheme and host only, as in https://example.com.")
    return raw.rstrip("/")


def _folder(name: str, raw: str) -> Path:
    path = Path(raw).expanduser()
    return path if path.is_absolute() else ROOT / path


def _keys(name: str, raw: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in raw.split(",") if key.strip())
    for position, key in enumerate(keys, start=1):
        if not _is_key(key):
            raise BadSetting(
                f"{name}: key {position} is not 32 bytes in URL-safe base64. Make one with: "
                'python3 -c "import base64, os; '
                'print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
            )
    return keys


def _hosts(name: str, raw: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in raw.split(",") if host.strip())
    for host in hosts:
        if "/" in host or "@" in host or any(c.isspace() for c in host):
            raise BadSetting(f"{name}: {host!r} must be a host or host:port, without a scheme.")
    return hosts


def _headers(name: str, raw: str) -> tuple[tuple[str, str], ...]:
    """name=value, by commas, as OpenTelemetry has them. Values are not repeated in the message."""
    found = [part.partition("=") for part in raw.split(",") if part.strip()]
    for position, (header, _equals, value) in enumerate(found, start=1):
        good = re.fullmatch(r"[A-Za-z0-9-]+", header.strip()) and value.strip().isprintable()
        if not good or not value.strip():
            raise BadSetting(f"{name}: entry {position} must be name=value.")
    return tuple((header.strip(), value.strip()) for header, _equals, value in found)


def _token(name: str, raw: str) -> str:
    if len(raw) < SHORTEST_TOKEN or any(c.isspace() or not c.isascii() for c in raw):
        raise BadSetting(
            f"{name} must have {SHORTEST_TOKEN} or more characters and no spaces, such as what "
            'python3 -c "import secrets; print(secrets.token_urlsafe(32))" prints.'
        )
    return raw


def _colour(name: str, raw: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", raw):
        raise BadSetting(f"{name} must be a colour such as #2f55d4, but is {raw!r}.")
    return raw.lower()


def _name(name: str, raw: str) -> str:
    if len(raw) > 40:
        raise BadSetting(f"{name} must have at most 40 characters.")
    return raw


def _is_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == 32
    except (binascii.Error, ValueError):
        return False


def _setting(parse: Callable[[str, str], Any], default: str = "", secret: bool = False) -> Any:
    return field(metadata={"parse": parse, "default": default}, repr=not secret)


@dataclass(frozen=True, slots=True)
class Settings:
    """What `load` found. An empty text means: not set, the part that uses it does without."""

    database_url: str = _setting(_database, secret=True)
    database_admin_url: str = _setting(_database, secret=True)
    database_replica_url: str = _setting(_database, secret=True)
    redis_url: str = _setting(_url("redis", "rediss", "unix"), secret=True)
    secret_key: str = _setting(_text, secret=True)
    encryption_keys: tuple[str, ...] = _setting(_keys, secret=True)
    public_base_url: str = _setting(_base_url)
    port: int = _setting(_whole(1, 65535), "8080")
    listen_address: str = _setting(_one_of("127.0.0.1", "0.0.0.0"), "127.0.0.1")
    proxy_hops: int = _setting(_whole(0, 10), "0")
    data_dir: Path = _setting(_folder, "data")
    app_env: str = _setting(_one_of("development", "production"), "development")
    product_name: str = _setting(_name, "Receptionist")
    product_colour: str = _setting(_colour, "#2f55d4")
    admin_email: str = _setting(_text, "admin@example.com")
    admin_password: str = _setting(_text, secret=True)
    twilio_account_sid: str = _setting(_text)
    twilio_auth_token: str = _setting(_text, secret=True)
    twilio_api_url: str = _setting(_base_url, "https://api.twilio.com")
    openai_api_key: str = _setting(_text, secret=True)
    openai_base_url: str = _setting(_url("http", "https"))
    openai_model: str = _setting(_text, "gpt-5.6-luna")
    mail_server: str = _setting(_text)
    mail_port: int = _setting(_whole(1, 65535), "587")
    mail_username: str = _setting(_text)
    mail_password: str = _setting(_text, secret=True)
    mail_use_tls: bool = _setting(_switch, "true")
    mail_default_sender: str = _setting(_text, "receptionist@localhost")
    alert_email: str = _setting(_text)
    alert_webhook_url: str = _setting(_url("http", "https"), secret=True)
    metrics_token: str = _setting(_token, secret=True)
    webhook_allow_hosts: tuple[str, ...] = _setting(_hosts)
    otel_exporter_otlp_endpoint: str = _setting(_url("http", "https"))
    otel_exporter_otlp_headers: tuple[tuple[str, str], ...] = _setting(_headers, secret=True)
    require_totp: str = _setting(_totp, "none")
    web_workers: int = _setting(_whole(1, 64), "2")
    web_threads: int = _setting(_whole(1, 1024), "64")
    workers: int = _setting(_whole(0, 64), "1")
    db_pool_size: int = _setting(_whole(1, 200), "12")
    encoder: bool = _setting(_switch, "true")
    limit_calls_at_once: int = _setting(_whole(1, 10_000), "100")
    limit_calls_per_minute: int = _setting(_whole(1, 100_000), "300")
    limit_caller_at_once: int = _setting(_whole(1, 10_000), "5")
    limit_caller_per_minute: int = _setting(_whole(1, 100_000), "20")
    limit_call_seconds: int = _setting(_whole(60, 14_400), "1800")
    limit_talk_seconds: int = _setting(_whole(60, 14_400), "3600")
    limit_call_tokens: int = _setting(_whole(0, 10_000_000), "100000")
    limit_call_cents: int = _setting(_whole(0, 10_000_000), "300")
    limit_caller_day_cents: int = _setting(_whole(0, 10_000_000), "1000")
    limit_day_cents: int = _setting(_whole(0, 10_000_000), "10000")
    limit_month_cents: int = _setting(_whole(0, 10_000_000), "100000")
    given: frozenset[str] = field(default=frozenset())
    """Names that were set rather than defaulted: an explicit PORT is never moved."""
    served_at: str = field(default="")
    """Where a web server of the host's serves us; empty: our own does, on PORT."""

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read `environ`; without one, the process's environment over `.env` beside run.py.

        Makes DATA_DIR, and in it the two kept secrets when they are unset outside production.
        Raises BadSetting.
        """
        if environ is None:
            environ = read_env_file(ROOT / ".env") | dict(os.environ)
        values: dict[str, Any] = {}
        for entry in fields(cls):
            if entry.metadata:
                name = entry.name.upper()
                raw = environ.get(name, "").strip() or entry.metadata["default"]
                values[entry.name] = entry.metadata["parse"](name, raw) if raw else _empty(entry)
        given = {name for name in values if environ.get(name.upper(), "").strip()}
        values["public_base_url"] = values["public_base_url"] or local_base_url(values["port"])
        _check_pairs(values)
        if values["app_env"] == "production":
            _check_production(values, given)
        make_data_dir(values["data_dir"])
        if not values["secret_key"]:
            values["secret_key"] = kept_secret(values["data_dir"] / "secret_key")
        if not values["encryption_keys"]:
            kept = kept_secret(values["data_dir"] / "encryption_keys")
            values["encryption_keys"] = _keys("DATA_DIR/encryption_keys", kept)
        return cls(**values, given=frozenset(given))

    @property
    def sqlalchemy_url(self) -> str:
        return _with_driver(self.database_url)

    @property
    def sqlalchemy_replica_url(self) -> str:
        return _with_driver(self.database_replica_url)

    @property
    def secret_values(self) -> tuple[str, ...]:
        """What no log may hold: secrets, and the passwords inside of addresses."""
        told = [getattr(self, f.name) for f in fields(self) if f.metadata and not f.repr]
        flat = [one for value in told for one in _flat(value)]
        within = (urlsplit(one).password for one in flat if "://" in one)
        return tuple(one for one in (*within, *flat) if one)

    @property
    def local_url(self) -> str:
        """Where this machine's web server listens, whatever stands in front of it."""
        return self.served_at or local_base_url(self.port)

    @property
    def is_production(self) -> bool:
        return self.app_env == "production"


def _flat(value: Any) -> list[str]:
    """Of headers the values: their names are nobody's secret."""
    if not isinstance(value, tuple):
        return [value]
    return [one[1] if isinstance(one, tuple) else one for one in value]


def _empty(entry: Any) -> Any:
    several = ("encryption_keys", "webhook_allow_hosts", "otel_exporter_otlp_headers")
    return () if entry.name in several else ""


def _with_driver(url: str) -> str:
    """For create_engine, which from 2.1 on takes plain `postgresql` for another driver."""
    return url.replace("postgresql://", "postgresql+psycopg2://", 1)


def local_base_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _check_pairs(values: Mapping[str, Any]) -> None:
    for one, other in (
        ("twilio_account_sid", "twilio_auth_token"),
        ("mail_username", "mail_password"),
    ):
        if bool(values[one]) != bool(values[other]):
            raise BadSetting(f"{one.upper()} and {other.upper()} go together: set both or neither.")


def _check_production(values: Mapping[str, Any], given: set[str]) -> None:
    for name in ("secret_key", "encryption_keys", "public_base_url"):
        if name not in given:
            raise BadSetting(f"{name.upper()} must be set when APP_ENV=production.")
    if len(values["secret_key"]) < SHORTEST_SECRET or len(set(values["secret_key"])) < 8:
        raise BadSetting(
            f"SECRET_KEY is too short or too simple for production: use {SHORTEST_SECRET} or more "
            'random characters, such as python3 -c "import secrets; print(secrets.token_hex(32))".'
        )
    if not values["public_base_url"].startswith("https://"):
        raise BadSetting("PUBLIC_BASE_URL must begin with https:// when APP_ENV=production.")
    _check_keys(values)
    _check_way_in(values)
    _check_ways_out(values)
    if values["admin_password"] and len(values["admin_password"]) < SHORTEST_PASSWORD:
        raise BadSetting(
            f"ADMIN_PASSWORD needs at least {SHORTEST_PASSWORD} characters when APP_ENV=production."
        )


def _check_keys(values: Mapping[str, Any]) -> None:
    for position, key in enumerate(values["encryption_keys"], start=1):
        if len(set(base64.urlsafe_b64decode(key))) < 8:
            raise BadSetting(f"ENCRYPTION_KEYS: key {position} is not random.")
        if key == values["secret_key"]:
            raise BadSetting("SECRET_KEY must not be one of ENCRYPTION_KEYS.")


def _check_way_in(values: Mapping[str, Any]) -> None:
    """Whoever is let in without a proxy in front would be unencrypted; and of one that is not
    counted, everybody seems to have its address: in tries to sign in, in the audit log."""
    if values["listen_address"] != "127.0.0.1" and not values["proxy_hops"]:
        raise BadSetting(
            "LISTEN_ADDRESS lets in other machines: set PROXY_HOPS to the number of proxies in "
            "front, and let nobody else reach PORT."
        )


def _check_ways_out(values: Mapping[str, Any]) -> None:
    """No password goes over a network in the clear, and nobody gets at Redis without one."""
    redis = urlsplit(values["redis_url"])
    elsewhere = values["redis_url"] and redis.scheme != "unix" and not _is_here(redis.hostname)
    if elsewhere and not redis.password:
        raise BadSetting(
            "REDIS_URL: a Redis on another machine needs a password, as in "
            "redis://:password@host:6379/0."
        )
    twilio = urlsplit(values["twilio_api_url"])
    if twilio.scheme != "https" and not _is_here(twilio.hostname):
        raise BadSetting("TWILIO_API_URL must begin with https:// when APP_ENV=production.")
    secured = values["mail_use_tls"] or values["mail_port"] == 465
    if values["mail_username"] and not secured and not _is_here(values["mail_server"]):
        raise BadSetting(
            "MAIL_USE_TLS is false, so that MAIL_PASSWORD would be sent in the clear: set it to "
            "true, or MAIL_PORT to 465."
        )


def _is_here(host: str | None) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")


def read_env_file(path: Path) -> dict[str, str]:
    """Lines of NAME=value; `export`, quotes, comments and blank lines are allowed."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{path.name} cannot be read: {error}.") from error
    found = {}
    for number, line in enumerate(lines, start=1):
        line = line.strip().removeprefix("export ").lstrip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip().isidentifier():
            raise BadSetting(f"{path.name}, line {number}: expected NAME=value.")
        found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    for quote in ("'", '"'):
        if value.startswith(quote):
            closing = value.find(quote, 1)
            if closing > 0:
                return value[1:closing]
    return value.partition(" #")[0].rstrip()


def make_data_dir(path: Path) -> None:
    """Private to us; root's may be entered (not listed), as PostgreSQL refuses to run as root."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise BadSetting(f"DATA_DIR: {path} cannot be made: {error.strerror}.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise BadSetting(f"DATA_DIR: {path} cannot be written by this user; choose another.")


def kept_secret(path: Path) -> str:
    """The secret kept in `path`, made on first use: 32 random bytes in URL-safe base64, 0600.

    Several processes may ask at once; `link` lets exactly one of them win.
    """
    try:
        if not path.exists():
            made = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            made.touch(mode=0o600)
            made.write_text(base64.urlsafe_b64encode(os.urandom(32)).decode())
            try:
                os.link(made, path)
            except FileExistsError:
                pass
            finally:
                made.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise BadSetting(f"DATA_DIR: {path.name} cannot be kept: {error.strerror}.") from error
