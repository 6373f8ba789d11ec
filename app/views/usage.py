"""What was used: row by row as the ledger has it, and by month with what it costs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Response, abort, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.api import permission_name, protect, safe
from flask_appbuilder.security.decorators import has_access
from flask_babel import format_decimal
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from app import usage
from app.extensions import db
from app.models import SpendKind, SpendLedger, Tenant
from app.tenancy import current_tenant_id
from app.usage import Month
from app.views import held
from app.views.entity import READ, Entity
from app.views.interface import is_id
from app.views.refusals import Refused
from app.views.sheets import line

CATEGORY = "Platform"
MOST_MONTHS = 24
NAMES = {
    SpendKind.CALLS: _("Calls"),
    SpendKind.CALL_SECONDS: _("Call minutes"),
    SpendKind.TRANSFERS: _("Put through"),
    SpendKind.TRANSFER_SECONDS: _("Minutes put through"),
    SpendKind.RECORDING_SECONDS: _("Recorded minutes"),
    SpendKind.TOKENS_IN: _("Tokens read"),
    SpendKind.TOKENS_OUT: _("Tokens written"),
    SpendKind.MAILS: _("Mails"),
    SpendKind.NUMBERS: _("Numbers rented"),
}
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Asked:
    """A page's question: a month, and whose; None: everybody's."""

    month: date
    tenant: Tenant | None

    @property
    def found(self) -> list[Month]:
        return usage.months(self.month, self.month, self.tenant.id if self.tenant else None)


def _month(text: str, name: str, default: date) -> date:
    found = _MONTH.fullmatch(text)
    if text and not found:
        raise Refused("Write a month as 2026-11.", name)
    return date(int(found[1]), int(found[2]), 1) if found else default


def _zone() -> str:
    """Of the tenant in scope."""
    own = current_tenant_id()
    return db.session.scalar(select(Tenant.timezone).where(Tenant.id == own)) or "UTC"


class UsageApi:
    @expose("/months", methods=["GET"])
    @protect()
    @safe
    @permission_name("read")
    def months(self) -> Response:
        """What each tenant used by month, and what it costs
        ---
        get:
          description: >-
            Months are those of each tenant's own time zone. Quantities are in seconds, tokens or
            pieces; costs are decimals as strings, by currency. A super admin who names no tenant
            gets all of them.
          parameters:
          - in: query
            name: from
            description: The first month, such as 2026-10. Default is `to`
            schema:
              type: string
          - in: query
            name: to
            description: The last month, such as 2026-11. Default is the current one
            schema:
              type: string
          responses:
            200:
              description: Newest first, at most 24 months
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      result:
                        type: array
                        items:
                          type: object
                          properties:
                            tenant:
                              type: integer
                            name:
                              type: string
                            month:
                              type: string
                            used:
                              type: object
                              additionalProperties:
                                type: integer
                            costs:
                              type: object
                              additionalProperties:
                                type: string
                            unpriced:
                              type: array
                              items:
                                type: string
                            lines:
                              type: array
                              items:
                                type: object
            401:
              $ref: '#/components/responses/401'
            422:
              $ref: '#/components/responses/422'
        """
        try:
            return self._months()  # also without a tenant: then of all
        except Refused as refusal:
            return self._refuse(refusal.message)  # type: ignore[attr-defined]

    def _months(self) -> Response:
        last = _month(request.args.get("to", ""), "to", usage.this_month(_zone()))
        first = _month(request.args.get("from", ""), "from", last)
        if not 0 <= _count(last) - _count(first) < MOST_MONTHS:
            raise Refused(f"Ask for at most {MOST_MONTHS} months, the first one first.", "from")
        found = usage.months(first, last, current_tenant_id())
        answer: Any = self.response(200, result=[_told(month) for month in found])  # type: ignore[attr-defined]
        return answer


def _count(month: date) -> int:
    return month.year * 12 + month.month


def _told(month: Month) -> dict[str, Any]:
    return {
        "tenant": month.tenant_id,
        "name": month.tenant,
        "month": f"{month.month:%Y-%m}",
        "used": {str(kind): quantity for kind, quantity in month.used.items()},
        "costs": {currency: _exact(cost) for currency, cost in month.costs.items()},
        "unpriced": [str(kind) for kind in month.unpriced],
        "lines": [
            {
                "kind": str(one.kind), "model": one.model, "quantity": one.quantity,
                "currency": one.currency or None,
                "cost": None if one.cost is None else _exact(one.cost),
            }
            for one in month.lines
        ],
    }  # fmt: skip


def _exact(cost: Decimal) -> str:
    return f"{cost:.6f}"


class UsageMonths(BaseView):
    route_base = "/usage"
    default_view = "show"
    class_permission_name = "SpendLedger"
    method_permission_name = {"show": "read", "sheet": "read"}
    base_permissions = ["can_read"]
    menu_name, menu_category, menu_icon = "Usage and cost", CATEGORY, "fa-money"

    @expose("/", methods=["GET"])
    @has_access
    def show(self) -> Any:
        asked = _asked()
        found = asked.found
        lines = [one for month in found for one in month.lines]
        return self.render_template(
            "usage.html", asked=asked, months=found, names=NAMES, amount=amount,
            used=usage.used(lines), costs=usage.total(lines),
            unpriced=sorted({kind for month in found for kind in month.unpriced}),
            limits=held.of_scope(),
        )  # fmt: skip

    @expose("/csv", methods=["GET"])
    @has_access
    def sheet(self) -> Any:
        asked = _asked()
        headers = {"Content-Disposition": f'attachment; filename="usage-{asked.month:%Y-%m}.csv"'}
        return Response(_lines(asked.found), mimetype="text/csv; charset=utf-8", headers=headers)


def _asked() -> Asked:
    named = request.args.get("tenant", "")
    try:
        month = _month(request.args.get("month", ""), "month", usage.this_month(_zone()))
    except Refused:
        abort(400)
    wanted = (int(named) if is_id(named) else 0) if named else current_tenant_id()
    tenant = None if wanted is None else db.session.get(Tenant, wanted) or abort(404)
    return Asked(month, tenant)


def _lines(months: list[Month]) -> Iterator[str]:
    yield "\ufeff" + line(
        ("month", "tenant", "kind", "model", "quantity", "amount", "unit", "cost", "currency")
    )
    for month in months:
        for one in month.lines:
            cost = "" if one.cost is None else f"{one.cost:.6f}"
            yield line(
                [f"{one.month:%Y-%m}", one.tenant, str(one.kind), one.model,
                 one.quantity, round(one.amount, 4), one.unit, cost, one.currency]
            )  # fmt: skip


def amount(kind: SpendKind, quantity: int) -> str:
    """As people read it: minutes and pieces; tokens one by one."""
    seconds = kind.endswith("_seconds")
    return str(format_decimal(round(quantity / 60, 1) if seconds else quantity))


USAGE = Entity(
    model=SpendLedger, resource="usage", menu="Usage entries", category=CATEGORY,
    icon="fa-bar-chart",
    list_columns=("created_at", "kind", "quantity", "model", "call"),
    may=READ, api=UsageApi,
)  # fmt: skip
