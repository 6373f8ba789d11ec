"""What the product under drill is told by its environment: production, with every dependency behind
a proxy."""

import base64
import json
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from app.embedded.ports import HOST
from bench import product
from bench.drills.faults import FaultProxy
from config import Settings

PUBLIC = "https://reception.example.com"
OPERATOR = "operator@drills.example.com"
PATIENCE = 180.0  # two worlds may start at once, on a machine that others use as well


def production(data: Path, redis_url: str) -> Settings:
    key = base64.urlsafe_b64encode(os.urandom(32)).decode()
    return Settings.load({
        "APP_ENV": "production", "PUBLIC_BASE_URL": PUBLIC, "DATA_DIR": str(data),
        "SECRET_KEY": secrets.token_hex(32), "ENCRYPTION_KEYS": key, "REDIS_URL": redis_url,
    })  # fmt: skip


def left_alone(port: int) -> str:
    """What this node does not ask just now, by its /readyz."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=PATIENCE) as answer:
            return str(json.load(answer).get("left_alone", ""))
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"


def environment(settings: Settings, port: int, proxies: Mapping[str, FaultProxy]) -> dict[str, str]:
    """Of one process; `port` is the web node's."""
    keys = ",".join(settings.encryption_keys)
    return dict(os.environ) | product.NOTHING | product.WIDE | {
        "APP_ENV": "production", "PUBLIC_BASE_URL": PUBLIC, "PROXY_HOPS": "1",
        "SECRET_KEY": settings.secret_key, "ENCRYPTION_KEYS": keys,
        "DATA_DIR": str(settings.data_dir), "PORT": str(port),
        "DATABASE_URL": moved(settings.database_url, proxies["postgres"].port),
        "REDIS_URL": moved(settings.redis_url, proxies["redis"].port),
        "OPENAI_API_KEY": "sk-drill",
        "OPENAI_BASE_URL": f"http://{HOST}:{proxies['model'].port}/v1",
        "MAIL_SERVER": HOST, "MAIL_PORT": str(proxies["mail"].port), "MAIL_USE_TLS": "false",
        "TWILIO_API_URL": f"http://{HOST}:{proxies['twilio'].port}",
        "ALERT_EMAIL": OPERATOR, "ENCODER": "false",
        "WEB_WORKERS": "1", "WEB_THREADS": "32", "DB_POOL_SIZE": "12", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


def moved(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()
