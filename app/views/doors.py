"""The doors: the login page, REST's login, and the page on which people change their password."""

from typing import Any

from flask import Response, flash, g, redirect, request, session, url_for
from flask_appbuilder import expose
from flask_appbuilder.api import safe
from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security import api, views
from flask_appbuilder.security.decorators import no_cache
from flask_appbuilder.security.forms import LoginForm_db
from flask_appbuilder.security.schemas import LoginPost
from flask_appbuilder.utils.base import get_safe_redirect
from flask_babel import lazy_gettext as _
from flask_jwt_extended import create_access_token, create_refresh_token, get_jwt, jwt_required
from flask_login import current_user, login_user, logout_user
from marshmallow import ValidationError, fields, validate
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from app import passwords
from app.models import Way
from app.views import admission, devices, factors, sessions
from app.views.attempts import TooMany

REFUSED = (
    "Wrong user name, password or code."
    " A user with a second factor sends its code in the field totp."
)
RULE = f"At least {passwords.SHORTEST} characters, and not easy to guess."


class LoginWithCode(LoginPost):
    totp = fields.String(load_default="", validate=validate.Length(max=40))


login_with_code = LoginWithCode()


class CodeForm(DynamicForm):
    code = StringField(
        _("Code"),
        description=_("Six digits of your authenticator app, or one of your recovery codes."),
        validators=[DataRequired(), Length(max=40)],
        render_kw={"autocomplete": "one-time-code", "autofocus": True},
    )


# Under Flask-AppBuilder's names: addresses and permissions are made of them.
class AuthDBView(views.AuthDBView):
    login_template = "login.html"

    @expose("/login/", methods=["GET", "POST"])
    @no_cache
    def login(self) -> Any:
        if current_user.is_authenticated:
            return redirect(self._get_safe_next_url())
        form = LoginForm_db()
        if not form.validate_on_submit():
            return self._page(form)
        following = get_safe_redirect(request.args.get("next", ""))
        try:
            found = admission.by_password(form.username.data, form.password.data, Way.PAGE)
        except TooMany as refusal:
            flash(refusal.message, "warning")
            return self._page(form), 429, _later(refusal)
        if found is None:
            flash(str(self.invalid_login_message), "warning")
            return redirect(self.appbuilder.get_url_for_login_with(following))
        if found.needs_code:
            admission.keep_half(found, following)
            return redirect(url_for("AuthDBView.code"))
        return self._enter(found, following)

    @expose("/login/code", methods=["GET", "POST"])
    @no_cache
    def code(self) -> Any:
        """The second step of somebody whose password was right; nobody is signed in yet."""
        half = None if current_user.is_authenticated else admission.kept_half()
        if half is None:
            return redirect(self.appbuilder.get_url_for_login)
        form = CodeForm()
        if not form.validate_on_submit():
            return self._code_page(form)
        try:
            found = admission.by_half(half, form.code.data)
        except TooMany as refusal:
            flash(refusal.message, "warning")
            return self._code_page(form), 429, _later(refusal)
        if found is None:
            form.code.errors = [_("This code does not fit, or was used already.")]
            return self._code_page(form)
        return self._enter(found, half.following)

    @expose("/logout/", methods=["GET", "POST"])
    def logout(self) -> Any:
        """By a form only: any page can make a browser follow a link."""
        form = DynamicForm()
        if current_user.is_authenticated and not form.validate_on_submit():
            return self.render_template("password.html", title=_("Sign out"), form=form)
        sign_in = session.get(sessions.SIGN_IN) if current_user.is_authenticated else None
        logout_user()
        session.clear()
        if sign_in:
            sessions.end_sign_in(sign_in)
        return redirect(self.appbuilder.get_url_for_index)

    def _enter(self, found: Any, following: str) -> Any:
        user = admission.admit(found)
        if user is None:
            return redirect(self.appbuilder.get_url_for_login)
        sessions.begin_session(user)
        login_user(user, remember=False)
        answer = redirect(following)
        devices.remember(answer, user.id)
        return answer

    def _code_page(self, form: Any) -> Any:
        title = _("Sign in with your code")
        return self.render_template("password.html", title=title, form=form)

    def _page(self, form: Any) -> Any:
        return self.render_template(
            self.login_template, title=self.title, form=form, appbuilder=self.appbuilder
        )


def _later(refusal: TooMany) -> dict[str, str]:
    return {"Retry-After": str(refusal.wait)}


