"""REST of a tenant's numbers at Twilio, for super admins: searched, bought, pointed here, released,
examined. The page beside it is app/views/twilio.py; both do it by app/numbers.py."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import Response, abort, current_app, request
from flask_appbuilder.api import expose, permission_name, protect, safe

from app import doctor, numbers
from app.carrier import CarrierError
from app.numbers import Unable
from app.tenancy import current_tenant_id
from app.views import checks
from app.views.fields import Body, Words
from app.views.refusals import Refused

ANSWERS = {"buy": "It was bought.", "point": "It points here.", "release": "It was given back."}
ASKED = Body.from_dict({"number": Words(checks.phone, required=True)})
SEARCH = Body.from_dict(
    {
        "country": Words(checks.country, required=True),
        "area_code": Words(checks.area_code, load_default=""),
    }
)
OFFERS = """Numbers that can be bought
---
get:
  description: >-
    At most 20 local numbers with voice. For super admins
  parameters:
  - {in: query, name: country, required: true, schema: {type: string, example: US}}
  - {in: query, name: area_code, schema: {type: string, example: "212"}}
  responses:
    200:
      description: What is on offer now
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
                    number: {type: string}
                    place: {type: string}
    503: {$ref: '#/components/responses/503'}
"""
DOCTOR = """Whether calls would arrive
---
get:
  description: >-
    Each number at Twilio against what it should be, and the certificate of the public address:
    what is wrong, or nothing. For super admins
  responses:
    200:
      description: What was found
      content:
        application/json:
          schema:
            type: object
            properties:
              certificate: {type: string}
              result:
                type: array
                items:
                  type: object
                  properties:
                    number: {type: string}
                    ours: {type: boolean}
                    there: {type: boolean}
                    problems: {type: array, items: {type: string}}
    503: {$ref: '#/components/responses/503'}
"""
CHANGE = """%s
---
post:
  description: >-
    %s. For super admins
  requestBody:
    required: true
    content:
      application/json:
        schema:
          type: object
          required: [number]
          properties:
            number: {type: string, example: "+12125550123"}
  responses:
    200:
      description: Done
      content:
        application/json:
          schema:
            type: object
            properties:
              message: {type: string}
    503: {$ref: '#/components/responses/503'}
"""


def _change(name: str, title: str, text: str) -> Any:
    def act(self: Any) -> Response:
        return self._answering(lambda: self._changed(name), writing=True)

    act.__name__, act.__doc__ = name, CHANGE % (title, text)
    return expose(f"/{name}", methods=["POST"])(protect()(safe(permission_name("carrier")(act))))


class NumberApi:
    """Mixed into the numbers' REST."""

    buy = _change(
        "buy", "Buy a number", "It costs what Twilio charges, and points here from the first moment"
    )
    point = _change(
        "point", "Point a number here", "Repairs its addresses; also takes in one of the account"
    )
    release = _change("release", "Give a number back", "For ever: Twilio may sell it to others")

    @expose("/offers", methods=["GET"])
    @protect()
    @safe
    @permission_name("carrier")
    def offers(self) -> Response:
        return self._asking(self._offered)

    @expose("/doctor", methods=["GET"])
    @protect()
    @safe
    @permission_name("carrier")
    def doctor(self) -> Response:
        return self._asking(self._examined)

    offers.__doc__, doctor.__doc__ = OFFERS, DOCTOR

    def _asking(self, look: Callable[[], dict[str, Any]]) -> Response:
        own: Any = self
        answer: Any = own._answering(lambda: own.response(200, **look()), writing=True, body=False)
        return answer

    def _offered(self) -> dict[str, Any]:
        asked = SEARCH().load(request.args.to_dict())
        found = _carried(lambda: numbers.offers(_tenant(), asked["country"], asked["area_code"]))
        return {"result": [asdict(offer) for offer in found]}

    def _examined(self) -> dict[str, Any]:
        account = _carried(lambda: numbers.account_for(_tenant()))
        found = _carried(lambda: numbers.examine(_tenant(), account))
        base_url = current_app.extensions["settings"].public_base_url
        return {
            "certificate": doctor.certificate(base_url),
            "result": [asdict(one) for one in found],
        }

    def _changed(self, name: str) -> Response:
        number = ASKED().load(request.json)["number"]
        _carried(lambda: getattr(numbers, name)(_tenant(), number))
        answer: Any = self.response(200, message=ANSWERS[name])  # type: ignore[attr-defined]
        return answer


def _tenant() -> int:
    tenant_id = current_tenant_id()
    assert tenant_id is not None  # a super admin has named one by now
    return tenant_id


def _carried(ask: Callable[[], Any]) -> Any:
    """Raises Refused, or answers 503 when a later try may succeed."""
    try:
        return ask()
    except Unable as error:
        raise Refused(error.reason) from error
    except CarrierError as error:
        if error.permanent:
            raise Refused(error.reason) from error
        abort(503, error.reason)
