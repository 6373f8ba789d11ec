"""Browsers and addresses that a user has signed in from, so that strangers who guess at a user's
password lock out strangers only (OWASP: Slow Down Online Guessing Attacks with Device Cookies)."""

import secrets
from typing import Any

from flask import current_app, request, session
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import select, true
from werkzeug.wrappers import Response

from app.extensions import db
from app.models import AttemptOutcome, LoginAttempt
from app.views import attempts, sessions
from app.views.attempts import ELSEWHERE, Place

LONGEST = 180 * 24 * 3600
PATH = "/login"  # nothing else gets to see the cookies


def place_of(user_id: int) -> Place:
    """Of a sign-in. For platform scope."""
    if mark := _mark(user_id):
        return Place(f"browser:{mark}", private=True)
    address = attempts.network()
    known = select(true()).where(
        LoginAttempt.user_id == user_id,
        LoginAttempt.address == address,
        LoginAttempt.outcome == AttemptOutcome.PASSED,
    )
    return Place(f"address:{address}") if db.session.scalar(known.limit(1)) else ELSEWHERE


def this_session() -> Place:
    """Of somebody who is signed in by page."""
    return Place(f"sign-in:{session.get(sessions.SIGN_IN)}", private=True)


def remember(answer: Response, user_id: int) -> None:
    """After a sign-in alone. A browser keeps its mark, or else it would have many to guess with."""
    mark = _mark(user_id) or secrets.token_urlsafe(16)
    answer.set_cookie(
        _cookie(user_id),
        str(_signer().dumps([user_id, mark])),
        max_age=LONGEST,
        path=PATH,
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
        httponly=True,
        samesite="Lax",
    )


def _mark(user_id: int) -> str | None:
    try:
        shown: Any = _signer().loads(request.cookies.get(_cookie(user_id), ""), max_age=LONGEST)
    except BadData:
        return None
    return str(shown[1]) if shown[0] == user_id else None


def _cookie(user_id: int) -> str:
    return f"known_{user_id}"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), "known browser")
