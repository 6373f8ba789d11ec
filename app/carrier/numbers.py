"""Numbers: looked for, bought, pointed at an installation, released.

https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
"""

from dataclasses import dataclass
from typing import Any

from app.carrier.client import NOT_FOUND, Account, CarrierError, answered, client

MOST_OFFERS = 20
MOST_NUMBERS = 1000


@dataclass(frozen=True, slots=True)
class Addresses:
    """What Twilio calls when a number rings, when that fails, and when the call is over."""

    voice_url: str
    voice_fallback_url: str
    status_callback: str


@dataclass(frozen=True, slots=True)
class Offer:
    number: str
    place: str


@dataclass(frozen=True, slots=True)
class CarrierNumber:
    """`methods` are those of voice, fallback and status. With a `detour` (a SIP trunk or a TwiML
    application) Twilio ignores `addresses`."""

    sid: str
    number: str
    addresses: Addresses
    methods: tuple[str, str, str] = ("POST", "POST", "POST")
    detour: str = ""


def offers(account: Account, country: str, area_code: str = "", contains: str = "") -> list[Offer]:
    """Local numbers with voice, to be bought. `country` is an ISO code. Raises CarrierError."""
    wanted: dict[str, Any] = {"voice_enabled": True, "limit": MOST_OFFERS}
    if area_code:
        wanted["area_code"] = int(area_code)
    if contains:
        wanted["contains"] = contains
    with answered():
        found = client(account).available_phone_numbers(country).local.list(**wanted)
    return [Offer(str(n.phone_number), _place(n)) for n in found]


def _place(number: Any) -> str:
    return ", ".join(filter(None, (number.locality, number.region)))


def buy_number(account: Account, number: str, addresses: Addresses) -> CarrierNumber:
    """When Twilio does not answer, the number may be ours all the same: the list tells. Raises
    CarrierError."""
    try:
        with answered():
            made = client(account).incoming_phone_numbers.create(
                phone_number=number, **_pointing(addresses)
            )
    except CarrierError as error:
        found = find_number(account, number) if error.unsure else None
        if found is None:
            raise
        return found
    return _number(made)


def find_number(account: Account, number: str) -> CarrierNumber | None:
    """Raises CarrierError."""
    with answered():
        found = client(account).incoming_phone_numbers.list(phone_number=number, limit=5)
    return next((_number(n) for n in found if n.phone_number == number), None)


def numbers(account: Account) -> list[CarrierNumber]:
    """All of the account's. Raises CarrierError."""
    with answered():
        return [_number(n) for n in client(account).incoming_phone_numbers.list(limit=MOST_NUMBERS)]


def point_number(account: Account, phone_sid: str, addresses: Addresses) -> None:
    """Also ends a detour by trunk or application. Safe to repeat. Raises CarrierError."""
    with answered():
        client(account).incoming_phone_numbers(phone_sid).update(
            trunk_sid="", voice_application_sid="", **_pointing(addresses)
        )


def release_number(account: Account, phone_sid: str) -> None:
    """One that is gone already is no error. Raises CarrierError."""
    try:
        with answered():
            client(account).incoming_phone_numbers(phone_sid).delete()
    except CarrierError as error:
        if error.status != NOT_FOUND:
            raise


def _pointing(addresses: Addresses) -> dict[str, str]:
    return {
        "voice_url": addresses.voice_url,
        "voice_method": "POST",
        "voice_fallback_url": addresses.voice_fallback_url,
        "voice_fallback_method": "POST",
        "status_callback": addresses.status_callback,
        "status_callback_method": "POST",
    }


def _number(found: Any) -> CarrierNumber:
    addresses = Addresses(
        found.voice_url or "", found.voice_fallback_url or "", found.status_callback or ""
    )
    methods = (found.voice_method, found.voice_fallback_method, found.status_callback_method)
    return CarrierNumber(
        sid=str(found.sid),
        number=str(found.phone_number),
        addresses=addresses,
        methods=(str(methods[0]), str(methods[1]), str(methods[2])),
        detour=found.trunk_sid or found.voice_application_sid or "",
    )
