"""The admin panel in a real browser: it works, and its content policy blocks nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.factories import PASSWORD, Rows

PICTURES = os.environ.get("PICTURES")


@pytest.fixture
def page(chromium: Browser, base_url: str) -> Iterator[Page]:
    """A page whose console stayed silent."""
    said: list[str] = []
    page = chromium.new_page(base_url=base_url)
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    page.close()
    assert [text for text in said if "favicon" not in text and "404" not in text] == []


def log_in(page: Page, username: str) -> None:
    page.goto("/login/")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    expect(page.get_by_role("heading", name="Today")).to_be_visible()


def shot(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def test_a_super_admin_acts_for_a_tenant_and_adds_a_department(rows: Rows, page: Page):
    tenant = rows.tenant()
    rows.every_kind(tenant)
    rows.department(rows.tenant())
    log_in(page, rows.super_admin().username)
    shot(page, "dashboard")
    page.goto("/departmentpage/list/")
    shot(page, "across-tenants")
    page.goto("/act-as/")
    shot(page, "act-as")
    page.get_by_role("button", name=f"Act for {tenant.name}", exact=True).click()
    expect(page.get_by_text(tenant.name).first).to_be_visible()
    page.goto("/departmentpage/add")
    page.fill("#name", "Front desk")
    page.fill("#numbers", "+12125550111\n+12125550112")
    shot(page, "add-department")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Front desk", exact=True)).to_be_visible()
    shot(page, "departments")
    for path in (
        "callsessionpage/list/", "leadpage/list/", "receptionistconfigpage/list/",
        "openinghourspage/add", "apikeypage/add", "userpage/add", "transcriptpage/list/",
        "auditlogpage/list/", "jobpage/list/",
    ):  # fmt: skip
        page.goto(f"/{path}")
        shot(page, path.strip("/").replace("/", "-"))
        expect(page.locator("body")).not_to_contain_text("Internal Server Error")


def test_a_second_factor_is_scanned_kept_and_asked_for(rows: Rows, page: Page):
    user = rows.user(rows.tenant())
    log_in(page, user.username)
    page.goto("/second-factor/")
    picture = page.get_by_role("img", name="QR code")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
    shot(page, "second-factor")
    secret = page.locator("code").inner_text().replace(" ", "")
    page.fill("#code", pyotp.TOTP(secret).now())
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator("li code")).to_have_count(10)
    shot(page, "recovery-codes")
    recovery = page.locator("li code").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/login/")
    page.fill("#username", user.username)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    shot(page, "code")
    page.fill("#code", recovery)
    page.get_by_role("button", name="Sign in with your code").click()
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    page.goto("/second-factor/")
    expect(page.get_by_text("codes left: 9")).to_be_visible()
    shot(page, "second-factor-on")


def test_a_department_is_deleted_after_asking(rows: Rows, page: Page):
    tenant = rows.tenant()
    rows.department(tenant, name="Old branch")
    log_in(page, rows.super_admin().username)
    page.goto("/act-as/")
    page.get_by_role("button", name=f"Act for {tenant.name}", exact=True).click()
    page.goto("/departmentpage/list/")
    page.get_by_role("link", name="Old branch").click()
    page.get_by_role("button", name="Delete department").click()
    page.locator("#confirm [data-go]").click()
    expect(page.get_by_text("Department deleted")).to_be_visible()
    expect(page.get_by_text("Old branch")).to_have_count(0)
