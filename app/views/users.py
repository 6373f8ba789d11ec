"""People and their roles: our own entity, because Flask-AppBuilder's lets anybody pick any role.

Who is added without a password is invited by mail. A tenant's admin manages the others of that
tenant: gives no role but a tenant's, chooses nobody's password, and leaves the own account alone.
"""

from typing import Any

from flask import g
from sqlalchemy import inspect, select
from werkzeug.security import generate_password_hash

from app import directory, passwords
from app.extensions import db
from app.jobs import outbox
from app.models import Role, User
from app.tenancy import current_tenant_id
from app.views import checks
from app.views.bulk import PeopleActions
from app.views.entity import Entity
from app.views.fields import Words, YesNo, length
from app.views.forms import SecretField
from app.views.helping import HelpingApi, HelpingPage, add_invitation, people_only
from app.views.keys import TENANT_ROLES, role_field
from app.views.refusals import Refused, explained

OWN = ("roles", "active", "tenant_id")  # what nobody changes of the own account


def _role(user: User) -> str | None:
    return user.roles[0].name if user.roles else None


def _give_role(user: User, name: str) -> None:
    if name not in TENANT_ROLES:
        raise Refused("Not a role of a tenant.", "role")
    with db.session.no_autoflush:  # or else nobody could tell any more what was changed
        role = db.session.execute(select(Role).where(Role.name == name)).scalar_one()
        user.roles = [role]


def _chosen(user: User) -> str | None:
    return user.__dict__.get("_chosen_password")


def _choose(user: User, password: str) -> None:
    user.__dict__["_chosen_password"] = password


# Flask-AppBuilder's users have any number; ours have one, and speak of it by name.
User.role = property(_role, _give_role)
# In plain until it is checked, which takes the names of its user.
User.chosen_password = property(_chosen, _choose)


class ChosenPassword(SecretField):
    def populate_obj(self, obj: Any, name: str) -> None:
        if self.data:
            obj.chosen_password = self.data


class UserRules:
    def pre_add(self, item: User) -> None:
        """The invitation is a row of the same transaction."""
        people_only()
        _own_names(item)
        item.tenant_id = current_tenant_id()
        if item.chosen_password:
            _set_password(item)
            return
        with explained(User):
            db.session.add(item)
            db.session.flush()
            add_invitation(item.id)

    def post_add(self, item: User) -> None:
        outbox.wake()

    def pre_update(self, item: User) -> None:
        people_only()
        _own_names(item)
        state = inspect(item)
        if _is_own(item) and any(state.attrs[name].history.has_changes() for name in OWN):
            _refuse("Nobody changes the role or standing of the own account: ask another admin.")
        if item.chosen_password:
            _set_password(item)

    def pre_delete(self, item: User) -> None:
        people_only()
        if _is_own(item):
            _refuse("Nobody deletes the own account: ask another admin.")


class UserPage(UserRules, HelpingPage, PeopleActions):
    """HTML."""


class UserApi(UserRules, HelpingApi):
    def _need_tenant(self, writing: bool) -> None:
        """A key is refused before anything is read."""
        if writing:
            people_only()
        super()._need_tenant(writing)  # type: ignore[misc]


def _own_names(item: User) -> None:
    """Nobody gets a name that another signs in by: user names and addresses are asked for alike,
    in either case of letters."""
    with db.session.no_autoflush:
        for field in ("username", "email"):
            value = getattr(item, field)
            changed = inspect(item).attrs[field].history.has_changes()
            if value and changed and directory.leads_to_another(value, item.id):
                _refuse("This value cannot be used.", field)


def _is_own(item: User) -> bool:
    return bool(item.id == g.signed_in.id)


def _set_password(item: User) -> None:
    if g.signed_in.tenant_id is not None:
        _refuse("People choose their own: leave it out, and they get a link by mail.", "password")
    try:
        passwords.check(item.chosen_password, item.username, item.email)
    except ValueError as error:
        _refuse(str(error), "password")
    item.password = generate_password_hash(item.chosen_password)


def _refuse(text: str, field: str = "") -> None:
    db.session.rollback()  # nothing of it may be written by whatever this request does next
    raise Refused(text, field)


USERS = Entity(
    model=User, resource="users", menu="Users", category="Access", icon="fa-users",
    list_columns=(
        "username", "email", "first_name", "last_name", "active", "role", "second_factor",
    ),
    form_columns=("username", "email", "first_name", "last_name", "active", "role", "password"),
    show_columns=(
        "username", "email", "first_name", "last_name", "active", "role", "second_factor", "tenant",
    ),
    secrets=("password",), loaded=("roles",),
    platform=True,
    help={
        "username": "To sign in with; the e-mail address does, too.",
        "email": "Invitations and links for a new password go there.",
        "active": "Off: they cannot sign in, and are signed out at once.",
        "role": "What they may see and change.",
        "password": "Leave it blank: they choose it by a link they get by mail.",
    },
    checks={"username": checks.filled, "email": checks.email},
    special={
        "role": Words(checks.one_of(TENANT_ROLES), required=True),
        "password": Words(
            load_only=True, attribute="chosen_password",
            validate=length(1, passwords.LONGEST),
        ),
        "active": YesNo(),
    },
    inputs={
        "role": role_field(),
        "password": ChosenPassword("Password"),
    },
    page=UserPage, api=UserApi,
)  # fmt: skip
