"""The world outside, for the terminal, the browser telephone, tests and bench: Twilio's side of a
call, and a script's side of the REST API."""

from app.phone.callee import TransferResult
from app.phone.line import Line
from app.phone.signature import sign
from app.phone.turn import How, Spoken, Turn
from app.phone.wire import CallDropped, Fetch

__all__ = ["CallDropped", "Fetch", "How", "Line", "Spoken", "TransferResult", "Turn", "sign"]
