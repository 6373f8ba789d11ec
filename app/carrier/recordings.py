"""Recordings of calls: begun, stopped, listened to and deleted at Twilio.

https://www.twilio.com/docs/voice/api/recording
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
from requests.exceptions import RequestException

from app.carrier.calls import NOT_IN_PROGRESS
from app.carrier.client import NOT_FOUND, Account, CarrierError, answered, client, guarded, refused

BY_US = "StartCallRecordingAPI"  # Twilio's word for one begun by start_recording
BY_TONE = "RecordVerb"  # and for a message spoken after the tone
MEDIA_TIMEOUT = (5.0, 20.0)  # to connect, and between two pieces
MEDIA_SECONDS = 600.0
PIECE = 64 * 1024
PAGE = 500
LIVE = frozenset({"in-progress", "paused"})
_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_RECORDING = re.compile(r"RE[0-9a-f]{32}")
_RANGE = re.compile(r"bytes=(?:[0-9]{1,12}-[0-9]{0,12}|-[0-9]{1,12})")
_PASSED_ON = ("Content-Length", "Content-Range", "Accept-Ranges")


@dataclass(frozen=True, slots=True)
class CarrierRecording:
    sid: str
    status: str
    source: str


@dataclass(frozen=True, slots=True)
class Message:
    """One that was spoken after the tone, and is finished."""

    sid: str
    call_sid: str
    seconds: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Media:
    """`status` is 200, 206 or 416. `close` it, also when `pieces` were not read to their end."""

    status: int
    headers: dict[str, str]
    pieces: Iterator[bytes]
    close: Callable[[], None]


def start_recording(account: Account, call_sid: str, callback: str) -> CarrierRecording | None:
    """Record a live call, each side on a channel of its own; None if it is over. When Twilio does
    not answer, look at `call_recordings` before trying again. Raises CarrierError."""
    try:
        with answered():
            made = client(account).calls(call_sid).recordings.create(
                recording_channels="dual",
                recording_status_callback=callback,
                recording_status_callback_event=["completed", "absent"],
                recording_status_callback_method="POST",
            )  # fmt: skip
    except CarrierError as error:
        if error.status == NOT_FOUND or error.code == NOT_IN_PROGRESS:
            return None
        raise
    return CarrierRecording(str(made.sid), str(made.status), BY_US)


def call_recordings(account: Account, call_sid: str) -> list[CarrierRecording]:
    """None of a call that Twilio does not know (any more). Raises CarrierError."""
    try:
        with answered():
            found = client(account).calls(call_sid).recordings.list(limit=50)
    except CarrierError as error:
        if error.status == NOT_FOUND:
            return []
        raise
    return [CarrierRecording(str(r.sid), str(r.status), str(r.source)) for r in found]


def messages(account: Account, since: datetime) -> Iterator[Message]:
    """Of all calls of the account, the newest first. Twilio itself selects by day only. Raises
    CarrierError."""
    with answered():
        listed = client(account).recordings.stream(date_created_after=since, page_size=PAGE)
        for found in listed:
            if found.date_created < since:
                return
            if found.source == BY_TONE and found.status == "completed" and _seconds(found):
                yield Message(
                    str(found.sid), str(found.call_sid), _seconds(found), found.date_created
                )


def _seconds(found: Any) -> int:
    return int(found.duration) if str(found.duration or "").isdigit() else 0


def stop_recording(account: Account, call_sid: str, recording_sid: str) -> None:
    """One that has stopped already is no error. Raises CarrierError."""
    try:
        with answered():
            client(account).calls(call_sid).recordings(recording_sid).update(status="stopped")
    except CarrierError as error:
        if error.status != NOT_FOUND and error.code != NOT_IN_PROGRESS:
            raise


def delete_recording(account: Account, recording_sid: str) -> None:
    """One that is gone already is no error. Raises CarrierError."""
    try:
        with answered():
            client(account).recordings(recording_sid).delete()
    except CarrierError as error:
        if error.status != NOT_FOUND:
            raise


def media(account: Account, recording_sid: str, asked_range: str = "") -> Media:
    """The sound, as MP3. The address is built from ids, never taken from a request, and no
    redirect is followed: the password goes to `api_url` alone. Raises CarrierError."""
    if not (_ACCOUNT.fullmatch(account.account_sid) and _RECORDING.fullmatch(recording_sid)):
        raise CarrierError("this is no recording of Twilio's", permanent=True)
    path = f"/2010-04-01/Accounts/{account.account_sid}/Recordings/{recording_sid}.mp3"
    wanted = {"Range": asked_range} if _RANGE.fullmatch(asked_range) else {}
    try:
        answer = guarded(
            lambda: requests.get(
                account.api_url + path,
                auth=(account.account_sid, account.auth_token),
                headers={"Accept-Encoding": "identity"} | wanted,
                timeout=MEDIA_TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
        )
    except RequestException as error:
        raise CarrierError(f"Twilio was not reached: {type(error).__name__}") from error
    if answer.status_code not in (200, 206, 416):
        answer.close()
        raise refused(answer.status_code, 0)
    headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
    return Media(answer.status_code, headers, _in_time(answer.iter_content(PIECE)), answer.close)


def _in_time(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A sound that comes a byte at a time must not keep a thread for ever."""
    ends = time.monotonic() + MEDIA_SECONDS
    for piece in pieces:
        yield piece
        if time.monotonic() > ends:
            return
