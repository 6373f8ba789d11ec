"""The line of the telephone in the browser: Twilio's side of a test call, one request at a time.

Nothing of a call stays in this process. What has to be known at its next turn (the last TwiML and
its address) goes to the page and comes back, signed for this person, tenant and call: any node can
answer, neither Redis nor a table is needed, and what a page shows is what goes on. It is signed and
not secret; account and auth token are looked up anew and never leave the server.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from flask import current_app
from flask_babel import lazy_gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer

from app import directory
from app.extensions import db
from app.models import Tenant
from app.phone import Line, TransferResult
from app.tenancy import current_tenant_id
from app.views.registering import FORGOTTEN, asking

NO_TOKEN = _(
    "The Twilio account of this business has no auth token here, so nobody can sign for a call. "
    "A super admin enters it under Tenants."
)
ONE_AT_A_TIME = _(
    "This server handles one request at a time, and a test call needs a second one. Set "
    "WEB_THREADS to 2 or more and start it again."
)
BUSY = _("Many test calls are going on right now. Try again in a moment.")
LEFT_ALONE = _("This call was left alone for too long and is over. Place a new one.")


class Unable(Exception):
    """The call cannot go on from here; the message says why and what to do."""

    def __init__(self, text: object, status: int) -> None:
        super().__init__(str(text))
        self.status = status


@dataclass(frozen=True, slots=True)
class Held:
    """A call between two requests. `url` and `document` are the last TwiML, `lasted` the seconds
    so far, `turn` the one that comes next; `line_id` and `attempt_id` are the newest of the
    transcript and of the transfers that the page has; `waited`: seconds of a turn still awaited."""

    person: str
    tenant_id: int
    call_sid: str
    called: str
    caller: str
    url: str = ""
    document: str = ""
    lasted: float = 0.0
    turn: int | None = None
    line_id: int = 0
    attempt_id: int = 0
    waited: float = 0.0


def sealed(held: Held) -> str:
    return str(_signer().dumps(asdict(held)))


def opened(text: str) -> Held:
    """Raises Unable for what is too old, and for what is not this person's in this tenant."""
    try:
        kept = _signer().loads(text, max_age=int(FORGOTTEN.total_seconds()))
        held = Held(**kept)
    except (BadData, TypeError):
        raise Unable(LEFT_ALONE, 410) from None
    if (held.person, held.tenant_id) != (asking(), current_tenant_id()):
        raise Unable(LEFT_ALONE, 410)
    return held


@contextmanager
def line(held: Held, transfer: TransferResult) -> Iterator[Line]:
    """The call taken up where it stands. Connects to this machine's own web server, whatever
    address it signs for. Ends the transaction: nothing is held open while the call is waited for.
    Raises Unable; and CallDropped, as a Line does."""
    settings = current_app.extensions["settings"]
    account_sid, token = directory.account_of(db.session.get_one(Tenant, held.tenant_id))
    db.session.rollback()
    if not token:
        raise Unable(NO_TOKEN, 409)
    with room(settings.web_threads):
        taken_up = Line(
            settings.public_base_url, account_sid, token, held.called, held.caller, held.call_sid,
            transfer_result=transfer, server=settings.local_url, stops_at_fillers=True,
        )  # fmt: skip
        try:
            if held.document:
                taken_up.resume(held.url, held.document, held.lasted)
            yield taken_up
        finally:
            taken_up.close()


@contextmanager
def room(threads: int) -> Iterator[None]:
    """A thread that waits for the webhook needs another one to answer it: half of them may wait,
    or all could wait for each other."""
    if threads < 2:
        raise Unable(ONE_AT_A_TIME, 503)
    room = current_app.extensions.setdefault("telephones", threading.BoundedSemaphore(threads // 2))
    if not room.acquire(blocking=False):
        raise Unable(BUSY, 503)
    try:
        yield
    finally:
        room.release()


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="telephone")
