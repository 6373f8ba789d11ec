"""Behind the calls: work in the outbox, who changed what."""

from collections.abc import Callable
from typing import Any

from flask import Response
from flask_appbuilder.api import expose, permission_name, protect, safe

from app.jobs.again import NotPossible
from app.models import AuditLog, Job, JobKind
from app.views import jobpage, tones
from app.views.entity import READ, Entity
from app.views.jobpage import JobPage
from app.views.refusals import Refused

CATEGORY = "Platform"


class JobApi:
    @expose("/<int:pk>/replay", methods=["POST"])
    @protect()
    @safe
    @permission_name("replay")
    def replay(self, pk: int) -> Response:
        """Have it done once more: what was given up, or a webhook, under the id it had
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
              description: It is being done
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
        return self._act(lambda: self._done(pk, jobpage.do_replay))  # type: ignore[attr-defined]

    @expose("/<int:pk>/set-aside", methods=["POST"])
    @protect()
    @safe
    @permission_name("replay")
    def set_aside(self, pk: int) -> Response:
        """What was given up is left as it is, and no longer counts as waiting for a person
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
              description: It is set aside
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
        return self._act(lambda: self._done(pk, jobpage.do_set_aside))  # type: ignore[attr-defined]

    def _done(self, pk: int, change: Callable[[Job], str]) -> Response:
        try:
            said = change(self._found(pk))  # type: ignore[attr-defined]
        except NotPossible as error:
            raise Refused(error.reason) from error
        answer: Any = self.response(202, message=said)  # type: ignore[attr-defined]
        return answer


JOBS = Entity(
    model=Job, resource="jobs", menu="Jobs", category=CATEGORY, icon="fa-tasks",
    list_columns=("kind", "about", "status", "run_at", "finished_at", "last_error"),
    low=("run_at",), titled=lambda job: str(tones.said(JobKind, job.kind).text),
    exported=("kind", "key", "status", "attempts", "run_at", "finished_at", "last_error"),
    labels={"run_at": "Due", "finished_at": "Finished", "last_error": "Reason"},
    show_columns=(
        "kind", "key", "webhook", "status", "attempts", "run_at", "finished_at", "last_error",
        "args", "result", "created_at",
    ),
    searched=("webhook", "attempts"), may=READ, platform=True, also=("replay",),
    actions={"replay": "replay", "set_aside": "replay"}, page=JobPage, api=JobApi,
)  # fmt: skip

AUDIT = Entity(
    model=AuditLog, resource="audit", menu="Audit log", category=CATEGORY, icon="fa-history",
    list_columns=("created_at", "actor", "action", "entity", "entity_id", "address"),
    show_columns=("created_at", "actor", "action", "entity", "entity_id", "address", "changes"),
    may=READ, platform=True,
)  # fmt: skip
