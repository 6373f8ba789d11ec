"""What a business may set up holds when two people save at once, and when a call is connected."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg2
from flask import Flask

from app import models
from app.views.entity import RULED
from tests.conftest import Services
from tests.factories import Rows
from tests.web.conftest import Business, Caller
from tests.web.speaking import Rest

WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


def test_of_two_clashing_hours_saved_at_once_the_second_is_refused(app: Flask, services: Services):
    rows = Rows(app)
    tenant = rows.tenant()
    rest = Rest(app.test_client()).sign_in(rows.user(tenant).username)
    answers: list[Any] = []
    hours = {"weekday": 1, "opens": "12:00", "closes": "17:00"}
    second = threading.Thread(
        target=lambda: answers.append(rest.ask("POST", "hours/", json=hours)), daemon=True
    )
    first = psycopg2.connect(services.admin_url())
    watch = psycopg2.connect(services.admin_url())
    watch.autocommit = True
    try:
        with first.cursor() as cursor, watch.cursor() as watching:
            cursor.execute("select pg_advisory_xact_lock(%s, %s)", (RULED, tenant.id))
            cursor.execute(
                "insert into opening_hours (tenant_id, weekday, opens, closes) "
                "values (%s, 1, '09:00', '13:00')",
                (tenant.id,),
            )
            second.start()
            while second.is_alive():
                watching.execute(WAITING)
                if watching.fetchone() == (1,):
                    break
        first.commit()
        second.join(60)
    finally:
        first.close()
        watch.close()
    [answer] = answers
    assert answer.status_code == 422, answer.text
    assert "overlap" in answer.get_json()["message"]["opens"][0]


def test_a_number_whose_country_is_no_longer_allowed_is_not_rung(
    app: Flask, make_business: Callable[..., Business]
):
    business = make_business(allowed_countries=["FR"])  # set past the rule that would refuse it
    caller = Caller(app, business)
    caller.dial()
    answer = caller.say(1, "I want to speak to Sales").text
    assert "<Dial" not in answer
    refused = [row.evidence.get("refused") for row in caller.all(models.Transcript)]
    assert "numbers not allowed" in refused
    assert caller.row().state == models.CallState.LEAD_CAPTURE


def test_a_number_that_has_become_ours_is_not_rung(
    app: Flask, rows: Rows, make_business: Callable[..., Business]
):
    business = make_business()
    [rung] = business.departments["Sales"].numbers
    rows.number(rows.tenant(), number=rung)
    caller = Caller(app, business)
    caller.dial()
    assert "<Dial" not in caller.say(1, "I want to speak to Sales").text
