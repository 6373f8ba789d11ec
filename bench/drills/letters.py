"""A drill of what leaves the house: mails and files for spreadsheets, of hostile words."""

import csv
import io
import json
import re
from functools import partial

from app.phone.conversation import Caller
from app.phone.leg import Heard
from app.phone.script import Step
from bench import asking
from bench.drills import payloads
from bench.drills.businesses import Business
from bench.drills.drill import Drill, Figures, Sabotage, Stage
from bench.drills.model import UNREAD
from bench.drills.outside import Body, Reply, tools_of, words_of
from bench.drills.payloads import Hostile
from tests.fakes import openai_server as fake

HOSTILE = Business("grumblefen", "+15125550444", "AC" + "d4" * 16, "a5" * 16, payloads.PERSON)
THIEF = "thief@evil.example.com"
HEADERS = f"\r\nBcc: {THIEF}\r\nSubject: paid\r\n\r\nbody"
# How a spreadsheet knows a formula; the last four are of those that are trimmed or typed wide.
STARTS = ("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "＝")  # noqa: RUF001
FORMULA = "cmd|' /C calc'!A0"
AT_ONCE, FILES = 3, 5


def injected(stage: Stage) -> Figures:
    hostile = payloads.make(stage.world, HOSTILE, tuple(map(_texts, STARTS)))
    stage.robot.leaves_message(stage.mine)
    stage.wait_settled()
    usual = {frozenset(mail.keys()) for mail in stage.world.sink.mails}
    _call(stage, hostile.business)
    sheets, cells, held = _sheets(stage, hostile), 0, 0
    for name, text in sheets.items():
        rows = list(csv.reader(io.StringIO(text)))
        cells += sum(map(len, rows))
        held += text.count(FORMULA)
        formulas = [cell for row in rows for cell in row if _is_formula(cell)]
        stage.expect(not formulas, f"{name} has formulas, such as {formulas[:1]}")
    stage.expect(held > len(sheets), f"only {held} of {cells} cells were hostile")
    stage.healed()
    stage.wait_settled()
    mails = _mails(stage, hostile.business, usual)
    return {
        "texts": hostile.columns, "sheets": len(sheets), "cells": cells, "hostile": held,
        "hostile mails": mails,
    }  # fmt: skip


def _texts(start: str) -> tuple[str, ...]:
    """The first has headers of a mail in it; others are for columns with less room."""
    return (f"{start}{FORMULA}{HEADERS}", f"{start}{FORMULA}", f"{start}1+1")


def _is_formula(cell: str) -> bool:
    """As OWASP has it, and what programs trim before they look."""
    return cell[:1] in ("\t", "\r", "\n") or cell.lstrip()[:1] in tuple("=+-@＝＋－＠")  # noqa: RUF001


def _call(stage: Stage, business: Business) -> None:
    """A caller for each start of a formula."""
    stage.world.model.manner = _notes

    def one(start: str) -> None:
        words = f"{start}{FORMULA}{HEADERS}"
        line = stage.robot.line(business)
        line.call.name = ""
        said = ("I would like to leave a message", f"my name is {words}", words,
                "yes that is right", "goodbye")  # fmt: skip
        stage.robot.play(line, Caller(tuple(Step(Heard(text)) for text in said)))

    stage.robot.at_once([partial(one, start) for start in STARTS], most=AT_ONCE)
    stage.world.model.manner = lambda _, reply: reply


def _notes(body: Body, reply: Reply) -> Reply:
    """A model that takes down what it hears, and sums up with headers of its own."""
    if "response_format" in body:
        return fake.content(json.dumps({"summary": f"=1+1\r\nBcc: {THIEF}"}))
    offered, words = tools_of(body), words_of(body)
    if FORMULA in words and "take_message" in offered:
        fields = dict.fromkeys(offered["take_message"].get("fields", {}).get("required", ()))
        fields["name" if "my name is" in words else "reason"] = words.removeprefix("my name is ")
        return fake.tool_call("take_message", {"fields": fields, "unanswered": False})
    return reply


def _sheets(stage: Stage, hostile: Hostile) -> dict[str, str]:
    """Every list that can be had as a file."""
    person = asking.browser(stage.world.nodes[0], hostile.admin, hostile.password)
    found = {}
    for rule in hostile.pages:
        if rule.endswith("/csv"):
            answer = person.ask(rule)
            stage.expect(answer.status < 500, f"{rule} answered {answer.status}")
            if answer.status == 200:  # others are the platform's, or of lists without a file
                found[rule] = answer.body.decode("utf-8-sig")
    stage.expect(len(found) > FILES, f"only {len(found)} lists could be had as files")
    return found


def _mails(stage: Stage, business: Business, usual: set[frozenset[str]]) -> int:
    """Each has the headers that a harmless one has, and goes to whom it is meant for."""
    many = 0
    sink = stage.world.sink
    for mail, recipients in zip(list(sink.mails), list(sink.envelopes), strict=True):
        if business.mailbox not in recipients:
            stage.expect(THIEF not in recipients, f"a mail went to {', '.join(recipients)}")
            continue
        many += 1
        stage.expect(recipients == [business.mailbox], f"a mail went to {', '.join(recipients)}")
        keys = frozenset(mail.keys())
        strange = min((keys ^ one for one in usual), key=len)
        stage.expect(not strange, f"a mail's headers differ by {', '.join(sorted(strange))}")
        twice = [key for key in keys if len(mail.get_all(key, [])) > 1]
        stage.expect(not twice, f"a mail has {', '.join(twice)} twice")
        broken = [key for key, value in mail.items() if re.search(r"[\r\n\0]", str(value))]
        stage.expect(not broken, f"a mail's {', '.join(broken)} has several lines")
    stage.expect(many >= len(STARTS), f"only {many} mails of hostile words came")
    return many


DRILLS = (
    Drill(
        "mail-and-csv-injection",
        f"texts and callers' words with headers and {len(STARTS)} starts of formulas",
        "each mail has its own headers and recipients only, no cell begins like a formula",
        injected, Sabotage("safe-words", of=("web", "worker")), UNREAD, first=False,
    ),
)  # fmt: skip
