"""A drill of what is shown: a business of scripts, looked at in a real browser."""

import json
import re
from functools import partial
from typing import Any
from urllib.parse import quote

from playwright.sync_api import FilePayload

from app.phone.conversation import Caller
from app.phone.leg import Heard
from app.phone.script import Step
from bench.drills import browsing, payloads
from bench.drills.businesses import Business
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.model import UNREAD
from bench.drills.outside import Body, Reply, tools_of, words_of
from bench.drills.payloads import SCRIPT, Hostile
from tests.fakes import openai_server as fake

HOSTILE = Business("wobblequix", "+14045550433", "AC" + "c3" * 16, "f3" * 16, payloads.PERSON)
CALLERS = 4
SHOWN = 12
ASKED = ("/search/?q={}", "/try/?words={}", "/leadpage/list/?q={}", "/callsessionpage/list/?q={}",
         "/leadpage/list/?_flt_0_name={}", "/nothing/{}")  # fmt: skip
DOORS = ("/login/", "/login/code", "/password/forgot", "/password/set/nothing")
NO_PAGES = {
    r"^/(static|brand)|\.(css|svg|png|js)$": "files of ours",
    r"^/(healthz|readyz|metrics)": "for machines",
    r"^/(logout|back|lang)": "leads elsewhere, or out",
    r"^/swagger": "nothing of a tenant's",
    r"/(csv|export|media)$|/download/": "files to keep; see mail-and-csv-injection",
    r"/delete/": "asked by POST alone",
}


def scripts(stage: Stage) -> Figures:
    hostile = payloads.make(stage.world, HOSTILE)
    _call(stage, hostile.business)
    stage.wait_settled()
    letters = [part.get_content() for mail in list(stage.world.sink.mails)
               for part in mail.walk() if part.get_content_type() == "text/html"]  # fmt: skip
    stage.expect(bool(letters), "there was no mail to look at")
    stage.close_ledger()
    with browsing.chromium() as chromium:
        admin, operator, reader = (browsing.Person(chromium, _address(stage)) for _ in range(3))
        _look(admin, hostile, hostile.admin)
        _place_a_call(admin)
        _upload(admin)
        _look(operator, hostile, hostile.operator)
        for path in DOORS:
            reader.open(path)
        for number, letter in enumerate(letters):
            reader.page.goto("about:blank")  # where no policy protects it
            reader.page.set_content(letter)
            reader.look(f"mail {number}")
    stage.close_ledger(robots=False)
    wrong = list(dict.fromkeys([*admin.wrong, *operator.wrong, *reader.wrong]))
    stage.failures += wrong[:SHOWN]
    opened = {*admin.opened, *operator.opened, *reader.opened}
    missed = _missed(hostile.pages, opened)
    stage.expect(not missed, f"{len(missed)} kinds of pages were not seen: {', '.join(missed)}")
    return {
        "texts": hostile.columns, "looks": (admin.opened + operator.opened).total(),
        "pages": len(opened), "mails": len(letters), "wrong": len(wrong),
    }  # fmt: skip


def _address(stage: Stage) -> str:
    return f"http://127.0.0.1:{stage.world.nodes[0]}"


def _call(stage: Stage, business: Business) -> None:
    """Callers whose words, name and wish are scripts, and a model that notes them."""
    stage.world.model.manner = _notes
    says = (
        Step(Heard("I would like to leave a message")),
        Step(Heard(f"my name is {SCRIPT}")), Step(Heard(SCRIPT)), Step(Heard(f"yes {SCRIPT}")),
    )  # fmt: skip

    def one(steps: tuple[Step, ...]) -> None:
        line = stage.robot.line(business)
        line.call.name = ""
        stage.robot.play(line, Caller(steps))

    stage.robot.at_once([partial(one, says)] * CALLERS)
    stage.world.model.manner = lambda _, reply: reply


def _notes(body: Body, reply: Reply) -> Reply:
    if "response_format" in body:
        return fake.content(json.dumps({"summary": SCRIPT}))
    offered, words = tools_of(body), words_of(body)
    if "<" in words and "take_message" in offered:
        wanted: Any = offered["take_message"].get("fields", {}).get("required", ())
        fields = dict.fromkeys(wanted)
        fields["name" if "my name is" in words else "reason"] = words.removeprefix("my name is ")
        return fake.tool_call("take_message", {"fields": fields, "unanswered": False})
    return reply


def _look(person: browsing.Person, hostile: Hostile, username: str) -> None:
    """Lists and forms, whether a link leads there or not; searches; whatever these lead to."""
    person.sign_in(username, hostile.password)
    plain = [rule for rule in hostile.pages if "<" not in rule and not _is_no_page(rule)]
    asked = [one.format(quote(SCRIPT, safe="")) for one in ASKED]
    person.everything(["/", *plain, *asked])
    for rule in _missed(hostile.pages, set(person.opened)):
        if path := _with_an_id(rule, person):
            person.open(path)  # no link leads there: perhaps nobody may


def _place_a_call(person: browsing.Person) -> None:
    """From the browser, saying scripts."""
    page = person.page
    page.goto("/telephone/")
    page.get_by_role("button", name="Call", exact=True).click()
    page.locator(".talk .bot:not(.thinking)").first.wait_for()
    page.fill("#words", SCRIPT)
    page.keyboard.press("Enter")
    page.locator(".talk .bot:not(.thinking)").nth(1).wait_for()
    page.get_by_role("button", name="Hang up").click()
    page.locator("[data-after]").wait_for()
    person.look("/telephone/ while talking")


def _upload(person: browsing.Person) -> None:
    """A file of scripts, under the name of one; shown, and then taken."""
    name = "<img data-planted src=x onerror=planted()>.csv"
    quoted = SCRIPT.replace('"', '""')
    content = f'question,answer,category\r\n"{quoted}?","{quoted}","{quoted[:40]}"\r\n'
    file: FilePayload = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    page = person.page
    page.goto("/knowledgeentrypage/import")
    page.set_input_files("#file", files=[file])
    page.locator("main form button[type=submit]").click()
    page.locator("[name=sealed]").wait_for(state="attached")
    person.look("/knowledgeentrypage/import as it is shown")


def _missed(rules: tuple[str, ...], opened: set[str]) -> list[str]:
    return sorted(
        rule for rule in rules
        if not _is_no_page(rule)
        and not any(re.fullmatch(re.sub(r"<[^>]+>", "[^/]+", rule), path) for path in opened)
    )  # fmt: skip


def _with_an_id(rule: str, person: browsing.Person) -> str:
    """That of a row which was shown on a page alike; nothing if there was none."""
    kind = re.escape(rule.split("/")[1])
    shown = (re.fullmatch(rf"/{kind}/show/(\d+)", path) for path in person.opened)
    found = next((match[1] for match in shown if match), "")
    return re.sub(r"<[^>]+>", found, rule) if found and rule.count("<") == 1 else ""


def _is_no_page(rule: str) -> bool:
    return any(re.search(one, rule) for one in NO_PAGES)


DRILLS = (
    Drill(
        "xss", "a business whose every text is a script, and callers who say some, in a browser",
        "no script runs, nothing is against the policy, every page looked at",
        scripts, Sabotage("escaping"), UNREAD, first=False,
    ),
)  # fmt: skip
