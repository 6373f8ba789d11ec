"""Tells operators, by mail and by a webhook, straight from the process that found out.

Neither way goes through the outbox: its rows, its workers or its Redis may be what there is to tell
of. Of all that has changed one message is sent each way.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from logging import getLogger
from typing import Any, Final
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import select

from app import mailbox, outside
from app.alerts.rules import Rule, written
from app.extensions import db
from app.jobs import post, smtp
from app.jobs.outbox import JobError
from app.jobs.post import Letter, Row
from app.models import Role, User
from app.outside import OutsideError
from app.roles import RoleName
from app.voice.spoken import speech

MAIL_SECONDS: Final = 15.0
POST_SECONDS: Final = 5.0
LANGUAGE: Final = "en-US"
_AGAIN: Final = "You are told again every four hours while it lasts, and once when it is over."

log = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """Of one alert. `value` None: it could not be measured. `reminder`: it was told before."""

    rule: Rule
    firing: bool
    since: datetime
    value: float | None
    threshold: float
    detail: str = ""
    reminder: bool = False

    @property
    def line(self) -> str:
        if not self.firing:
            return f"Over: {self.rule.title}"
        value = "" if self.value is None else f": {written(self.value, self.rule.unit)}"
        return f"{'Still: ' if self.reminder else ''}{self.rule.title}{value}"


def named() -> list[str]:
    return post.addresses(str(current_app.extensions["settings"].alert_email).split(","))


def recipients() -> list[str]:
    """ALERT_EMAIL, else every super admin who is active. Platform work."""
    if known := named():
        return known
    admins = select(User.email).where(
        User.active.is_(True), User.roles.any(Role.name == str(RoleName.SUPER_ADMIN))
    )
    return post.addresses(db.session.scalars(admins.order_by(User.id)))


def has_webhook() -> bool:
    return bool(current_app.extensions["settings"].alert_webhook_url)


def mail(news: Sequence[News], to: list[str]) -> str:
    """What went wrong, in words; "" when the mail server has taken it."""
    message = post.message_of(_letter(news), to, speech(LANGUAGE), _message_id())
    try:
        if current_app.extensions["settings"].mail_server:
            smtp.send(message, MAIL_SECONDS)
        else:
            post.keep_as_file(mailbox.path_of(None, f"alert{time.time_ns()}"), message)
    except JobError as error:
        return error.reason
    return ""


def hook(news: Sequence[News]) -> str:
    """The same by the webhook. `text` is what chats ask for, all else is for programs."""
    settings = current_app.extensions["settings"]
    body = json.dumps(
        {
            "text": "\n".join([f"{settings.product_name} at {settings.public_base_url}:",
                               *(one.line for one in news)]),
            "event": "alerts", "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "installation": settings.public_base_url, "alerts": [_told(one) for one in news],
        }
    ).encode()  # fmt: skip
    headers = {"Content-Type": "application/json", "User-Agent": "Receptionist-Alerts/1"}
    try:
        to = outside.target(settings.alert_webhook_url, settings.webhook_allow_hosts)
        answer = outside.post(to, body, headers, seconds=POST_SECONDS)
    except OutsideError as error:
        return error.reason
    return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"


def _told(one: News) -> dict[str, Any]:
    return {
        "name": one.rule.name, "title": one.rule.title, "firing": one.firing,
        "reminder": one.reminder, "since": one.since.isoformat(timespec="seconds"),
        "value": one.value, "threshold": one.threshold, "unit": str(one.rule.unit),
        "detail": one.detail, "measures": one.rule.measures, "advice": one.rule.advice,
    }  # fmt: skip


def _letter(news: Sequence[News]) -> Letter:
    base = current_app.extensions["settings"].public_base_url
    first = news[0].line
    subject = first if len(news) == 1 else f"{first}, and {len(news) - 1} more"
    rows = []
    for one in news:
        rows.append(Row("Alert", one.line))
        if one.firing:
            rows.append(Row("What is measured", one.rule.measures))
            rows.append(Row("Now", _now(one)))
            at = written(one.threshold, one.rule.unit)
            rows.append(Row("Told at", f"{at} and more"))
            rows.append(Row("What to do", one.rule.advice))
        rows.append(Row("Since", f"{one.since:%A, %B %-d, %Y, %H:%M} UTC"))
    return Letter(
        subject=subject, title=subject,
        notes=(_AGAIN,) if any(one.firing for one in news) else (),
        rows=tuple(rows), footer=f"All alerts, and how to mute one: {base}/alerts/",
    )  # fmt: skip


def _now(one: News) -> str:
    value = "not known" if one.value is None else written(one.value, one.rule.unit)
    return f"{value} ({one.detail})" if one.detail else value


def _message_id() -> str:
    host = urlsplit(current_app.extensions["settings"].public_base_url).hostname or "localhost"
    return f"<alert-{time.time_ns()}@{host}>"
