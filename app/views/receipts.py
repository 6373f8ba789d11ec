"""What was handed out or erased, in words: a receipt counts by store."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _
from markupsafe import Markup, escape

STORES = {
    "call_session": _("Calls"), "transcript": _("Lines said"), "call_summary": _("Summaries"),
    "transfer_attempt": _("Transfers"), "recording": _("Recordings"), "consent": _("Consents"),
    "lead": _("Leads"), "knowledge_gap": _("Unanswered questions"), "job": _("Mails and jobs"),
    "inbound_request": _("Requests from Twilio"), "block": _("Blocked callers"),
    "spend_ledger": _("Usage entries"), "mails": _("Mails kept as files"),
    "lease": _("Capacity held"), "recordings_at_twilio": _("Recordings at Twilio"),
    "mails_sent": _("Mails"), "webhooks_sent": _("Webhooks"), "department": _("Departments"),
    "receptionist_config": _("Receptionist"), "knowledge_entry": _("Knowledge"),
    "holiday": _("Holidays"), "webhook_endpoint": _("Webhooks"), "ab_user": _("People"),
    "tenant": _("Business"),
}  # fmt: skip
WHAT = {
    "erased": _("Erased"), "exported": _("Handed out"),
    "mentions": _("Taken out of what others said or wrote"),
    "sent_before": _("Sent earlier, and not ours to call back"),
    "still_set_up": _("Set up by you, and left"),
}  # fmt: skip


def told(receipt: Mapping[str, Any]) -> list[tuple[Any, list[str]]]:
    return [(WHAT[what], _items(receipt[what])) for what in WHAT if receipt.get(what)]


def written(receipt: Mapping[str, Any] | None) -> Markup:
    """A line for each part."""
    lines = (f"{what}: {', '.join(items)}" for what, items in told(receipt or {}))
    return Markup("<br>").join(map(escape, lines))


def _items(counts: Any) -> list[str]:
    if isinstance(counts, dict):
        return [f"{STORES.get(name, name)}: {count}" for name, count in counts.items()]
    return [str(STORES.get(name, name)) for name in counts]
