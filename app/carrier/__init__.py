"""Twilio's REST API: calls, recordings, numbers, subaccounts and its own alerts."""

from app.carrier.alerts import Alert, alerts
from app.carrier.calls import ENDED, CarrierCall, call_status, hang_up, place_call
from app.carrier.client import Account, CarrierError
from app.carrier.numbers import (
    Addresses,
    CarrierNumber,
    Offer,
    buy_number,
    find_number,
    numbers,
    offers,
    point_number,
    release_number,
)
from app.carrier.recordings import (
    BY_TONE,
    BY_US,
    LIVE,
    CarrierRecording,
    Media,
    Message,
    call_recordings,
    delete_recording,
    media,
    messages,
    start_recording,
    stop_recording,
)
from app.carrier.subaccounts import (
    Subaccount,
    create_subaccount,
    find_subaccount,
    set_status,
    subaccount,
)

__all__ = [
    "BY_TONE", "BY_US", "ENDED", "LIVE", "Account", "Addresses", "Alert", "CarrierCall",
    "CarrierError", "CarrierNumber", "CarrierRecording", "Media", "Message", "Offer", "Subaccount",
    "alerts", "buy_number", "call_recordings", "call_status", "create_subaccount",
    "delete_recording", "find_number", "find_subaccount", "hang_up", "media", "messages", "numbers",
    "offers", "place_call", "point_number", "release_number", "set_status", "start_recording",
    "stop_recording", "subaccount",
]  # fmt: skip
