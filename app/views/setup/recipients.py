"""Step 5: who gets what callers leave, by mail."""

from collections.abc import Mapping
from typing import Any

from flask import g
from flask_appbuilder.forms import DynamicForm
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from wtforms import BooleanField, Field
from wtforms.validators import DataRequired

from app.extensions import db
from app.models import ReceptionistConfig
from app.views import checks, widgets
from app.views.forms import LinesField, blame
from app.views.receptionist import RECEPTIONISTS
from app.views.refusals import Refused
from app.views.setup.page import StepPage, receptionist
from app.views.setup.steps import Step

SAME = _("Empty: the addresses above.")


def _addresses(label: Any, help: Any, **options: Any) -> Field:
    widget = widgets.Lines(rows=2, inputmode="email", autocomplete="off")
    return LinesField(label, check=checks.email, description=help, widget=widget, **options)


class RecipientsForm(DynamicForm):
    lead_recipients = _addresses(
        _("Messages that callers leave"), _("One address a line."),
        validators=[DataRequired(_("Enter at least one address, such as office@example.com."))],
    )  # fmt: skip
    summaries = BooleanField(_("Send a summary of every call, too"))
    urgent_recipients = _addresses(_("Urgent messages"), SAME)
    summary_recipients = _addresses(_("Summaries of calls"), SAME)
    alert_recipients = _addresses(_("When something does not work"), SAME)


class RecipientsPage(StepPage):
    """Who gets urgent messages and the like is said only where it differs."""

    step = Step.RECIPIENTS
    template = "setup/recipients.html"
    model = ReceptionistConfig
    form: RecipientsForm

    def show(self) -> None:
        found = db.session.scalars(select(ReceptionistConfig)).one_or_none()
        config = found or ReceptionistConfig()
        leads = config.lead_recipients or _own_address()
        others = {
            name: list(getattr(config, name) or ()) for name in OTHERS
            if getattr(config, name) != leads
        }  # fmt: skip
        self.form = RecipientsForm(
            formdata=None, data={
                "lead_recipients": leads,
                "summaries": self.found.offers(self.step) or bool(config.summary_recipients),
                **others,
            },
        )  # fmt: skip

    def take(self, typed: Mapping[str, str]) -> bool:
        self.form = RecipientsForm()
        return bool(self.form.validate())

    def save(self) -> None:
        RECEPTIONISTS.alone()
        config, form = receptionist(), self.form
        leads = list(form.lead_recipients.data)
        config.lead_recipients = leads
        for name in OTHERS:
            setattr(config, name, list(form[name].data or leads))
        if not form.summaries.data:
            config.summary_recipients = []
        RECEPTIONISTS.verify(config)
        db.session.flush()

    def refuse(self, refusal: Refused) -> None:
        blame(self.form, refusal)

    @property
    def context(self) -> dict[str, Any]:
        differs = any(self.form[name].data or self.form[name].errors for name in OTHERS)
        return {"form": self.form, "others": [self.form[name] for name in OTHERS],
                "differs": differs}  # fmt: skip


OTHERS = ("urgent_recipients", "summary_recipients", "alert_recipients")


def _own_address() -> list[str]:
    """Of whoever sets up the own business; a super admin is not who waits for its messages."""
    if g.signed_in.tenant_id is None or not g.signed_in.email:
        return []
    return [g.signed_in.email]
