"""The first super admin and the demo tenants."""

from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.security import check_password_hash

from app import models
from app.cli.seed import day_in, ensure_super_admin, load_demo
from app.extensions import db
from app.rules import intake
from app.tenancy import across_tenants, acting_for
from config import BadSetting, Settings
from tests.factories import Rows


def test_one_super_admin_is_made_once(settings: Settings, light_app: Flask) -> None:
    made = ensure_super_admin(settings)
    assert made is not None
    assert ensure_super_admin(settings) is None
    with light_app.app_context(), across_tenants():
        (user,) = db.session.scalars(select(models.User)).all()
        assert (user.username, user.tenant_id) == (settings.admin_email, None)
        assert [role.name for role in user.roles] == ["Super Admin"]
        assert check_password_hash(user.password, made.password)


def test_the_settings_choose_name_and_password(settings: Settings) -> None:
    chosen = replace(settings, admin_email="me@example.com", admin_password="a long password")
    made = ensure_super_admin(chosen)
    assert made is not None
    assert (made.username, made.password) == ("me@example.com", "a long password")


def test_the_demo_is_loaded_once_and_told_completely(settings: Settings, light_app: Flask) -> None:
    demo = load_demo(settings)
    assert demo is not None
    assert load_demo(settings) is None
    keys = {"id", "slug", "name", "number", "account_sid", "auth_token", "admin"}
    for told in demo["tenants"]:
        assert set(told) == keys
        with light_app.app_context(), acting_for(told["id"]):
            tenant = db.session.scalars(select(models.Tenant)).one()
            assert (tenant.account_sid, tenant.auth_token) == (
                told["account_sid"], told["auth_token"],
            )  # fmt: skip
            number = db.session.scalars(select(models.TwilioNumber)).one()
            assert number.number == told["number"]
            user = db.session.scalars(select(models.User)).one()
            assert user.username == told["admin"]["username"]
            assert check_password_hash(user.password, told["admin"]["password"])
            assert [role.name for role in user.roles] == ["Tenant Admin"]


def test_the_demo_tenants_differ_and_are_worth_calling(
    settings: Settings, light_app: Flask
) -> None:
    demo = load_demo(settings)
    assert demo is not None
    seen = set()
    for told in demo["tenants"]:
        with light_app.app_context(), acting_for(told["id"]):
            tenant = db.session.scalars(select(models.Tenant)).one()
            config = db.session.scalars(select(models.ReceptionistConfig)).one()
            seen.add((tenant.timezone, config.language))
            entries = db.session.scalars(select(models.KnowledgeEntry)).all()
            assert len(entries) >= 25
            assert {entry.language for entry in entries} == {config.language[:2]}
            places = db.session.scalars(select(models.Department)).all()
            weekly = db.session.scalars(select(models.OpeningHours)).all()
            assert sum(place.operator for place in places) == 1
            assert all("55501" in number for place in places for number in place.numbers)
            holidays = db.session.scalars(select(models.Holiday)).all()
            assert all(holiday.day >= date.today() for holiday in holidays)
            mails = [*config.lead_recipients, *config.urgent_recipients]
            assert all(mail.endswith("@example.com") for mail in mails)
            assert config.urgent_words
            rung = next(place for place in places if place.id == config.on_call_id)
            assert any(hours.department_id == rung.id for hours in weekly)  # day and night
            assert config.other_language not in ("", config.language)
            assert [intake.line(one) for one in config.intake_questions]
    assert seen == {("America/New_York", "en-US"), ("America/Denver", "es-US")}


def test_no_demo_beside_real_tenants_or_in_production(settings: Settings, rows: Rows) -> None:
    assert load_demo(replace(settings, app_env="production")) is None
    rows.tenant()
    assert load_demo(settings) is None


@pytest.mark.parametrize(
    ("rule", "day"),
    [("12-25", date(2026, 12, 25)), ("fourth thu 11", date(2026, 11, 26)),
     ("first mon 09", date(2026, 9, 7))],
)  # fmt: skip
def test_holidays_know_their_day(rule: str, day: date) -> None:
    assert day_in(2026, rule) == day


def test_in_production_the_first_password_meets_the_rules(settings: Settings) -> None:
    easy = replace(settings, app_env="production", admin_password="password12345")
    with pytest.raises(BadSetting, match="ADMIN_PASSWORD"):
        ensure_super_admin(easy)
    assert ensure_super_admin(replace(easy, admin_password="four green pelicans")) is not None
