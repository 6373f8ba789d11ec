"""Reaching Twilio's REST API: whose account, with a timeout, and what went wrong in words.

https://www.twilio.com/docs/usage/api
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from app import breaker
from app.deadline import Late, within

API_URL = "https://api.twilio.com"
MONITOR_URL = "https://monitor.twilio.com"
TIMEOUT = 5.0
"""Seconds to connect, and between two bytes."""
SECONDS = 15.0
"""For all of one request."""
FAILURES, REST = 3, 10.0
NOT_FOUND = 404
TOO_MANY = 429
# https://www.twilio.com/docs/api/errors; what a shop owner's administrator can do something about.
_MEANINGS = {
    20003: "the account SID or the auth token is wrong",
    20404: "there is no such thing in this account",
    20429: "too many requests; wait a little",
    20005: "the account is not active",
    20008: "this needs a paid account",
    21404: "a trial account cannot have more numbers",
    21422: "this number cannot be bought any more",
    21452: "there are no numbers in that area",
    21615: "numbers of this country need an address first, entered in Twilio's console",
    21631: "numbers of this country need an address first, entered in Twilio's console",
    21649: "numbers of this country need papers first, handed in at Twilio's console",
    21210: "the number that rings is not in this Twilio account",
    21215: "the account may not ring this country; allow it in Twilio's console",
    573005: "a trial account rings only numbers that are verified in Twilio's console",
    20006: "the account may not do this",
}


class CarrierError(Exception):
    """Twilio was not reached or refused. `permanent`: asking again would be refused again;
    `unsure`: it was asked and did not answer, so a change may have happened all the same.
    `reason` names no secret and nothing of the request."""

    def __init__(
        self, reason: str, permanent: bool = False, *,
        status: int = 0, code: int = 0, unsure: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.status = status
        self.code = code
        self.unsure = unsure


@dataclass(frozen=True, slots=True)
class Account:
    """Whose calls, and where: `api_url` leads elsewhere in tests and behind a proxy."""

    account_sid: str
    auth_token: str = field(repr=False)
    api_url: str = API_URL


class _Answer(Protocol):
    status_code: int


Answered = TypeVar("Answered", bound=_Answer)


@contextmanager
def answered() -> Iterator[None]:
    """Whatever the SDK raises inside becomes CarrierError. Lists raise less than the rest does."""
    try:
        yield
    except TwilioRestException as error:
        raise refused(error.status, int(error.code or 0)) from error
    except TwilioException as error:
        found = next((part for part in error.args if isinstance(part, Response)), None)
        if found is not None:
            raise refused(found.status_code, 0) from error
        raise CarrierError(
            f"Twilio was not reached: {type(error).__name__}", unsure=True
        ) from error
    except (RequestException, Late) as error:
        raise CarrierError(
            f"Twilio was not reached: {type(error).__name__}", unsure=True
        ) from error


def refused(status: int, code: int) -> CarrierError:
    meaning = _MEANINGS.get(code, "")
    reason = f"Twilio answered {status}" + (f" ({code})" if code else "")
    return CarrierError(
        f"{reason}: {meaning}" if meaning else reason,
        permanent=status < 500 and status != TOO_MANY,
        status=status,
        code=code,
        unsure=status >= 500,
    )


def client(account: Account) -> Client:
    return Client(account.account_sid, account.auth_token, http_client=_Http(account.api_url))


class _Http(TwilioHttpClient):
    """With an end, which the SDK has not; left alone while it fails; to another host if told so."""

    def __init__(self, api_url: str) -> None:
        super().__init__(timeout=TIMEOUT, max_retries=0)
        self._api_url = api_url

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        if self._api_url != API_URL:
            for host in (API_URL, MONITOR_URL):
                url = url.replace(host, self._api_url, 1)
        ask = super().request
        return guarded(lambda: within(SECONDS, lambda: ask(method, url, *args, **options)))


def guarded(ask: Callable[[], Answered]) -> Answered:
    """What `ask` returns, unless Twilio failed several times just now. Raises CarrierError, and
    what `ask` raises."""
    guard = breaker.of("twilio", FAILURES, REST)
    if not guard.asks():
        raise CarrierError("Twilio did not answer several times just now: try again in a minute")
    try:
        answer = ask()
    except (RequestException, Late):
        guard.failed()
        raise
    if answer.status_code >= 500:
        guard.failed()
    else:
        guard.passed()
    return answer
