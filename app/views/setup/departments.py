"""Step 3: who callers can be put through to, with the telephones that ring there."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask_appbuilder.forms import DynamicForm
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import func, select
from wtforms import BooleanField, HiddenField

from app import directory
from app.extensions import db
from app.models import (
    Department,
    Holiday,
    Lead,
    OpeningHours,
    ReceptionistConfig,
    Tenant,
    TransferAttempt,
)
from app.rules import dialling
from app.views import forms, moments, widgets
from app.views.forms import LinesField, blame
from app.views.interface import is_id
from app.views.receptionist import DEPARTMENTS, RECEPTIONISTS
from app.views.refusals import Refused
from app.views.setup import zones
from app.views.setup.page import StepPage, receptionist
from app.views.setup.progress import Progress
from app.views.setup.steps import Step

MOST = 30  # rows of one page
FIELDS = ("name", "description", "operator")
# What would be lost, or lose its name, with a department.
USED_BY = (Lead, TransferAttempt, OpeningHours, Holiday)


class Row(DynamicForm):
    """One department: there already (`pk`), suggested (`offered`), or empty. It is taken when its
    box is ticked; the empty one has none."""

    class Meta:
        csrf = False  # the page has one token

    pk = HiddenField()
    offered = HiddenField()
    keep = BooleanField()
    numbers = LinesField(
        _("Telephones that ring"),
        widget=widgets.Lines(rows=1, inputmode="tel", autocomplete="off"),
    )

    @property
    def is_saved(self) -> bool:
        return is_id(self.pk.data or "")

    @property
    def is_empty(self) -> bool:
        return not self.is_saved and not self.offered.data

    @property
    def is_wanted(self) -> bool:
        if self.is_empty:
            return bool(self.name.data or self.numbers.data)
        return bool(self.keep.data)


for _name, _field in forms.fields_of(
    Department, FIELDS, DEPARTMENTS.checks, DEPARTMENTS.labels, DEPARTMENTS.help
).items():
    setattr(Row, _name, _field)


class DepartmentsPage(StepPage):
    step = Step.DEPARTMENTS
    template = "setup/departments.html"
    model = Department
    rows: list[Row]
    on_call = ""  # the prefix of a row

    def __init__(self, found: Progress) -> None:
        super().__init__(found)
        self.config = db.session.scalars(select(ReceptionistConfig)).one_or_none()
        self.country = country()
        self.saving: Row | None = None

    def show(self) -> None:
        offered = self.found.offers(self.step)
        saved = _saved()
        known = {row.name.casefold() for row in saved}
        starter = self.found.starter
        suggested = [
            one for one in (starter.departments if starter else ())
            if one.name.casefold() not in known
        ]  # fmt: skip
        data: list[dict[str, Any]] = [
            {"pk": row.id, "keep": True, "numbers": row.numbers}
            | {name: getattr(row, name) for name in FIELDS}
            for row in saved
        ]
        data += [
            {"keep": offered, "offered": "1", "name": one.name, "description": one.description,
             "operator": one.operator and not any(row.operator for row in saved)}
            for one in suggested
        ]  # fmt: skip
        data = [*data, {}][:MOST]
        self.rows = [Row(formdata=None, prefix=_prefix(n), data=d) for n, d in enumerate(data)]
        chosen = self.config.on_call_id if self.config else None
        for at, one in enumerate(data):
            if one.get("pk") and one["pk"] == chosen:
                self.on_call = _prefix(at)
        at_any_hour = {one.name for one in suggested if one.on_call}
        for at, one in enumerate(data):
            if offered and not self.on_call and one.get("name") in at_any_hour:
                self.on_call = _prefix(at)

    def take(self, typed: Mapping[str, str]) -> bool:
        self.rows = [Row(prefix=_prefix(n)) for n in range(MOST) if f"{_prefix(n)}name" in typed]
        self.on_call = typed.get("on_call", "")[:8]
        fine = [self._is_fine(row) for row in self.wanted]
        if self.on_call and self.on_call not in {row._prefix for row in self.wanted}:
            self.error = gettext("Urgent calls: choose a department that you keep.")
        return all(fine) and not self.error

    def _is_fine(self, row: Row) -> bool:
        row.numbers.check = partial(dialling.e164, country=self.country)
        return bool(row.validate())

    @property
    def wanted(self) -> list[Row]:
        return [row for row in self.rows if row.is_wanted]

    def save(self) -> None:
        DEPARTMENTS.alone()
        known = {str(row.id): row for row in _saved()}
        for row in self.rows:
            self.saving = row
            if row.is_saved and not row.is_wanted and row.pk.data in known:
                _remove(known[row.pk.data])
        db.session.flush()
        for row in self.wanted:
            self.saving = row
            item = known.get(row.pk.data or "") or Department(position=_next_position())
            with db.session.no_autoflush:
                for name in (*FIELDS, "numbers"):
                    setattr(item, name, row[name].data)
                DEPARTMENTS.verify(item)
            db.session.add(item)
            db.session.flush()
            row.pk.data = str(item.id)
        self.saving = None
        self._save_on_call()

    def _save_on_call(self) -> None:
        config = receptionist()
        chosen = next((row for row in self.wanted if row._prefix == self.on_call), None)
        config.on_call_id = int(chosen.pk.data) if chosen else None
        RECEPTIONISTS.verify(config)
        db.session.flush()

    def refuse(self, refusal: Refused) -> None:
        if self.saving is None:
            self.error = refusal.text
        else:
            blame(self.saving, refusal)

    @property
    def context(self) -> dict[str, Any]:
        starter = self.found.starter
        words = self.config.urgent_words if self.config else ()
        return {
            "rows": self.rows, "on_call": self.on_call,
            "urgent": (words or (starter.urgent_words if starter else ()))[:4],
            "country": zones.country_name(self.country, moments.language()) if self.country else "",
            "wrong_rows": [row for row in self.rows if row.errors],
        }  # fmt: skip


def _prefix(number: int) -> str:
    return f"d{number}-"


def _saved() -> list[Department]:
    return list(db.session.scalars(select(Department).order_by(Department.position, Department.id)))


def _next_position() -> int:
    return int(db.session.scalar(select(func.max(Department.position))) or 0) + 1


def country() -> str:
    """By which a number without a country code is read: the one that may be rung."""
    listed = directory.allowed_countries()
    if len(listed) == 1:
        return next(iter(listed))
    return zones.country_of(db.session.scalars(select(Tenant.timezone)).one())


def _remove(item: Department) -> None:
    for model in USED_BY:
        if db.session.scalar(select(model.id).where(model.department_id == item.id).limit(1)):
            raise Refused(
                gettext(
                    "%(name)s has hours, leads or calls of its own. Delete it under Departments.",
                    name=item.name,
                ),
                "keep",
            )
    db.session.delete(item)
