"""Sends one mail for one job: made safe, under a timeout, and kept with the job as it was sent."""

import contextlib
import os
import re
import smtplib
import ssl
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, render_template
from flask_mail import Connection, Message

from app import mailbox
from app.extensions import db
from app.jobs import ledger, outbox
from app.jobs.outbox import JobError, Work
from app.models import JobKind, SpendKind
from app.voice.spoken import Speech

TIMEOUT = 10.0  # seconds for each step of the SMTP dialogue
IMPLICIT_TLS = 465
LONGEST_HEADER = 150
LATER = timedelta(minutes=5)
MOST_REMAINDERS = 5

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
    message = _message(work, letter, recipients, speech)
    refused = _send(work, message)
    later = {a for a, code in refused.items() if code < 500}
    if later:
        _send_later(work, sorted(later))
    if counted and work.tenant_id is not None:
        sent = len(recipients) - len(refused)
        ledger.book(SpendKind.MAILS, sent, key=f"{SpendKind.MAILS}:{work.id}", call_id=work.call_id)
    return {
        "subject": message.subject,
        "recipients": recipients,
        "refused": {a: code for a, code in refused.items() if a not in later},
        "later": sorted(later),
        "message_id": message.msgId,
        "text": "" if private else message.body,
    }


def message_id(work: Work) -> str:
    host = urlsplit(current_app.extensions["settings"].public_base_url).hostname or "localhost"
    return f"<job-{work.tenant_id or 'platform'}-{work.id}@{host}>"


def _message(work: Work, letter: Letter, recipients: list[str], speech: Speech) -> Message:
    shown = {"letter": letter, "lang": str(speech.locale).replace("_", "-")}
    message = Message(
        subject=header_safe(letter.subject),
        recipients=list(recipients),
        body=text_safe(render_template("mail/letter.txt", **shown)),
        html=text_safe(render_template("mail/letter.html", **shown)),
        sender=header_safe(current_app.extensions["settings"].mail_default_sender),
    )
    message.msgId = message_id(work)
    return message


def _send(work: Work, message: Message) -> dict[str, int]:
    """Recipients that were refused while others were not, with the server's code."""
    if not current_app.extensions["settings"].mail_server:
        _keep_as_file(work, message)
        return {}
    try:
        with TimedConnection(current_app.extensions["mail"]) as connection:
            connection.send(message)
            return connection.refused
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise JobError(
            f"all recipients refused: {sorted(set(codes))}", min(codes) >= 500
        ) from error
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        said = _said(error.smtp_error)
        raise JobError(f"refused: {error.smtp_code} {said}", error.smtp_code >= 500) from error
    except smtplib.SMTPResponseException as error:
        # Of the connection or the login: an operator mends it, and no mail should be lost by then.
        raise JobError(f"mail server: {error.smtp_code} {_said(error.smtp_error)}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise JobError(f"mail server not reached: {type(error).__name__}: {error}") from error


def _said(words: bytes | str) -> str:
    return header_safe(words.decode(errors="replace") if isinstance(words, bytes) else words)


class TimedConnection(Connection):
    """Flask-Mail's has no timeout, checks no certificate, and hides partial refusals."""

    refused: dict[str, int]

    def configure_host(self) -> smtplib.SMTP:
        state, context = self.mail, ssl.create_default_context()
        if state.port == IMPLICIT_TLS:
            host: smtplib.SMTP = smtplib.SMTP_SSL(
                state.server, state.port, timeout=TIMEOUT, context=context
            )
        else:
            host = smtplib.SMTP(state.server, state.port, timeout=TIMEOUT)
        try:
            if state.use_tls and state.port != IMPLICIT_TLS:
                host.starttls(context=context)
            if state.username and state.password:
                host.login(state.username, state.password)
        except BaseException:
            host.close()
            raise
        return host

    def __enter__(self) -> "TimedConnection":
        self.host = self.configure_host()
        self.refused = {}
        return self

    def __exit__(self, *_: object) -> None:
        # The mail is accepted or not by now: a server that hangs up instead of saying goodbye
        # must not have it sent again.
        if self.host is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self.host.quit()
            self.host.close()

    def send(self, message: Message, envelope_from: Any = None) -> None:
        assert self.host is not None
        to = [str(recipient) for recipient in message.recipients]
        refused = self.host.sendmail(str(message.sender), to, message.as_bytes())
        self.refused = {address: int(code) for address, (code, _) in refused.items()}


def _keep_as_file(work: Work, message: Message) -> None:
    """Without a mail server. Under a name of the job's, so that a second run replaces it."""
    path = mailbox.path_of(work.tenant_id, work.id)
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
    if remainder > MOST_REMAINDERS:
        return
    key = work.key.removesuffix(f"+{remainder - 1}") + f"+{remainder}"
    args = dict(work.args) | {"only": recipients, "remainder": remainder}
    outbox.add(JobKind(work.kind), key=key, call_id=work.call_id, delay=LATER * remainder, **args)
