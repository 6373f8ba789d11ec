"""Words as they are compared: folded, stemmed, without the ones that say nothing."""

import re
from functools import lru_cache
from pathlib import Path

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_ACCENTS = str.maketrans("áéíóúüñàèìòùâêîôûäëïöçãõ\u2019", "aeiouunaeiouaeiouaeiocao'")
_LISTS = Path(__file__).parent / "words"


def listed(name: str) -> frozenset[str]:
    """The words of a list in words/."""
    return frozenset((_LISTS / f"{name}.txt").read_text(encoding="utf-8").split())


SILENT = listed("silent")


def fold(text: str) -> str:
    return text.lower().translate(_ACCENTS)


def words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def content(text: str) -> list[str]:
    """The stems of the words that say something, in order; "top up" is one word."""
    said, found, at = words(text), [], 0
    while at < len(said):
        pair = "".join(said[at : at + 2]) if tuple(said[at : at + 2]) in _PAIRS else ""
        if pair or said[at] not in SILENT:
            found.append(stem(pair or said[at]))
        at += 2 if pair else 1
    return found


_LEADS_UP = re.compile(
    r"^\W*(?:(?:hi|hello|hey|there|dear|sir|madam|please|ok|okay|so|um|uh|well|yes|hola|buen[oa]s"
    r"|good (?:morning|afternoon|evening|day)|d[ií]as|tardes|noches|disculpe|perdone)\b[\s,.!]*)*"
    r"(?:(?:(?:can|could|would) you (?:please )?(?:tell me|explain|let me know|help me(?: with)?)"
    r"|i(?:'d| would)? (?:just )?(?:want|need|like|wanted|wish) to (?:know|ask|find out)"
    r"|i (?:was|am) (?:just )?wondering|i wonder|i have a question|tell me|do you know"
    r"|may i (?:please )?(?:know|ask)|(?:quiero|quisiera|querr[ií]a|necesito) (?:saber|preguntar)"
    r"|me (?:puede|podr[ií]a) decir|d[ií]game|sabe)\b[\s,]*"
    r"(?:(?:about|if|whether|that|si)\b\s*)?)?",
    re.IGNORECASE,
)


def asked(text: str) -> str:
    """The question without what only leads up to it: "hello, I was wondering if you …"."""
    rest = _LEADS_UP.sub("", text, count=1)
    return rest if len(rest.split()) > 1 else text


# Words that only mean something together stand with a hyphen in the list of meanings.
_PAIRS = frozenset(tuple(word.split("-")) for word in listed("meanings") if word.count("-") == 1)

_ENDINGS = (
    "izations", "ization", "ations", "ation", "itions", "ition", "ments", "ment", "ingly", "edly",
    "ings", "ing", "ers", "ies", "ied", "als", "al", "ness", "able", "ible", "ions", "ion", "ed",
    "er", "es", "ly", "s", "e", "y",
)  # fmt: skip


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A light English stem: what differs only by its ending becomes the same. Spanish plurals fall
    under it as well."""
    word = word.removesuffix("'s").replace("'", "")
    if len(word) < 4 or word[0].isdigit():
        return word
    for ending in _ENDINGS:
        room = 3 if len(ending) < 4 else 4
        if word.endswith(ending) and len(word) - len(ending) >= room and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word[-1] in "ie" else word


def _by_word() -> dict[str, tuple[str, ...]]:
    """Everyday words of callers and businesses that stand for each other: a line is one meaning."""
    found: dict[str, list[str]] = {}
    for at, line in enumerate((_LISTS / "meanings.txt").read_text(encoding="utf-8").splitlines()):
        for word in {stem(word) for word in line.replace("-", "").split()}:
            found.setdefault(word, []).append(f"#{at}")
    return {word: tuple(ids) for word, ids in found.items()}


_MEANINGS = _by_word()


def meanings(word: str) -> tuple[str, ...]:
    """The ids of what a stem can mean; they are compared like words."""
    return _MEANINGS.get(word, ())


def grams(text: str) -> frozenset[str]:
    """Pieces of words, so that typing and recognition errors still match."""
    return frozenset().union(*map(_pieces, words(text)))


@lru_cache(maxsize=50_000)
def _pieces(word: str) -> frozenset[str]:
    padded = f" {word} "
    return frozenset(padded[i : i + n] for n in (3, 4) for i in range(len(padded) - n + 1))
