"""Tells an endpoint of a tenant's what happened: signed, once a row, until it says 2xx."""

import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import func, select, update

from app import outside
from app.extensions import db
from app.jobs.outbox import JobError, Work
from app.jobs.post import text_safe
from app.models import Job, JobKind, JobStatus, WebhookEndpoint
from app.outside import Answer, OutsideError

GONE = 410
KEPT_OF_ANSWER = 500
REST_AFTER_FAILURE = timedelta(minutes=1)
"""In which an endpoint that failed is told of nothing new: one that hangs costs a worker ten
seconds a minute, and not ten seconds a row while other tenants wait."""


def webhook_out(work: Work) -> dict[str, Any]:
    """At least once, under one delivery id. Raises JobError."""
    endpoint = db.session.scalar(
        select(WebhookEndpoint).where(WebhookEndpoint.id == work.webhook_id)
    )
    if endpoint is None or not endpoint.active:
        return {"skipped": "the webhook is deleted or switched off"}
    url, secrets = endpoint.url, endpoint.signing_secrets(datetime.now(UTC))
    if not secrets:
        raise JobError("the webhook has no secret: rotate it once", permanent=True)
    db.session.rollback()  # nothing was changed; no connection is held while a server is slow
    body = body_of(work)
    try:
        if "answer" not in work.done:
            work.done["answer"] = _post(url, body, headers_of(work, body, secrets))
        answer = work.done["answer"]
    except OutsideError as error:
        _let_rest(work)
        raise JobError(error.reason, error.permanent) from error
    result = {"status": answer.status, "answer": text_safe(answer.text)[:KEPT_OF_ANSWER]}
    if 200 <= answer.status < 300:
        return result
    if answer.status == GONE:
        _switch_off(work)
        raise JobError("it answered 410, and was switched off", permanent=True, result=result)
    _let_rest(work)
    moved = "; redirects are not followed" if 300 <= answer.status < 400 else ""
    raise JobError(f"it answered {answer.status}{moved}", result=result)


def body_of(work: Work) -> bytes:
    """The same bytes at every attempt and replay."""
    told = {
        "event": work.args["event"],
        "id": work.args["event_id"],
        "occurred_at": work.args["occurred_at"],
        "tenant": work.tenant_id,
        "test": work.args["test"],
        "data": work.args["data"],
    }
    return json.dumps(told, separators=(",", ":")).encode()


def headers_of(work: Work, body: bytes, secrets: list[str]) -> dict[str, str]:
    at = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Receptionist-Webhooks/1",
        "X-Receptionist-Event": str(work.args["event"]),
        "X-Receptionist-Delivery": str(work.args["delivery"]),
        "X-Receptionist-Signature": ",".join(
            [f"t={at}", *(f"v1={signature(secret, at, body)}" for secret in secrets)]
        ),
    }
    return headers | ({"X-Receptionist-Replay": "true"} if work.args.get("replay") else {})


def signature(secret: str, at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()


def _post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    allowed = current_app.extensions["settings"].webhook_allow_hosts
    return outside.post(outside.target(url, allowed), body, headers)


def _let_rest(work: Work) -> None:
    """Put off what else waits for this endpoint. Committed: the failure to come rolls back."""
    later = func.clock_timestamp() + REST_AFTER_FAILURE
    db.session.execute(
        update(Job)
        .where(
            Job.webhook_id == work.webhook_id,
            Job.kind == JobKind.WEBHOOK_OUT,
            Job.status == JobStatus.WAITING,
            Job.run_at < later,
        )
        .values(run_at=later)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()


def _switch_off(work: Work) -> None:
    db.session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == work.webhook_id)
        .values(active=False)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
