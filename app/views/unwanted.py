"""Callers who are not wanted: their number is blocked from now on, or a call is marked as spam.
Both can be taken back."""

from collections.abc import Callable
from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.api import protect, safe
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from sqlalchemy import select

from app.extensions import db
from app.models import Block, CallSession, Lead, LeadStatus, Outcome
from app.views import checks
from app.views.refusals import Refused, explained

MARK = "mark"


def can_be_blocked(call: CallSession) -> bool:
    """Whether it has a number to block: some withhold theirs."""
    try:
        return checks.phone(call.caller) == call.caller
    except ValueError:
        return False


def is_blocked(call: CallSession) -> bool:
    return db.session.scalar(_block_of(call)) is not None


def _block_of(call: CallSession) -> Any:
    return select(Block).where(Block.tenant_id == call.tenant_id, Block.phone == call.caller)


def block(call: CallSession) -> None:
    """Raises Refused. Who is blocked already stays so."""
    if not can_be_blocked(call):
        raise Refused(gettext("This caller withheld the number, so it cannot be blocked."))
    if not is_blocked(call):
        reason = gettext("Blocked from the call %(sid)s", sid=call.call_sid)
        db.session.add(Block(tenant_id=call.tenant_id, phone=call.caller, reason=reason))


def unblock(call: CallSession) -> None:
    if found := db.session.scalar(_block_of(call)):
        db.session.delete(found)


def mark_spam(call: CallSession) -> None:
    """It counts as not answered from now on, and its lead leaves the board. Raises Refused."""
    if call.outcome is None:
        raise Refused(gettext("The call is still going on. Mark it as spam when it is over."))
    if call.before_spam is None:
        call.before_spam, call.outcome = call.outcome, Outcome.BLOCKED
    lead = _lead_of(call)
    if lead and lead.status != LeadStatus.SPAM:
        lead.before_spam, lead.status = lead.status, LeadStatus.SPAM


def unmark_spam(call: CallSession) -> None:
    """As it was before."""
    if call.before_spam is None:
        return
    call.outcome, call.before_spam = call.before_spam, None
    lead = _lead_of(call)
    if lead and lead.before_spam:
        lead.status = lead.before_spam if lead.status == LeadStatus.SPAM else lead.status
        lead.before_spam = None


def _lead_of(call: CallSession) -> Lead | None:
    return db.session.scalar(select(Lead).where(Lead.call_id == call.id))


class UnwantedPage:
    """Of the call's page: each is undone by its opposite."""

    @expose("/block/<pk>", methods=["POST"])
    @has_access
    @permission_name(MARK)
    def block(self, pk: str) -> Any:
        done = gettext("Caller blocked. The next call from this number is not answered.")
        return self._changed(pk, block, done)

    @expose("/unblock/<pk>", methods=["POST"])
    @has_access
    @permission_name(MARK)
    def unblock(self, pk: str) -> Any:
        return self._changed(pk, unblock, gettext("Caller unblocked"))

    @expose("/spam/<pk>", methods=["POST"])
    @has_access
    @permission_name(MARK)
    def spam(self, pk: str) -> Any:
        return self._changed(pk, mark_spam, gettext("Call marked as spam. It no longer counts."))

    @expose("/not-spam/<pk>", methods=["POST"])
    @has_access
    @permission_name(MARK)
    def not_spam(self, pk: str) -> Any:
        return self._changed(pk, unmark_spam, gettext("Call is no longer spam"))

    def _changed(self: Any, pk: str, change: Callable[[CallSession], None], done: str) -> Any:
        self._need_tenant()
        call = self.datamodel.get(pk) or abort(404)
        try:
            with explained(Block):
                change(call)
                db.session.commit()
            flash(done, "success")
        except Refused as refusal:
            flash(str(refusal), "danger")
        return redirect(url_for("CallSessionPage.show", pk=pk))


class UnwantedApi:
    @expose("/<int:pk>/block", methods=["POST", "DELETE"])
    @protect()
    @safe
    @permission_name(MARK)
    def block(self, pk: int) -> Response:
        """Block the caller of this call from now on, or (DELETE) answer them again
        ---
        post:
          description: >-
            Adds a row to blocks; the next call from this number is not answered
          parameters:
          - in: path
            name: pk
            required: true
            schema:
              type: integer
          responses:
            200:
              description: Where it now stands
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      outcome:
                        type: string
                        nullable: true
                      spam:
                        type: boolean
                      blocked:
                        type: boolean
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        delete:
          description: >-
            Takes the number off blocks
          parameters:
          - in: path
            name: pk
            required: true
            schema:
              type: integer
          responses:
            200:
              description: Where it now stands
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      outcome:
                        type: string
                        nullable: true
                      spam:
                        type: boolean
                      blocked:
                        type: boolean
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        """
        changes = {"POST": block, "DELETE": unblock}
        return self._act(lambda: self._changed(pk, changes[request.method]))  # type: ignore[attr-defined]

    @expose("/<int:pk>/spam", methods=["POST", "DELETE"])
    @protect()
    @safe
    @permission_name(MARK)
    def spam(self, pk: int) -> Response:
        """Mark this call as spam, or (DELETE) take that back
        ---
        post:
          description: >-
            Its outcome becomes blocked and its lead's status spam, so that neither counts
          parameters:
          - in: path
            name: pk
            required: true
            schema:
              type: integer
          responses:
            200:
              description: Where it now stands
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      outcome:
                        type: string
                        nullable: true
                      spam:
                        type: boolean
                      blocked:
                        type: boolean
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        delete:
          description: >-
            Outcome and status are what they were before
          parameters:
          - in: path
            name: pk
            required: true
            schema:
              type: integer
          responses:
            200:
              description: Where it now stands
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      outcome:
                        type: string
                        nullable: true
                      spam:
                        type: boolean
                      blocked:
                        type: boolean
            400:
              $ref: '#/components/responses/400'
            401:
              $ref: '#/components/responses/401'
            404:
              $ref: '#/components/responses/404'
            422:
              $ref: '#/components/responses/422'
        """
        changes = {"POST": mark_spam, "DELETE": unmark_spam}
        return self._act(lambda: self._changed(pk, changes[request.method]))  # type: ignore[attr-defined]

    def _changed(self: Any, pk: int, change: Callable[[CallSession], None]) -> Response:
        call = self._found(pk)
        with explained(Block):
            change(call)
            db.session.commit()
        answer: Response = self.response(
            200, outcome=call.outcome, spam=call.before_spam is not None, blocked=is_blocked(call)
        )
        return answer
