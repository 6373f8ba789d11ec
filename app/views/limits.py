"""How far calls may go, on one page: what a business chose, what holds, how much is used."""

from decimal import Decimal
from typing import Any

from flask import Response, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.api import permission_name, protect, safe
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import inspect, select

from app import limits, rates, spending
from app.extensions import db
from app.limits import CEILINGS
from app.models import CallLimits, Tenant, Treatment
from app.rates import CENT
from app.tenancy import current_tenant_id
from app.views import held, written
from app.views.entity import READ, Entity
from app.views.held import NAMES, Held, Used
from app.views.refusals import Refused

CATEGORY = "Receptionist"


def rule(item: CallLimits) -> None:
    """Lower than the operator's ceilings: raising them is not the business's to do. One that came
    down below what was chosen before holds, and keeps nothing else from being changed."""
    tenant: Tenant = db.session.get_one(Tenant, current_tenant_id())
    changed: Any = inspect(item).attrs
    for name in CEILINGS:
        chosen, most = getattr(item, name), limits.ceiling(tenant, name)
        if changed[name].history.has_changes() and chosen is not None and chosen > most:
            raise Refused(
                gettext(
                    "At most %(most)s: that is what your operator allows. Choose less, or leave"
                    " it empty.",
                    most=written.number(most),
                ),
                name,
            )


class LimitsPage:
    show_template = "limits/show.html"
    treatments = Treatment

    def in_force(self, item: CallLimits) -> list[Held]:
        return held.held(db.session.get_one(Tenant, item.tenant_id), item)

    def used(self, item: CallLimits) -> list[Used]:
        return held.of_scope()

    @expose("/list/")
    @has_access
    def list(self) -> Any:
        """A business has one set of limits: its page, not a list of one."""
        if current_tenant_id() is not None:
            only = db.session.scalar(select(CallLimits.id))
            if only is not None:
                return redirect(url_for(f"{self.endpoint}.show", pk=only))  # type: ignore[attr-defined]
        return super().list()  # type: ignore[misc]


class LimitsApi:
    @expose("/current", methods=["GET"])
    @protect()
    @safe
    @permission_name("read")
    def current(self) -> Response:
        """What holds just now, and how much of it is used
        ---
        get:
          description: >-
            The limits in force: the tenant's own, held down by its operator's ceilings, else the
            installation's. Money is in cents, decimals as strings where it is spent, with what is
            reserved for calls that go on.
          responses:
            200:
              description: Of the tenant who asks
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      limits:
                        type: object
                        additionalProperties:
                          type: integer
                      spent:
                        type: object
                        additionalProperties:
                          type: string
                      currency:
                        type: string
            401:
              $ref: '#/components/responses/401'
            422:
              $ref: '#/components/responses/422'
        """
        return self._answering(self._current)  # type: ignore[attr-defined]

    def _current(self) -> Response:
        tenant_id = int(current_tenant_id() or 0)
        found = limits.of_tenant(tenant_id)
        spent = next(iter(spending.spent()), spending.Spent(tenant_id, 0, 0))
        sums = {"day_cents": spent.day, "month_cents": spent.month}
        answer: Any = self.response(  # type: ignore[attr-defined]
            200,
            limits={name: getattr(found, name) for name in NAMES},
            spent={name: f"{Decimal(micros) / CENT:.4f}" for name, micros in sums.items()},
            currency=rates.current().currency,
        )
        return answer


LIMITS = Entity(
    model=CallLimits, resource="limits", menu="Limits", category=CATEGORY, icon="fa-tachometer",
    list_columns=("calls_at_once", "day_cents", "month_cents", "withheld", "unverified"),
    form_columns=(*NAMES, "withheld", "unverified", "robocalls"),
    may=(*READ, "edit"), page=LimitsPage, api=LimitsApi, rule=rule,
    labels={
        **NAMES,
        "call_seconds": "Length of a call (seconds)",
        "talk_seconds": "Length of a transfer (seconds)",
        "call_cents": "Cost of a call (cents)",
        "caller_day_cents": "Cost of one caller within 24 hours (cents)",
        "day_cents": "Cost of a day (cents)",
        "month_cents": "Cost of a month (cents)",
        "withheld": "Callers who withhold their number",
        "unverified": "Callers whose number is not theirs",
        "robocalls": "Be wary of machines that call",
    },
    help={
        "calls_at_once":
            "Callers beyond it can only leave a message; at twice as many they hear a busy tone, "
            "which costs nothing. Empty: as many as your operator allows.",
        "calls_per_minute":
            "As above, for calls that begin within a minute. Empty: as many as your operator "
            "allows.",
        "caller_at_once":
            "Further calls from the same number are not answered. People of one company often "
            "share a number. Empty: the installation's.",
        "caller_per_minute":
            "Further calls from the same number are not answered. Empty: the installation's.",
        "call_seconds":
            "From 60 to 14400. Two minutes before its end the receptionist only takes a message, "
            "then says goodbye. Talk after a transfer does not count. Empty: the installation's.",
        "talk_seconds":
            "From 60 to 14400. Twilio then ends the talk. Empty: the installation's.",
        "call_tokens":
            "When they are used, the rest of the call is answered without the language model. 0: "
            "it is never asked. Empty: the installation's.",
        "call_cents":
            "When they are used, the receptionist takes a message and ends the call. Empty: the "
            "installation's.",
        "caller_day_cents":
            "A caller beyond it can only leave a message. Empty: the installation's.",
        "day_cents":
            "In hundredths of the currency that the prices are in: for calls, transfers, language "
            "model, recordings and mails. From 90 percent on the language model "
            "is not asked, then only messages are taken, and from twice as much on callers hear a "
            "busy tone; calls are never cut off. What has no "
            "price counts at a cautious guess. Empty: as much as your operator allows.",
        "month_cents": "As above, for a month. Empty: as much as your operator allows.",
        "withheld":
            "Whoever only leaves a message is put through to nobody. Who is not answered hears a "
            "busy tone, and costs nothing.",
        "unverified":
            "Carriers say so of some calls (STIR/SHAKEN: validation failed). A forwarded call may "
            "be among them.",
        "robocalls":
            "Numbers that hang up at once again and again, and a burst of strangers, can only "
            "leave a message; callers who never say anything are let go after the second silence.",
    },
    fieldsets={
        "How many calls": (
            "calls_at_once", "calls_per_minute", "caller_at_once", "caller_per_minute",
        ),
        "How long": ("call_seconds", "talk_seconds"),
        "How much it may cost": (
            "day_cents", "month_cents", "call_cents", "caller_day_cents", "call_tokens",
        ),
        "Doubtful callers": ("withheld", "unverified", "robocalls"),
    },
)  # fmt: skip
