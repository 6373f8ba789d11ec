"""A real SMTP server that keeps what it is sent, and can be told to refuse."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from app.embedded.ports import free_port


class MailSink:
    """`mails` are the accepted ones, `envelopes` their recipients. `data_replies` are the next
    replies to DATA ("250" is the default), `refused` maps recipients to what RCPT answers. The next
    DATA to `hold_next` is `holding` until that is set to False; `held` is its Message-ID.
    Whoever names one of `mute` is not answered as long as it is there; `waiting` are such. A mail
    to one of `cut` is accepted when it first comes, and the connection broken instead of saying
    so."""

    def __init__(self) -> None:
        self.port = free_port(0)
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.reset()

    def reset(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[list[str]] = []
        self.data_replies: list[str] = []
        self.refused: dict[str, str] = {}
        self.hold_next, self.holding = "", False
        self.held = ""
        self.mute: set[str] = set()
        self.cut: set[str] = set()
        self.waiting = 0

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        self.waiting += 1
        while address in self.mute:
            await asyncio.sleep(0.02)
        self.waiting -= 1
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        if self.hold_next in envelope.rcpt_tos:
            self.hold_next, self.holding, self.held = "", True, str(mail["Message-ID"])
        while self.holding:
            await asyncio.sleep(0.02)
        if self.data_replies:
            return self.data_replies.pop(0)
        if self.cut & set(envelope.rcpt_tos) and not self.has(str(mail["Message-ID"])):
            server.transport.abort()
        self.mails.append(mail)
        self.envelopes.append(list(envelope.rcpt_tos))
        return "250 OK"

    def has(self, message_id: str) -> bool:
        return any(one["Message-ID"] == message_id for one in self.mails)
