"""The admin panel and its REST API: one Entity per model. ENTITIES is the menu, in its order."""

from flask import Flask

from app.views import panel
from app.views.alerting import Alerts
from app.views.board import LeadBoard
from app.views.calls import BLOCKS, CALLS, CONSENTS, SUMMARIES, TRANSCRIPTS, TRANSFERS
from app.views.exports import Export
from app.views.gaps import Unanswered
from app.views.keys import KEYS
from app.views.knowledge import GAPS, KNOWLEDGE
from app.views.leads import LEADS
from app.views.limits import LIMITS
from app.views.live import LiveCalls
from app.views.numbers import NUMBERS
from app.views.opening import Opening
from app.views.operations import Operations
from app.views.personal import PersonalData
from app.views.platform import AUDIT, JOBS
from app.views.prices import PRICES
from app.views.privacy import DATA_REQUESTS
from app.views.receptionist import DEPARTMENTS, HOLIDAYS, HOURS, RECEPTIONISTS
from app.views.recordings import RECORDINGS, RecordingMedia
from app.views.setup import SettingUp
from app.views.telephone import Telephone
from app.views.tenants import TENANTS
from app.views.trying import Trying
from app.views.twilio import TwilioAccount
from app.views.usage import USAGE, UsageMonths
from app.views.users import USERS
from app.views.webhooks import WEBHOOKS

ENTITIES = (
    CALLS, LEADS, TRANSCRIPTS, SUMMARIES, TRANSFERS, RECORDINGS, CONSENTS, BLOCKS,
    RECEPTIONISTS, LIMITS, NUMBERS, DEPARTMENTS, HOURS, HOLIDAYS, KNOWLEDGE, GAPS,
    USERS, KEYS, WEBHOOKS,
    TENANTS, JOBS, USAGE, PRICES, DATA_REQUESTS, AUDIT,
)  # fmt: skip


# Of their own; those that have a `menu_name` are in the menu, too.
SCREENS = (
    LeadBoard,
    RecordingMedia,
    Telephone,
    TwilioAccount,
    UsageMonths,
    Export,
    Unanswered,
    Trying,
    Opening,
    SettingUp,
    Operations,
    Alerts,
    LiveCalls,
    PersonalData,
)


def install(app: Flask) -> None:
    panel.install(app, ENTITIES, SCREENS)
