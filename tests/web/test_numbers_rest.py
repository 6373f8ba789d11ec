"""A super admin's numbers at Twilio by REST, against a stand-in for it."""

from collections.abc import Callable

import pytest
from flask import Flask

from app import models
from tests.factories import Rows, sid
from tests.fakes.twilio_rest import TwilioRest
from tests.web.speaking import Rest

MAIN, TOKEN = sid("AC"), "0123456789abcdef0123456789abcdef"
NEW = "+12125550177"


@pytest.fixture
def app(make_app: Callable[..., Flask], twilio: TwilioRest) -> Flask:
    twilio.accounts[MAIN] = TOKEN
    twilio.offers = [NEW]
    return make_app(
        twilio_api_url=twilio.url, twilio_account_sid=MAIN, twilio_auth_token=TOKEN,
        public_base_url="http://127.0.0.1:8080",
    )  # fmt: skip


@pytest.fixture
def tenant(app: Flask) -> models.Tenant:
    return Rows(app).tenant()


@pytest.fixture
def rest(app: Flask, tenant: models.Tenant) -> Rest:
    signed = Rest(app.test_client()).sign_in(Rows(app).super_admin().username)
    return signed.acting_for(tenant.id)


def test_a_number_is_found_bought_examined_repaired_and_released(rest: Rest, twilio: TwilioRest):
    offers = rest.ask("GET", "numbers/offers", query_string={"country": "us", "area_code": "212"})
    assert [offer["number"] for offer in offers.get_json()["result"]] == [NEW]
    assert rest.ask("POST", "numbers/buy", json={"number": NEW}).status_code == 200
    assert [row["number"] for row in rest.rows("numbers")] == [NEW]
    [bought] = twilio.numbers.values()
    bought["voice_url"] = "https://elsewhere.example.com"
    examined = rest.ask("GET", "numbers/doctor").get_json()
    assert "elsewhere" in examined["result"][0]["problems"][0]
    assert "not https" in examined["certificate"]
    assert rest.ask("POST", "numbers/point", json={"number": NEW}).status_code == 200
    assert rest.ask("GET", "numbers/doctor").get_json()["result"][0]["problems"] == []
    assert rest.ask("POST", "numbers/release", json={"number": NEW}).status_code == 200
    assert (rest.rows("numbers"), twilio.numbers) == ([], {})


def test_what_cannot_be_done_says_why(rest: Rest, twilio: TwilioRest):
    for body, field in (({}, "number"), ({"number": "5"}, "number"), ({"x": 1}, "x")):
        answer = rest.ask("POST", "numbers/buy", json=body)
        assert (answer.status_code, field in answer.get_json()["message"]) == (422, True)
    unknown = rest.ask("POST", "numbers/release", json={"number": NEW})
    assert "not one of this business" in unknown.get_json()["message"]
    assert rest.ask("GET", "numbers/offers", query_string={"country": "U"}).status_code == 422
    twilio.fault = 503
    answer = rest.ask("GET", "numbers/doctor")
    assert (answer.status_code, TOKEN in answer.text) == (503, False)


def test_only_super_admins_may(app: Flask, tenant: models.Tenant):
    admin = Rest(app.test_client()).sign_in(Rows(app).user(tenant).username)
    assert admin.ask("GET", "numbers/doctor").status_code == 403
    assert admin.ask("POST", "numbers/buy", json={"number": NEW}).status_code == 403
