"""Alerts: how each one stands, at what it is told, who is told; for super admins."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.forms import DynamicForm
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from wtforms import BooleanField, ValidationError
from wtforms.validators import InputRequired, Optional

from app.alerts import telling, watching
from app.alerts.rules import BY_NAME, RULES, Rule, Unit
from app.alerts.telling import News
from app.extensions import db
from app.models import Alert
from app.models.audit import keyed_hash, record
from app.tenancy import across_tenants
from app.views import act_as, moments, written
from app.views.forms import MomentField, WholeField

STALE = timedelta(minutes=3)
LONGEST_MUTE = timedelta(days=30)
MUTES = {"1": _("an hour"), "8": _("8 hours"), "24": _("a day"), "168": _("a week")}
MOST = {Unit.COUNT: 1_000_000, Unit.PERCENT: 100, Unit.MINUTES: 1440, Unit.HOURS: 8760}


@dataclass(frozen=True, slots=True)
class Shown:
    """An alert on a page; `row` is loaded and detached, None before the first look."""

    rule: Rule
    row: Alert | None

    @property
    def threshold(self) -> float:
        return self.rule.threshold if self.row is None else watching.threshold_of(self.row)

    @property
    def muted_until(self) -> datetime | None:
        until = self.row.muted_until if self.row else None
        return until if until and until > datetime.now(UTC) else None

    @property
    def state(self) -> tuple[str, str]:
        """Tone and word."""
        row = self.row
        if row is None or row.measured_at is None:
            return "mute", gettext("Not looked at yet")
        if not row.active:
            return "mute", gettext("Switched off")
        if row.firing:
            return (
                ("mute", gettext("Wrong, muted")) if self.muted_until else ("bad", gettext("Wrong"))
            )
        if row.value is None:
            return "mute", gettext("Does not apply")
        if row.turning_since:
            return "warn", gettext("May be wrong")
        return "ok", gettext("All is well")

    def amount(self, value: float | None) -> Any:
        if value is None:
            return written.missing()
        whole = round(value)
        match self.rule.unit:
            case Unit.PERCENT:
                return gettext("%(number)s %%", number=written.number(whole))
            case Unit.MINUTES:
                return ngettext("%(num)d minute", "%(num)d minutes", whole)
            case Unit.HOURS:
                return ngettext("%(num)d hour", "%(num)d hours", whole)
        return written.number(whole)


class AlertForm(DynamicForm):
    threshold = WholeField(_("Told at"), validators=[Optional()])
    active = BooleanField(_("Tell of it"))
    most = 0

    def validate_threshold(self, field: Any) -> None:
        if field.data is not None and not 1 <= field.data <= self.most:
            most = written.number(self.most)
            raise ValidationError(gettext("From 1 to %(most)s.", most=most))


class MuteForm(DynamicForm):
    until = MomentField(_("Or until"), validators=[InputRequired(_("Choose a moment."))])

    def validate_until(self, field: Any) -> None:
        now = datetime.now(UTC)
        if field.data is None or not now < field.data <= now + LONGEST_MUTE:
            raise ValidationError(gettext("Choose a moment within the next 30 days."))


class Alerts(BaseView):
    route_base = "/alerts"
    default_view = "overview"

    @expose("/", methods=["GET"])
    def overview(self) -> Any:
        act_as.super_admins_only()
        shown = _all()
        looked = max(
            (s.row.measured_at for s in shown if s.row and s.row.measured_at), default=None
        )
        return self.render_template(
            "alert/list.html", alerts=sorted(shown, key=_worst_first), looked=looked,
            nobody_looks=looked is None or datetime.now(UTC) - looked > STALE, ways=_ways(),
        )  # fmt: skip

    @expose("/<alert>", methods=["GET", "POST"])
    def edit(self, alert: str) -> Any:
        act_as.super_admins_only()
        one = _one(alert)
        form = AlertForm(
            data={"threshold": one.row and one.row.threshold,
                  "active": one.row is None or one.row.active}
        )  # fmt: skip
        form.most = MOST[one.rule.unit]
        form.threshold.description = gettext(
            "%(unit)s. Empty: %(usual)s.",
            unit=_unit(one.rule),
            usual=one.amount(one.rule.threshold),
        )
        if request.method == "POST" and form.validate():
            _change(one.rule, threshold=form.threshold.data, active=form.active.data)
            flash(gettext("Alert saved"), "success")
            return redirect(url_for("Alerts.overview"))
        return self._page(one, form, MuteForm(formdata=None))

    @expose("/<alert>/mute", methods=["POST"])
    def mute(self, alert: str) -> Any:
        """For some hours, until a moment, or (with neither) no longer."""
        act_as.super_admins_only()
        one, hours = _one(alert), request.form.get("hours", "")
        if hours in MUTES:
            until: datetime | None = datetime.now(UTC) + timedelta(hours=int(hours))
        elif "until" in request.form:
            form = MuteForm()
            if not form.validate():
                return self._page(one, AlertForm(formdata=None, data=_saved(one)), form)
            until = form.until.data
        else:
            until = None
        _change(one.rule, muted_until=until)
        flash(gettext("Alert muted") if until else gettext("Alert no longer muted"), "success")
        return redirect(url_for("Alerts.edit", alert=alert))

    @expose("/try", methods=["POST"])
    def attempt(self) -> Any:
        """Tell whoever is told that nothing is wrong, by each way, now."""
        act_as.super_admins_only()
        with across_tenants():
            to = telling.recipients()
            db.session.rollback()
        test = Rule(
            "test", "This is only a test", "Nothing was measured.", "Nothing is to be done.",
            Unit.COUNT, 1,
        )  # fmt: skip
        news = [News(test, True, datetime.now(UTC), None, 1)]
        told = [(gettext("Mail"), telling.mail(news, to))] if to else []
        if telling.has_webhook():
            told.append((gettext("Webhook"), telling.hook(news)))
        for way, problem in told:
            if problem:
                text = gettext("%(way)s did not arrive: %(why)s", way=way, why=problem)
                flash(text, "danger")
            else:
                flash(gettext("%(way)s sent", way=way), "success")
        if not told:
            flash(gettext("Nobody is told: set ALERT_EMAIL or ALERT_WEBHOOK_URL."), "danger")
        return redirect(url_for("Alerts.overview"))

    def _page(self, one: Shown, form: AlertForm, mute: MuteForm) -> Any:
        zone = str(moments.zone())
        mute.until.description = gettext("Within the next 30 days; time zone %(zone)s.", zone=zone)
        return self.render_template("alert/show.html", one=one, form=form, mute=mute, mutes=MUTES)


def _all() -> list[Shown]:
    with across_tenants():
        rows = {row.name: row for row in db.session.scalars(select(Alert))}
        db.session.expunge_all()
        db.session.rollback()
    return [Shown(rule, rows.get(rule.name)) for rule in RULES]


def _one(name: str) -> Shown:
    if name not in BY_NAME:
        abort(404)
    return next(shown for shown in _all() if shown.rule.name == name)


def _worst_first(shown: Shown) -> tuple[int, str]:
    order = ("bad", "warn", "ok", "mute")
    return order.index(shown.state[0]), str(gettext(shown.rule.title))


def _change(rule: Rule, **values: Any) -> None:
    """The row is made by the first look; a page may come before it."""
    with across_tenants():
        row = db.session.scalar(select(Alert).where(Alert.name == rule.name).with_for_update())
        if row is None:
            row = Alert(name=rule.name)
            db.session.add(row)
        for column, value in values.items():
            setattr(row, column, value)
        db.session.flush()
        hashes = {column: keyed_hash(str(value)) for column, value in values.items()}
        db.session.add(record("edit", "Alert", row.id, hashes))
        db.session.commit()


def _saved(one: Shown) -> dict[str, Any]:
    row = one.row
    return {"threshold": row and row.threshold, "active": row is None or row.active}


def _unit(rule: Rule) -> str:
    return {
        Unit.COUNT: gettext("How many"), Unit.PERCENT: gettext("Percent"),
        Unit.MINUTES: gettext("Minutes"), Unit.HOURS: gettext("Hours"),
    }[rule.unit]  # fmt: skip


def _ways() -> list[tuple[str, str]]:
    """By which way, and to whom. Of the webhook only the host: its address may be a secret."""
    settings = current_app.extensions["settings"]
    with across_tenants():
        to = telling.recipients()
        db.session.rollback()
    ways = [(gettext("Mail"), ", ".join(to))] if to else []
    if settings.alert_webhook_url:
        ways.append((gettext("Webhook"), urlsplit(settings.alert_webhook_url).hostname or ""))
    return ways
