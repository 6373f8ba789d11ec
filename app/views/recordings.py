"""Recordings: listened to through us, deleted at Twilio by a job."""

import time
from typing import Any

from flask import Response, abort, flash, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.api import permission_name, protect, safe
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import select

from app import accounts, carrier
from app.carrier import Account, CarrierError
from app.extensions import db
from app.jobs import outbox
from app.models import JobKind, Recording, RecordingStatus, Tenant
from app.views.bulk import deleting
from app.views.entity import READ, Entity
from app.views.fields import LARGEST

GONE = (RecordingStatus.DELETING, RecordingStatus.DELETED)


class RecordingMedia(BaseView):
    """For the panel's player; scripts use the same under /api/v1/recordings/."""

    route_base = "/recordings"
    class_permission_name = "Recording"
    method_permission_name = {"media": "read"}
    base_permissions = ["can_read"]

    @expose("/<int:pk>/media", methods=["GET"])
    @has_access
    def media(self, pk: int) -> Response:
        return play(pk)


def play(pk: int) -> Response:
    """The sound of a recording that whoever asks may see. Its address is built from the tenant's
    account and the recording's id, whatever Twilio's requests said. No connection of the database
    is held while it is sent."""
    recording = db.session.scalar(select(Recording).where(Recording.id == pk)) if _id(pk) else None
    if recording is None or recording.status in GONE:
        abort(404)
    sid, account = recording.recording_sid, _account(recording.tenant_id)
    db.session.rollback()
    if account is None:
        abort(404, "Twilio keeps no sound of this call.")
    try:
        found = carrier.media(account, sid, request.headers.get("Range", ""))
    except CarrierError as error:
        abort(404 if error.status == 404 else 502, error.reason)
    answer = Response(
        found.pieces, found.status, found.headers, mimetype="audio/mpeg", direct_passthrough=True
    )
    answer.headers["Cache-Control"] = "private, no-store"
    answer.call_on_close(found.close)
    return answer


def _id(pk: int) -> bool:
    return 0 < pk <= LARGEST


def _account(tenant_id: int) -> Account | None:
    tenant = db.session.get(Tenant, tenant_id)
    account = accounts.account_of(tenant) if tenant else None
    return None if account is None or account.account_sid in accounts.demo() else account


def forget(item: Recording) -> None:
    """Nobody hears it from now on; it is gone when Twilio says so. The caller commits."""
    if item.status == RecordingStatus.DELETED:
        return
    item.status = RecordingStatus.DELETING
    outbox.add(
        JobKind.DELETE_RECORDING,
        # an earlier one may have been given up
        key=f"delete_recording:{item.recording_sid}:{time.time():.0f}",
        call_id=item.call_id,
        recording_sid=item.recording_sid,
    )


class RecordingApi:
    def remove(self, item: Recording) -> None:
        forget(item)
        self.datamodel.edit(item)  # type: ignore[attr-defined]
        outbox.wake()

    @expose("/<int:pk>/media", methods=["GET"])
    @protect()
    @safe
    @permission_name("read")
    def media(self, pk: int) -> Response:
        """The sound of a recording
        ---
        get:
          description: >-
            Streams the recording from Twilio as MP3; a Range is passed on
          parameters:
          - in: path
            schema:
              type: integer
            name: pk
          responses:
            200:
              description: The sound
              content:
                audio/mpeg:
                  schema:
                    type: string
                    format: binary
            206:
              description: The part of it that was asked for
              content:
                audio/mpeg:
                  schema:
                    type: string
                    format: binary
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        """
        return self._answering(lambda: play(pk))  # type: ignore[attr-defined]


class RecordingPage:
    show_template = "recording.html"
    bulk_delete = deleting(lambda page, row: forget(row), "Being deleted at Twilio")

    def _delete(self, pk: Any) -> None:
        self._need_tenant()  # type: ignore[attr-defined]
        item = self.datamodel.get(pk) or abort(404)  # type: ignore[attr-defined]
        forget(item)
        self.datamodel.edit(item)  # type: ignore[attr-defined]
        outbox.wake()
        flash("The recording is being deleted at Twilio.", "success")
        self.update_redirect()  # type: ignore[attr-defined]


RECORDINGS = Entity(
    model=Recording, resource="recordings", menu="Recordings", category="Calls",
    icon="fa-microphone",
    list_columns=("call", "source", "status", "duration", "created_at"),
    show_columns=(
        "call", "recording_sid", "source", "status", "duration", "channels", "created_at"
    ),
    may=(*READ, "delete"),
    page=RecordingPage, api=RecordingApi,
)  # fmt: skip
