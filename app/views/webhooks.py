"""Where a tenant wants to be told of events, and the secrets that sign what it is told."""

from typing import Any

from flask import Response, flash, redirect, url_for
from flask_appbuilder.actions import action
from flask_appbuilder.api import expose, permission_name, protect, safe

from app.models import WebhookEndpoint, WebhookEvent
from app.models.job import new_secret
from app.views import checks
from app.views.bulk import WebhookActions
from app.views.entity import Entity
from app.views.fields import Words, length
from app.views.forms import SecretField, TicksField
from app.views.refusals import Refused

SHORTEST_SECRET = 16
NOTICE = "Copy the secret now, it is not shown again: "


def _long_enough(secret: str) -> str:
    if not SHORTEST_SECRET <= len(secret) <= 200:
        raise ValueError(f"Use {SHORTEST_SECRET} to 200 characters, or leave it empty.")
    return secret


class WebhookRules:
    """Adding makes a secret unless one is given; it is told this once."""

    def pre_add(self, item: WebhookEndpoint) -> None:
        self.pre_update(item)
        item.plain = item.secret or new_secret()
        item.secret = item.plain

    def pre_update(self, item: WebhookEndpoint) -> None:
        if not item.events:
            raise Refused("Choose at least one event.", "events")
        item.events = [str(event) for event in WebhookEvent if event in item.events]


class WebhookPage(WebhookRules, WebhookActions):
    def post_add(self, item: WebhookEndpoint) -> None:
        flash(NOTICE + item.plain, "info")

    @action(
        "rotate", "New secret", "Make a new secret? The old one also signs for 24 hours.",
        "fa-refresh", multiple=False,
    )  # fmt: skip
    def rotate(self, item: WebhookEndpoint) -> Any:
        self._need_tenant()  # type: ignore[attr-defined]
        secret = item.rotate_secret()
        self.datamodel.edit(item)  # type: ignore[attr-defined]
        flash(NOTICE + secret, "info")
        return redirect(url_for("WebhookEndpointPage.list"))

    @action("deliveries", "Deliveries", "", "fa-tasks", multiple=False)
    def deliveries(self, item: WebhookEndpoint) -> Any:
        return redirect(url_for("JobPage.list", _flt_0_webhook=item.id))


class WebhookApi(WebhookRules):
    def once(self, item: Any) -> dict[str, Any]:
        return {"secret": item.plain}

    @expose("/<int:pk>/rotate", methods=["POST"])
    @protect()
    @safe
    @permission_name("write")
    def rotate(self, pk: int) -> Response:
        """Make a new secret; the old one also signs for 24 hours
        ---
        post:
          parameters:
          - in: path
            name: pk
            required: true
            schema:
              type: integer
          responses:
            200:
              description: The new secret, shown this once
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      secret:
                        type: string
                      former_until:
                        type: string
                        format: date-time
                        nullable: true
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        """
        return self._act(lambda: self._rotated(pk))  # type: ignore[attr-defined]

    def _rotated(self, pk: int) -> Response:
        item = self._found(pk)  # type: ignore[attr-defined]
        secret = item.rotate_secret()
        self.datamodel.edit(item)  # type: ignore[attr-defined]
        until = item.former_until.isoformat() if item.former_until else None
        answer: Any = self.response(200, secret=secret, former_until=until)  # type: ignore[attr-defined]
        return answer


WEBHOOKS = Entity(
    model=WebhookEndpoint, resource="webhooks", menu="Webhooks", category="Access",
    icon="fa-share-alt",
    list_columns=("url", "events", "active", "former_until", "updated_at"),
    form_columns=("url", "events", "active", "secret"),
    edit_columns=("url", "events", "active"),
    secrets=("secret",),
    help={
        "url": "Where it is told, such as https://hooks.example.com/calls.",
        "events": "What it is told of.",
        "active": "Off: it is told nothing, and events meanwhile are not sent later.",
        "secret": "Signs what is sent. Empty: one is made and shown once.",
    },
    labels={"url": "Address", "former_until": "Old secret signs until"},
    checks={"url": checks.web_address, "events": checks.one_of(WebhookEvent)},
    special={
        "secret": Words(
            load_only=True, allow_none=True, validate=length(SHORTEST_SECRET, 200)
        ),
    },
    inputs={
        "events": TicksField("Events", choices=[str(event) for event in WebhookEvent]),
        "secret": SecretField("Secret", check=_long_enough),
    },
    actions={"rotate": "write", "deliveries": "read"}, page=WebhookPage, api=WebhookApi,
)  # fmt: skip
