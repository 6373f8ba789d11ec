"""A process does not start on a login that could step over the second wall."""

from dataclasses import replace

import pytest

from app.cli import needs
from config import BadSetting, Settings
from tests.conftest import Services


def test_our_own_login_will_do(settings: Settings) -> None:
    needs.database(settings)


def test_no_database_and_no_redis_are_told_in_a_sentence(settings: Settings) -> None:
    with pytest.raises(BadSetting, match="DATABASE_URL is not set"):
        needs.database(replace(settings, database_url=""))
    with pytest.raises(BadSetting, match="REDIS_URL is not set"):
        needs.redis(replace(settings, redis_url=""))


def test_a_database_that_does_not_answer_is_told_without_the_password(settings: Settings) -> None:
    unreachable = "postgresql://me:top-secret@127.0.0.1:1/none"
    with pytest.raises(BadSetting, match="no connection") as told:
        needs.database(replace(settings, database_url=unreachable))
    assert "top-secret" not in str(told.value)


@pytest.mark.parametrize(
    ("makes", "what"),
    [
        ("create role overreach login superuser password 'x'", "superuser"),
        ("create role overreach login bypassrls password 'x'", "BYPASSRLS"),
        ("create role overreach login password 'x' in role recep_owner", "recep_owner"),
    ],
)
def test_a_login_that_could_see_every_tenant_is_refused(
    settings: Settings, services: Services, makes: str, what: str
) -> None:
    services.execute("drop role if exists overreach", makes)
    services.execute(f"grant connect on database {services.fresh} to overreach")
    host = services.admin_url().partition("@")[2]
    login = f"postgresql://overreach:x@{host}"
    try:
        with pytest.raises(BadSetting, match=what):
            needs.database(replace(settings, database_url=login))
    finally:
        services.execute("drop owned by overreach", "drop role overreach", name=services.fresh)