class SecurityApi(api.SecurityApi):
    @expose("/login", methods=["POST"])
    @safe
    def login(self) -> Response:
        """Tokens for a name and password
        ---
        post:
          description: >-
            Authenticate and get a JWT access token and, if asked for, a refresh token
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [username, password]
                  properties:
                    username:
                      type: string
                      example: admin@example.com
                    password:
                      type: string
                      example: complex-password
                    provider:
                      type: string
                      enum: [db]
                    totp:
                      description: >-
                        Code of the authenticator app, or a recovery code: for users with a second
                        factor
                      type: string
                      example: "123456"
                    refresh:
                      description: If true a refresh token is provided also
                      type: boolean
          responses:
            200:
              description: Authentication Successful
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      access_token:
                        type: string
                      refresh_token:
                        type: string
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            403:
              description: A second factor has to be set up first
            429:
              description: Too many attempts; Retry-After says for how many seconds
            500:
              $ref: '#/components/responses/500'
        """
        if not request.is_json:
            return self.response_400(message="Request payload is not JSON")
        try:
            asked = login_with_code.load(request.json)
        except ValidationError as error:
            return self.response_400(message=error.messages)
        except UnicodeError:  # half of a surrogate pair, which is in no password
            return self._refused()
        try:
            user = self._admitted(asked)
        except TooMany as refusal:
            answer = self.response(429, message=refusal.message)
            answer.headers.update(_later(refusal))
            return answer
        if user is None:
            return self._refused()
        if g.must_enrol:
            sessions.end_sign_in(g.sign_in)
            return self.response(403, message=factors.ENROL)
        who, claims = str(user.id), sessions.claims_of(user)
        tokens = {"access_token": create_access_token(who, fresh=True, additional_claims=claims)}
        if asked.get("refresh"):
            tokens["refresh_token"] = create_refresh_token(who, additional_claims=claims)
        return self.response(200, **tokens)

    def _admitted(self, asked: dict[str, Any]) -> Any | None:
        found = admission.by_password(asked["username"], asked["password"], Way.API)
        if found is None or (found.needs_code and not admission.by_code(found, asked["totp"])):
            return None
        return admission.admit(found)

    def _refused(self) -> Response:
        """Always the same words, so that nobody learns whether the password was right; scripts of
        users with a second factor find in them what is missing."""
        return self.response(401, message=REFUSED)

    @expose("/refresh", methods=["POST"])
    @jwt_required(refresh=True)
    @safe
    def refresh(self) -> Response:
        """A new access token
        ---
        post:
          description: >-
            Use the refresh token to get a new JWT access token
          responses:
            200:
              description: Refresh Successful
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      access_token:
                        type: string
            401:
              $ref: '#/components/responses/401'
            422:
              description: Not a refresh token
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      msg:
                        type: string
            500:
              $ref: '#/components/responses/500'
          security:
            - jwt_refresh: []
        """
        claims = get_jwt()
        carried = {name: claims[name] for name in (sessions.EPOCH, sessions.SIGN_IN)}
        token = create_access_token(claims["sub"], fresh=False, additional_claims=carried)
        return self.response(200, access_token=token)


def chosen() -> Any:
    return PasswordField(
        "New password",
        description=RULE,
        validators=[DataRequired()],
        widget=BS3PasswordFieldWidget(),
    )


def chosen_again() -> Any:
    return PasswordField(
        "New password again",
        validators=[EqualTo("password", message="The two are not the same.")],
        widget=BS3PasswordFieldWidget(),
    )


class OwnPasswordForm(DynamicForm):
    current_password = PasswordField(
        "Current password", validators=[DataRequired()], widget=BS3PasswordFieldWidget()
    )
    password = chosen()
    conf_password = chosen_again()


class ResetMyPasswordView(views.ResetMyPasswordView):
    form = OwnPasswordForm
    form_title = "Change your password"
    message = "The password was changed. All your other sign-ins were ended."

    def form_post(self, form: Any) -> Any:
        user = g.user
        try:
            if not admission.confirms(user, form.current_password.data):
                return self._again(form, form.current_password, "This is not your password.")
            passwords.check(form.password.data, user.username, user.email)
        except TooMany as refusal:
            return self._again(form, form.current_password, refusal.message), 429
        except ValueError as error:
            return self._again(form, form.password, str(error))
        self.appbuilder.sm.reset_password(user.id, form.password.data)
        sessions.end_all_others(user.id, session[sessions.SIGN_IN])
        flash(self.message, "info")
        return None

    def _again(self, form: Any, field: Any, problem: str) -> Any:
        field.errors = [*field.errors, problem]
        return self.render_template(
            self.form_template,
            title=self.form_title,
            widgets=self._get_edit_widget(form=form),
            appbuilder=self.appbuilder,
        )
