"""Roles and what each may do, as data.

A permission is a pair of patterns, view and action, as Flask-AppBuilder's FAB_ROLES has them. Views
and REST of an entity share one name, the model's class name, with `can_read` and `can_write`.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Final


class RoleName(StrEnum):
    SUPER_ADMIN = "Super Admin"  # everything, for every tenant; the policies know this name
    TENANT_ADMIN = "Tenant Admin"
    AGENT = "Agent"
    VIEWER = "Viewer"


CALLS: Final = ("CallSession", "Transcript", "TransferAttempt", "CallSummary", "Recording", "Lead")
KNOWLEDGE: Final = ("KnowledgeEntry", "KnowledgeGap")
BLOCKS: Final = ("Block",)
SETUP: Final = (
    "ReceptionistConfig",
    "CallLimits",
    "TwilioNumber",
    "Department",
    "OpeningHours",
    "Holiday",
)
CONSENTS: Final = ("Consent",)
PEOPLE: Final = ("User",)
WEBHOOKS: Final = ("WebhookEndpoint",)
KEYS: Final = ("ApiKey",)
PRIVACY: Final = ("DataRequest",)
HISTORY: Final = ("Job", "SpendLedger", "AuditLog")

READ: Final = "can_read"
WRITE: Final = "can_write"
TEST_CALL: Final = ("CallSession", "can_test")
MARK: Final = ("CallSession", "can_mark")  # block its caller, mark it as spam
END: Final = ("CallSession", "can_end")  # cut off a call that is going on
REPLAY: Final = ("Job", "can_replay")
EXPORT: Final = (("Tenant", "can_export"), ("Export everything", "menu_access"))
USAGE: Final = (("Usage and cost", "menu_access"),)
# Everybody's own account, and the frame around the screens.
OWN: Final = (
    ("UserInfoEditView|ResetMyPasswordView", "can_this_form_get|can_this_form_post"),
    ("UserDBModelView", "can_userinfo|resetmypassword|userinfoedit"),
    ("IndexView|MenuApi|OpenApi|LocaleView|UtilView", "can_.*"),
)

MAY_READ: Final = {
    RoleName.TENANT_ADMIN: (
        *CALLS, *KNOWLEDGE, *BLOCKS, *SETUP, *PEOPLE, *KEYS, *WEBHOOKS, *CONSENTS, *PRIVACY,
        *HISTORY,
    ),
    RoleName.AGENT: (*CALLS, *KNOWLEDGE, *BLOCKS),
    RoleName.VIEWER: (*CALLS, *KNOWLEDGE),
}  # fmt: skip
_WORKED_ON: Final = ("Lead", *KNOWLEDGE, *BLOCKS)
MAY_WRITE: Final = {
    RoleName.TENANT_ADMIN: (
        *_WORKED_ON, *SETUP, "CallLimits", "Recording", *PEOPLE, *KEYS, *WEBHOOKS, *PRIVACY
    ),
    RoleName.AGENT: _WORKED_ON,
}  # fmt: skip
MAY_TEST: Final = (RoleName.TENANT_ADMIN, RoleName.AGENT)
MAY_MARK: Final = (RoleName.TENANT_ADMIN, RoleName.AGENT)
MAY_END: Final = (RoleName.TENANT_ADMIN,)
MAY_REPLAY: Final = (RoleName.TENANT_ADMIN,)
MAY_EXPORT: Final = (RoleName.TENANT_ADMIN,)


# Menu and category names of app/views, by what they lead to.
MENUS: Final = {
    "CallSession": "Calls", "Transcript": "Transcripts", "TransferAttempt": "Transfers",
    "CallSummary": "Summaries", "Recording": "Recordings", "Lead": "Leads",
    "ReceptionistConfig": "Receptionist", "TwilioNumber": "Numbers", "Department": "Departments",
    "OpeningHours": "Opening hours", "Holiday": "Holidays", "KnowledgeEntry": "Knowledge",
    "KnowledgeGap": "Unanswered questions", "User": "Users", "Job": "Jobs",
    "SpendLedger": "Usage entries", "AuditLog": "Audit log", "WebhookEndpoint": "Webhooks",
    "Block": "Blocked callers", "CallLimits": "Limits",
    "Consent": "Consents", "ApiKey": "API keys", "DataRequest": "Personal data",
}  # fmt: skip
CATEGORIES: Final = (("Calls|Receptionist|Access|Platform", "menu_access"),)


def patterns() -> dict[str, list[list[str]]]:
    """FAB_ROLES. The super admin is not among them: AUTH_ROLE_ADMIN gets every permission."""
    return {str(role): _anchored(_granted(role)) for role in MAY_READ}


def _granted(role: RoleName) -> list[tuple[str, str]]:
    granted = [*OWN, *_reading(MAY_READ[role])]
    granted += [(name, WRITE) for name in MAY_WRITE.get(role, ())]
    granted += [TEST_CALL] if role in MAY_TEST else []
    granted += [MARK] if role in MAY_MARK else []
    granted += [END] if role in MAY_END else []
    granted += [REPLAY] if role in MAY_REPLAY else []
    granted += USAGE if "SpendLedger" in MAY_READ[role] else []
    return [*granted, *EXPORT] if role in MAY_EXPORT else granted


def _reading(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    yield from CATEGORIES
    for name in names:
        yield name, READ
        yield MENUS[name], "menu_access"


def _anchored(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """FAB matches prefixes: without the end, `User` would open `UserDBModelView`."""
    return [[f"^({view})$", f"^({action})$"] for view, action in pairs]
