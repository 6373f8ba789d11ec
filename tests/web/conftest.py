"""A business with its number, and Twilio's side of single requests to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import models
from app.extensions import db
from app.phone.form import inbound
from app.phone.signature import sign
from app.tenancy import acting_for
from tests.factories import Rows, sid

BASE_URL = "http://127.0.0.1:8080"
CALLER = "+12125550142"


@dataclass
class Business:
    """A tenant with its own Twilio account, open round the clock."""

    tenant: models.Tenant
    number: models.TwilioNumber
    account_sid: str
    token: str
    departments: dict[str, models.Department] = field(default_factory=dict)


@dataclass
class Caller:
    """One call, request by request: `post` signs as Twilio does with the business's token."""

    app: Flask
    business: Business
    call_sid: str = field(default_factory=lambda: sid("CA"))
    caller: str = CALLER

    def form(self, **fields: str) -> dict[str, str]:
        business = self.business
        basics = inbound(business.account_sid, self.call_sid, business.number.number, self.caller)
        return basics | {"CallStatus": "in-progress"} | fields

    def post(self, path: str, *, token: str | None = None, **fields: str) -> TestResponse:
        return self.send(path, self.form(**fields), token=token)

    def send(self, path: str, form: dict[str, Any], *, token: str | None = None) -> TestResponse:
        path = path.removeprefix(BASE_URL).partition("#")[0]
        signature = sign(BASE_URL + path, form, token or self.business.token)
        return self.app.test_client().post(
            path, data=form, headers={"X-Twilio-Signature": signature}
        )

    def dial(self) -> TestResponse:
        return self.post("/twilio/voice", CallStatus="ringing")

    def say(self, turn: int, words: str) -> TestResponse:
        return self.post(f"/twilio/gather?turn={turn}", SpeechResult=words, Confidence="0.93")

    def hang_up(self, seconds: int = 42) -> TestResponse:
        return self.post("/twilio/call-status", CallStatus="completed", CallDuration=str(seconds))

    def row(self) -> models.CallSession | None:
        return self.look(
            lambda: (
                db.session.query(models.CallSession).filter_by(call_sid=self.call_sid).one_or_none()
            )
        )

    def all(self, model: type, **where: Any) -> list[Any]:
        return self.look(
            lambda: db.session.query(model).filter_by(**where).order_by(model.id).all()
        )

    def look(self, read: Callable[[], Any]) -> Any:
        with self.app.app_context(), acting_for(self.business.tenant.id):
            found = read()
            db.session.expunge_all()
            return found


@pytest.fixture
def make_business(app: Flask, rows: Rows) -> Callable[..., Business]:
    def make(
        *,
        departments: tuple[str, ...] = ("Sales",),
        knowledge: dict[str, str] | None = None,
        always_open: bool = True,
        **receptionist: Any,
    ) -> Business:
        token, account = f"token-{sid('')}", sid("AC")
        with app.app_context():
            tenant = models.Tenant()
            tenant.auth_token = token
        made = rows.tenant(
            account_sid=account,
            public_id=tenant.public_id,
            sealed_auth_token=tenant.sealed_auth_token,
        )
        business = Business(made, rows.number(made), account, token)
        rows.receptionist(made, greeting="", **receptionist)
        for position, name in enumerate(departments, 1):
            business.departments[name] = rows.department(
                made, name=name, description=f"{name} questions", position=position
            )
        for question, answer in (knowledge or {}).items():
            rows.knowledge(made, question=question, answer=answer)
        if always_open:
            from datetime import time

            for weekday in range(7):
                rows.hours(made, weekday=weekday, opens=time(0), closes=time(0))
        return business

    return make


@pytest.fixture
def business(make_business: Callable[..., Business]) -> Business:
    return make_business(
        knowledge={"Do you offer parking?": "Yes, parking is behind the house and costs nothing."}
    )


@pytest.fixture
def caller(app: Flask, business: Business) -> Caller:
    return Caller(app, business)
