"""What is done to many rows of a list at once; only to those that whoever asks can see."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder.actions import action

from app.extensions import db
from app.models import EntryStatus, LeadStatus
from app.views.refusals import Refused, explained


def _each(change: Callable[[Any], None], done: str) -> Any:
    """All of them or, when one is refused, none. Rows come one by one or as a list."""

    def act(self: Any, items: Any) -> Any:
        self._need_tenant()
        rows = items if isinstance(items, list) else [items]
        try:
            with explained(self.datamodel.obj):
                for row in rows:
                    change(row)
                    if row not in db.session.deleted:
                        self.entity.verify(row)
                db.session.commit()
            flash(f"{done}: {len(rows)}.", "success")
        except Refused as refusal:
            flash(str(refusal), "danger")
        return redirect(url_for(f"{self.endpoint}.list"))

    return act


def _becoming(status: str) -> Callable[[Any], None]:
    return lambda row: setattr(row, "status", status)


def _action(name: str, text: str, act: Any, *, sure: str = "", icon: str = "fa-tag") -> Any:
    act.__name__ = name
    return action(name, text, sure, icon, single=False)(act)


def _deleting() -> Any:
    return _action(
        "bulk_delete", "Delete", _each(db.session.delete, "Deleted"),
        sure="Delete the selected rows?", icon="fa-trash",
    )  # fmt: skip


class RowActions:
    """Of what is a row and nothing else."""

    bulk_delete = _deleting()


class LeadActions:
    bulk_delete = _deleting()


for _status in LeadStatus:
    _name = f"bulk_{_status}"
    _act = _each(_becoming(_status), f"Marked as {_status}")
    setattr(LeadActions, _name, _action(_name, f"Mark as {_status}", _act))


class KnowledgeActions:
    bulk_publish = _action(
        "bulk_publish", "Publish", _each(_becoming(EntryStatus.LIVE), "Published"), icon="fa-eye"
    )
    bulk_unpublish = _action(
        "bulk_unpublish", "Unpublish", _each(_becoming(EntryStatus.DRAFT), "Unpublished"),
        icon="fa-eye-slash",
    )  # fmt: skip
    bulk_delete = _deleting()
