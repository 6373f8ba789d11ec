"""The page of a job: what it did, what came of it, and what a person can do about it."""

import json
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.actions import action
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from app.extensions import db
from app.jobs import again, outbox
from app.jobs.again import NotPossible
from app.models import Job, JobKind, JobStatus
from app.models.audit import record
from app.views import headers, mails, written
from app.views.interface import is_id

TOLD = ("event", "event_id", "occurred_at", "test", "data")  # of a webhook's body
UNTOLD = ("text", "html", "answers", "recipients")  # of a mail, shown above


@dataclass(frozen=True, slots=True)
class Delivered:
    """A webhook: `answer` is how the body of the last answer began, `sent` what was posted."""

    event: str
    url: str
    endpoint_id: int | None
    status: int | None
    answer: str
    sent: str
    delivery: str


class JobPage:
    show_template = "job/show.html"
    list_title: Any

    def _init_titles(self) -> None:
        super()._init_titles()  # type: ignore[misc]
        self.list_title = _("Mails and jobs")  # as the menu has it

    def render_template(self, template: str, **context: Any) -> Any:
        if template == self.show_template:
            context |= self._shown(context["widgets"]["show"].template_args["item"])
        return super().render_template(template, **context)  # type: ignore[misc]

    def _shown(self, job: Job) -> dict[str, Any]:
        may = self.appbuilder.sm.has_access  # type: ignore[attr-defined]
        mail = mails.of([job]).get(job.id)
        if mail and mail.html:
            headers.frame_own()
        return {
            "job": job,
            "statuses": JobStatus,
            "mail": mail,
            "deliveries": mails.Delivery,
            "hook": delivered(job) if job.kind == JobKind.WEBHOOK_OUT else None,
            "can_replay": again.can_be_replayed(job) and may("can_replay", "Job"),
            "can_set_aside": job.status == JobStatus.DEAD and may("can_replay", "Job"),
            "sees_call": job.call_id is not None and may("can_read", "CallSession"),
            "tenant": written.tenant_name(job.tenant_id) if job.tenant_id else None,
            "as_json": written.plain,
            "kept": {k: v for k, v in job.result.items() if mail is None or k not in UNTOLD},
        }

    @expose("/html/<pk>", methods=["GET"])
    @has_access
    @permission_name("read")
    def html(self, pk: str) -> Response:
        """A mail as mail programs show it: for the frame on its page, where nothing in it runs."""
        job = self.datamodel.get(pk)  # type: ignore[attr-defined]
        mail = mails.of([job]).get(job.id) if job is not None else None
        if mail is None or not mail.html:
            abort(404)
        return headers.harmless(Response(mail.html, mimetype="text/html"))

    @action("replay", "Try again", "", "fa-repeat", multiple=False)
    def replay(self, jobs: Any) -> Any:
        job = _one(jobs)
        return _done(lambda: do_replay(job), job)

    @action("set_aside", "Set aside", "", "fa-archive", multiple=False)
    def set_aside(self, jobs: Any) -> Any:
        job = _one(jobs)
        return _done(lambda: do_set_aside(job), job)


def do_replay(job: Job) -> str:
    """What is said of it. Commits. Raises NotPossible."""
    again.replay(job)
    db.session.add(record("replay", "Job", job.id, {}, tenant_id=job.tenant_id))
    db.session.commit()
    outbox.wake()
    if job.kind == JobKind.WEBHOOK_OUT:
        return gettext("It is being sent again.")
    return gettext("It is being tried again.")


def do_set_aside(job: Job) -> str:
    """Like `do_replay`."""
    again.set_aside(job)
    db.session.add(record("set aside", "Job", job.id, {}, tenant_id=job.tenant_id))
    db.session.commit()
    return gettext("Set aside. It no longer counts as given up.")


def delivered(job: Job) -> Delivered:
    told = {("id" if name == "event_id" else name): job.args.get(name) for name in TOLD}
    status = job.result.get("status")
    return Delivered(
        event=str(job.args.get("event", "")),
        url=job.webhook.url if job.webhook else "",
        endpoint_id=job.webhook_id,
        status=status if isinstance(status, int) else None,
        answer=str(job.result.get("answer", "")),
        sent=json.dumps(told | {"tenant": job.tenant_id}, ensure_ascii=False, indent=1),
        delivery=str(job.args.get("delivery", "")),
    )


def _one(jobs: Any) -> Job:
    """From a page, or from a list whose box was ticked."""
    found: list[Job] = jobs if isinstance(jobs, list) else [jobs]
    return found[0] if len(found) == 1 else abort(400)


def _done(change: Any, job: Job) -> Any:
    """To where it was asked for: the list of what was given up, the call, or the job."""
    back, call_id, job_id = request.form.get("back", ""), job.call_id, job.id
    try:
        flash(change(), "success")
    except NotPossible as problem:
        flash(problem.reason, "warning")
    if back == "operations":
        return redirect(url_for("Operations.given_up"))
    if back == "call" and is_id(call_id):
        return redirect(url_for("CallSessionPage.show", pk=call_id))
    return redirect(url_for("JobPage.show", pk=job_id))
