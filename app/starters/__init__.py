"""What a business of a trade usually begins with: hours, departments, questions with their answers.

One YAML file per trade and language. An answer holds no fact of its own: whatever differs from one
business to another is a blank (app/rules/blanks.py), so that nothing is told which nobody said.
"""

import re
from dataclasses import dataclass
from datetime import time
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent
TRADES: Final = (
    "dental_practice", "medical_practice", "hair_salon", "restaurant", "home_services",
    "law_office", "real_estate", "auto_repair", "veterinary_clinic", "fitness_studio",
)  # fmt: skip
OTHER: Final = "general"  # for a business of no trade above
LANGUAGES: Final = ("en", "es")
WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Department:
    """`on_call`: rung at any hour for urgent words, unless somebody else is chosen."""

    name: str
    description: str
    operator: bool = False
    on_call: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """`answer` may have blanks. `key` names it in a form, and is its own within a file."""

    question: str
    answer: str
    alternates: tuple[str, ...]
    category: str

    @property
    def key(self) -> str:
        return "-".join(re.findall(r"\w+", self.question.casefold()))


@dataclass(frozen=True, slots=True)
class Starter:
    """`hours` are weekday (0 is Monday), opening and closing, local time."""

    greeting: str
    persona: str
    hours: tuple[tuple[int, time, time], ...]
    departments: tuple[Department, ...]
    urgent_words: tuple[str, ...]
    intake_questions: tuple[str, ...]
    knowledge: tuple[Question, ...]

    def greeting_of(self, business: str) -> str:
        return self.greeting.replace("{business}", business.strip().rstrip("."))


def of(trade: str, language: str) -> Starter | None:
    """In the language spoken (such as es-US), else in English; None: there is no such trade."""
    if trade not in (*TRADES, OTHER):
        return None
    short = language[:2].lower()
    return _read(trade, short if short in LANGUAGES else LANGUAGES[0])


@cache
def _read(trade: str, language: str) -> Starter:
    path = ROOT / language / f"{trade}.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Starter(
        greeting=found["greeting"],
        persona=found["persona"],
        hours=tuple(
            (WEEK.index(day), *_span(span)) for day, spans in found["hours"].items()
            for span in spans
        ),
        departments=tuple(Department(**one) for one in found["departments"]),
        urgent_words=tuple(found["urgent_words"]),
        intake_questions=tuple(found["intake_questions"]),
        knowledge=tuple(
            Question(**one | {"alternates": tuple(one["alternates"])}) for one in found["knowledge"]
        ),
    )  # fmt: skip


def _span(text: str) -> tuple[time, time]:
    opens, _, closes = text.partition("-")
    return time.fromisoformat(opens), time.fromisoformat(closes)
