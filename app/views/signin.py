"""Who is asking, and for whom: sessions, tokens and API keys end in one bound scope."""

from typing import Any

from flask import abort, g, redirect, request, session, url_for
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu
from flask_login import AnonymousUserMixin, current_user
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from app.extensions import db
from app.models import Role, Tenant, User
from app.tenancy import PLATFORM, Scope, across_tenants, bind
from app.views import factors
from app.views.doors import AuthDBView, ResetMyPasswordView, SecurityApi
from app.views.sessions import is_still_good, note_use

HEADER = "X-Tenant"
ACTING = "acting_tenant"
# What somebody may ask for who has yet to set up a second factor.
BEFORE_ENROLMENT = ("SecondFactors.", "AuthDBView.", "LocaleView.")
# Nobody is looked up for these: some must answer while the database is away.
FOR_ANYBODY = ("static", "appbuilder.static", "health.", "metrics.", "twilio.")


class SignIn(SecurityManager):
    """Flask-AppBuilder's own screens and REST for users and roles are not registered: whoever may
    use them can make himself super admin."""

    def register_views(self) -> None:
        self.appbuilder.add_api(self.security_api)
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.resetmypasswordview())
        self.appbuilder.add_view_no_menu(self.auth_view)

    authdbview = AuthDBView
    resetmypasswordview = ResetMyPasswordView
    security_api = SecurityApi

    def load_user(self, pk: int) -> Any | None:
        """The user of a session's cookie."""
        return self._proven(pk, session) if note_use() else None

    def load_user_jwt(self, _header: Any, claims: dict[str, Any]) -> Any | None:
        user = self._proven(claims["sub"], claims)
        if user is not None and factors.is_missing_of(user):
            abort(403, factors.ENROL)
        if user is not None:
            g.user = user
        return user

    def _proven(self, pk: Any, shown: Any) -> Any | None:
        """The user of a session or token, proven: binds whose rows may be seen.

        Detached, because a super admin who acts for a tenant is not among its users.
        """
        known = g.get("signed_in")
        if known is not None and str(known.id) == str(pk):
            return known
        with across_tenants():
            user = super().load_user(pk)
            if user is None or not is_still_good(user, shown):
                return None
            self.get_user_roles(user)  # loads them
            scope = _scope_of(user)
        g.signed_in = user
        bind(scope)
        return user

    def reset_password(self, userid: int, password: str) -> None:
        """The triggers end every sign-in of this user."""
        hashed = generate_password_hash(password)  # takes long: no connection waits for it
        with across_tenants():
            user = db.session.get(User, userid) or abort(404)
            user.password = hashed
            db.session.commit()

    def get_user_roles(self, user: Any) -> list[Any]:
        """Of their own: nobody here is put into Flask-AppBuilder's groups."""
        return list(user.roles) if user.is_authenticated else [self.get_public_role()]

    def exist_permission_on_roles(
        self, view_name: str, permission_name: str, role_ids: list[int]
    ) -> bool:
        """All that they may by one statement: a menu asks for each of its lines."""
        known = g.setdefault("permissions_of_roles", {})
        roles = tuple(role_ids)
        if roles not in known:
            known[roles] = self._permissions_of(roles)
        return (permission_name, view_name) in known[roles]

    def _permissions_of(self, roles: tuple[int, ...]) -> set[tuple[str, str]]:
        found = db.session.execute(
            select(Permission.name, ViewMenu.name)
            .select_from(PermissionView)
            .join(Permission)
            .join(ViewMenu)
            .where(PermissionView.role.any(Role.id.in_(roles)))
        )
        return {(permission, view) for permission, view in found}

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return False

    def _get_safe_user(self, user: Any) -> Any:
        """Ours is detached on purpose; the original would load it again."""
        return user


def _scope_of(user: Any) -> Scope:
    if user.tenant_id is not None:
        own_tenant_only(user.tenant_id)
        return int(user.tenant_id)
    if request.path.startswith("/api/"):
        named = request.headers.get(HEADER)
        return PLATFORM if named is None else _existing(named)
    acting = session.get(ACTING)
    if acting is None or db.session.get(Tenant, acting) is None:
        session.pop(ACTING, None)
        return PLATFORM
    return int(acting)


def lead_to_enrolment() -> Any:
    """Before each request by cookie: who needs a second factor and has none does nothing else."""
    endpoint = request.endpoint or ""
    if endpoint.startswith(BEFORE_ENROLMENT + FOR_ANYBODY) or not current_user.is_authenticated:
        return None
    if "signed_in" not in g or not factors.is_missing_of(g.signed_in):
        return None
    if request.path.startswith("/api/"):
        abort(403, factors.ENROL)
    return redirect(url_for("SecondFactors.own"))


def own_tenant_only(tenant_id: int) -> None:
    if request.headers.get(HEADER, str(tenant_id)) != str(tenant_id):
        abort(403, f"{HEADER} is for super admins.")


def _existing(named: str) -> int:
    if not (named.isascii() and named.isdecimal() and len(named) < 10):
        abort(422, f"{HEADER} must be a tenant's id.")
    found = db.session.scalar(select(Tenant.id).where(Tenant.id == int(named)))
    if found is None:
        abort(422, f"{HEADER}: there is no such tenant.")
    return int(found)


def forget_cookie() -> None:
    """A request that shows other credentials is not also its browser's user: of two identities the
    cookie's would win."""
    g._login_user = AnonymousUserMixin()  # where Flask-Login keeps whom it has loaded
