"""A business's own questions, as somebody who is no programmer writes them: one a line.

    Party size: How many of you will come?
    [quote, estimate] Budget: What budget do you have in mind?

What stands before the colon is what the answer is called; what stands in brackets are words, any
of which must have been said for the question to be asked.
"""

import re
from dataclasses import dataclass

LONGEST_LABEL, LONGEST_QUESTION, MOST_WORDS = 40, 200, 12
FORM = "Write a line as: Party size: How many of you will come?"
# What callers are asked for anyway, and what an action URL already means by its ask=.
_TAKEN = frozenset(
    {"name", "phone", "email", "reason", "confirm", "anything_else", "goodbye", "recording"}
)
_LINE = re.compile(r"(?:\[(?P<when>[^\[\]]*)\]\s*)?(?P<label>[^:\[\]]+):\s*(?P<question>.+)")


@dataclass(frozen=True, slots=True)
class Question:
    """`when`: one of these was said; none: always asked. `key` names the slot."""

    key: str
    label: str
    question: str
    when: tuple[str, ...] = ()


def parse(line: str) -> Question:
    """Raises ValueError with a sentence for whoever wrote the line."""
    found = _LINE.fullmatch(" ".join(line.split()))
    if found is None:
        raise ValueError(f"“{line[:40]}” has no question. {FORM}")
    label, question = found["label"].strip(), found["question"].strip()
    key = "_".join(re.findall(r"[a-z0-9]+", label.casefold()))
    if not key or len(label) > LONGEST_LABEL:
        raise ValueError(f"“{label[:40]}” must be a short name in letters a to z. {FORM}")
    if key in _TAKEN:
        raise ValueError(f"“{label}” is asked by itself. Choose another name.")
    if len(question) > LONGEST_QUESTION:
        raise ValueError(f"The question of “{label}” has more than {LONGEST_QUESTION} characters.")
    return Question(key, label, question, _when(found["when"], label))


def _when(words: str | None, label: str) -> tuple[str, ...]:
    if words is None:
        return ()
    found = tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    if not found or len(found) > MOST_WORDS:
        raise ValueError(f"Put 1 to {MOST_WORDS} words with commas into the brackets of “{label}”.")
    return found


def line(value: str) -> str:
    """The line as it is kept. Raises ValueError."""
    parse(value)
    return " ".join(value.split())
