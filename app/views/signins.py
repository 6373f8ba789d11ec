"""Everybody's own page of sign-ins: when, from where, and an end to those that should not be."""

from typing import Any

from flask import abort, flash, redirect, session, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import no_cache
from flask_login import current_user
from sqlalchemy import select

from app.extensions import db
from app.models import AttemptOutcome, LoginAttempt
from app.tenancy import across_tenants
from app.views import sessions

SHOWN = 25


class SignIns(BaseView):
    route_base = "/sign-ins"
    default_view = "own"

    @expose("/", methods=["GET"])
    @no_cache
    def own(self) -> Any:
        _signed_in_only()
        now = session.get(sessions.SIGN_IN)
        return self.render_template("sign_ins.html", sign_ins=_recent(current_user.id), now=now)

    @expose("/<int:sign_in>/end", methods=["POST"])
    def end(self, sign_in: int) -> Any:
        _signed_in_only()
        if sign_in not in {row.id for row in _recent(current_user.id)}:
            abort(404)
        sessions.end_sign_in(sign_in)
        flash("It was ended.", "info")
        return redirect(url_for("SignIns.own"))

    @expose("/end-others", methods=["POST"])
    def end_others(self) -> Any:
        _signed_in_only()
        sessions.end_all_others(current_user.id, session.get(sessions.SIGN_IN))
        flash("All your other sign-ins were ended.", "info")
        return redirect(url_for("SignIns.own"))


def _signed_in_only() -> None:
    if not current_user.is_authenticated:
        abort(redirect(url_for("AuthDBView.login")))


def _recent(user_id: int) -> list[Any]:
    with across_tenants():
        return list(
            db.session.execute(
                select(
                    LoginAttempt.id, LoginAttempt.at, LoginAttempt.address, LoginAttempt.way,
                    LoginAttempt.ended_at,
                )
                .where(
                    LoginAttempt.user_id == user_id,
                    LoginAttempt.outcome == AttemptOutcome.PASSED,
                )
                .order_by(LoginAttempt.at.desc())
                .limit(SHOWN)
            )
        )  # fmt: skip
