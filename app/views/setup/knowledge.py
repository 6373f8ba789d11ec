"""Step 4: what callers of the trade ask, each with an answer whose blanks are filled in here.

What has a blank left is kept as a draft, which nobody hears (app/views/rules.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from marshmallow import ValidationError
from sqlalchemy import func, select

from app.extensions import db
from app.models import EntryStatus, KnowledgeEntry
from app.rules import blanks
from app.rules.blanks import Blank
from app.starters import Question
from app.views.comparing import folded
from app.views.fields import storable
from app.views.knowledge import KNOWLEDGE
from app.views.refusals import Refused
from app.views.setup.page import StepPage
from app.views.setup.steps import Step

LONGEST = 300  # characters of what is filled into one blank


@dataclass(slots=True)
class Card:
    """One question. `values` are those of its blanks, in order; `own` is an answer in other words,
    which goes before them."""

    question: Question
    is_wanted: bool
    values: list[str]
    own: str = ""
    error: str = ""
    parts: tuple[str | Blank, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.parts = blanks.parts(self.question.answer)

    @property
    def key(self) -> str:
        return self.question.key

    @property
    def answer(self) -> str:
        return self.own or blanks.filled(self.question.answer, self.values)

    @property
    def is_whole(self) -> bool:
        return not blanks.left(self.answer)


class KnowledgePage(StepPage):
    step = Step.KNOWLEDGE
    template = "setup/knowledge.html"
    model = KnowledgeEntry
    cards: list[Card]
    saving: Card | None = None

    @property
    def questions(self) -> tuple[Question, ...]:
        starter = self.found.starter
        return starter.knowledge if starter else ()

    def show(self) -> None:
        entries = _entries()
        offered = self.found.offers(self.step)
        self.cards = [_shown(one, entries.get(folded(one.question)), offered)
                      for one in self.questions]  # fmt: skip

    def take(self, typed: Mapping[str, str]) -> bool:
        self.cards = [_typed(one, typed) for one in self.questions]
        return not any(card.error for card in self.cards)

    def save(self) -> None:
        KNOWLEDGE.alone()
        entries = _entries()
        for card in self.cards:
            self.saving = card
            entry = entries.get(folded(card.question.question))
            if card.is_wanted:
                self._keep(card, entry)
            elif entry is not None:
                _skip(entry)
        db.session.flush()

    def _keep(self, card: Card, entry: KnowledgeEntry | None) -> None:
        """Only what differs is changed: a change raises the version that transcripts name."""
        status = EntryStatus.LIVE if card.is_whole else EntryStatus.DRAFT
        if entry is None:
            entry = KnowledgeEntry(
                question=card.question.question, alternates=list(card.question.alternates),
                category=card.question.category, language=self.found.language[:2].lower(),
            )  # fmt: skip
        if (entry.answer, entry.status) != (card.answer, status):
            entry.answer, entry.status = card.answer, status
        KNOWLEDGE.verify(entry)
        db.session.add(entry)

    def refuse(self, refusal: Refused) -> None:
        if self.saving is None:
            self.error = refusal.text
        else:
            self.saving.error = refusal.text

    @property
    def context(self) -> dict[str, Any]:
        asked = {folded(one.question) for one in self.questions}
        return {
            "cards": self.cards, "wrong_cards": [card for card in self.cards if card.error],
            "longest": LONGEST, "others": _count_others(asked),
        }  # fmt: skip


def _entries() -> dict[str, KnowledgeEntry]:
    return {folded(row.question): row for row in db.session.scalars(select(KnowledgeEntry))}


def _count_others(asked: set[str]) -> int:
    """Answers that are no suggestion of the trade."""
    whole = int(db.session.scalar(select(func.count()).select_from(KnowledgeEntry)) or 0)
    return whole - len(asked & set(_entries()))


def _shown(question: Question, entry: KnowledgeEntry | None, offered: bool) -> Card:
    count = len(blanks.left(question.answer))
    if entry is None:
        return Card(question, offered, [""] * count)
    wanted = entry.status == EntryStatus.LIVE or bool(blanks.left(entry.answer))
    values = blanks.values(question.answer, entry.answer)
    if values is None:
        return Card(question, wanted, [""] * count, own=entry.answer)
    return Card(question, wanted, list(values))


def _typed(question: Question, typed: Mapping[str, str]) -> Card:
    key = question.key
    count = len(blanks.left(question.answer))
    values = [_words(typed.get(f"blank-{key}-{at}", "")) for at in range(count)]
    own = "\n".join(_words(line) for line in typed.get(f"own-{key}", "").splitlines()).strip()
    card = Card(question, f"use-{key}" in typed, values, own)
    if card.is_wanted:
        card.error = _problem(card)
    return card


def _words(text: str) -> str:
    return " ".join(text.split())


def _problem(card: Card) -> str:
    for blank, value in zip(blanks.left(card.question.answer), card.values, strict=True):
        if any(bracket in value for bracket in "[]"):
            return gettext("Leave the square brackets out.")
        if len(value) > LONGEST:
            return gettext("At most %(most)s characters fit into a blank.", most=LONGEST)
        if value and blank.choices and value not in blank.choices:
            return gettext("Choose one from the list.")
    try:
        KNOWLEDGE.checks["answer"](storable(card.answer))
    except (ValueError, ValidationError) as error:
        return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
    return ""


def _skip(entry: KnowledgeEntry) -> None:
    """A sentence that was never finished goes; what somebody has finished is kept, untold."""
    if blanks.left(entry.answer):
        db.session.delete(entry)
    else:
        entry.status = EntryStatus.DRAFT
