"""REST of personal data: looked up by telephone number, handed out, erased; and the receipts."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Response, current_app, g, request
from flask_appbuilder.api import expose, permission_name, protect, safe
from flask_babel import gettext

from app.extensions import db
from app.jobs import outbox
from app.models import DataRequest, RequestKind
from app.personal import export, found, requests, spelled
from app.personal.spelled import NotANumber, Number
from app.tenancy import current_tenant_id
from app.views import moments, receipts, tones
from app.views.entity import READ, Entity
from app.views.fields import Body, Words
from app.views.refusals import Refused

PHONE = Body.from_dict({"phone": Words(required=True)})


def number_of(text: str) -> Number:
    """Raises Refused."""
    try:
        number = spelled.number(text, moments.business().region)
    except NotANumber as error:
        raise Refused(str(error), "phone") from error
    if found.is_our_own(number):
        raise Refused(gettext("Callers reach you at this number: it is nobody's own."), "phone")
    return number


def counted(number: Number) -> dict[str, int]:
    return found.counted(found.person(number), _tenant())


def _tenant() -> int:
    own = current_tenant_id()
    assert own is not None
    return own


def _actor() -> str:
    name = getattr(g.get("user"), "username", None)
    return f"user:{name}" if name else str(g.get("audit_actor", "system"))


def zipped(number: Number) -> Response:
    requests.exported(number, _actor(), counted(number))
    db.session.commit()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    headers = {
        "Content-Disposition":
            f'attachment; filename="personal-data-{datetime.now(UTC):%Y-%m-%d}.zip"',
        "Cache-Control": "private, no-store",
    }  # fmt: skip
    pieces = export.pieces(app, _tenant(), number)
    return Response(pieces, mimetype="application/zip", headers=headers)


def begin_erasure(number: Number) -> tuple[int, int]:
    """Ids of the request and of its job."""
    made, job_id = requests.erase(number, _actor())
    request_id = made.id
    db.session.commit()
    outbox.wake()
    return request_id, job_id


class PrivacyApi:
    @expose("/find", methods=["POST"])
    @protect()
    @safe
    @permission_name("write")
    def find(self) -> Response:
        """What is kept of the person with a telephone number
        ---
        post:
          description: >-
            Counts by store. The number may be written in any way; without a country code it is
            read as in the business's country
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [phone]
                  properties:
                    phone:
                      type: string
          responses:
            200:
              description: Rows by table, and mails kept as files
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      result:
                        type: object
                        additionalProperties:
                          type: integer
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            422:
              $ref: '#/components/responses/422'
        """
        return self._asked(lambda number: self._told(200, result=counted(number)))

    @expose("/export", methods=["POST"])
    @protect()
    @safe
    @permission_name("write")
    def export(self) -> Response:
        """Everything kept of the person with a telephone number, as a zip
        ---
        post:
          description: >-
            Rows as JSON Lines by table, the sound of recordings, mails, and manifest.json, which
            says what is inside. Leaves a receipt
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [phone]
                  properties:
                    phone:
                      type: string
          responses:
            200:
              description: The archive
              content:
                application/zip:
                  schema:
                    type: string
                    format: binary
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            422:
              $ref: '#/components/responses/422'
        """
        return self._asked(zipped)

    @expose("/erase", methods=["POST"])
    @protect()
    @safe
    @permission_name("write")
    def erase(self) -> Response:
        """Erase everything kept of the person with a telephone number
        ---
        post:
          description: >-
            A job does it: recordings at Twilio first. `request` is the receipt's id in this
            resource, `job` tells under jobs how far it is. Asked again while it is under way,
            the same ids are told
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [phone]
                  properties:
                    phone:
                      type: string
          responses:
            202:
              description: It has begun
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      request:
                        type: integer
                      job:
                        type: integer
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            422:
              $ref: '#/components/responses/422'
        """
        return self._asked(self._erased)

    def _erased(self, number: Number) -> Response:
        request_id, job_id = begin_erasure(number)
        return self._told(202, request=request_id, job=job_id)

    def _asked(self, answer: Callable[[Number], Response]) -> Response:
        def act() -> Response:
            return answer(number_of(PHONE().load(request.json)["phone"]))

        return self._answering(act, writing=True)  # type: ignore[attr-defined]

    def _told(self, status: int, **told: Any) -> Response:
        return self.response(status, **told)  # type: ignore[attr-defined]


DATA_REQUESTS = Entity(
    model=DataRequest, resource="privacy", menu="Personal data", category="Platform",
    icon="fa-user-secret",
    list_columns=("created_at", "kind", "ends_in", "requested_by", "finished_at"),
    show_columns=(
        "created_at", "kind", "ends_in", "phone_hash", "requested_by", "finished_at", "receipt",
    ),
    labels={
        "created_at": "Asked", "ends_in": "Number ends in", "requested_by": "By",
        "finished_at": "Done", "phone_hash": "Keyed hash of the number",
    },
    titled=lambda row: f"{tones.said(RequestKind, row.kind).text}: …{row.ends_in}",
    written={"receipt": receipts.written},
    may=READ, also=("write",), api=PrivacyApi,
)  # fmt: skip
