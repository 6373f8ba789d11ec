"""What an admin does for people who cannot get in: invite them again, reset their second factor."""

import secrets
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, flash, g, redirect, url_for
from flask_appbuilder.actions import action
from flask_appbuilder.api import expose, permission_name, protect, safe
from sqlalchemy import delete

from app.extensions import db
from app.jobs import outbox
from app.models import JobKind, TokenKind, User, UserToken, Way
from app.tenancy import across_tenants, acting_for
from app.views import attempts, factors
from app.views.attempts import TooMany
from app.views.refusals import Refused


@dataclass(frozen=True, slots=True)
class Person:
    """A user whom whoever asks can see, past the session's changes of scope."""

    id: int
    tenant_id: int | None
    username: str
    active: bool
    has_password: bool

    @classmethod
    def of(cls, user: User) -> "Person":
        return cls(user.id, user.tenant_id, user.username, bool(user.active), bool(user.password))


def people_only() -> None:
    """A script's key that could make people, or keys, would outlive its own revocation."""
    if "signed_in" not in g:
        abort(403, "An API key manages neither people nor API keys.")


def add_invitation(user_id: int) -> None:
    key = f"invite:{user_id}:{secrets.token_hex(8)}"
    outbox.add(JobKind.INVITATION_MAIL, key=key, user_id=user_id)


def invite_again(person: Person) -> None:
    """The link of the former invitation is dead at once. Raises Refused and TooMany."""
    if person.has_password:
        raise Refused(
            f"{person.username} has a password already, and asks for a new one on the login page."
        )
    if not person.active:
        raise Refused(f"{person.username} is not active. Make the account active first.")
    with across_tenants():
        attempts.begin(attempts.INVITE, Way.INVITE, str(person.id), person.id)
        former = delete(UserToken).where(
            UserToken.user_id == person.id, UserToken.kind == TokenKind.INVITE
        )
        db.session.execute(former, execution_options={"synchronize_session": False})
        with acting_for(person.tenant_id) if person.tenant_id else nullcontext():
            add_invitation(person.id)
        factors.note("invite again", person.id, "User")
        db.session.commit()
    outbox.wake()


def reset_factor(person: Person) -> None:
    """Ends the sign-ins of the user, who then signs in by password alone. Raises Refused."""
    if person.id == g.signed_in.id:
        raise Refused("Change your own second factor on your own page: it asks for a proof.")
    if not factors.remove(person.id, "reset"):
        raise Refused(f"{person.username} has no second factor.")


class HelpingPage:
    @action(
        "invite", "Send invitation again", "Send them a new link? The former one will not work.",
        "fa-envelope",
    )  # fmt: skip
    def invite(self, items: Any) -> Any:
        return self._helped(items, invite_again, "Invitation sent to")

    @action(
        "reset_factor", "Reset second factor",
        "Let them sign in by password alone? Make sure that it is they who ask for it.",
        "fa-mobile",
    )  # fmt: skip
    def reset_factor(self, items: Any) -> Any:
        return self._helped(items, reset_factor, "Second factor reset of")

    def _helped(self, items: Any, help_: Callable[[Person], None], done: str) -> Any:
        for person in [Person.of(one) for one in (items if isinstance(items, list) else [items])]:
            try:
                help_(person)
            except Refused as refusal:
                flash(str(refusal), "danger")
            except TooMany as refusal:
                flash(f"{person.username}: {refusal.message}", "warning")
            else:
                flash(f"{done} {person.username}.", "success")
        return redirect(url_for("UserPage.list"))


class HelpingApi:
    @expose("/<int:pk>/invite", methods=["POST"])
    @protect()
    @safe
    @permission_name("write")
    def invite(self, pk: int) -> Response:
        """Send the invitation again, to a user who has not chosen a password yet
        ---
        post:
          parameters:
          - in: path
            name: pk
            required: true
            schema:
              type: integer
          responses:
            200:
              description: A mail with a new link is on its way; the former link is dead
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      message:
                        type: string
            429:
              description: Too often; Retry-After says for how many seconds
        """
        return self._helped(pk, invite_again)

    @expose("/<int:pk>/reset-totp", methods=["POST"])
    @protect()
    @safe
    @permission_name("write")
    def reset_totp(self, pk: int) -> Response:
        """Remove a user's second factor, and end the sign-ins of that user
        ---
        post:
          parameters:
          - in: path
            name: pk
            required: true
            schema:
              type: integer
          responses:
            200:
              description: The user signs in by password alone
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      message:
                        type: string
        """
        return self._helped(pk, reset_factor)

    def _helped(self, pk: int, help_: Callable[[Person], None]) -> Response:
        """Super admins need not act for a tenant: they help each other, too."""

        def act() -> Response:
            people_only()
            help_(Person.of(self._found(pk)))  # type: ignore[attr-defined]
            return self.response(200, message="OK")  # type: ignore[attr-defined]

        try:
            return self._answering(act)  # type: ignore[attr-defined]
        except TooMany as refusal:
            answer: Response = self.response(429, message=refusal.message)  # type: ignore[attr-defined]
            answer.headers["Retry-After"] = str(refusal.wait)
            return answer
