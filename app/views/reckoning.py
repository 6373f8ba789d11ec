"""The figures of a period beside those of the one before: which cards there are, and where each
leads."""

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import exists, select

from app import usage
from app.extensions import db
from app.figures import waiting
from app.figures.behind import Figure
from app.figures.calls import Counted
from app.figures.period import Period
from app.figures.transfers import Transfers
from app.models import Price
from app.tenancy import current_tenant_id
from app.views import behind, kpi
from app.views.kpi import Card


def cards(
    period: Period, may: Any, calls: Counted | None, transfers: Transfers | None
) -> list[Card]:
    found = []
    if calls:
        found.append(
            kpi.of_count(
                _("Calls taken"), calls.now.taken, calls.before.taken,
                behind.url(Figure.TAKEN, period),
            )
        )  # fmt: skip
    if may("Lead"):
        now, before = waiting.leads(period)
        found.append(kpi.of_count(_("Leads"), now, before, behind.url(Figure.LEADS, period)))
    if calls:
        found.append(_converted(period, calls))
    if transfers:
        found.append(_reached(period, transfers))
    if calls:
        found += [_known(period, calls), _length(period, calls)]
    return found + (_cost(period) if may("SpendLedger") else [])


def _converted(period: Period, calls: Counted) -> Card:
    now, before = calls.now, calls.before
    return kpi.of_share(
        _("Lead conversion"), (now.confirmed, now.taken), (before.confirmed, before.taken),
        behind.url(Figure.CONFIRMED, period), _("Calls with a lead that the caller confirmed"),
    )  # fmt: skip


def _reached(period: Period, transfers: Transfers) -> Card:
    now, before = transfers.now, transfers.before
    return kpi.of_share(
        _("Reached a person"), (now.reached, now.tried), (before.reached, before.tried),
        behind.url(Figure.REACHED, period), _("Of all attempts to put a caller through"),
    )  # fmt: skip


def _known(period: Period, calls: Counted) -> Card:
    now, before = calls.now, calls.before
    return kpi.of_share(
        _("Answered from knowledge"), (now.known, now.taken), (before.known, before.taken),
        behind.url(Figure.KNOWN, period), _("Calls that got at least one answer"),
    )  # fmt: skip


def _length(period: Period, calls: Counted) -> Card:
    return kpi.of_length(
        _("Average length"), calls.now.average, calls.before.average,
        behind.url(Figure.TIMED, period),
    )  # fmt: skip


def _cost(period: Period) -> list[Card]:
    """By whole days of each business's calendar, if there are prices."""
    if not db.session.scalar(select(exists().select_from(Price))):
        return []
    tenant = current_tenant_id()
    now = usage.costs(period.first, period.last, tenant)
    before = usage.costs(*period.before_days, tenant)
    if not now:
        return []
    month = f"{period.last:%Y-%m}"
    return kpi.of_cost(_("Cost"), now, before, url_for("UsageMonths.show", month=month))
