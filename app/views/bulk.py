"""What is done to many rows of a list at once: to those that whoever asks can see, by the rules
that hold for one."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder.actions import action

from app.extensions import db
from app.jobs import outbox
from app.models import EntryStatus, GapStatus, LeadStatus, TenantStatus
from app.views.refusals import Refused, explained

Change = Callable[[Any, Any], None]  # of a page and a row; may raise Refused


def acting(
    name: str, text: str, change: Change, done: str, *, sure: str = "", icon: str = "fa-tag"
) -> Any:
    """A button of the list. All rows are changed or, when one is refused, none. `sure` is asked
    first; of what is lost for ever (DELETE, REVOKE), the entity's own words."""

    def act(self: Any, items: Any) -> Any:
        self._need_tenant()
        rows = items if isinstance(items, list) else [items]
        try:
            with explained(self.datamodel.obj):
                for row in rows:
                    change(self, row)
                    if row not in db.session.deleted:
                        self.entity.verify(row)
                db.session.commit()
            outbox.wake()
            flash(f"{done}: {len(rows)}.", "success")
        except Refused as refusal:
            flash(str(refusal), "danger")
        return redirect(url_for(f"{self.endpoint}.list"))

    act.__name__ = name
    return action(name, text, sure, icon, single=False)(act)


def setting(**values: Any) -> Change:
    """As if the row were edited."""

    def change(page: Any, row: Any) -> None:
        with db.session.no_autoflush:
            for name, value in values.items():
                setattr(row, name, value)
            page.pre_update(row)

    return change


def _gone(page: Any, row: Any) -> None:
    page.pre_delete(row)
    db.session.delete(row)


DELETE, REVOKE = "bulk_delete", "bulk_revoke"


def deleting(change: Change = _gone, done: str = "Deleted") -> Any:
    return acting(DELETE, "Delete", change, done, sure="Delete the selected rows?", icon="fa-trash")


class RowActions:
    """Of what is a row and nothing else."""

    bulk_delete = deleting()


class LeadActions(RowActions):
    """And each status."""


for _status in LeadStatus:
    _name = f"bulk_{_status}"
    _act = acting(_name, f"Mark as {_status}", setting(status=_status), f"Marked as {_status}")
    setattr(LeadActions, _name, _act)


class KnowledgeActions(RowActions):
    bulk_publish = acting(
        "bulk_publish", "Publish", setting(status=EntryStatus.LIVE), "Published", icon="fa-eye"
    )
    bulk_unpublish = acting(
        "bulk_unpublish", "Unpublish", setting(status=EntryStatus.DRAFT), "Unpublished",
        icon="fa-eye-slash",
    )  # fmt: skip


class GapActions(RowActions):
    bulk_ignore = acting("bulk_ignore", "Ignore", setting(status=GapStatus.IGNORED), "Ignored")
    bulk_reopen = acting(
        "bulk_reopen", "Open again", setting(status=GapStatus.OPEN, entry=None), "Opened again"
    )


class WebhookActions(RowActions):
    bulk_on = acting("bulk_on", "Switch on", setting(active=True), "Switched on")
    bulk_off = acting("bulk_off", "Switch off", setting(active=False), "Switched off")


class PeopleActions(RowActions):
    bulk_on = acting("bulk_on", "Let sign in", setting(active=True), "May sign in")
    bulk_off = acting(
        "bulk_off", "Lock out", setting(active=False), "Locked out",
        sure="They are signed out at once, and cannot sign in until you let them.",
    )  # fmt: skip


class TenantActions:
    """Not deletion, for which the name of each is typed."""

    bulk_activate = acting(
        "bulk_activate", "Make active", setting(status=TenantStatus.ACTIVE), "Made active"
    )
    bulk_suspend = acting(
        "bulk_suspend", "Suspend", setting(status=TenantStatus.SUSPENDED), "Suspended",
        sure="Their callers are no longer answered, but forwarded or told so.",
    )  # fmt: skip
