"""What was called about and said; calls of the built-in telephones are registered here."""

from typing import Any

from flask import Response, request
from flask_appbuilder.api import expose, permission_name, protect, safe

from app.models import (
    Block,
    CallSession,
    CallSummary,
    Consent,
    Transcript,
    TransferAttempt,
)
from app.views import checks, written
from app.views.bulk import RowActions
from app.views.callpage import CallPage
from app.views.entity import READ, Entity
from app.views.fields import Body, Words
from app.views.live import EndingApi
from app.views.registering import registered
from app.views.unwanted import UnwantedApi

CATEGORY = "Calls"
NUMBER = Body.from_dict({"number": Words(checks.phone, required=True)})


class CallApi:
    @expose("/test", methods=["POST"])
    @protect()
    @safe
    @permission_name("test")
    def test(self) -> Response:
        """Register a call of the built-in telephones beforehand
        ---
        post:
          description: >-
            The first webhook that names the returned CallSid begins a test call. At most five of
            whoever asks may go on at once; those left alone for ten minutes are closed
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  properties:
                    number:
                      description: The number to be called, one of the tenant's
                      type: string
          responses:
            201:
              description: Registered
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      call_sid:
                        type: string
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            422:
              $ref: '#/components/responses/422'
        """
        return self._answering(self._register, writing=True)  # type: ignore[attr-defined]

    def _register(self) -> Response:
        asked = NUMBER().load(request.json)["number"]
        call = registered(asked)
        self.datamodel.add(call)  # type: ignore[attr-defined]
        answer: Any = self.response(201, call_sid=call.call_sid)  # type: ignore[attr-defined]
        return answer


class CallsApi(CallApi, UnwantedApi, EndingApi):
    """With its extra endpoints."""


CALLS = Entity(
    model=CallSession, resource="calls", menu="Calls", category=CATEGORY, icon="fa-phone-square",
    list_columns=("caller", "outcome", "started_at", "duration", "called", "channel"),
    low=("called", "channel"), titled=lambda call: written.phone_text(call.caller),
    show_columns=(
        "call_sid", "channel", "outcome", "state", "started_at", "ended_at", "duration", "caller",
        "called", "number", "turn", "answers", "last_turn_at", "tokens_in", "tokens_out",
        "before_spam", "limited",
    ),
    searched=("state", "number", "departments", "utterances"),
    exported=(
        "started_at", "caller", "called", "channel", "outcome", "duration", "answers", "call_sid",
    ),
    labels={
        "started_at": "Began", "called": "Number called", "departments": "Department tried",
        "state": "Where it stood", "utterances": "Words said (newest 10,000 calls)",
        "duration": "Length", "call_sid": "Twilio's id", "before_spam": "Before it was spam",
        "limited": "Why not answered as ever",
    },
    may=READ, also=("test", "mark", "end"),
    actions={"bulk_spam": "mark", "bulk_block": "mark"}, page=CallPage, api=CallsApi,
)  # fmt: skip

CONSENTS = Entity(
    model=Consent, resource="consents", menu="Consents", category=CATEGORY,
    icon="fa-check-square-o",
    list_columns=("call", "kind", "given", "text_version", "created_at"),
    labels={"given": "Agreed", "text_version": "Words that asked", "created_at": "When"},
    may=READ,
)  # fmt: skip

BLOCKS = Entity(
    model=Block, resource="blocks", menu="Blocked callers", category=CATEGORY, icon="fa-ban",
    list_columns=("phone", "reason", "created_at"),
    form_columns=("phone", "reason"),
    edit_columns=("reason",),
    show_columns=("phone", "reason", "created_at", "updated_at"),
    checks={"phone": checks.phone},
    labels={"phone": "Number", "created_at": "Since"},
    help={
        "phone": "Calls from it are not answered. In international form, such as +12125550142.",
        "reason": "For your colleagues, such as: asked us to stop calling back.",
    },
    page=RowActions,
)  # fmt: skip

TRANSCRIPTS = Entity(
    model=Transcript, resource="transcripts", menu="Transcripts", category=CATEGORY,
    icon="fa-comments", order=("id", "asc"),
    list_columns=("call", "turn", "speaker", "text", "created_at"),
    show_columns=("call", "turn", "speaker", "text", "state", "evidence", "created_at"),
    searched=("call",),
    exported=("created_at", "call", "turn", "speaker", "text"),
    labels={"text": "Words", "created_at": "When"},
    may=READ,
)  # fmt: skip

TRANSFERS = Entity(
    model=TransferAttempt, resource="transfers", menu="Transfers", category=CATEGORY,
    icon="fa-exchange",
    list_columns=("call", "department", "status", "created_at", "seconds"),
    show_columns=(
        "call", "department", "turn", "numbers", "status", "accepted_by", "seconds", "created_at",
        "ended_at", "forwarded",
    ),
    may=READ,
)  # fmt: skip

SUMMARIES = Entity(
    model=CallSummary, resource="summaries", menu="Summaries", category=CATEGORY,
    icon="fa-file-text-o",
    list_columns=("call", "text", "tier", "created_at"),
    show_columns=("call", "text", "tier", "model", "created_at"),
    may=READ,
)  # fmt: skip
