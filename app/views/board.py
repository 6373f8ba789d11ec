"""The lead board: a column for each step a lead can be at, a card for each person."""

from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, ngettext
from flask_login import current_user
from sqlalchemy import func, select, union_all

from app.extensions import db
from app.models import Lead, LeadStatus
from app.tenancy import PLATFORM, current_scope
from app.views import moments, persons, tones
from app.views.fields import storable
from app.views.interface import is_id
from app.views.narrowing import COUNTED

COLUMNS = (LeadStatus.NEW, LeadStatus.CONTACTED, LeadStatus.DONE, LeadStatus.LOST)
READ = 200  # of a column, newest first: what one person left several times is one card
LONGEST_NOTE = 2000
SHOWN = 50  # cards of a column; the list has the rest


@dataclass(frozen=True, slots=True)
class Card:
    """The newest lead of a person at this step; `leads` are that person's at it, `calls` in all."""

    lead: Lead
    leads: int
    calls: int


@dataclass(frozen=True, slots=True)
class Column:
    status: LeadStatus
    label: Any
    count: int  # of leads: as many as the list behind it has
    is_more: bool  # than anybody counts
    cards: list[Card]
    url: str


class LeadBoard(BaseView):
    route_base = "/leads"
    default_view = "board"
    class_permission_name = "Lead"
    method_permission_name = {"board": "read", "move": "write", "note": "write"}
    base_permissions = ["can_read", "can_write"]

    @expose("/board", methods=["GET"])
    @has_access
    def board(self) -> Any:
        _need_tenant()
        may_write = self.appbuilder.sm.has_access("can_write", "Lead")
        return self.render_template(
            "lead/board.html", columns=_columns(), may_write=may_write, choices=_choices()
        )

    @expose("/move/<pk>", methods=["POST"])
    @has_access
    def move(self, pk: str) -> Any:
        """This lead and, from the board, the others of its card: to another step."""
        lead = _found(pk)
        status = request.form.get("status", "")
        if status not in set(LeadStatus):
            abort(400)
        from_board = request.form.get("back") == "board"
        moved = _with_its_card(lead) if from_board else [lead]
        for one in moved:
            one.status = status
        db.session.commit()
        flash(_said(len(moved), LeadStatus(status)), "success")
        there = url_for("LeadBoard.board") if from_board else url_for("LeadPage.show", pk=pk)
        return redirect(there)

    @expose("/note/<pk>", methods=["POST"])
    @has_access
    def note(self, pk: str) -> Any:
        """A note is added to those there are, with its day and its author."""
        lead = _found(pk)
        try:
            text = storable(request.form.get("note", "").strip()[:LONGEST_NOTE])
        except ValueError:
            abort(400)
        if text:
            day = moments.today().isoformat()
            added = f"{day}, {current_user.get_full_name()}: {text}"
            lead.notes = f"{lead.notes}\n{added}".strip()
            db.session.commit()
            flash(gettext("Note saved"), "success")
        return redirect(url_for("LeadPage.show", pk=pk))


def _found(pk: str) -> Lead:
    _need_tenant()
    lead = db.session.get(Lead, int(pk)) if is_id(pk) else None
    return lead or abort(404)


def _need_tenant() -> None:
    if current_scope() is PLATFORM:
        flash(gettext("Choose the tenant to act for first."), "warning")
        abort(redirect(url_for("ActAs.choose")))


def _said(count: int, status: LeadStatus) -> str:
    label = tones.said(LeadStatus, status).text
    return str(
        ngettext(
            "Lead moved to %(status)s", "%(num)d leads moved to %(status)s", count, status=label
        )
    )


def _choices() -> list[tuple[str, Any]]:
    return [(str(status), tones.said(LeadStatus, status).text) for status in LeadStatus]


def _with_its_card(lead: Lead) -> list[Lead]:
    if not lead.phone:
        return [lead]
    same = select(Lead).where(
        Lead.phone == lead.phone, Lead.status == lead.status, Lead.test == lead.test
    )
    return list(db.session.scalars(same.order_by(Lead.id.desc()).limit(READ).with_for_update()))


def _columns() -> list[Column]:
    counts = _counts()
    found = {status: _newest(status) for status in COLUMNS}
    phones = [lead.phone for leads in found.values() for lead in leads]
    calls = persons.counted(phones)
    return [
        Column(
            status,
            tones.said(LeadStatus, status).text,
            min(counts.get(status, 0), COUNTED),
            counts.get(status, 0) > COUNTED,
            _cards(leads, calls),
            url_for("LeadPage.list", _flt_0_status=str(status)),
        )
        for status, leads in found.items()
    ]


def _newest(status: LeadStatus) -> list[Lead]:
    query = select(Lead).where(Lead.status == status).order_by(Lead.id.desc()).limit(READ)
    return list(db.session.scalars(query))


def _counts() -> dict[str, int]:
    """By one statement, of each column no further than COUNTED + 1."""
    limited = [
        select(Lead.status).where(Lead.status == status).limit(COUNTED + 1).subquery()
        for status in COLUMNS
    ]
    query = union_all(
        *(select(one.c.status, func.count()).group_by(one.c.status) for one in limited)
    )
    return {status: count for status, count in db.session.execute(query)}


def _cards(leads: list[Lead], calls: dict[str, int]) -> list[Card]:
    """One of each person, the newest first; a test is never together with what is none."""
    together: dict[Any, list[Lead]] = {}
    for lead in leads:
        together.setdefault((lead.phone or lead.id, lead.test), []).append(lead)
    return [
        Card(own[0], len(own), calls.get(own[0].phone, 0))
        for own in list(together.values())[:SHOWN]
    ]
