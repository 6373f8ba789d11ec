"""Questions that found no answer: those that ask the same together, to be answered or ignored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import ngettext
from sqlalchemy import select

from app.ai import alike
from app.extensions import db
from app.models import GapStatus, KnowledgeGap
from app.views import act_as
from app.views.interface import is_id

MOST = 300  # questions that are grouped, those asked last
MOST_TOGETHER = 50  # wordings that one answer takes up
_SEVERAL_TRIES = " / "  # what the flow puts between several tries at saying it


@dataclass(frozen=True, slots=True)
class Group:
    """Wordings of one question, the most asked first."""

    gaps: tuple[KnowledgeGap, ...]

    @property
    def question(self) -> str:
        return self.gaps[0].question

    @property
    def asked(self) -> int:
        return sum(gap.asked for gap in self.gaps)

    @property
    def last_asked_at(self) -> datetime:
        return max(gap.last_asked_at for gap in self.gaps)

    @property
    def ids(self) -> list[int]:
        return [gap.id for gap in self.gaps[:MOST_TOGETHER]]


class Unanswered(BaseView):
    route_base = "/unanswered"
    default_view = "show"
    class_permission_name = "KnowledgeGap"
    method_permission_name = {"show": "read", "ignore": "write"}
    base_permissions = ["can_read", "can_write"]

    @expose("/", methods=["GET"])
    @has_access
    def show(self) -> Any:
        act_as.tenant_needed()
        gaps = _open()
        return self.render_template(
            "knowledge/gaps.html", questions=grouped(gaps[:MOST]), there_are_more=len(gaps) > MOST,
            most=MOST, calls_of=calls_of,
            may_write=self.appbuilder.sm.has_access("can_write", "KnowledgeEntry"),
        )  # fmt: skip

    @expose("/ignore", methods=["POST"])
    @has_access
    def ignore(self) -> Any:
        act_as.tenant_needed()
        found = wanted(request.form.getlist("gap"))
        for gap in found:
            gap.status = GapStatus.IGNORED
        db.session.commit()
        if found:
            text = ngettext("Question ignored", "%(num)d wordings ignored", len(found))
            flash(text, "success")
        return redirect(url_for("Unanswered.show"))


def grouped(gaps: list[KnowledgeGap]) -> list[Group]:
    """What is asked most comes first."""
    often = sorted(gaps, key=lambda gap: (-gap.asked, gap.id))
    together = alike.groups([gap.question for gap in often])
    groups = [Group(tuple(often[at] for at in places)) for places in together]
    return sorted(groups, key=lambda one: (one.asked, one.last_asked_at), reverse=True)


def wanted(ids: list[str]) -> list[KnowledgeGap]:
    """The open ones among these, in this order. One that is gone or closed is not asked for any
    more: no reason to refuse the rest."""
    numbers = [int(one) for one in ids[:MOST_TOGETHER] if is_id(one)]
    if not numbers:
        return []
    found = db.session.scalars(
        select(KnowledgeGap).where(
            KnowledgeGap.id.in_(numbers), KnowledgeGap.status == GapStatus.OPEN
        )
    ).all()
    return sorted(found, key=lambda gap: numbers.index(gap.id))


def answered_by(gaps: list[KnowledgeGap], entry: Any) -> None:
    """In the transaction that saves the entry."""
    for gap in gaps:
        gap.entry, gap.status = entry, GapStatus.ANSWERED


def calls_of(gap: KnowledgeGap) -> str:
    """The calls in which it was said. What took several tries was said in pieces: the last call."""
    if gap.asked > 1 and _SEVERAL_TRIES not in gap.question:
        return url_for("CallSessionPage.list", _flt_0_utterances=gap.question)
    return url_for("CallSessionPage.show", pk=gap.call_id) if gap.call_id else ""


def as_question(words: str) -> str:
    """A caller's words as the beginning of a question that is written down."""
    text = " ".join(words.split())
    return text[:1].upper() + text[1:]


def _open() -> list[KnowledgeGap]:
    newest = (
        select(KnowledgeGap)
        .where(KnowledgeGap.status == GapStatus.OPEN)
        .order_by(KnowledgeGap.last_asked_at.desc(), KnowledgeGap.id.desc())
        .limit(MOST + 1)
    )
    return list(db.session.scalars(newest))
