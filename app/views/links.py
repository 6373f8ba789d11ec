"""Pages for people who cannot sign in: ask for a link by mail, and set a password by one."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import flash, g, redirect, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import no_cache
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select
from werkzeug.security import generate_password_hash
from wtforms import StringField
from wtforms.validators import DataRequired, Length

from app import passwords
from app.extensions import db
from app.jobs import outbox
from app.models import JobKind, User, UserToken, Way
from app.tenancy import across_tenants
from app.views import attempts, widgets
from app.views.attempts import TooMany
from app.views.doors import chosen, chosen_again
from app.views.fields import storable

TOLD = _("If there is such a user, a mail with a link is on its way.")
DEAD = _("This link was used already, is too old, or was never made. Ask for a new one.")

SET = _("The password was set. Sign in with it.")


class ForgotForm(DynamicForm):
    name = StringField(
        _("User name or e-mail address"),
        validators=[DataRequired(_("Enter your user name or e-mail address.")), Length(max=320)],
        widget=widgets.Line(autocomplete="username"),
    )


class SetForm(DynamicForm):
    password = chosen()
    conf_password = chosen_again()


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose link it is."""

    user_id: int
    username: str
    email: str


class Passwords(BaseView):
    route_base = "/password"
    default_view = "forgot"

    @expose("/forgot", methods=["GET", "POST"])
    @no_cache
    def forgot(self) -> Any:
        form = ForgotForm()
        if not form.validate_on_submit():
            return self._page(gettext("Choose a new password"), form)
        try:
            _ask_for_link(form.name.data.strip())
        except TooMany as refusal:
            flash(refusal.message, "warning")
            retry = {"Retry-After": str(refusal.wait)}
            return self._page(gettext("Choose a new password"), form), 429, retry
        except ValueError:
            pass  # nobody has such a name
        flash(TOLD, "info")
        return redirect(self.appbuilder.get_url_for_login)

    @expose("/set/<string:token>", methods=["GET", "POST"])
    @no_cache
    def set(self, token: str) -> Any:
        """Looking does not use the link up: mail programs and scanners look, too."""
        holder, form = _holder(token), SetForm()
        if holder is None:
            flash(DEAD, "warning")
            return redirect(url_for("Passwords.forgot"))
        if form.validate_on_submit():
            try:
                passwords.check(form.password.data, holder.username, holder.email)
            except ValueError as error:
                form.password.errors = [str(error)]
            else:
                used = _set(token, holder, form.password.data)
                flash(SET if used else DEAD, "success" if used else "warning")
                return redirect(self.appbuilder.get_url_for_login)
        title = gettext("Choose a password for %(name)s", name=holder.username)
        page = self._page(title, form, gettext("Save the password"))
        return page, 200, {"Referrer-Policy": "no-referrer"}

    def _page(self, title: str, form: Any, button: str = "") -> Any:
        return self.render_template("password.html", title=title, form=form, button=button)


def _ask_for_link(name: str) -> None:
    """Whether anybody has the name is looked up later, by the job: here nothing depends on it."""
    storable(name)
    with across_tenants():
        attempts.begin(attempts.RESET, Way.RESET, name.casefold())
        outbox.add(JobKind.RESET_MAIL, key=f"reset:{secrets.token_hex(16)}", name=name)
        db.session.commit()
    outbox.wake()


def _of(token: str) -> Any:
    return (UserToken.token_hash == UserToken.hash_of(token)) & (
        UserToken.expires_at > datetime.now(UTC)
    )


def _holder(token: str) -> Holder | None:
    with across_tenants():
        row = db.session.execute(
            select(User.id, User.username, User.email)
            .join(UserToken, UserToken.user_id == User.id)
            .where(_of(token), User.active.is_(True), User.email == UserToken.email)
        ).one_or_none()
    return Holder(*row) if row else None


def _set(token: str, holder: Holder, password: str) -> bool:
    """False: somebody else was quicker. All other links of this user are dead as well."""
    hashed = generate_password_hash(password)
    unsynchronized = {"synchronize_session": False}
    with across_tenants():
        taken = delete(UserToken).where(_of(token)).returning(UserToken.id)
        user = db.session.get(User, holder.user_id)
        used = db.session.execute(taken, execution_options=unsynchronized).first() is not None
        if used and user is not None:
            g.audit_actor = f"user:{holder.username}"
            user.password = hashed
            others = delete(UserToken).where(UserToken.user_id == holder.user_id)
            db.session.execute(others, execution_options=unsynchronized)
        db.session.commit()
    return used
