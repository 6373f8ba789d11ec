"""Everybody's own second factor: set it up, get new recovery codes, switch it off."""

import time
from typing import Any

from flask import abort, current_app, flash, g, redirect, session, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import no_cache
from flask_babel import lazy_gettext as _
from flask_login import current_user
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from app import codes
from app.models.sealed import SealBroken, seal, unseal
from app.views import admission, factors, sessions
from app.views.attempts import TooMany

NO_FIT = _("This code does not fit. Wait for the next one, and check the clock of your telephone.")


class EnrolForm(DynamicForm):
    """The secret travels in the page, sealed for this sign-in, until a code proves that an app has
    it: no row is made for somebody who only looks."""

    sealed = HiddenField(validators=[DataRequired(), Length(max=500)])
    code = StringField(
        _("Code"),
        description=_("The six digits that the app shows now."),
        validators=[DataRequired(), Length(max=40)],
        widget=BS3TextFieldWidget(),
        render_kw={"autocomplete": "one-time-code"},
    )
    password = PasswordField(
        _("Your password"), validators=[DataRequired()], widget=BS3PasswordFieldWidget()
    )


class ProofForm(DynamicForm):
    proof = PasswordField(
        _("Your password, or a code"),
        validators=[DataRequired(), Length(max=200)],
        widget=BS3PasswordFieldWidget(),
        render_kw={"autocomplete": "off"},
    )


class SecondFactors(BaseView):
    route_base = "/second-factor"
    default_view = "own"

    @expose("/", methods=["GET"])
    @no_cache
    def own(self) -> Any:
        _signed_in_only()
        return self._on(ProofForm()) if g.signed_in.second_factor else self._off(EnrolForm())

    @expose("/", methods=["POST"])
    @no_cache
    def enrol(self) -> Any:
        _signed_in_only()
        form, user_id = EnrolForm(), g.signed_in.id
        secret = _unsealed(form.sealed.data)
        if g.signed_in.second_factor or secret is None:
            return redirect(url_for("SecondFactors.own"))
        if not form.validate_on_submit():
            return self._off(form, secret)
        step = codes.matching_step(secret, form.code.data, time.time())
        if step is None:
            form.code.errors = [NO_FIT]
            return self._off(form, secret)
        if refusal := _refusal(form.password, form.password.data, or_code=False):
            return self._off(form, secret), refusal
        made = factors.enrol(user_id, secret, step)
        if made is None:
            return redirect(url_for("SecondFactors.own"))
        sessions.end_all_others(user_id, session[sessions.SIGN_IN])
        return self._shown_once(made)

    @expose("/recovery-codes", methods=["POST"])
    @no_cache
    def renew(self) -> Any:
        return self._proven() or self._shown_once(factors.renew_codes(g.signed_in.id))

    @expose("/off", methods=["POST"])
    def switch_off(self) -> Any:
        if answer := self._proven():
            return answer
        if factors.is_required_of(g.signed_in):
            flash(_("Everybody in your role needs a second factor here."), "warning")
            return redirect(url_for("SecondFactors.own"))
        factors.remove(g.signed_in.id, "delete")
        sessions.end_all_others(g.signed_in.id, session[sessions.SIGN_IN])
        flash(_("Your second factor is off. All your other sign-ins were ended."), "info")
        return redirect(url_for("SecondFactors.own"))

    def _proven(self) -> Any:
        """What is answered instead to somebody who did not prove to be the user."""
        _signed_in_only()
        form = ProofForm()
        if not g.signed_in.second_factor:
            return redirect(url_for("SecondFactors.own"))
        if not form.validate_on_submit():
            return self._on(form)
        refusal = _refusal(form.proof, form.proof.data, or_code=True)
        return (self._on(form), refusal) if refusal else None

    def _off(self, form: EnrolForm, secret: str = "") -> Any:
        secret = secret or codes.new_secret()
        form.sealed.data = seal(secret, _place())
        name = str(current_app.config["APP_NAME"])
        return self.render_template(
            "second_factor.html",
            form=form,
            required=factors.is_required_of(g.signed_in),
            picture=codes.picture(codes.address(secret, g.signed_in.username, name)),
            secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        )

    def _on(self, form: ProofForm) -> Any:
        return self.render_template(
            "second_factor.html",
            form=form,
            required=factors.is_required_of(g.signed_in),
            state=factors.state_of(g.signed_in.id),
        )

    def _shown_once(self, made: list[str]) -> Any:
        return self.render_template("recovery_codes.html", codes=made)


def _signed_in_only() -> None:
    if not current_user.is_authenticated:
        abort(redirect(url_for("AuthDBView.login")))


def _refusal(field: Any, proof: str, or_code: bool) -> int | None:
    """The status, with the reason at the field; None: it is this user."""
    try:
        if admission.confirms(g.signed_in, proof, or_code):
            return None
    except TooMany as refusal:
        field.errors = [refusal.message]
        return 429
    field.errors = [_("Neither your password nor a code.") if or_code else _("Not your password.")]
    return 200


def _unsealed(text: str | None) -> str | None:
    try:
        return unseal(text or "", _place())
    except SealBroken:
        return None


def _place() -> str:
    return f"sign-in:{session.get(sessions.SIGN_IN)}:second_factor"
