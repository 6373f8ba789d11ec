"""Understands callers by a model behind the Chat Completions interface (OpenAI, Azure, compatible
servers): one round trip per turn, one tool call in reply, which is only ever a proposal."""

import json
import ssl
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import httpx2
import openai
from openai import OpenAI

from app.ai import prompting, tools, usage
from app.ai.interpreter import Heard, InterpreterError, Tier, Understood
from app.voice.flow.messages import Answer, Clarify

SECONDS = 4.0
MOST_BYTES = 64 * 1024
MOST_TOKENS = 200
KEEP_ALIVE = 120.0  # seconds; the client's default of 5 would mean a TLS handshake on most turns
_NO_REASONING = ("gpt-5", "o1", "o3", "o4")  # families that know reasoning_effort


class OpenAIInterpreter:
    """One per model and process; used by many threads at once."""

    def __init__(
        self, api_key: str, base_url: str = "", model: str = "", seconds: float = SECONDS
    ) -> None:
        self._clients = Clients(api_key, base_url, seconds)
        self._model = model

    def interpret(self, heard: Heard) -> Understood:
        offered = tools.offered(heard.state, heard.context.facts)
        if not offered:
            raise InterpreterError("nothing to propose", permanent=True)
        body: dict[str, Any] = {
            "messages": prompting.messages(heard),
            "tools": offered,
            "tool_choice": "required",
            "parallel_tool_calls": False,
            "max_completion_tokens": MOST_TOKENS,
            "store": False,
        }
        if self._model.startswith(_NO_REASONING):
            body["reasoning_effort"] = "none"
        reply = self._clients.complete(self._model, body)
        tokens = usage.tokens(reply)
        try:
            proposal = tools.read(*_call(reply), heard)
            if isinstance(proposal, Answer | Clarify) and prompting.leaks(_spoken(proposal)):
                raise InterpreterError("prompt leak")
        except InterpreterError as error:
            raise InterpreterError(error.reason, error.permanent, tokens) from None
        return Understood(proposal, Tier.MODEL, self._model, *tokens)

    def close(self) -> None:
        self._clients.close()


class Clients:
    """A stack of clients: one shared by many threads spends more on its pool than on the call."""

    def __init__(self, api_key: str, base_url: str, seconds: float) -> None:
        self._api_key, self._base_url, self._seconds = api_key, base_url, seconds
        self._idle: deque[OpenAI] = deque()

    def complete(self, model: str, body: dict[str, Any]) -> Any:
        """The reply to one request, with its fields as attributes, none of them checked. Raises
        InterpreterError; nothing is tried twice."""
        asked = {"model": model, **body}
        with self._client() as client:
            try:
                # Typed messages cost 8 ms of validation, a typed reply 0.6: all that is used of it
                # is checked here anyway.
                told = client.post("/chat/completions", body=asked, cast_to=httpx2.Response)
                return json.loads(told.content, object_hook=_with_attributes)
            except openai.APITimeoutError:
                raise InterpreterError("timeout", away=True) from None
            except openai.APIStatusError as error:
                code = error.status_code
                permanent = code in (400, 401, 403, 404, 422)
                # 400 and 422 are about this request alone: nobody else shall suffer for it
                away = code not in (400, 413, 422)
                raise InterpreterError(f"status {code}", permanent, away=away) from None
            except openai.APIConnectionError as error:
                cause = error.__cause__
                reason = cause.reason if isinstance(cause, InterpreterError) else "connection"
                raise InterpreterError(reason, away=reason != "oversized") from None
            except (openai.OpenAIError, httpx2.HTTPError, ValueError, RecursionError):
                raise InterpreterError("malformed reply") from None

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _client(self) -> Iterator[OpenAI]:
        try:
            client = self._idle.pop()
        except IndexError:
            client = self._made()
        try:
            yield client
        finally:
            self._idle.append(client)

    def _made(self) -> OpenAI:
        transport = _Bounded(
            httpx2.HTTPTransport(
                verify=_tls(), limits=httpx2.Limits(max_connections=4, keepalive_expiry=KEEP_ALIVE)
            ),
            self._seconds,
        )
        timeout = httpx2.Timeout(self._seconds, connect=1.0)
        return OpenAI(
            api_key=self._api_key,
            base_url=self._base_url or None,
            timeout=timeout,
            max_retries=0,
            http_client=httpx2.Client(transport=transport, timeout=timeout),
        )


class _Bounded(httpx2.BaseTransport):
    """Ends a reply that trickles or swells: read timeouts start anew with every byte, so without it
    an abandoned request would keep its thread for as long as the server likes."""

    def __init__(self, inner: httpx2.BaseTransport, seconds: float) -> None:
        self._inner, self._seconds = inner, seconds

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self._inner.handle_request(request)
        response.stream = _BoundedStream(response.stream, time.monotonic() + self._seconds)
        return response

    def close(self) -> None:
        self._inner.close()


class _BoundedStream(httpx2.SyncByteStream):
    def __init__(self, inner: Any, ends: float) -> None:
        self._inner, self._ends = inner, ends

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._inner:
            size += len(chunk)
            if size > MOST_BYTES:
                raise InterpreterError("oversized")
            if time.monotonic() > self._ends:
                raise InterpreterError("timeout")
            yield chunk

    def close(self) -> None:
        self._inner.close()


@cache
def _tls() -> ssl.SSLContext:
    """Shared: building one costs 40 ms."""
    return ssl.create_default_context()


def _with_attributes(told: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**told)


def _call(reply: Any) -> tuple[str, str]:
    """The name and arguments of the one tool call of a reply. Nobody has checked the shape of what
    a server sends, so nothing about it is taken for granted."""
    choices = getattr(reply, "choices", None)
    if not isinstance(choices, list) or not choices:
        raise InterpreterError("empty reply")
    choice = choices[0]
    message = getattr(choice, "message", None)
    if getattr(choice, "finish_reason", "") == "length":
        raise InterpreterError("truncated")
    refused = getattr(choice, "finish_reason", "") == "content_filter"
    if refused or getattr(message, "refusal", None):
        raise InterpreterError("refusal")
    calls = getattr(message, "tool_calls", None)
    if not isinstance(calls, list) or not calls:
        raise InterpreterError("empty reply")
    if len(calls) > 1:
        raise InterpreterError("several calls")
    called = getattr(calls[0], "function", None)
    name, arguments = getattr(called, "name", None), getattr(called, "arguments", None)
    if not isinstance(name, str) or not isinstance(arguments, str):
        raise InterpreterError("malformed reply")
    return name, arguments


def _spoken(proposal: Answer | Clarify) -> str:
    return proposal.text if isinstance(proposal, Answer) else proposal.question
