"""Behind the calls: work in the outbox, who changed what."""

from typing import Any

from flask import Response, flash, redirect, url_for
from flask_appbuilder.actions import action
from flask_appbuilder.api import expose, permission_name, protect, safe
from flask_babel import ngettext

from app.extensions import db
from app.jobs import events, outbox
from app.jobs.events import NotReplayable
from app.models import AuditLog, Job
from app.views.entity import READ, Entity
from app.views.refusals import Refused

CATEGORY = "Platform"


def _replay(job: Job) -> None:
    """Raises NotReplayable."""
    events.replay(job)
    db.session.commit()
    outbox.wake()


class JobPage:
    @action("replay", "Send again", "Webhooks are sent once more, as they were.", "fa-repeat")
    def replay(self, items: Any) -> Any:
        """Those of the chosen that can be."""
        self._need_tenant()  # type: ignore[attr-defined]
        jobs = items if isinstance(items, list) else [items]
        refusals = []
        for job in jobs:
            try:
                _replay(job)
            except NotReplayable as error:
                refusals.append(error.reason)
        if sent := len(jobs) - len(refusals):
            done = ngettext("It is being sent again.", "%(num)d are being sent again.", sent)
            flash(done, "success")
        for reason in dict.fromkeys(refusals):
            flash(reason, "warning")
        return redirect(url_for("JobPage.list"))


class JobApi:
    @expose("/<int:pk>/replay", methods=["POST"])
    @protect()
    @safe
    @permission_name("replay")
    def replay(self, pk: int) -> Response:
        """Send a webhook again, under the delivery id it had
        ---
        post:
          parameters:
          - in: path
            name: pk
            required: true
            schema:
              type: integer
          responses:
            202:
              description: It is being sent
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      message:
                        type: string
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        """
        return self._act(lambda: self._replayed(pk))  # type: ignore[attr-defined]

    def _replayed(self, pk: int) -> Response:
        try:
            _replay(self._found(pk))  # type: ignore[attr-defined]
        except NotReplayable as error:
            raise Refused(error.reason) from error
        answer: Any = self.response(202, message="It is being sent again.")  # type: ignore[attr-defined]
        return answer


JOBS = Entity(
    model=Job, resource="jobs", menu="Jobs", category=CATEGORY, icon="fa-tasks",
    list_columns=("kind", "status", "attempts", "run_at", "finished_at", "last_error"),
    show_columns=(
        "kind", "key", "webhook", "status", "attempts", "run_at", "finished_at", "last_error",
        "args", "result", "created_at",
    ),
    searched=("webhook",), may=READ, platform=True, also=("replay",),
    actions={"replay": "replay"}, page=JobPage, api=JobApi,
)  # fmt: skip

AUDIT = Entity(
    model=AuditLog, resource="audit", menu="Audit log", category=CATEGORY, icon="fa-history",
    list_columns=("created_at", "actor", "action", "entity", "entity_id", "address"),
    show_columns=("created_at", "actor", "action", "entity", "entity_id", "address", "changes"),
    may=READ, platform=True,
)  # fmt: skip
