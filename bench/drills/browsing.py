"""A person at a real Chromium, who opens every page and presses what asks before it acts."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from shutil import which
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from bench.drills.payloads import ADDED_UP

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
PLANTED = "[data-planted]"
ALIKE = 3  # pages that differ by numbers only
LEFT_OUT = re.compile(r"^/(logout|static|lang)\b|\.(csv|zip)$|/(download|export)$")
# A mail as it was sent, in a frame where nothing runs and nothing is loaded.
SEALED = "/jobpage/html/"
SCRIPTS_OF_NOBODY = re.compile(r"Content Security Policy", re.I)


class Missing(Exception):
    """There is no Chromium; the message says what to install."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Raises Missing."""
    program = which("chromium")
    if program is None:
        raise Missing("could not run here: there is no chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Person:
    """`wrong` is what a script, a strange element or the policy told of, by page."""

    browser: Browser
    base_url: str
    wrong: list[str] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.context: BrowserContext = self.browser.new_context(
            base_url=self.base_url, reduced_motion="reduce"
        )
        self.context.set_default_timeout(15_000)
        self.context.add_init_script(WATCH)
        self.context.expose_function("planted", lambda: self._tell("a script ran"))
        self.page: Page = self.context.new_page()
        self.page.on("dialog", self._dismiss)
        self.page.on("console", self._hear)
        self.page.on("request", self._asked)

    def sign_in(self, username: str, password: str) -> None:
        self.page.goto("/login/")
        self.page.fill("#username", username)
        self.page.fill("#password", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url("**/")

    def open(self, path: str) -> bool:
        """False: it is a file to be kept, or not for this person."""
        try:
            answer = self.page.goto(path, wait_until="load")
        except Error as problem:
            if "Download" in str(problem) or "ERR_ABORTED" in str(problem):
                return False
            raise
        for where in {urlsplit(path).path, urlsplit(self.page.url).path}:
            self.opened[where] += 1
        if answer is not None and answer.status >= 500:
            self.wrong.append(f"{path}: answered {answer.status}")
        self._press_what_asks()
        self.look(path)
        return answer is None or answer.status < 400

    def look(self, path: str) -> None:
        found = self.page.evaluate("window.violations") or []
        self.wrong += [f"{path}: against the policy: {one}" for one in found]
        for frame in self.page.frames:
            if SEALED in frame.url:
                continue
            if many := frame.locator(PLANTED).count():
                self.wrong.append(f"{path}: {many} elements that are somebody's text")
            if ADDED_UP in (frame.text_content("html") or ""):
                self.wrong.append(f"{path}: somebody's text was taken for a template")

    def everything(self, begin: list[str]) -> None:
        """All that links lead to, a few of each kind."""
        waiting, seen, kinds = list(begin), set(begin), Counter[str]()
        while waiting:
            path = waiting.pop(0)
            kind = re.sub(r"\d+", "#", urlsplit(path).path)
            kinds[kind] += 1
            if (path not in begin and kinds[kind] > ALIKE) or not self.open(path):
                continue
            for link in self._links():
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)

    def _links(self) -> Iterator[str]:
        for url in self.page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)"):
            parts = urlsplit(url)
            at_home = url.startswith(self.base_url + "/")
            if at_home and not LEFT_OUT.search(parts.path):
                yield parts.path + (f"?{parts.query}" if parts.query else "")

    def _press_what_asks(self) -> None:
        """The question is put by script, with names in it. It is not agreed to."""
        for button in self.page.locator("[data-confirm]:visible").all()[:2]:
            button.click(force=True)
            self.page.keyboard.press("Escape")

    def _dismiss(self, dialog: Any) -> None:
        if dialog.type != "beforeunload":
            self._tell(f"a script asked: {dialog.message[:60]}")
        dialog.accept()

    def _hear(self, message: Any) -> None:
        if SCRIPTS_OF_NOBODY.search(message.text) and SEALED not in message.text:
            self._tell(f"the browser says: {message.text[:160]}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.base_url + "/", "data:", "about:", "blob:")):
            self._tell(f"asked for {request.url[:100]}")

    def _tell(self, what: str) -> None:
        self.wrong.append(f"{urlsplit(self.page.url).path}: {what}")
