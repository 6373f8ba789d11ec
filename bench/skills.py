"""Single skills as a call uses them: an utterance in, a prediction as score.py reads it out."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from app.ai import knowledge, offline
from app.ai.interpreter import Heard
from app.ai.reading import days, departments, names, spelling, yesno
from app.voice.flow import messages as m
from app.voice.flow.messages import Ask
from app.voice.flow.states import State
from bench import encoding
from bench.callers import BadFile, load_knowledge, words_of

Row = dict[str, Any]

FORMS = (
    "a row needs query (and business), or utterance with departments, with type, or with neither, "
    "or a business with turns. A file with kb is given by --kb."
)
RANKED = 3
_TODAY = "2022-03-15T09:00"  # where a row says nothing else
_SLOTS = {"name": Ask.NAME, "phone": Ask.PHONE, "email": Ask.EMAIL}


def entries(kb: Path, *, with_aliases: bool) -> dict[str, tuple[m.Passage, ...]]:
    """What each business knows, read by the encoder if there is one. Raises BadFile."""
    known = {
        business: tuple(
            m.Passage(entry.key, at, 1, entry.question, entry.answer, entry.alternates)
            for at, entry in enumerate(listed)
        )
        for business, listed in load_knowledge(kb, with_aliases).items()
    }
    for passages in known.values():
        encoding.wait_known(knowledge.texts(passages))
    return known


def questions(kb: Path, *, with_aliases: bool) -> Callable[[Row], Row]:
    """Answers a row of faq_retrieval from the entries of its business. Raises BadFile."""
    known = entries(kb, with_aliases=with_aliases)

    def faq(row: Row) -> Row:
        business = row.get("business") or (next(iter(known)) if len(known) == 1 else None)
        if business not in known:
            raise BadFile(f"{row['id']}: {kb} has no business {business!r}.")
        return _answer(business, known[business], row["query"])

    return faq


def _answer(business: str, passages: tuple[m.Passage, ...], words: str) -> Row:
    found = knowledge.find(passages, words, RANKED)
    proposed = _heard(words, m.Facts(business=business, passages=passages))
    return {
        "answer_id": proposed.sources[0] if isinstance(proposed, m.Answer) else None,
        "best_id": found[0].passage.id if found else None,
        "ranked": [match.passage.id for match in found],
        "score": found[0].score if found else 0.0,
    }


def routing(row: Row) -> Row:
    ids = [department["id"] for department in row["departments"]]
    places = tuple(
        m.Department(at, words_of(d.get("name") or d["id"]), d.get("description") or "")
        for at, d in enumerate(row["departments"])
    )
    encoding.wait_known(departments.texts(places))
    proposed = _heard(row["utterance"], m.Facts(departments=places))
    chosen = proposed.department_id if isinstance(proposed, m.Transfer) else None
    fit = departments.fit(row["utterance"], places)
    return {
        "department": None if chosen is None else ids[chosen],
        "score": fit.score if fit else 0.0,
    }


def entities(row: Row) -> Row:
    """Of entities and entities_noisy. `nbest` is not looked at: a call has the best one only."""
    words, kind = row["utterance"], row["type"]
    region = row.get("region") or ("GB" if "day first" in row.get("style", "") else "US")
    today = row.get("today") or row.get("now") or _TODAY
    if kind in _SLOTS:
        return {"value": _noted(words, _SLOTS[kind], region)}
    if kind == "name_spelled":
        return {"value": names.read(words)}
    if kind == "reference_code":
        return {"value": spelling.code(words)}
    if kind in ("date", "date_span"):
        day = date.fromisoformat(today[:10])
        return _spoken(kind, words, lambda said: days.read(said, day, region))
    if kind in ("time", "time_span"):
        now = datetime.fromisoformat(row.get("now") or _TODAY)
        return _spoken(kind, words, lambda said: days.read_time(said, now))
    raise ValueError(f"type {kind!r} is not known")


def _noted(words: str, slot: Ask, region: str) -> str:
    """What a caller who is asked for it is noted with."""
    heard = m.Memory(asking=slot, taking=True)
    proposed = _heard(words, m.Facts(region=region), State.LEAD_CAPTURE, heard)
    noted = proposed.fields if isinstance(proposed, m.TakeMessage) else ()
    return next((field.value for field in noted if field.key == slot), "")


def _spoken(kind: str, words: str, read: Callable[[str], Any]) -> Row:
    """The value; for a span the fewest words that are read the same."""
    value = read(words)
    if value is None:
        return {"value": ""}
    if not kind.endswith("_span"):
        return {"value": value.isoformat("minutes") if "time" in kind else value.isoformat()}
    said = words.split()
    windows = (
        " ".join(said[begin : begin + length])
        for length in range(1, len(said) + 1)
        for begin in range(len(said) - length + 1)
    )
    return {"value": next(window for window in windows if read(window) == value).strip(".,?!")}


def yes_or_no(row: Row) -> Row:
    answer = yesno.read(row["utterance"])
    return {"label": "other" if answer is None else "affirm" if answer else "deny"}


def _heard(
    words: str, facts: m.Facts, state: State = State.INTENT, memory: m.Memory | None = None
) -> m.Proposal | None:
    context = m.Context(facts, memory or m.Memory())
    return offline.OfflineInterpreter().interpret(Heard(words, state, context)).proposal
