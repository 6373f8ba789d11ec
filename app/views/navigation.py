"""The places that the frame leads to, by task and role, as data.

A place appears for whom its permission is granted; a group without places does not. To add a
screen, add a line here.
"""

from dataclasses import dataclass, field
from typing import Any

from flask import current_app, g, request, url_for
from flask_babel import lazy_gettext as _

MENU = "menu_access"


@dataclass(frozen=True, slots=True)
class Place:
    """`menu` is the name whose menu_access is needed; without it, `may` is a permission and a view;
    without both, everybody who is signed in."""

    label: Any
    icon: str
    endpoint: str
    menu: str = ""
    may: tuple[str, str] = ("", "")
    platform: bool = False  # for super admins
    also: tuple[str, ...] = ()  # blueprints that light it up, too

    @property
    def is_here(self) -> bool:
        return request.blueprint in (self.endpoint.partition(".")[0], *self.also)

    @property
    def url(self) -> str:
        return url_for(self.endpoint)


@dataclass(frozen=True, slots=True)
class Group:
    label: Any
    places: tuple[Place, ...] = field(default=())


TEST_CALL = Place(_("Test call"), "phone", "Telephone.show", may=("can_test", "CallSession"))
GROUPS = (
    Group("", (Place(_("Today"), "house", "Dashboard.index"),)),
    Group(_("Conversations"), (
        Place(
            _("Calls"), "phone-call", "CallSessionPage.list", "Calls",
            also=("TranscriptPage", "CallSummaryPage", "TransferAttemptPage", "RecordingPage"),
        ),
        Place(_("Live calls"), "radio", "LiveCalls.show", "Calls"),
        Place(_("Leads"), "user-plus", "LeadPage.list", "Leads"),
        Place(_("Lead board"), "columns-3", "LeadBoard.board", "Leads"),
        TEST_CALL,
    )),
    Group(_("Receptionist"), (
        Place(
            _("Knowledge"), "book-open", "KnowledgeEntryPage.list", "Knowledge", also=("Trying",)
        ),
        Place(
            _("Unanswered questions"), "circle-question-mark", "Unanswered.show",
            "Unanswered questions", also=("KnowledgeGapPage",),
        ),
        Place(_("Receptionist"), "headset", "ReceptionistConfigPage.list", "Receptionist"),
        Place(
            _("Opening hours"), "clock", "Opening.show", "Opening hours",
            also=("OpeningHoursPage",),
        ),
        Place(_("Holidays"), "calendar-days", "HolidayPage.list", "Holidays"),
        Place(_("Departments"), "split", "DepartmentPage.list", "Departments"),
        Place(
            _("Guided setup"), "wand-sparkles", "SettingUp.resume",
            may=("can_write", "ReceptionistConfig"),
        ),
    )),
    Group(_("Business"), (
        Place(_("Numbers"), "hash", "TwilioNumberPage.list", "Numbers"),
        Place(_("People"), "users", "UserPage.list", "Users"),
        Place(_("Mails and jobs"), "mail", "JobPage.list", "Jobs"),
        Place(_("Webhooks"), "webhook", "WebhookEndpointPage.list", "Webhooks"),
        Place(
            _("Usage and cost"), "chart-column", "UsageMonths.show", "Usage and cost",
            also=("SpendLedgerPage",),
        ),
        Place(_("Limits"), "sliders-horizontal", "CallLimitsPage.list", "Limits"),
        Place(_("Blocked callers"), "ban", "BlockPage.list", "Blocked callers"),
        Place(_("Export everything"), "archive", "Export.show", "Export everything"),
        Place(
            _("Personal data"), "shield-check", "PersonalData.show", "Personal data",
            also=("DataRequestPage",),
        ),
        Place(_("API keys"), "key-round", "ApiKeyPage.list", "API keys"),
        Place(_("Audit"), "history", "AuditLogPage.list", "Audit log"),
    )),
    Group(_("Platform"), (
        Place(_("Tenants"), "building-2", "TenantPage.list", "Tenants"),
        Place(_("Prices"), "tag", "PricePage.list", "Prices"),
        Place(_("Operations"), "activity", "Operations.overview", platform=True),
        Place(_("Alerts"), "bell", "Alerts.overview", platform=True),
        Place(_("Number doctor"), "stethoscope", "TwilioAccount.show", platform=True),
    )),
)  # fmt: skip
# The bar at the thumb; "More" opens the rest.
THUMB = ("Dashboard.index", "CallSessionPage.list", "LeadPage.list", "KnowledgeEntryPage.list")


def groups() -> list[Group]:
    """What whoever asks may go to."""
    if "places" not in g:
        g.places = [
            Group(group.label, kept)
            for group in GROUPS
            if (kept := tuple(place for place in group.places if _may(place)))
        ]
    found: list[Group] = g.places
    return found


def thumb() -> list[Place]:
    return [place for group in groups() for place in group.places if place.endpoint in THUMB]


def test_call() -> Place | None:
    """Where a test call is placed; also in the top bar, and where one comes to mind."""
    return TEST_CALL if _may(TEST_CALL) else None


def _may(place: Place) -> bool:
    if place.platform:
        return g.signed_in.tenant_id is None
    if place.menu:
        return place.menu in _menus()
    return not place.may[0] or current_app.appbuilder.sm.has_access(*place.may)  # type: ignore[attr-defined]


def _menus() -> set[str]:
    """One question for all of them."""
    if "menus" not in g:
        named = [place.menu for group in GROUPS for place in group.places if place.menu]
        g.menus = set(current_app.appbuilder.sm.get_user_menu_access(named))  # type: ignore[attr-defined]
    found: set[str] = g.menus
    return found
