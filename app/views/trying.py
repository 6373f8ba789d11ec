"""A question is tried: what a caller who asks it would hear, and why. Nothing of it is kept."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import current_app, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access
from marshmallow import ValidationError

from app.ai import knowledge
from app.views import act_as, moments
from app.views.fields import storable
from app.voice import facts, rehearsing
from app.voice.facts import Snapshot
from app.voice.rehearsing import Answered, Moment

LONGEST = 500


@dataclass(frozen=True, slots=True)
class Asked:
    words: str
    day: date
    language: str
    languages: tuple[str, ...]  # that are spoken here; of one there is no choice


class Trying(BaseView):
    route_base = "/try"
    default_view = "show"
    class_permission_name = "KnowledgeEntry"
    method_permission_name = {"show": "read"}
    base_permissions = ["can_read"]

    @expose("/", methods=["GET"])
    @has_access
    def show(self) -> Any:
        act_as.tenant_needed()
        found = facts.current()
        asked = _asked(found)
        moment = Moment(found, _at(asked.day), language=asked.language)
        rehearsing.prepare(moment)
        return self.render_template(
            "knowledge/try.html", asked=asked, longest=LONGEST,
            answer=rehearsing.answer(moment, asked.words) if asked.words else None,
            sure=sure, answers_from=percent(knowledge.ANSWER), asks_from=percent(knowledge.ASK),
            has_model=bool(current_app.extensions["settings"].openai_api_key),
            may_write=self.appbuilder.sm.has_access("can_write", "KnowledgeEntry"),
        )  # fmt: skip


def spoken_here(found: Snapshot) -> tuple[str, ...]:
    of_numbers = found.number_languages.values()
    every = (found.language, found.other_language, *of_numbers)
    return tuple(dict.fromkeys(language for language in every if language))


def sure(answer: Answered, entry_id: int) -> int | None:
    """How sure it is of this entry, in percent."""
    scores = (match.score for match in answer.near if match.passage.entry_id == entry_id)
    return next((percent(score) for score in scores), None)


def percent(chance: float) -> int:
    return round(100 * chance)


def _asked(found: Snapshot) -> Asked:
    """What cannot be read is as if it had not been given."""
    languages = spoken_here(found)
    named = request.args.get("language", "")
    try:
        words = storable(" ".join(request.args.get("words", "").split())[:LONGEST])
    except ValidationError:
        words = ""
    language = named if named in languages else found.language
    return Asked(words, _day(request.args.get("day", "")), language, languages)


def _day(text: str) -> date:
    """Far-off years have no local time everywhere."""
    today = moments.today()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if abs(day.year - today.year) <= 10 else today


def _at(day: date) -> datetime:
    """That day at this time of day."""
    return datetime.combine(day, datetime.now(moments.zone()).time(), moments.zone())
