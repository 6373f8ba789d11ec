"""What stands in for the world: the model's vendor, the mail server, Twilio's REST.

They live in the harness's own process, so that a drill can script them and the ledger read them.
Twilio's knows only what the robot, which plays the carrier, tells it of its calls.
"""

import json
import re
import threading
from collections.abc import Callable
from typing import Any

from tests.fakes import openai_server as fake
from tests.fakes.mail_sink import MailSink
from tests.fakes.openai_server import Body, FakeOpenAI, Reply
from tests.fakes.twilio_rest import TwilioRest

READABLE = 64 * 1024  # a reply that is longer is not read to its end: nobody learns its usage
PLAUSIBLE = 200_000  # tokens; what a vendor says beyond is its own fault, and nobody's money
SECONDS_TO_THINK = 0.1

__all__ = ["MailSink", "Model", "TwilioRest"]


class Model(FakeOpenAI):
    """Understands the robot's callers, while `manner` does not make something else of its replies.
    `tokens` is the usage in all replies that could be read."""

    def __init__(self) -> None:
        super().__init__(default=self._think)
        self._counting = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self.forget()
        self.manner: Callable[[Body, Reply], Reply] = lambda _, reply: reply
        self.tokens = 0

    def next_reply(self, body: Body, headers: dict[str, str]) -> Reply:
        reply = self.manner(body, super().next_reply(body, headers))
        with self._counting:
            self.tokens += usage(reply)
        return reply

    def _think(self, body: Body) -> Reply:
        if "response_format" in body:
            return fake.content(json.dumps({"summary": "The caller wanted to be called back."}))
        name, arguments = thought(body)
        return fake.tool_call(name, arguments, slow=SECONDS_TO_THINK)


def usage(reply: Reply) -> int:
    told = reply.body.get("usage") if reply.status == 200 and not reply.raw else None
    if not told or len(reply.payload()) > READABLE:
        return 0
    counts = (told["prompt_tokens"], told["completion_tokens"])
    return sum(count for count in counts if isinstance(count, int) and 0 <= count <= PLAUSIBLE)


def words_of(body: Body) -> str:
    """What the caller said in this turn."""
    last = body["messages"][-1]["content"]
    return re.sub(r"</?caller>", "", last)


def thought(body: Body) -> tuple[str, dict[str, Any]]:
    """The tool that fits, and its arguments."""
    words, offered = words_of(body).lower(), tools_of(body)
    fields = dict.fromkeys(offered.get("take_message", {}).get("fields", {}).get("required", ()))
    if "park" in words and (source := _source(body)):
        return "answer", {"text": source[1], "sources": [source[0]]}
    if "workshop" in words and "transfer" in offered and "connect" in words:
        return "transfer", {"department_id": None}
    if re.search(r"\byes\b", words) and "confirm" in offered:
        return "confirm", {"accepted": True, "fields": fields}
    if re.search(r"goodbye|no thank you", words) and "finish" in offered:
        return "finish", {}
    if found := re.search(r"my name is ([a-z ]+)", words):
        fields["name"] = found[1].title().strip()
    if re.search(r"brakes|repair", words):
        fields["reason"] = words_of(body)
    return "take_message", {"fields": fields, "unanswered": False}


def tools_of(body: Body) -> dict[str, Any]:
    """Properties of each tool offered."""
    return {
        one["function"]["name"]: one["function"]["parameters"]["properties"]
        for one in body.get("tools", ())
    }


def _source(body: Body) -> tuple[str, str] | None:
    told = "\n".join(message["content"] or "" for message in body["messages"])
    found = re.search(r"\[(knowledge:\d+)\] Q: Where can I park\? A: (.+)", told)
    return (found[1], found[2]) if found else None
