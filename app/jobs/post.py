"""Sends one mail for one job: made safe, and kept with the job as it was sent."""

import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, render_template
from flask_mail import Message

from app import mailbox
from app.extensions import db
from app.jobs import ledger, outbox, smtp
from app.jobs.outbox import JobError, Work
from app.jobs.smtp import Sent
from app.metrics import catalogue, counting
from app.models import JobKind, SpendKind
from app.voice.spoken import Speech

LONGEST_HEADER = 150
LATER = timedelta(minutes=5)

_ADDRESS = re.compile(r"[^\s@<>(),;:\"\\\[\]]+@[^\s@<>(),;:\"\\\[\]]+")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a mail: what it is, its value, and (of a lead's field) how it is known."""

    label: str
    value: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it is sent. Texts are plain and may hold a caller's words."""

    subject: str
    title: str
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    summary_title: str = ""
    summary: str = ""
    footer: str = ""


def header_safe(text: str) -> str:
    """One printable line: Flask-Mail checks some headers for line breaks and not others, and a
    lone surrogate or an encoded word made of somebody's name must not reach a mail program."""
    printable = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(printable.replace("=?", "= ?").split())[:LONGEST_HEADER]


def text_safe(text: str) -> str:
    """Keeps line breaks; control and direction-changing characters go."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c)[0] != "C")


def addresses(*lists: Iterable[str] | None) -> list[str]:
    """The usable ones of several lists, each once, in order."""
    found: dict[str, str] = {}
    for address in (header_safe(a) for addresses in lists for a in addresses or ()):
        if _ADDRESS.fullmatch(address):
            found.setdefault(address.casefold(), address)
    return list(found.values())


def deliver(
    work: Work,
    letter: Letter,
    recipients: list[str],
    speech: Speech,
    *,
    counted: bool = True,
    private: bool = False,
) -> dict[str, Any]:
    """Send it in one message to all; what is returned is the job's result. Raises JobError.

    `private`: its text is not kept with the job, where others could read it.

    At least once: a crash between the server's 250 and our commit sends it again, with the same
    Message-ID. Recipients refused for the moment get a job of their own.
    """
    recipients = addresses(work.args["only"]) if "only" in work.args else recipients
    if not recipients:
        return {"skipped": "no recipients"}
    db.session.rollback()  # nothing was changed; no connection is held while a server is slow
    message = message_of(letter, recipients, speech, message_id(work))
    kept = _kept(message, recipients, private)
    try:
        sent = work.done["sent"] if "sent" in work.done else _send(work, message)
    except JobError as error:
        error.result = kept | error.result
        raise
    work.done["sent"] = sent
    counting.count(catalogue.MAILS, result="sent" if sent else "filed")
    refused = dict(sent.refused) if sent else {}
    later = sorted(address for address, reply in refused.items() if reply.code < 500)
    if later:
        _send_later(work, later)
    if counted and work.tenant_id is not None:
        many = len(recipients) - len(refused)
        ledger.book(SpendKind.MAILS, many, key=f"{SpendKind.MAILS}:{work.id}", call_id=work.call_id)
    return kept | {
        "refused": {a: reply.code for a, reply in refused.items() if a not in later},
        "later": later,
        "answers": sent.answers(recipients) if sent else {},
        "filed": sent is None,
    }


def _kept(message: Message, recipients: list[str], private: bool) -> dict[str, Any]:
    """The mail as it leaves, whether it arrives or not."""
    return {
        "subject": message.subject,
        "recipients": recipients,
        "message_id": message.msgId,
        "private": private,
        "text": "" if private else message.body,
        "html": "" if private else message.html,
    }


def message_id(work: Work) -> str:
    host = urlsplit(current_app.extensions["settings"].public_base_url).hostname or "localhost"
    return f"<job-{work.tenant_id or 'platform'}-{work.id}@{host}>"


def message_of(letter: Letter, recipients: list[str], speech: Speech, message_id: str) -> Message:
    shown = {"letter": letter, "lang": str(speech.locale).replace("_", "-")}
    message = Message(
        subject=header_safe(letter.subject),
        recipients=list(recipients),
        body=text_safe(render_template("mail/letter.txt", **shown)),
        html=text_safe(render_template("mail/letter.html", **shown)),
        sender=header_safe(current_app.extensions["settings"].mail_default_sender),
    )
    message.msgId = message_id
    return message


def _send(work: Work, message: Message) -> Sent | None:
    """None: there is no mail server, and the mail is kept as a file. Raises JobError."""
    if current_app.extensions["settings"].mail_server:
        return smtp.send(message)
    # Under a name of the job's, so that a second run replaces it.
    keep_as_file(mailbox.path_of(work.tenant_id, work.id), message)
    return None


def keep_as_file(path: Path, message: Message) -> None:
    """Without a mail server. Raises JobError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(message.as_bytes())
        unfinished.replace(path)
    except OSError as error:
        raise JobError(f"mail could not be kept: {error.strerror}") from error


def _send_later(work: Work, recipients: list[str]) -> None:
    """Sending the whole mail again would reach those who have it a second time."""
    remainder = int(work.args.get("remainder", 0)) + 1
    if remainder > outbox.MOST_REMAINDERS:
        return
    key = outbox.remainder_key(work.key.removesuffix(f"+{remainder - 1}"), remainder)
    args = dict(work.args) | {"only": recipients, "remainder": remainder}
    outbox.add(JobKind(work.kind), key=key, call_id=work.call_id, delay=LATER * remainder, **args)
