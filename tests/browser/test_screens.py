"""Every screen, wide and narrow, light and dark: accessible, within its policy, at home, in its
frame. Add the address of a new screen to SCREENS."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from app import models
from tests.factories import PASSWORD, Rows

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
window.jumped = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.jumped += one.value;
}).observe({ type: "layout-shift", buffered: true });
"""
MOST_JUMPED = 0.05  # cumulative layout shift; 0.1 is what web.dev calls good
# What depends on width or theme; the rest is asked once a page.
SEEN = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block"]

# Beside all that the menu leads to.
SCREENS = (
    "/leadpage/show/{Lead}", "/leadpage/edit/{Lead}", "/leadpage/add", "/leadpage/list/?q=nobody",
    "/leadpage/list/?_flt_0_reason=quote", "/callsessionpage/show/{CallSession}",
    "/recordingpage/show/{Recording}", "/transcriptpage/list/", "/callsummarypage/list/",
    "/transferattemptpage/list/", "/recordingpage/list/", "/departmentpage/add",
    "/receptionistconfigpage/edit/{ReceptionistConfig}", "/openinghourspage/add",
    "/calllimitspage/edit/{CallLimits}",
    "/receptionistconfigpage/show/{ReceptionistConfig}",
    "/openinghourspage/list/", "/opening-hours/?department={Department}",
    "/holidaypage/add", "/knowledgeentrypage/add", "/knowledgeentrypage/import",
    "/knowledgegappage/list/", "/try/?words=where+are+you", "/try/?words=cheese+of+the+moon",
    "/knowledgeentrypage/add?gap={KnowledgeGap}", "/knowledgegappage/edit/{KnowledgeGap}",
    "/webhookendpointpage/add", "/userpage/add", "/apikeypage/add",
    "/setup/business", "/setup/hours", "/setup/departments", "/setup/knowledge",
    "/setup/recipients", "/setup/number", "/setup/done",
    "/jobpage/show/{Job}", "/departmentpage/show/{Department}",
    "/datarequestpage/list/", "/datarequestpage/show/{DataRequest}",
    "/search/?q=Ada", "/search/", "/sign-ins/", "/resetmypassword/form", "/nothing-is-here",
)  # fmt: skip
PLATFORM = (
    "/",
    "/act-as/",
    "/tenantpage/list/",
    "/tenantpage/add",
    "/departmentpage/list/",
    "/setup/new",
    "/live/",
    "/operations/",
    "/operations/given-up",
    "/operations/mails",
    "/operations/webhooks",
    "/operations/numbers",
    "/alerts/",
    "/alerts/mail",
)
DOORS = ("/login/", "/password/forgot")


@pytest.fixture
def context(chromium: Browser, base_url: str) -> Iterator[BrowserContext]:
    context = chromium.new_context(base_url=base_url, viewport=WIDE, reduced_motion="reduce")
    context.add_init_script(WATCH)
    yield context
    context.close()


def log_in(page: Page, username: str) -> None:
    page.goto("/login/")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/")


def found_wrong(page: Page, path: str) -> list[str]:
    """What is wrong with this screen, in words."""
    page.set_viewport_size(WIDE)
    page.goto(path)
    wrong = [f"policy: {one}" for one in page.evaluate("violations")]
    if page.evaluate("jumped") > MOST_JUMPED:
        wrong.append("jumps while it loads")
    page.evaluate(AXE)
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append("scrolls sideways")
            once = theme == "light" and size is WIDE
            wrong += broken_rules(page, None if once else SEEN)
    return [f"{path}: {one}" for one in dict.fromkeys(wrong)]


