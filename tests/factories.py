"""Committed rows for tests: `rows.tenant()`, `rows.department(tenant)`, and so on.

Every function takes columns to set and fills in the rest. Rows come back loaded and detached, made
as the platform in an application context of their own, whatever the test is bound to.
"""

import itertools
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from werkzeug.security import generate_password_hash

from app import models
from app.extensions import db
from app.tenancy import across_tenants

PASSWORD = "correct horse battery staple"


def sid(prefix: str) -> str:
    """As Twilio's: CA…, RE…, AC…."""
    return prefix + uuid.uuid4().hex


FAR_OFF = datetime(2099, 1, 1, tzinfo=UTC)  # a job that no worker takes up


class Rows:
    def __init__(self, app: Flask, first: int = 1) -> None:
        self._app = app
        self._count = itertools.count(first)
        self._hash = generate_password_hash(PASSWORD, "pbkdf2:sha256:1")

    def every_kind(self, tenant: models.Tenant) -> dict[type, Any]:
        """One row of every tenant-owned table, by class; they refer to each other."""
        entry = self.knowledge(tenant)
        number, department = self.number(tenant), self.department(tenant)
        call = self.call(tenant, number_id=number.id)
        at = {"call_id": call.id}
        found = [
            entry, number, department, call,
            self.api_key(tenant),
            self.receptionist(tenant, staff_first_id=department.id),
            self.hours(tenant, department_id=department.id),
            self.holiday(tenant, department_id=department.id),
            self.gap(tenant, entry_id=entry.id, **at),
            self.transcript(tenant, **at),
            self.transfer(tenant, department_id=department.id, **at),
            self.recording(tenant, **at),
            self.consent(tenant, **at),
            self.summary(tenant, **at),
            self.inbound(tenant),
            self.lead(tenant, department_id=department.id, **at),
            self.job(tenant, run_at=FAR_OFF, **at),
            self.webhook(tenant),
            self.data_request(tenant),
            self.spend(tenant, **at),
            self.lease(tenant),
            self.block(tenant),
            self.setup(tenant),
            self.limits(tenant),
            self.account(tenant),
        ]  # fmt: skip
        return {type(row): row for row in found}

    def tenant(self, **values: Any) -> models.Tenant:
        n = next(self._count)
        return self._save(models.Tenant, values, name=f"Tenant {n}", slug=f"tenant-{n}")

    def user(
        self, tenant: models.Tenant | None = None, role: str = "Tenant Admin", **values: Any
    ) -> models.User:
        """With PASSWORD. Without a tenant it works for the platform."""
        name = f"user{next(self._count)}"
        return self._save(
            models.User, values,
            lambda user: user.roles.append(_role(role)),
            first_name=name, last_name="Test", username=name, email=f"{name}@example.com",
            password=self._hash, active=True, tenant_id=tenant and tenant.id,
        )  # fmt: skip

    def super_admin(self, **values: Any) -> models.User:
        return self.user(None, "Super Admin", **values)

    def sign_in(self, user: models.User, **values: Any) -> models.LoginAttempt:
        return self._save(
            models.LoginAttempt, values,
            key=uuid.uuid4().hex, address="127.0.0.1", user_id=user.id,
            outcome=models.AttemptOutcome.PASSED,
        )  # fmt: skip

    def link(self, user: models.User, **values: Any) -> models.UserToken:
        """By which this user may set a password."""
        return self._save(
            models.UserToken, values,
            token_hash=uuid.uuid4().hex * 2, user_id=user.id, email=user.email, expires_at=_soon(),
        )  # fmt: skip

    def second_factor(self, user: models.User, **values: Any) -> models.SecondFactor:
        return self._save(
            models.SecondFactor, values, user_id=user.id, sealed_secret="none", last_step=0
        )

    def api_key(self, tenant: models.Tenant, **values: Any) -> models.ApiKey:
        return self._of(
            tenant, models.ApiKey, values,
            name="Script", prefix="rk_test", key_hash=uuid.uuid4().hex * 2, role="Tenant Admin",
        )  # fmt: skip

    def receptionist(self, tenant: models.Tenant, **values: Any) -> models.ReceptionistConfig:
        return self._of(tenant, models.ReceptionistConfig, values, greeting="Good day.")

    def number(self, tenant: models.Tenant, **values: Any) -> models.TwilioNumber:
        n = next(self._count)
        number = f"+1{212 + n // 100 % 700}555{100 + n % 100:04d}"
        return self._of(tenant, models.TwilioNumber, values, number=number)

    def department(self, tenant: models.Tenant, **values: Any) -> models.Department:
        return self._of(
            tenant, models.Department, values,
            name=f"Department {next(self._count)}", numbers=["+12125550199"],
        )  # fmt: skip

    def hours(self, tenant: models.Tenant, **values: Any) -> models.OpeningHours:
        return self._of(
            tenant, models.OpeningHours, values, weekday=0, opens=time(9), closes=time(17)
        )

    def holiday(self, tenant: models.Tenant, **values: Any) -> models.Holiday:
        return self._of(tenant, models.Holiday, values, day=date(2027, 1, 1), name="New Year's Day")

    def knowledge(self, tenant: models.Tenant, **values: Any) -> models.KnowledgeEntry:
        return self._of(
            tenant, models.KnowledgeEntry, values,
            question="Where are you?", answer="At 1 Main Street.",
        )  # fmt: skip

    def gap(self, tenant: models.Tenant, **values: Any) -> models.KnowledgeGap:
        words = f"do you sell unicorns {next(self._count)}"
        return self._of(
            tenant, models.KnowledgeGap, values, question=words.capitalize() + "?", folded=words
        )

    def call(self, tenant: models.Tenant, **values: Any) -> models.CallSession:
        return self._of(
            tenant, models.CallSession, values,
            call_sid=sid("CA"), caller="+12125550142", called="+12125550100",
        )  # fmt: skip

    def transcript(self, tenant: models.Tenant, **values: Any) -> models.Transcript:
        return self._of_call(
            tenant, models.Transcript, values, turn=0, speaker=models.Speaker.CALLER, text="Hello"
        )

    def transfer(self, tenant: models.Tenant, **values: Any) -> models.TransferAttempt:
        return self._of_call(
            tenant, models.TransferAttempt, values, turn=1, numbers=["+12125550199"]
        )

    def recording(self, tenant: models.Tenant, **values: Any) -> models.Recording:
        return self._of_call(tenant, models.Recording, values, recording_sid=sid("RE"))

    def consent(self, tenant: models.Tenant, **values: Any) -> models.Consent:
        return self._of_call(
            tenant, models.Consent, values, kind="recording", given=True, text_version="1"
        )

    def summary(self, tenant: models.Tenant, **values: Any) -> models.CallSummary:
        return self._of_call(
            tenant, models.CallSummary, values, text="They asked where we are.", tier="offline"
        )

    def inbound(self, tenant: models.Tenant, **values: Any) -> models.InboundRequest:
        return self._of(
            tenant, models.InboundRequest, values,
            call_sid=sid("CA"), kind="voice", turn=0, event={}, lease_token=uuid.uuid4().hex,
            lease_until=_soon(),
        )  # fmt: skip

    def lead(self, tenant: models.Tenant, **values: Any) -> models.Lead:
        return self._of(
            tenant, models.Lead, values, name="Ada Byron", phone="+12125550142", reason="A quote"
        )

    def job(self, tenant: models.Tenant | None = None, **values: Any) -> models.Job:
        """Without a tenant it is the platform's."""
        return self._save(
            models.Job, values,
            kind=models.JobKind.START_RECORDING if tenant else models.JobKind.CLEANUP,
            key=f"job:{next(self._count)}", tenant_id=tenant and tenant.id,
        )  # fmt: skip

    def webhook(self, tenant: models.Tenant, **values: Any) -> models.WebhookEndpoint:
        return self._of(
            tenant, models.WebhookEndpoint, values, url="https://hooks.example.com/recep"
        )

    def data_request(self, tenant: models.Tenant, **values: Any) -> models.DataRequest:
        return self._of(
            tenant, models.DataRequest, values,
            phone_hash=uuid.uuid4().hex, ends_in="42", requested_by="user:test",
        )  # fmt: skip

    def spend(self, tenant: models.Tenant, **values: Any) -> models.SpendLedger:
        return self._of(
            tenant, models.SpendLedger, values,
            kind=models.SpendKind.CALL_SECONDS, quantity=30, key=uuid.uuid4().hex,
        )  # fmt: skip

    def price(self, **values: Any) -> models.Price:
        return self._save(
            models.Price, values,
            kind=models.SpendKind.CALL_SECONDS, amount=Decimal("0.01"),
            valid_from=date(2020, 1, 1),
        )  # fmt: skip

    def lease(self, tenant: models.Tenant, **values: Any) -> models.Lease:
        return self._of(
            tenant, models.Lease, values, kind="call", holder=uuid.uuid4().hex, until=_soon()
        )

    def limits(self, tenant: models.Tenant, **values: Any) -> models.CallLimits:
        return self._of(tenant, models.CallLimits, values)

    def account(self, tenant: models.Tenant, **values: Any) -> models.SpendAccount:
        """Nothing spent yet, as at the beginning of time."""
        long_ago = date(1970, 1, 1)
        return self._of(tenant, models.SpendAccount, values, day=long_ago, month=long_ago)

    def block(self, tenant: models.Tenant, **values: Any) -> models.Block:
        phone = f"+1303555{100 + next(self._count) % 100:04d}"
        return self._of(tenant, models.Block, values, phone=phone)

    def setup(self, tenant: models.Tenant, **values: Any) -> models.Setup:
        return self._of(tenant, models.Setup, values, trade="restaurant", steps=["business"])

    def audit(self, tenant: models.Tenant | None = None, **values: Any) -> models.AuditLog:
        """Without a tenant it is the platform's."""
        return self._save(
            models.AuditLog, values,
            actor="user:test", action="edit", entity="Department", entity_id=1,
            tenant_id=tenant and tenant.id,
        )  # fmt: skip

    def _of_call(
        self, tenant: models.Tenant, model: type, values: dict[str, Any], **usual: Any
    ) -> Any:
        if "call_id" not in values:
            usual["call_id"] = self.call(tenant).id
        return self._of(tenant, model, values, **usual)

    def _of(self, tenant: models.Tenant, model: type, values: dict[str, Any], **usual: Any) -> Any:
        return self._save(model, values, tenant_id=tenant.id, **usual)

    def _save(
        self,
        model: type,
        values: dict[str, Any],
        finish: Callable[[Any], None] = lambda row: None,
        **usual: Any,
    ) -> Any:
        with self._app.app_context(), across_tenants():
            row = model(**usual | values)
            db.session.add(row)
            finish(row)
            db.session.flush()
            db.session.refresh(row)
            db.session.expunge(row)
            db.session.commit()
        return row


def _role(name: str) -> models.Role:
    found = db.session.query(models.Role).filter_by(name=name).one_or_none()
    return found or models.Role(name=name)


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)
