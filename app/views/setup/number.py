"""Step 6: which number is answered. Super admins take one of the Twilio account, buy or type one;
whoever else sets up a business sees what it has. A practice number is for anybody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import abort, current_app, request
from flask_appbuilder.forms import DynamicForm
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from wtforms.validators import DataRequired, Length

from app import directory, numbers, practice
from app.carrier import CarrierError, Offer
from app.extensions import db
from app.models import TwilioNumber
from app.numbers import Unable
from app.rules import dialling
from app.tenancy import current_tenant_id
from app.views import act_as, checks, widgets
from app.views.forms import WordsField, blame
from app.views.numbers import NUMBERS
from app.views.refusals import Refused
from app.views.setup.departments import country
from app.views.setup.page import StepPage
from app.views.setup.steps import Step

TRIES = 40  # of a practice number that nobody has
PRACTICE = "practice"


class NumberForm(DynamicForm):
    number = WordsField(
        _("Phone number"), widget=widgets.Phone(),
        description=_("One that is at Twilio already, or will be."),
        validators=[DataRequired(_("Enter the phone number.")), Length(max=40)],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is at Twilio. `problem` is why nothing is."""

    unused: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    problem: str = ""


class NumberPage(StepPage):
    step = Step.NUMBER
    template = "setup/number.html"
    model = TwilioNumber
    form: NumberForm
    do = "type"

    @property
    def is_real(self) -> bool:
        """Whether callers can ring what was chosen."""
        return self.do != PRACTICE

    def show(self) -> None:
        self.form = NumberForm(formdata=None)

    def take(self, typed: Mapping[str, str]) -> bool:
        self.do = typed.get("do", "type")
        if self.is_real and not act_as.is_super_admin():
            abort(403)
        self.form = NumberForm() if self.do == "type" else NumberForm(formdata=None)
        if self.do == "type":
            self.form.number.check = partial(dialling.e164, country=country())
            return bool(self.form.validate())
        if self.do in ("take", "buy"):
            self.asked = _asked(typed)
        return self.do in ("take", "buy", PRACTICE)

    def save(self) -> None:
        match self.do:
            case "type":
                _add(TwilioNumber(number=self.form.number.data))
            case "take":
                _at_twilio(numbers.point, self.asked)
            case "buy":
                _at_twilio(numbers.buy, self.asked)
            case _:
                ensure_practice()

    def refuse(self, refusal: Refused) -> None:
        if self.do == "type":
            blame(self.form, refusal)
        else:
            self.error = refusal.text

    @property
    def context(self) -> dict[str, Any]:
        may_choose = act_as.is_super_admin()
        found = _choices() if may_choose else Choices()
        owned = own()  # after Twilio was asked: that forgets the session's rows
        return {
            "form": self.form, "numbers": owned, "may_choose": may_choose, "choices": found,
            "may_practise": may_practise() and not owned,
            "country": request.args.get("country", "")[:2] or country() or "US",
            "area": request.args.get("area", "")[:5],
        }  # fmt: skip


def own() -> list[TwilioNumber]:
    """Those that can be called; real ones first."""
    rows = select(TwilioNumber).order_by(TwilioNumber.practice, TwilioNumber.id)
    return [row for row in db.session.scalars(rows) if may_practise() or not row.practice]


def may_practise() -> bool:
    return not current_app.extensions["settings"].is_production


def ensure_practice() -> None:
    """One is enough for a business. In the caller's transaction. Raises Refused."""
    if not may_practise():
        raise Refused(gettext("There are no practice numbers on an installation in production."))
    NUMBERS.alone()
    if db.session.scalar(select(TwilioNumber.id).where(TwilioNumber.practice).limit(1)):
        return
    tried = [practice.some_number() for _try in range(TRIES)]
    taken = set(directory.answered_here(tried))
    free = next((number for number in tried if number not in taken), None)
    if free is None:
        raise Refused(gettext("Every practice number is in use. Try again, or add a real number."))
    _add(TwilioNumber(number=free, label=gettext("Practice number"), practice=True))


def _add(item: TwilioNumber) -> None:
    NUMBERS.alone()
    NUMBERS.verify(item)
    db.session.add(item)
    db.session.flush()


def _asked(typed: Mapping[str, str]) -> str:
    try:
        return checks.phone(typed.get("number", "")[:64])
    except ValueError:
        abort(400)  # nobody types it


def _at_twilio(change: Callable[[int, str], None], number: str) -> None:
    """By the rules of a number that is typed; no transaction is open meanwhile."""
    NUMBERS.verify(TwilioNumber(number=number))
    db.session.rollback()
    try:
        change(_tenant(), number)
    except (Unable, CarrierError) as problem:
        raise Refused(problem.reason) from problem


def _choices() -> Choices:
    tenant_id = _tenant()
    db.session.rollback()  # no connection is held while Twilio is asked
    try:
        account = numbers.account_for(tenant_id)
        found = numbers.examine(tenant_id, account)
        unused = tuple(one.number for one in found if one.there and not one.ours)
        return Choices(unused, tuple(_offers(tenant_id)))
    except (Unable, CarrierError) as problem:
        return Choices(problem=problem.reason)


def _offers(tenant_id: int) -> list[Offer]:
    wanted, area = request.args.get("country", ""), request.args.get("area", "")
    if not wanted:
        return []
    try:
        return numbers.offers(tenant_id, checks.country(wanted), checks.area_code(area))
    except ValueError as error:
        raise Unable(str(error)) from error


def _tenant() -> int:
    tenant_id = current_tenant_id()
    assert tenant_id is not None  # the screen has asked for one
    return tenant_id
