"""The page of the receptionist: with the greeting as callers hear it now."""

from typing import Any

from flask import redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import select

from app.extensions import db
from app.models import ReceptionistConfig, TwilioNumber
from app.tenancy import current_tenant_id
from app.voice import facts, rehearsing
from app.voice.rehearsing import Moment, Spoken


class Greeting:
    show_template = "receptionist/show.html"

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """A business has one receptionist: its page, not a list of one."""
        if current_tenant_id() is not None:
            only = db.session.scalar(select(ReceptionistConfig.id))
            if only is not None:
                return redirect(url_for(f"{self.endpoint}.show", pk=only))  # type: ignore[attr-defined]
        return super().list()  # type: ignore[misc]

    def greeting(self) -> Spoken | None:
        """None across tenants: whose would it be?"""
        if current_tenant_id() is None:
            return None
        first = db.session.scalar(select(TwilioNumber.number).order_by(TwilioNumber.id).limit(1))
        return rehearsing.greeting(Moment(facts.current(), facts.now(), called=first or ""))
