"""Tables, and the rules about a single row."""

from flask_appbuilder.security.sqla.models import Role, User

from app.models.alert import Alert
from app.models.audit import AuditLog
from app.models.call import (
    CallSession,
    CallState,
    CallSummary,
    Channel,
    Consent,
    ConsentKind,
    InboundRequest,
    Limited,
    Outcome,
    Recording,
    RecordingStatus,
    Speaker,
    Transcript,
    TransferAttempt,
    TransferStatus,
)
from app.models.control import Block, Collected, Lease, LeaseKind, SpendKind, SpendLedger
from app.models.department import Department
from app.models.heartbeat import BACKUP, Heartbeat, Milestone
from app.models.job import MAILS, Job, JobKind, JobStatus, WebhookEndpoint, WebhookEvent
from app.models.knowledge import EntryStatus, GapStatus, KnowledgeEntry, KnowledgeGap
from app.models.lead import Lead, LeadStatus
from app.models.limits import CallLimits, SpendAccount, Treatment
from app.models.metric import MetricSample, MetricTotal
from app.models.number import TwilioNumber
from app.models.people import (
    AttemptOutcome,
    LoginAttempt,
    RecoveryCode,
    SecondFactor,
    TokenKind,
    UserToken,
    Way,
)
from app.models.price import UNITS, Price
from app.models.privacy import DataRequest, RequestKind
from app.models.receptionist import AfterHours, CallRecording, ForwardCause, ReceptionistConfig
from app.models.schedule import Holiday, OpeningHours
from app.models.setup import Setup
from app.models.tenant import ApiKey, Tenant, TenantStatus

__all__ = [
    "BACKUP",
    "MAILS",
    "UNITS",
    "AfterHours",
    "Alert",
    "ApiKey",
    "AttemptOutcome",
    "AuditLog",
    "Block",
    "CallLimits",
    "CallRecording",
    "CallSession",
    "CallState",
    "CallSummary",
    "Channel",
    "Collected",
    "Consent",
    "ConsentKind",
    "DataRequest",
    "Department",
    "EntryStatus",
    "ForwardCause",
    "GapStatus",
    "Heartbeat",
    "Holiday",
    "InboundRequest",
    "Job",
    "JobKind",
    "JobStatus",
    "KnowledgeEntry",
    "KnowledgeGap",
    "Lead",
    "LeadStatus",
    "Lease",
    "LeaseKind",
    "Limited",
    "LoginAttempt",
    "MetricSample",
    "MetricTotal",
    "Milestone",
    "OpeningHours",
    "Outcome",
    "Price",
    "ReceptionistConfig",
    "Recording",
    "RecordingStatus",
    "RecoveryCode",
    "RequestKind",
    "Role",
    "SecondFactor",
    "Setup",
    "Speaker",
    "SpendAccount",
    "SpendKind",
    "SpendLedger",
    "Tenant",
    "TenantStatus",
    "TokenKind",
    "Transcript",
    "TransferAttempt",
    "TransferStatus",
    "Treatment",
    "TwilioNumber",
    "User",
    "UserToken",
    "Way",
    "WebhookEndpoint",
    "WebhookEvent",
]
