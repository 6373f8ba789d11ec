"""Operations: work after calls as it stands, what was given up, mails, webhooks, numbers, parts.

For super admins: of all tenants or, while they act for one, of that one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import selectinload

from app import doctor, survey
from app.extensions import db
from app.figures import queue, work
from app.jobs import again, outbox
from app.models import MAILS, Job, JobKind, JobStatus
from app.models.audit import keyed_hash, record
from app.views import act_as, behind, jobpage, mails, moments, parts, tones, written
from app.views.fields import storable
from app.views.interface import is_id

PAGE = 25
LAST_PAGE = 400  # what is further back is found by searching
SEARCHED = 5_000  # mails, the newest: their text lies in JSON, which no index helps with
LATE = timedelta(minutes=5)
TABS = (
    ("overview", _("Overview"), "activity"),
    ("given_up", _("Given up"), "circle-alert"),
    ("mails", _("Mails"), "mail"),
    ("webhooks", _("Webhooks"), "webhook"),
    ("numbers", _("Number doctor"), "stethoscope"),
)
STATES: dict[str, tuple[Any, Any]] = {
    "waiting": (_("Waiting"), and_(Job.status == JobStatus.WAITING, Job.attempts == 0)),
    "again": (_("Trying again"), and_(Job.status == JobStatus.WAITING, Job.attempts > 0)),
    "done": (_("Done"), Job.status == JobStatus.DONE),
    "dead": (_("Given up"), Job.status == JobStatus.DEAD),
    "set_aside": (_("Set aside"), Job.status == JobStatus.SET_ASIDE),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of rows; how many there are in all is not counted."""

    rows: list[Any]
    number: int
    has_next: bool

    def url(self, step: int) -> str:
        """The same list, a page further or back."""
        kept: dict[str, Any] = request.args.to_dict() | {"page": str(self.number + step)}
        return url_for(request.endpoint or "", **kept)


class Operations(BaseView):
    route_base = "/operations"
    default_view = "overview"

    @expose("/", methods=["GET"])
    def overview(self) -> Any:
        act_as.super_admins_only()
        every = parts.every()
        now = datetime.now(UTC)
        standing = queue.standing(now)
        today = moments.today()
        period = behind.period_of(today - timedelta(days=1), today)
        return self._page(
            "overview", parts=every, queue=standing, counted=queue.COUNTED,
            late=standing.due if standing.due and now - standing.due > LATE else None,
            work=work.by_kind(period), period=period, behind=behind, measured=work.MEASURED,
        )  # fmt: skip

    @expose("/given-up", methods=["GET"])
    def given_up(self) -> Any:
        act_as.super_admins_only()
        kind = _kind(request.args.get("kind", ""))
        query = select(Job).where(Job.status == JobStatus.DEAD)
        listed = _listed(query.where(Job.kind == kind) if kind else query)
        return self._page(
            "given_up",
            jobs=listed,
            kind=kind,
            kinds=queue.given_up_by_kind(),
            most=again.MOST,
        )

    @expose("/mails", methods=["GET"])
    def mails(self) -> Any:
        act_as.super_admins_only()
        query, asked = select(Job).where(Job.kind.in_(MAILS)), _asked()
        if asked:
            newest = query.with_only_columns(Job.id).order_by(Job.id.desc()).limit(SEARCHED)
            texts = Job.result["subject"].astext, Job.result["recipients"].astext
            has = or_(*(text.icontains(asked, autoescape=True) for text in texts))
            query = query.where(Job.id.in_(newest.scalar_subquery()), has)
        listed = _listed(_of_state(query))
        return self._page(
            "mails", jobs=listed, mails=mails.of(listed.rows), states=STATES, asked=asked,
            searched=SEARCHED, state=request.args.get("state", ""),
        )  # fmt: skip

    @expose("/webhooks", methods=["GET"])
    def webhooks(self) -> Any:
        act_as.super_admins_only()
        query = select(Job).where(Job.kind == JobKind.WEBHOOK_OUT)
        listed = _listed(_of_state(query))
        return self._page(
            "webhooks", jobs=listed, states=STATES, delivered=jobpage.delivered,
            can_replay=again.can_be_replayed, state=request.args.get("state", ""),
        )  # fmt: skip

    @expose("/numbers", methods=["GET"])
    def numbers(self) -> Any:
        """Twilio is asked of the businesses on this page."""
        act_as.super_admins_only()
        page = _page_number()
        db.session.rollback()  # no connection is held while the world is asked
        found = survey.survey(page * survey.PAGE, survey.PAGE + 1)
        certificate = doctor.certificate(current_app.extensions["settings"].public_base_url)
        listed = Listed(found[: survey.PAGE], page, len(found) > survey.PAGE)
        return self._page("numbers", businesses=listed, certificate=certificate)

    @expose("/again", methods=["POST"])
    def again(self) -> Any:
        """All of a kind that were given up."""
        act_as.super_admins_only()
        kind = _kind(request.form.get("kind", "")) or abort(400)
        taken = again.replay_kind(kind)
        db.session.add(record("replay", "Job", None, {"kind": keyed_hash(str(kind))}))
        db.session.commit()
        outbox.wake()
        if taken.rows:
            flash(
                ngettext(
                    "%(num)d job is being tried again", "%(num)d jobs are being tried again",
                    taken.rows,
                ),
                "success",
            )  # fmt: skip
        if taken.left:
            flash(_said_of_left(taken.left, taken.rows), "warning")
        return redirect(url_for("Operations.given_up"))

    def _page(self, tab: str, **found: Any) -> Any:
        return self.render_template(
            f"operations/{tab}.html", tab=tab, tabs=TABS, statuses=JobStatus,
            deliveries=mails.Delivery, kind_of=lambda one: tones.said(JobKind, one).text,
            tenant_name=written.tenant_name, **found,
        )  # fmt: skip


def _listed(query: Any) -> Listed:
    """The newest first. With the names of whose they are, by one statement."""
    number = _page_number()
    found = db.session.scalars(
        query.options(selectinload(Job.webhook))
        .order_by(Job.id.desc())
        .offset(number * PAGE)
        .limit(PAGE + 1)
    ).all()
    written.remember_tenants({job.tenant_id for job in found if job.tenant_id})
    return Listed(list(found[:PAGE]), number, len(found) > PAGE and number < LAST_PAGE)


def _of_state(query: Any) -> Any:
    state = request.args.get("state", "")
    if not state:
        return query
    return query.where(STATES[state][1]) if state in STATES else abort(400)


def _page_number() -> int:
    named = request.args.get("page", "0")
    return int(named) if is_id(named) and int(named) <= LAST_PAGE else abort(400)


def _kind(named: str) -> JobKind | None:
    if not named:
        return None
    return JobKind(named) if named in tuple(JobKind) else abort(400)


def _asked() -> str:
    try:
        return storable(request.args.get("q", "").strip()[:80])
    except ValueError:
        return ""


def _said_of_left(left: int, taken: int) -> str:
    if taken >= again.MOST:
        return gettext(
            "The oldest %(number)d are on their way. Try again to take up the next ones.",
            number=taken,
        )
    return ngettext(
        "%(num)d job stays given up: its webhook or its business is closed. Set it aside.",
        "%(num)d jobs stay given up: their webhooks or businesses are closed. Set them aside.",
        left,
    )
