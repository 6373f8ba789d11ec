"""Step 1: what it is called, what it does, where it is; and how its receptionist begins by that."""

from collections.abc import Mapping
from typing import Any

from flask import request
from flask_appbuilder.forms import DynamicForm
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from wtforms import SelectChoice, ValidationError
from wtforms.fields.choices import Choice
from wtforms.validators import DataRequired, InputRequired, Length

from app import starters
from app.extensions import db
from app.models import Department, ReceptionistConfig, Tenant
from app.rules import dialling
from app.starters import Starter
from app.views import checks, moments, widgets
from app.views.forms import ChoiceField, WordsField, blame
from app.views.receptionist import RECEPTIONISTS
from app.views.refusals import Refused
from app.views.setup import zones
from app.views.setup.page import StepPage, receptionist
from app.views.setup.steps import TRADES, Step
from app.views.tenants import TENANTS

# Spoken, each with a voice of Twilio that speaks it.
LANGUAGES = {
    "en-US": _("English (United States)"),
    "en-GB": _("English (Great Britain)"),
    "en-AU": _("English (Australia)"),
    "es-US": _("Spanish (United States)"),
    "es-MX": _("Spanish (Mexico)"),
    "es-ES": _("Spanish (Spain)"),
}
VOICES = {
    "en-US": "Polly.Joanna-Neural", "en-GB": "Polly.Amy-Neural", "en-AU": "Polly.Olivia-Neural",
    "es-US": "Polly.Lupe-Neural", "es-MX": "Polly.Mia-Neural", "es-ES": "Polly.Lucia-Neural",
}  # fmt: skip


class ZoneField(ChoiceField):
    """A browser may know a zone by another of its names than the list: any that exists will do."""

    def process_data(self, value: Any) -> None:
        self.data = zones.usual_name(value or "")

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = zones.usual_name("".join(valuelist[:1]))

    def pre_validate(self, form: Any) -> None:
        try:
            checks.time_zone(self.data)
        except ValueError as error:
            raise ValidationError(str(error)) from error

    def iter_groups(self) -> Any:
        """One that is in no country comes first, so that it stays chosen."""
        groups = list(super().iter_groups())
        if self.data and not any(one.selected for _name, zones in groups for one in zones):
            yield None, [Choice(self.data, self.data, True, {})]
        yield from groups


class BusinessForm(DynamicForm):
    name = WordsField(
        _("Name"), check=TENANTS.checks["name"], widget=widgets.Line(autocomplete="organization"),
        description=_("As callers hear it."),
        validators=[DataRequired(_("Enter the name of the business.")), Length(max=120)],
    )  # fmt: skip
    trade = ChoiceField(
        _("Trade"), choices=[SelectChoice(value=key, label=name) for key, name in TRADES.items()],
        description=_("Hours, departments and questions begin with what is usual for it."),
        validators=[InputRequired()],
    )  # fmt: skip
    timezone = ZoneField(
        _("Time zone"), choices=lambda: zones.choices(moments.language()),
        description=_("Of the opening hours. Telephones that are rung are in its country."),
        validators=[InputRequired()],
    )  # fmt: skip
    language = ChoiceField(
        _("Language of the receptionist"), validators=[InputRequired()],
        choices=[SelectChoice(value=code, label=name) for code, name in LANGUAGES.items()],
    )  # fmt: skip


class BusinessPage(StepPage):
    step = Step.BUSINESS
    template = "setup/business.html"
    model = Tenant
    form: BusinessForm

    def show(self) -> None:
        tenant = db.session.scalars(select(Tenant)).one()
        found = self.found
        language = found.language if found.language in LANGUAGES else _nearest(found.language)
        self.form = BusinessForm(
            formdata=None, name=tenant.name, timezone=tenant.timezone, language=language,
            trade=found.trade or starters.OTHER,
        )  # fmt: skip

    def take(self, typed: Mapping[str, str]) -> bool:
        self.form = BusinessForm()
        return bool(self.form.validate())

    def save(self) -> None:
        tenant = db.session.scalars(select(Tenant)).one()
        RECEPTIONISTS.alone()
        settle(tenant, receptionist(), self.form, self.found.trade)

    def refuse(self, refusal: Refused) -> None:
        blame(self.form, refusal)

    @property
    def trade(self) -> str:
        return str(self.form.trade.data)

    @property
    def context(self) -> dict[str, Any]:
        return {"form": self.form, "is_new": False, "guess": False}


class NewBusinessPage(BusinessPage):
    """Of a business that is not there yet: `key` is what it will be known by, so that sending the
    page twice makes one."""

    def __init__(self, key: str) -> None:
        self.key = key

    def show(self) -> None:
        self.form = BusinessForm(
            formdata=None, timezone=zones.USUAL, language="en-US", trade="dental_practice"
        )

    @property
    def context(self) -> dict[str, Any]:
        guess = request.method == "GET"  # what was chosen is not guessed again
        return {"form": self.form, "is_new": True, "guess": guess, "key": self.key}


def settle(
    tenant: Tenant, config: ReceptionistConfig, form: BusinessForm, former_trade: str
) -> None:
    """What was begun for the former name, trade, language and zone follows the new ones; what
    somebody has written is left alone. Raises Refused."""
    former = starters.of(former_trade, config.language or "")
    before = _begun(former, tenant.name or "")
    former_zone = tenant.timezone
    tenant.name, tenant.timezone = form.name.data, form.timezone.data
    language = form.language.data
    if config.voice in ("", None, *VOICES.values()):
        config.voice = VOICES[language]
    if _nearest(config.language or "") != language:
        config.language = language
    after = _begun(starters.of(form.trade.data, language), tenant.name)
    for column, value in after.items():
        if not getattr(config, column) or getattr(config, column) == before.get(column):
            setattr(config, column, value)
    _follow(config, former_zone, tenant.timezone)
    RECEPTIONISTS.verify(config)


def _begun(starter: Starter | None, name: str) -> dict[str, Any]:
    if starter is None:
        return {}
    return {
        "greeting": starter.greeting_of(name), "persona": starter.persona,
        "urgent_words": list(starter.urgent_words),
        "intake_questions": list(starter.intake_questions),
    }  # fmt: skip


def _follow(config: ReceptionistConfig, former_zone: str | None, zone: str) -> None:
    """The country that may be rung; others, once somebody has chosen them, stay. So do those of
    telephones that are rung already."""
    country = zones.country_of(zone)
    listed = config.allowed_countries or []
    if not country or listed not in ([], [zones.country_of(former_zone or "")]):
        return
    rung = db.session.scalars(
        select(Department.numbers).where(Department.tenant_id == config.tenant_id)
    )
    kept = {dialling.country_of(number) for numbers in rung for number in numbers}
    config.allowed_countries = [country, *sorted(kept - {country})]


def _nearest(language: str) -> str:
    """One of ours: for a tenant that speaks what only the receptionist's own form offers."""
    short = language[:2].lower()
    fits = (code for code in LANGUAGES if code.startswith(short))
    return language if language in LANGUAGES else next(fits, "en-US")
