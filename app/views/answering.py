"""The page of the knowledge: answers begun from a question that found none, and when they end."""

from datetime import date, timedelta
from typing import Any

from flask import redirect, request, url_for
from flask_babel import gettext, ngettext
from markupsafe import Markup
from marshmallow import ValidationError

from app.models import KnowledgeEntry
from app.rules import wording
from app.views import gaps, moments, written
from app.views.fields import storable
from app.views.matching import After, Before
from app.views.narrowing import Chip, Chips

ENDS = "valid_until"
SOON = 30  # days before its end that an answer is pointed out


class Answering:
    """`?gap=…` are the questions that the answer is written for, `?question=` is one as typed."""

    list_template = "knowledge/list.html"
    endpoint: str

    def _get_add_widget(self, form: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method == "GET":
            _begin(form)
        return super()._get_add_widget(form, *args, **kwargs)  # type: ignore[misc]

    def pre_add(self, item: KnowledgeEntry) -> None:
        """In the transaction that saves it."""
        gaps.answered_by(gaps.wanted(request.args.getlist("gap")), item)

    def post_add_redirect(self) -> Any:
        """To where it shows whether that question is answered now."""
        if request.args.getlist("gap") or request.args.get("question"):
            return redirect(url_for("Trying.show", words=request.form.get("question", "")))
        return super().post_add_redirect()  # type: ignore[misc]

    def chips(self) -> Chips | None:
        """Besides the status: what is over, and what soon will be."""
        found: Chips | None = super().chips()  # type: ignore[misc]
        if found is None:
            return None
        on, (every, *states) = self._ends_asked(), found.choices
        choices = [Chip(every.label, url_for(f"{self.endpoint}.list"), every.is_on and not on)]
        choices += states
        for label, wanted in self._ends().items():
            choices.append(Chip(label, self._listing({} if on == wanted else wanted), on == wanted))
        return Chips(found.label, choices)

    def filters_chosen(self) -> list[Chip]:
        """Not what is a chip already."""
        found: list[Chip] = super().filters_chosen()  # type: ignore[misc]
        if self._ends_asked() not in self._ends().values():
            return found
        label = f"{self.label_columns[ENDS]}: "  # type: ignore[attr-defined]
        return [chip for chip in found if not str(chip.label).startswith(label)]

    def _ends(self) -> dict[str, dict[str, str]]:
        """Each chip's filters, as the address has them."""
        before, after = self._arguments()
        today = moments.today()
        return {
            gettext("Expired"): {before: today.isoformat()},
            gettext("Ends soon"): {
                after: (today - timedelta(days=1)).isoformat(),
                before: (today + timedelta(days=SOON + 1)).isoformat(),
            },
        }

    def _arguments(self) -> tuple[str, str]:
        known = [type(flt) for flt in self._filters.get_search_filters()[ENDS]]  # type: ignore[attr-defined]
        before, after = known.index(Before), known.index(After)
        return f"_flt_{before}_{ENDS}", f"_flt_{after}_{ENDS}"

    def _ends_asked(self) -> dict[str, str]:
        return {name: request.args[name] for name in self._arguments() if name in request.args}

    def _listing(self, wanted: dict[str, str]) -> str:
        """The list with these ends, and all else that is asked for."""
        gone = self._arguments()
        kept: Any = {
            key: values for key, values in request.args.to_dict(flat=False).items()
            if key not in gone and not key.startswith("page_")
        }  # fmt: skip
        return url_for(f"{self.endpoint}.list", **kept | wanted)


def until(value: date | None) -> Any:
    """A day, and whether it is past or near."""
    if value is None:
        return written.missing()
    left = (value - moments.today()).days
    if left > SOON:
        return moments.day(value)
    if left < 0:
        said = written.badge("warn", gettext("Expired"))
    else:
        text = ngettext("Ends in %(num)d day", "Ends in %(num)d days", left)
        said = written.badge("info", text if left else gettext("Ends today"))
    return Markup("{} {}").format(said, moments.day(value))


def _begin(form: Any) -> None:
    """The form with what is known of the question: other wordings are other ways to ask it."""
    found = [gap.question for gap in gaps.wanted(request.args.getlist("gap"))]
    try:
        found += [storable(words) for words in request.args.getlist("question")[:1]]
    except ValidationError:
        return
    different: dict[str, str] = {}
    for words in map(gaps.as_question, found):
        if words:
            different.setdefault(words.rstrip("?!. ").casefold(), words[: wording.LONGEST_QUESTION])
    if different:
        form.question.data, *form.alternates.data = different.values()
