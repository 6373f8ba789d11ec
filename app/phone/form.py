"""The parameters that come with every request of an inbound call, as captured from Twilio."""

import json

WITHHELD = ("anonymous", "+266696687")


def inbound(account_sid: str, call_sid: str, called: str, caller: str) -> dict[str, str]:
    form = {
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": call_sid,
        "CallStatus": "ringing",
        "CallToken": json.dumps({"parentCallInfoToken": "e30.e30.e30", "identityHeaderTokens": []}),
        "Direction": "inbound",
        "To": called,
        "Called": called,
        "From": caller,
        "Caller": caller,
    }
    form |= _place(("To", "Called"), "SAN FRANCISCO", "CA", "94105")
    if caller not in WITHHELD:
        form |= _place(("From", "Caller"), "", "NY", "10001")
        form["StirVerstat"] = "TN-Validation-Passed-A"
    return form


def _place(ends: tuple[str, str], city: str, state: str, postcode: str) -> dict[str, str]:
    parts = {"City": city, "State": state, "Zip": postcode, "Country": "US"}
    return {end + part: value for end in ends for part, value in parts.items()}
