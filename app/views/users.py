"""People and their roles: our own entity, because Flask-AppBuilder's lets anybody pick any role."""

from flask_appbuilder.fieldwidgets import Select2Widget
from marshmallow import fields, validate
from sqlalchemy import select
from werkzeug.security import generate_password_hash
from wtforms import SelectChoice, SelectField

from app.extensions import db
from app.models import Role, User
from app.tenancy import current_tenant_id
from app.views import checks
from app.views.entity import Entity
from app.views.fields import Words
from app.views.forms import SecretField
from app.views.keys import TENANT_ROLES
from app.views.refusals import Refused

SHORTEST = 12


def password(value: str) -> str:
    """Long enough; becomes its hash."""
    if len(value) < SHORTEST:
        raise ValueError(f"Needs at least {SHORTEST} characters.")
    return generate_password_hash(value)


def _role(user: User) -> str | None:
    return user.roles[0].name if user.roles else None


def _give_role(user: User, name: str) -> None:
    if name not in TENANT_ROLES:
        raise Refused("Not a role of a tenant.", "role")
    user.roles = [db.session.execute(select(Role).where(Role.name == name)).scalar_one()]


# Flask-AppBuilder's users have any number; ours have one, and speak of it by name.
User.role = property(_role, _give_role)


class UserRules:
    def pre_add(self, item: User) -> None:
        if not item.password:
            raise Refused("Missing data for required field.", "password")
        item.tenant_id = current_tenant_id()


USERS = Entity(
    model=User, resource="users", menu="Users", category="Access", icon="fa-users",
    list_columns=("username", "email", "first_name", "last_name", "active", "role"),
    form_columns=("username", "email", "first_name", "last_name", "active", "role", "password"),
    show_columns=("username", "email", "first_name", "last_name", "active", "role", "tenant"),
    secrets=("password",),
    platform=True,
    checks={"username": checks.filled, "email": checks.email},
    special={
        "role": Words(checks.one_of(TENANT_ROLES), required=True),
        "password": Words(password, load_only=True, required=True, validate=validate.Length(1)),
        "active": fields.Boolean(),
    },
    inputs={
        "role": SelectField(
            "Role",
            choices=[SelectChoice(value=str(role), label=str(role)) for role in TENANT_ROLES],
            widget=Select2Widget(),
        ),
        "password": SecretField("Password", check=password),
    },
    page=UserRules, api=UserRules,
)  # fmt: skip
