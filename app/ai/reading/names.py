"""A person's name out of "no my name is …", "Jana here", "under the name of", or the bare name."""

import re
from difflib import SequenceMatcher

from app.ai import wording
from app.ai.reading import numbers, spelling

_CUE = re.compile(
    r"\b(?:(?:my|the|your|his|her|full|first|last|family|sur|given|by the|under the|on the"
    r"|in the)\s*)?"
    r"names?\b(?:'s)?\s*(?:(?:is|was|would be|of|it's|its|:|,)\s+)*"
    r"|\b(?:that|it) (?:would|will) be\s+"
    r"|\bcall(?:ed)? me\s+|\bnamed me\s+|\bi go by\s+|\b(?:this|it) is\s+|\bit'?s\s+"
    r"|\bi'?m\s+|\bi am\s+"
    r"|\bunder\s+|\b(?:speaking|talking) (?:to|with)\s+|\bon behalf of\s+"
    r"|\bme llamo\s+|\b(?:mi|el) nombre(?: completo)? es\s+|\bsoy\s+|\ba nombre de\s+",
    re.IGNORECASE,
)
_STRICT = re.compile(r"name|call me|named me|go by|under|llamo|nombre|soy|behalf", re.IGNORECASE)
_FIRST_AND_LAST = re.compile(
    r"\b(?:first|given) name(?:'s| is)?,? (?P<first>[^\W\d_][\w'-]*),?(?: and)?(?: my| the)?"
    r" (?:last|family|second|sur) ?name(?:'s| is)?,? (?P<last>[^\W\d_][\w'-]*)",
    re.IGNORECASE,
)
_SPELLED = re.compile(
    r",? (?:that(?:'s| is) )?(?:spelled|spelt|spelling(?: is)?)(?=[ ,:])", re.IGNORECASE
)
_WITH_A = re.compile(
    r"(?<=\w),? with(?:out)? (?:an? )?(?:(?:double )?\w|(?:silent|capital) \w)(?= |$|[.,])",
    re.IGNORECASE,
)
_HERE = re.compile(
    r"^(?:(?:hi|hello"
    r"|hey),?\s+)?(?P<name>[^\W\d_][\w'\u2019.-]*(?:\s+[^\W\d_][\w'\u2019.-]*){0,3}?)\s+(?:here|speaking|calling)\b",
    re.IGNORECASE,
)
_PARTY = re.compile(
    r"\bthe\s+(?P<name>[^\W\d_][\w'\u2019-]+)\s+(?:party|family|reservation|booking)\b",
    re.IGNORECASE,
)
_TITLES = frozenset(
    "mr mrs ms miss mister dr doctor prof sir madam señor señora sr sra don".split()  # noqa: SIM905
)
_PARTICLES = frozenset(
    "de del la van von der den di da dos el al bin ibn y o mac mc st le du".split()  # noqa: SIM905
)
_LEAD_IN = frozenset(
    "um uh er erm hmm ok okay yes yeah yep sure hi hello hey oh well so it's its please no"  # noqa: SIM905
    " sorry and "
    "sir madam ma'am mam hola buenos buenas días dias tardes thanks good morning afternoon evening "
    "sí si bueno pues".split()
)
# Words that are in sentences and not in names. Words that are also names (will, may, mark, grace,
# hope, rich, bill) are left out on purpose.
_NOT_NAMES = wording.listed("not_names")
_WORD = re.compile(r"[^\W\d_][\w'\u2019.-]*|[,;:!?]|\d+")
_END = frozenset(",;:!?")
LONGEST = 4


def read(text: str, asked: bool = True) -> str:
    """The name, written with capitals, or "". Unless a name was `asked` for, only one that is
    announced as a name counts: "I'm hungry" must not become Mr Hungry."""
    text = " ".join(text.replace("\u2019", "'").split())
    text = _WITH_A.sub("", _SPELLED.sub("", text)) if asked else text
    if asked and (spelled := spelling.word(text)):
        return spelled.capitalize()
    text, letters = spelling.trailing(text)
    name = _announced(text, asked) or (_bare(text) if asked else "")
    return _respelled(name, letters) if letters and (asked or name) else name


def _announced(text: str, asked: bool) -> str:
    if (both := _FIRST_AND_LAST.search(text)) and (
        name := _take(f"{both['first']} {both['last']}")
    ):
        return name
    cues = [m for m in _CUE.finditer(text) if asked or _STRICT.search(m.group())]
    for cue in sorted(cues, key=lambda m: (not _STRICT.search(m.group()), -m.start())):
        if name := _take(text[cue.end() :]):
            return name
    set_apart = (found["name"] for pattern in (_HERE, _PARTY) for found in pattern.finditer(text))
    return next((name for words in set_apart if (name := _take(words, whole=True))), "")


def _bare(text: str) -> str:
    """The whole reply as a name, talk before it set aside; a number after it does not matter."""
    words = _WORD.findall(text)
    while words and (words[0].lower().strip(".") in _LEAD_IN or words[0] in _END):
        words.pop(0)
    while words and words[-1].lower().strip(".") in (
        "please",
        "thanks",
        "here",
        "speaking",
        "sir",
        "madam",
    ):
        words.pop()
    kept = [w for w in words if w not in _END]
    cut = next((i for i, w in enumerate(kept) if w.isdigit() or _says_number(w)), len(kept))
    kept = kept[:cut]
    while kept and kept[-1].lower() in ("and", "my", "phone", "number", "no", "contact", "is"):
        kept.pop()
    return _take(" ".join(kept), whole=True)


def _take(text: str, whole: bool = False) -> str:
    """The name at the beginning of `text`; with `whole`, nothing else may follow it."""
    name: list[str] = []
    words = _WORD.findall(text)
    ended = len(words)
    for at, word in enumerate(words):
        plain = word.lower().strip(".")
        if at == 0 and not whole and plain in ("not", "no", "the"):
            return ""
        if not _is_name(plain) or len(name) > LONGEST:
            ended = at
            break
        name.append(word.rstrip("."))
        if word.endswith(".") and len(plain) > 3:
            ended = at + 1
            break
    while name and name[-1].lower() in _PARTICLES:
        name.pop()
    if (whole and ended < len(words)) or not 0 < len(name) <= LONGEST + 1:
        return ""
    if all(n.lower() in _TITLES | _LEAD_IN | _PARTICLES for n in name):
        return ""
    return " ".join(_capital(part) for part in name)


def _is_name(plain: str) -> bool:
    return plain.replace("'", "").replace("-", "").isalpha() and not (
        plain in _NOT_NAMES or (plain in _LEAD_IN and plain not in _TITLES) or _says_number(plain)
    )


def _says_number(word: str) -> bool:
    return word.lower() not in ("o", "una") and numbers.value(word.lower()) is not None


def _capital(part: str) -> str:
    if part != part.lower() and part != part.upper():
        return part if part[0].isupper() else part[0].upper() + part[1:]
    if part.lower() in _PARTICLES:
        return part.lower()
    return re.sub(r"[^\W\d_]+", lambda m: m.group().capitalize(), part.lower()).replace("'S", "'s")


def _respelled(name: str, letters: str) -> str:
    """Letters win over what the recogniser made of the word that they spell."""
    words = name.split()
    alike = [
        (SequenceMatcher(None, word.lower(), letters).ratio(), at) for at, word in enumerate(words)
    ]
    if alike and max(alike)[0] >= 0.5:
        words[max(alike)[1]] = letters.capitalize()
        return " ".join(words)
    return f"{name} {letters.capitalize()}".strip()
