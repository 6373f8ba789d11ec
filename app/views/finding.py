"""One search over calls, leads and knowledge: what whoever asks may read, and no more of it."""

from dataclasses import dataclass
from typing import Any

from flask import abort, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import lazy_gettext as _
from flask_login import current_user
from sqlalchemy import or_, select

from app.extensions import db
from app.models import CallSession, KnowledgeEntry, Lead
from app.views import words
from app.views.fields import storable
from app.views.matching import containing
from app.views.narrowing import LONGEST_SEARCH

SHOWN = 8  # of each kind; the list shows the rest


@dataclass(frozen=True, slots=True)
class Kind:
    model: Any
    title: Any
    columns: tuple[str, ...]
    order: Any


@dataclass(frozen=True, slots=True)
class Found:
    title: Any
    icon: str
    page: str
    rows: list[Any]


KINDS = (
    Kind(Lead, _("Leads"), ("name", "phone", "email", "reason", "notes"), Lead.id.desc()),
    Kind(CallSession, _("Calls"), ("caller", "called", "call_sid"), CallSession.id.desc()),
    Kind(
        KnowledgeEntry, _("Knowledge"), ("question", "answer", "category"),
        KnowledgeEntry.updated_at.desc(),
    ),
)  # fmt: skip


class Finding(BaseView):
    route_base = "/search"
    default_view = "everywhere"

    @expose("/", methods=["GET"])
    def everywhere(self) -> Any:
        if not current_user.is_authenticated:
            abort(redirect(url_for("AuthDBView.login")))
        asked = _asked()
        found = [one for kind in KINDS if (one := self._found(kind, asked))] if asked else []
        return self.render_template("frame/found.html", asked=asked, found=found)

    def _found(self, kind: Kind, asked: str) -> Found | None:
        name = kind.model.__name__
        if not self.appbuilder.sm.has_access("can_read", name):
            return None
        matches = or_(*containing(kind.model, kind.columns, asked))
        query = select(kind.model).where(matches).order_by(kind.order).limit(SHOWN + 1)
        rows = list(db.session.scalars(query))
        return Found(kind.title, words.of(name).icon, f"{name}Page", rows) if rows else None


def _asked() -> str:
    try:
        return storable(request.args.get("q", "").strip()[:LONGEST_SEARCH])
    except ValueError:
        return ""
