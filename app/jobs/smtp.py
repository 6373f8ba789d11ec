"""Hands one mail to the mail server, under a timeout, and tells what it answered of whom."""

import contextlib
import smtplib
import ssl
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from flask_mail import Connection, Message

from app import breaker
from app.deadline import Late, within
from app.jobs.outbox import JobError

TIMEOUT = 10.0  # seconds for each step of the SMTP dialogue
SECONDS = 60.0  # for all of it: less than a lease
FAILURES, REST = 2, 30.0
IMPLICIT_TLS = 465
LONGEST_ANSWER = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """Of a mail server (RFC 5321, 4.2): below 400 is yes, below 500 not now, else not at all."""

    code: int
    words: str

    def __str__(self) -> str:
        return f"{self.code} {self.words}".strip()


@dataclass(frozen=True, slots=True)
class Sent:
    """What the server said to the mail, and to those recipients whom it refused."""

    accepted: Reply
    refused: Mapping[str, Reply] = field(default_factory=dict)

    def answers(self, recipients: list[str]) -> dict[str, str]:
        return {one: str(self.refused.get(one, self.accepted)) for one in recipients}


def send(message: Message, seconds: float | None = None) -> Sent:
    """To all recipients in one message. Raises JobError, whose result has the answers if the server
    gave any."""
    to = [str(recipient) for recipient in message.recipients]
    try:
        return _hand_over(message, to, seconds or SECONDS)
    except smtplib.SMTPRecipientsRefused as error:
        replies = {address: _reply(*said) for address, said in error.recipients.items()}
        codes = [reply.code for reply in replies.values()]
        raise JobError(
            f"all recipients refused: {'; '.join(dict.fromkeys(map(str, replies.values())))}",
            min(codes) >= 500,
            _answers({address: str(reply) for address, reply in replies.items()}),
        ) from error  # fmt: skip
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        reply = _reply(error.smtp_code, error.smtp_error)
        raise JobError(
            f"refused: {reply}", reply.code >= 500, _answers(dict.fromkeys(to, str(reply)))
        ) from error
    except smtplib.SMTPResponseException as error:
        # Of the connection or the login: an operator mends it, and no mail should be lost by then.
        raise JobError(f"mail server: {_reply(error.smtp_code, error.smtp_error)}") from error
    except (smtplib.SMTPException, OSError, Late) as error:
        raise JobError(f"mail server not reached: {type(error).__name__}: {error}") from error


def _hand_over(message: Message, to: list[str], seconds: float) -> Sent:
    """Unless the server failed just now: a queue of mails must not wait for it one by one."""
    guard = breaker.of("mail", FAILURES, REST)
    if not guard.asks():
        raise JobError("mail server: it failed several times just now")
    server, sender, content = (
        current_app.extensions["mail"],
        str(message.sender),
        message.as_bytes(),
    )
    try:
        sent = within(seconds, lambda: _converse(server, sender, to, content))
    except (OSError, Late) as error:
        refusal = isinstance(error, smtplib.SMTPException)
        if refusal and not isinstance(error, smtplib.SMTPServerDisconnected):
            guard.passed()
        else:
            guard.failed()
        raise
    guard.passed()
    return sent


def _converse(server: Any, sender: str, to: list[str], content: bytes) -> Sent:
    with TimedConnection(server) as connection:
        return connection.deliver(sender, to, content)


def _answers(answers: dict[str, str]) -> dict[str, Any]:
    return {"answers": answers}


def _reply(code: int, words: bytes | str) -> Reply:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    printable = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return Reply(int(code), " ".join(printable.split())[:LONGEST_ANSWER])


class Remembering(smtplib.SMTP):
    """Keeps the answer to an accepted mail, which often has the server's own id of it."""

    accepted = Reply(250, "")

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, words = super().data(msg)
        self.accepted = _reply(code, words)
        return code, words


class RememberingTls(Remembering, smtplib.SMTP_SSL):
    pass


class TimedConnection(Connection):
    """Flask-Mail's has no timeout, checks no certificate, and hides partial refusals."""

    host: Remembering | None

    def configure_host(self) -> Remembering:
        state, context = self.mail, ssl.create_default_context()
        if state.port == IMPLICIT_TLS:
            host: Remembering = RememberingTls(
                state.server, state.port, timeout=TIMEOUT, context=context
            )
        else:
            host = Remembering(state.server, state.port, timeout=TIMEOUT)
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
        return self

    def __exit__(self, *_: object) -> None:
        # The mail is accepted or not by now: a server that hangs up instead of saying goodbye
        # must not have it sent again.
        if self.host is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self.host.quit()
            self.host.close()

    def deliver(self, sender: str, to: list[str], content: bytes) -> Sent:
        assert self.host is not None
        refused = self.host.sendmail(sender, to, content)
        replies = {address: _reply(*said) for address, said in refused.items()}
        return Sent(self.host.accepted, replies)
