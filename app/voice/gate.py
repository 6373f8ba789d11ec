"""Who is calling us: signature, account, tenant, field shapes. Nothing is written before it."""

from dataclasses import dataclass

from flask import Request, current_app
from twilio.request_validator import RequestValidator

from app import directory
from app.directory import Owner
from app.voice import proven, webhook
from app.voice.proven import Kept, Proven
from app.voice.webhook import Kind, Malformed, Webhook

# Of a call that has its row: who takes them looks at that row.
TURNS = (Kind.GATHER, Kind.TRANSFER_STATUS, Kind.MESSAGE)
LARGEST_BODY = 64 * 1024  # Twilio's own requests are a few kB
_FORM = "application/x-www-form-urlencoded"


_calls = Kept[Owner]()


class Refused(Exception):
    """The request is not let in; `status` is what it gets, `reason` is for the log only, and
    `about` for the figures: signature, account or shape."""

    def __init__(self, reason: str, status: int = 403, about: str = "shape") -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.about = about


class UnknownNumber(Exception):
    """Twilio itself asks, but no tenant has this number: the caller is told so politely."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may act for one tenant."""

    tenant_id: int
    webhook: Webhook
    called: str
    call_id: int | None = None
    ours: bool = False  # who calls or forwards is answered or rung here itself
    rung: bool = False  # somebody here is being rung for this very caller
    kept: tuple[str | None, str | None] = (None, None)  # as Owner has it


@dataclass(frozen=True, slots=True)
class Recognised:
    """A request while the database is away. `tenant_id` None: nothing about it is proven."""

    webhook: Webhook
    tenant_id: int | None


def admit(kind: Kind, request: Request) -> Admitted:
    """Let a request in, or raise Refused or UnknownNumber.

    The signature is checked against PUBLIC_BASE_URL and the path and query as sent, never against
    Host or X-Forwarded-* (which the sender chooses); then what this kind of request carries must
    belong to a tenant of the account whose token signed it: a tenant's own token must not speak
    for another's number or call. Contract: https://www.twilio.com/docs/usage/security.

    Whose a call is, this process remembers from its turn before. Whoever takes the turn has to see
    that account and token are still those (Admitted.kept), or to `forget` and ask again.
    """
    _check_body(request)
    if remembered := _remembered(kind, request):
        try:
            return _admitted(kind, request, remembered)
        except Refused:  # perhaps no longer as it was
            forget(request.form["CallSid"])
    try:
        return _admitted(kind, request, _owner(kind, request))
    except Malformed as error:
        raise Refused(str(error)) from error


def _admitted(kind: Kind, request: Request, owner: Owner | None) -> Admitted:
    try:
        account = webhook.account_sid(request.form)
        if owner is None:
            _check_signature(request, directory.tokens_of_account(account))
            return _unowned(kind, request)
        if owner.account_sid != account:
            raise Refused("the account does not speak for this tenant", about="account")
        _check_signature(request, [owner.token])
        parsed = webhook.parse(kind, request.form, request.args)
    except Malformed as error:
        raise Refused(str(error)) from error
    _check_belongs(owner, parsed)
    proven.remember(owner.called, Proven(owner.tenant_id, account, owner.token))
    if owner.call_id is not None and kind in TURNS:
        _calls.put(parsed.call_sid, owner)
    return Admitted(
        owner.tenant_id, parsed, owner.called, owner.call_id, owner.ours, owner.rung, owner.kept
    )


def _remembered(kind: Kind, request: Request) -> Owner | None:
    return _calls.get(request.form.get("CallSid", "")) if kind in TURNS else None


def forget(call_sid: str | None = None) -> None:
    """Whose this call is (None: any)."""
    if call_sid is None:
        _calls.clear()
    else:
        _calls.drop(call_sid)


def recognise(kind: Kind, request: Request) -> Recognised:
    """Let a request in by what this process has seen proven, without the database. Raises Refused.

    A node that does not know the number or the account cannot check a signature: what it answers
    must need no tenant, and tell nothing.
    """
    _check_body(request)
    try:
        parsed = webhook.parse(kind, request.form, request.args)
    except Malformed as error:
        raise Refused(str(error)) from error
    known = proven.of_number(parsed.to)
    if known and known.account_sid != parsed.account_sid:
        raise Refused("the account does not speak for this tenant", about="account")
    token = known.token if known else proven.token_of(parsed.account_sid)
    if token:
        _check_signature(request, [token])
    return Recognised(parsed, known.tenant_id if known else None)


def _check_body(request: Request) -> None:
    if request.method != "POST":
        raise Refused("not a POST")
    if request.content_length is None or request.content_length > LARGEST_BODY:
        raise Refused("the body is too large or of unknown length", 413)
    if request.mimetype != _FORM:
        raise Refused("not a form")


def _owner(kind: Kind, request: Request) -> Owner | None:
    """Looked up by unproven fields, only to choose the key that proves them. What has not their
    shape is nobody's: PostgreSQL would not even take all of it."""

    def call(name: str) -> Owner | None:
        return directory.owner_of_call(webhook.call_sid_in(request.form.get(name, "")))

    def somebody(name: str) -> str:
        return webhook.caller_in(request.form.get(name, ""))

    match kind:
        case Kind.VOICE | Kind.FALLBACK:
            called, caller, forwarder = map(somebody, ("To", "From", "ForwardedFrom"))
            return directory.owner_of_number(called, caller, forwarder)
        case Kind.SCREEN:
            return call("ParentCallSid")
        case Kind.RECORDING_STATUS:  # carries no To
            return call("CallSid")
    # A call that began while the database was away has no row yet.
    return call("CallSid") or directory.owner_of_number(somebody("To"))


def _unowned(kind: Kind, request: Request) -> Admitted:
    try:
        webhook.parse(kind, request.form, request.args)
    except Malformed as error:
        raise Refused(str(error)) from error
    if kind in (Kind.VOICE, Kind.FALLBACK):
        raise UnknownNumber
    raise Refused("no such call", 404, about="account")


def _check_signature(request: Request, tokens: list[str]) -> None:
    signature = request.headers.get("X-Twilio-Signature", "")
    url = signed_url(request)
    keys = [token for token in tokens if token]
    # Without a key a throw-away one is tried, so that an unknown account costs the same time.
    matches = [
        RequestValidator(key).validate(url, request.form, signature) for key in keys or ["none"]
    ]
    if not keys or not any(matches):
        raise Refused("the signature is missing or wrong", about="signature")


def signed_url(request: Request) -> str:
    """The URL as Twilio signed it: ours by configuration, path and query exactly as received."""
    base = current_app.extensions["settings"].public_base_url
    raw = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI")
    if not raw or not raw.startswith("/"):
        query = request.query_string.decode("ascii", "replace")
        raw = request.path + (f"?{query}" if query else "")
    return str(base + raw)


def _check_belongs(owner: Owner, parsed: Webhook) -> None:
    match parsed.kind:
        case Kind.RECORDING_STATUS:  # carries no To
            return
        case Kind.SCREEN:
            if owner.call_id is None or parsed.to not in directory.numbers_of_attempt(
                owner.tenant_id, owner.call_id, parsed.attempt
            ):
                raise Refused("this leg is not of that transfer", about="account")
        case _:
            if parsed.to != owner.called:
                raise Refused("the number is not the one of this call", about="account")
