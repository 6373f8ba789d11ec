"""What stands in a statement is what callers said and people wrote: no log repeats it."""

import io
import json
import logging

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import models
from app.extensions import db
from app.logs import JsonLines
from app.tenancy import acting_for
from tests.conftest import Services
from tests.factories import Rows
from tests.web.conftest import BASE_URL, Caller
from tests.web.speaking import log_in

CANARY = "okapifeather"


def lines(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(JsonLines().format(record) for record in caplog.records)


def test_no_value_of_a_statement_that_failed_is_in_a_log(
    app: Flask, caller: Caller, services: Services, caplog: pytest.LogCaptureFixture
):
    """A turn whose words cannot be kept, a list that cannot be compared, an addition that is
    refused, and data that PostgreSQL cannot read: each is logged, and none with its words."""
    caplog.set_level(logging.INFO)
    tenant = caller.business.tenant
    admin = log_in(app.test_client(), Rows(app).user(tenant).username)
    services.execute(
        f"alter table transcript add constraint ck_canary check (text not like '%{CANARY}%')",
        name=services.fresh,
    )
    caller.dial()
    assert "<Say" in caller.say(1, f"do you sell an {CANARY}").text
    assert "ck_canary" in lines(caplog)

    assert admin.get(f"/callsessionpage/csv?_flt_0_number={CANARY}").status_code == 400
    with app.app_context(), acting_for(tenant.id):
        for refused in (
            text("select cast(:value as integer)").bindparams(value=CANARY),
            text("select :value from no_such_table").bindparams(value=CANARY),
            text("select id from lead where name = cast(:value as inet)").bindparams(value=CANARY),
            models.Lead.__table__.insert().values(name=CANARY, phone=CANARY * 9),
            models.Block.__table__.insert().values(phone=CANARY, reason=CANARY * 99),
        ):
            try:
                db.session.execute(refused)
            except DBAPIError:
                app.logger.exception("a statement failed")
            db.session.rollback()
    said = lines(caplog)
    assert said.count("a statement failed") == 5
    assert said.count("SQLSTATE") >= 6
    assert CANARY not in said
    assert CANARY not in services.postgres.log.read_text(encoding="utf-8", errors="replace")


def test_every_error_of_a_call_names_it_also_where_nobody_there_knows_it(caller: Caller) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    try:
        caller.dial()
        for _ in range(5):
            failed = f"{BASE_URL}/twilio/gather?turn=1"
            caller.post("/twilio/fallback", ErrorCode="11200", ErrorUrl=failed)
    finally:
        logging.getLogger().removeHandler(handler)
    told = [json.loads(line) for line in written.getvalue().splitlines()]
    grave = [line for line in told if line["level"] == "error"]
    assert "turns fail repeatedly" in {line["event"] for line in grave}
    assert {line.get("call_sid") for line in grave} == {caller.call_sid}