def broken_rules(page: Page, only: list[str] | None) -> list[str]:
    """The frame is the same everywhere: what depends on width or theme is asked within it."""
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = only
    where = json.dumps("main") if only else "document"
    found = page.evaluate(f"axe.run({where}, {json.dumps(options)})")
    return [
        f"{rule['id']} ({rule['impact']}): {rule['nodes'][0]['html'][:200]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]


def test_every_screen_is_accessible_and_at_home(
    rows: Rows, context: BrowserContext, base_url: str
) -> None:
    tenant = rows.tenant()
    ids = {kind.__name__: row.id for kind, row in rows.every_kind(tenant).items()}
    told = {"subject": "Hello", "recipients": ["a@example.com"], "html": "<p>Hello</p>"}
    given_up = {"status": "dead", "last_error": "refused", "result": told}
    ids["Job"] = rows.job(tenant, kind=models.JobKind.ALERT_MAIL, **given_up).id
    rows.job(tenant, kind=models.JobKind.WEBHOOK_OUT, args={"event": "call.ended"})
    rows.lead(tenant, due=None, urgent=True, status=models.LeadStatus.LOST, test=True)
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    wrong = [problem for path in DOORS for problem in found_wrong(page, path)]
    page.set_viewport_size(WIDE)
    log_in(page, rows.user(tenant, "Tenant Admin").username)
    menu = page.eval_on_selector_all(".side a", "links => links.map(a => a.pathname)")
    assert len(menu) > 12
    for path in dict.fromkeys([*menu, *(path.format(**ids) for path in SCREENS)]):
        wrong += found_wrong(page, path)
    context.clear_cookies()
    page.set_viewport_size(WIDE)
    log_in(page, rows.super_admin().username)
    for path in PLATFORM:
        wrong += found_wrong(page, path)
    page.set_viewport_size(WIDE)
    page.goto("/act-as/")
    page.get_by_role("button", name=f"Act for {tenant.name}", exact=True).click()
    wrong += found_wrong(page, "/leadpage/list/")
    assert not wrong, "\n".join(wrong)
    away = [url for url in asked if not re.match(rf"{re.escape(base_url)}/|data:", url)]
    assert away == []


def test_the_description_of_rest_is_served_from_here_to_those_who_may(
    rows: Rows, context: BrowserContext, base_url: str
) -> None:
    asked: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/swagger/v1")
    assert page.locator(".opblock").count() == 0
    log_in(page, rows.super_admin().username)
    page.goto("/swagger/v1")
    page.locator(".opblock").first.wait_for()
    assert page.evaluate("violations") == []
    assert [url for url in asked if not url.startswith((f"{base_url}/", "data:"))] == []


def test_what_opens_on_a_screen_stays_within_the_policy(
    rows: Rows, context: BrowserContext
) -> None:
    """Menus, filters, dialog, theme, switcher, keyboard: by hand what the page's scripts do."""
    tenant = rows.tenant(name="Corner Shop")
    rows.tenant(name="Far Away")
    lead = rows.lead(tenant, name="Tom Becker")
    page = context.new_page()
    log_in(page, rows.super_admin().username)
    page.get_by_role("button", name="All tenants").click()
    page.get_by_label("Find a tenant").fill("corner")
    page.get_by_role("button", name="Corner Shop").click()
    page.get_by_text("You are acting as Corner Shop").wait_for()

    page.goto("/leadpage/list/")
    page.keyboard.press("/")
    page.keyboard.type("becker")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=becker**")
    page.get_by_text("More filters").click()
    page.get_by_label("Add a filter").select_option("name")
    page.locator(".filter [data-value]").fill("Tom")
    page.get_by_role("button", name="Show matches").click()
    page.wait_for_url(re.compile(r"_flt_\d_name=Tom"))
    page.locator(".pick").nth(1).check()
    page.get_by_role("button", name="Delete: 1 lead").click()
    assert page.locator("#confirm").is_visible()
    page.get_by_role("button", name="Keep it").click()

    page.get_by_role("cell", name="A quote").click()  # the whole row opens the record
    page.wait_for_url(f"**/show/{lead.id}")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_role("button", name="Delete lead").click()
    assert "Tom Becker" in page.locator("#confirm h2").inner_text()
    assert page.evaluate("document.activeElement.textContent") == "Keep it"
    assert page.evaluate("violations") == []
    page.locator("#confirm [data-go]").click()
    page.wait_for_url("**/leadpage/list/")
    page.get_by_text("Lead deleted").wait_for()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("violations") == []


def test_a_refused_form_says_where_and_keeps_what_was_typed(
    rows: Rows, context: BrowserContext
) -> None:
    tenant = rows.tenant()
    page = context.new_page()
    log_in(page, rows.user(tenant, "Tenant Admin").username)
    page.goto("/departmentpage/add")
    page.fill("#numbers", "call me")
    page.fill("#ring_seconds", "soon")
    page.get_by_role("button", name="Save").click()
    summary = page.get_by_role("alert")
    assert summary.evaluate("node => node === document.activeElement")
    assert "3 fields" in summary.inner_text()
    summary.get_by_role("link").first.click()
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
    assert page.input_value("#numbers") == "call me"
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.fill("#name", "Front desk")
    page.goto("/")
    assert asked == ["beforeunload"]


def test_the_drawer_leads_everywhere_on_a_phone(rows: Rows, context: BrowserContext) -> None:
    page = context.new_page()
    log_in(page, rows.user(rows.tenant(), "Viewer").username)
    page.set_viewport_size(NARROW)
    page.goto("/")
    assert not page.locator("#side").is_visible()
    page.get_by_role("button", name="More").click()
    page.locator("#side").get_by_role("link", name="Leads").wait_for()
    assert page.locator("#side").get_by_role("link", name="Webhooks").count() == 0
    page.keyboard.press("Escape")
    page.locator("#side").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.textContent.trim()") == "More"
