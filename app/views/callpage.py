"""The page of a call: the conversation with its evidence, and all that came of it."""

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from app import usage
from app.extensions import db
from app.models import (
    CallSession,
    CallState,
    CallSummary,
    Channel,
    GapStatus,
    KnowledgeGap,
    Lead,
    LeadStatus,
    Limited,
    Outcome,
    Transcript,
    TransferAttempt,
)
from app.views import conversation, happened, known, persons, registering, unwanted, written
from app.views.bulk import acting
from app.views.unwanted import UnwantedPage
from app.views.usage import NAMES, amount

KINDS = {
    "CallState": CallState, "Channel": Channel, "LeadStatus": LeadStatus, "Limited": Limited,
    "Outcome": Outcome,
}  # fmt: skip
FOLDED = 500  # characters by which questions are told apart


class CallPage(UnwantedPage):
    show_template = "call/show.html"
    bulk_spam = acting(
        "bulk_spam", "Mark as spam", lambda page, call: unwanted.mark_spam(call), "Marked as spam"
    )
    bulk_block = acting(
        "bulk_block", "Block callers", lambda page, call: unwanted.block(call), "Blocked",
        sure="The next calls from these numbers are not answered.",
    )  # fmt: skip

    def render_template(self, template: str, **context: Any) -> Any:
        if template == self.show_template:
            call = context["widgets"]["show"].template_args["item"]
            context |= self._shown(call)
        return super().render_template(template, **context)  # type: ignore[misc]

    def _shown(self, call: CallSession) -> dict[str, Any]:
        attempts = list(_rows(TransferAttempt, call, selectinload(TransferAttempt.department)))
        lead = db.session.scalar(
            select(Lead).where(Lead.call_id == call.id).options(selectinload(Lead.department))
        )
        replaying = self._may("can_replay", "Job")
        return {
            "call": call,
            "kinds": KINDS,
            "who": (lead and lead.name) or written.phone_text(call.caller),
            "placed_by": registering.name_of(call.placed_by),
            "lead": lead,
            "fields": known.fields(lead) if lead else [],
            "lines": conversation.of(call, attempts),
            "sounds": conversation.sounds(call) if self._reads("Recording") else [],
            "summary": db.session.scalar(select(CallSummary).where(CallSummary.call_id == call.id)),
            "gaps": _gaps(call) if self._reads("KnowledgeGap") else [],
            "happened": happened.of(call, attempts, lead, self._reads, replaying),
            "costs": _costs(call) if self._reads("SpendLedger") else None,
            "others": persons.counted([call.caller]).get(call.caller, 1) - 1,
            "may_answer": self._may("can_write", "KnowledgeGap"),
            "may_mark": self._may("can_mark", "CallSession"),
            "may_end": call.outcome is None and self._may("can_end", "CallSession"),
            "is_blocked": unwanted.is_blocked(call),
            "can_be_blocked": unwanted.can_be_blocked(call),
            "spend_names": NAMES,
            "spent": amount,
            "reads_limits": self._reads("CallLimits"),
            "sees_details": self._reads("AuditLog"),
        }

    def _reads(self, model: str) -> bool:
        return self._may("can_read", model)

    def _may(self, action: str, model: str) -> bool:
        return bool(self.appbuilder.sm.has_access(action, model))  # type: ignore[attr-defined]


def _rows(model: Any, call: CallSession, *options: Any) -> Any:
    query = select(model).where(model.call_id == call.id).options(*options)
    return db.session.scalars(query.order_by(model.id))


def _gaps(call: CallSession) -> list[KnowledgeGap]:
    """Open questions that were asked in this call: a later call may have asked them again."""
    asked = select(Transcript.text).where(Transcript.call_id == call.id)
    folded = {" ".join(text.casefold().split())[:FOLDED] for text in db.session.scalars(asked)}
    query = select(KnowledgeGap).where(
        KnowledgeGap.status == GapStatus.OPEN,
        KnowledgeGap.tenant_id == call.tenant_id,
        or_(KnowledgeGap.call_id == call.id, KnowledgeGap.folded.in_(folded)),
    )
    return list(db.session.scalars(query.order_by(KnowledgeGap.id)))


def _costs(call: CallSession) -> dict[str, Any]:
    lines = usage.of_call(call.id, call.started_at)
    return {"lines": [one for one in lines if one.quantity], "total": usage.total(lines)}
