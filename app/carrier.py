"""Twilio's REST API: the true state of a live call, and its end.

https://www.twilio.com/docs/voice/api/call-resource
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

API_URL = "https://api.twilio.com"
TIMEOUT = 5.0
NOT_FOUND = 404
TOO_MANY = 429
NOT_IN_PROGRESS = 21220

ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


class CarrierError(Exception):
    """Twilio was not reached or refused. `permanent`: asking again would be refused again."""

    def __init__(self, reason: str, permanent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Account:
    """Whose calls, and where: `api_url` leads elsewhere in tests and behind a proxy."""

    account_sid: str
    auth_token: str = field(repr=False)
    api_url: str = API_URL


@dataclass(frozen=True, slots=True)
class CarrierCall:
    """`status` in Twilio's words; `duration` in seconds, once it has ended."""

    sid: str
    status: str
    duration: int | None = None
    ended_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


def call_status(account: Account, call_sid: str) -> CarrierCall | None:
    """None if the account has no such call. Raises CarrierError."""
    try:
        found = _client(account).calls(call_sid).fetch()
    except TwilioRestException as error:
        if error.status == NOT_FOUND:
            return None
        raise _refused(error) from error
    except (TwilioException, RequestException) as error:
        raise CarrierError(f"not reached: {type(error).__name__}") from error
    duration = int(found.duration) if str(found.duration or "").isdigit() else None
    return CarrierCall(call_sid, str(found.status), duration, found.end_time)


def hang_up(account: Account, call_sid: str) -> None:
    """End a live call; one that has ended already is no error. Raises CarrierError."""
    try:
        _client(account).calls(call_sid).update(status="completed")
    except TwilioRestException as error:
        if error.status == NOT_FOUND or error.code == NOT_IN_PROGRESS:
            return
        raise _refused(error) from error
    except (TwilioException, RequestException) as error:
        raise CarrierError(f"not reached: {type(error).__name__}") from error


def _refused(error: TwilioRestException) -> CarrierError:
    permanent = error.status < 500 and error.status != TOO_MANY
    return CarrierError(f"twilio answered {error.status} ({error.code})", permanent)


def _client(account: Account) -> Client:
    return Client(account.account_sid, account.auth_token, http_client=_Http(account.api_url))


class _Http(TwilioHttpClient):
    """With a timeout, which the SDK has not, and to another host if told so."""

    def __init__(self, api_url: str) -> None:
        super().__init__(timeout=TIMEOUT, max_retries=0)
        self._api_url = api_url

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        return super().request(method, url.replace(API_URL, self._api_url, 1), *args, **options)
