"""Mails that lie in a folder of this machine, as there is no mail server: one file for a job."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

from flask import current_app

PLATFORM = "platform"


def folder() -> Path:
    found: Path = current_app.extensions["settings"].data_dir / "mail"
    return found


def path_of(tenant_id: int | None, job_id: int | str) -> Path:
    return folder() / f"job-{tenant_id or PLATFORM}-{job_id}.eml"


def owner(path: Path) -> str:
    """The tenant's id, or PLATFORM."""
    return path.name.split("-")[1]


def of_tenant(tenant_id: int) -> Iterator[Path]:
    yield from folder().glob(f"job-{tenant_id}-*.eml")


def words_of(path: Path) -> str:
    """Its headers and everything readable in it, decoded; "" when it has gone meanwhile."""
    try:
        mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    except FileNotFoundError:
        return ""
    texts = [f"{name}: {value}" for name, value in mail.items()]
    parts = (part for part in mail.walk() if part.get_content_maintype() == "text")
    return "\n".join([*texts, *(str(part.get_content()) for part in parts)])
