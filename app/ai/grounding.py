"""May this sentence be spoken, given these sources? Pure, and sentence by sentence, so that a
stream can use it as well. It finds figures, days, addresses and promises that no source holds; it
cannot tell whether a sentence twists what a source says.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be spoken, and the sentences that may not."""

    spoken: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Claim:
    """`kind`: money, percent, time, clock, hour, date, a unit ("day"), "" for a bare number; long
    for a telephone number; word for a named day or month; address."""

    kind: str
    value: str


def check(text: str, sources: Sequence[str]) -> Verdict:
    known = frozenset(claim for source in sources for claim in _claims(source))
    known |= {_Claim("", claim.value) for claim in known if claim.kind == "hour"}
    held = _Held(" \n ".join(sources), known)
    sentences = [s.strip() for s in _SENTENCE.split(text) if s.strip()]
    refused = tuple(s for s in sentences if not held.supports(s))
    return Verdict(" ".join(s for s in sentences if s not in refused), refused)


class _Held:
    """What the sources say, in a form that can be compared."""

    def __init__(self, text: str, claims: frozenset[_Claim]) -> None:
        self._claims = claims
        self._text = text.casefold()
        self._digits = re.sub(r"[^0-9]", "", self._text)

    def supports(self, sentence: str) -> bool:
        if sentence.casefold() in self._text:
            return True
        return all(self._holds(claim) for claim in _claims(sentence)) and self._promises(sentence)

    def _holds(self, claim: _Claim) -> bool:
        match claim.kind:
            case "address":
                return claim.value in re.sub(r"\s", "", self._text)
            case "long":
                return claim.value in self._digits
            case "time":
                hour, minute, half = claim.value.split(":")
                bare = {_Claim("", hour), _Claim("clock", f"{hour}:{minute}")}
                if minute == "00" and bare & self._claims and not self._other_half(hour, half):
                    return True
                return bool(_on_24_hours(hour, minute, half) & self._on_clock())
            case "hour" if int(claim.value) <= 24:
                hours = {int(claim.value) % 24, (int(claim.value) + 12) % 24}
                if self._on_clock() & {f"{hour:02d}:00" for hour in hours}:
                    return True
        if claim in self._claims:
            return True
        # A number that stands alone may be said with its unit: "six per employee" are dollars.
        return claim.kind not in ("word", "date") and _Claim("", claim.value) in self._claims

    def _other_half(self, hour: str, half: str) -> bool:
        """Whether the sources say this hour with the other half of the day only."""
        times = [c.value for c in self._claims if c.kind == "time"]
        halves = {value.split(":")[2] for value in times if value.split(":")[0] == hour}
        return bool(halves) and half not in halves

    def _on_clock(self) -> set[str]:
        return {
            at
            for claim in self._claims
            if claim.kind in ("time", "clock")
            for at in _on_24_hours(*(claim.value + ":").split(":")[:3])
        }

    def _promises(self, sentence: str) -> bool:
        said = sentence.casefold()
        for promise, support in _PROMISES:
            if promise.search(said) and not support.search(self._text):
                return False
        vowed = (verb for found in _VOW.finditer(said) if (verb := found["verb"]) not in _MILD)
        return all(_root(verb) in self._text for verb in vowed)


def _on_24_hours(hour: str, minute: str, half: str) -> set[str]:
    """The moments of the day that a spoken time can mean."""
    number = int(hour)
    if half == "am":
        hours = {number % 12}
    elif half == "pm":
        hours = {number % 12 + 12}
    else:
        hours = {number}
    return {f"{h:02d}:{minute}" for h in hours}


_SENTENCE = re.compile(r"(?<=[.!?;])(?<!\b[ap]\.m\.)(?<!\bNo\.)(?<!\bSt\.)(?<!\bDr\.)\s+|\n+")
_UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "dozen": 12,
    "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14,
    "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19,
    "noon": 12, "midnight": 0,
    "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8,
    "nueve": 9, "diez": 10, "once": 11, "doce": 12, "quince": 15,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90, "twentieth": 20, "thirtieth": 30, "veinte": 20, "treinta": 30,
    "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "cien": 100, "mil": 1000}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_MONEY = {"dollar", "buck", "euro", "pound", "cent", "peso", "rupee", "usd", "eur", "gbp", "dolar"}
_MEASURES = {
    "minute", "hour", "day", "week", "month", "year", "night", "mile", "km", "kilometer", "meter",
    "metre", "foot", "feet", "inch", "centimetre", "people", "person", "guest", "time",
}  # fmt: skip
_CLOCK_WORDS = {"at", "from", "to", "until", "till", "by", "before", "after"}
_PIECE = re.compile(
    r"(?P<address>(?:https?://|www\.)\S+|[\w.+-]+@[\w-]+\.[\w.-]+|\b[\w-]+\.(?:com|org|net"
    r"|io|co|info|biz|us|uk|es)\b\S*)"
    r"|(?P<clock>\b\d{1,2}[:.]\d{2}\b(?!\d)(?=\s*(?:[ap]\.?\s?m\b)?)(?<!\$\d)(?![.,]?\d))"
    r"|(?P<long>\+?\(?\d[\d\s().-]{5,}\d)"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:st|nd|rd|th)?"
    r"|(?P<symbol>[$€£%])|(?P<word>[^\W\d_]+(?:\.m\b\.?)?)"
)
_PROMISES = tuple(
    (re.compile(promise), re.compile(support))
    for promise, support in (
        (r"\bguarant|\bwarrant", r"guarant|warrant"),
        (r"\bpromis", r"promis"),
        (r"\brefund|\bmoney back\b|\breimburs", r"refund|money back|reimburs|repay"),
        (r"\bdiscount|\bcoupon|\d+ ?% off|\bhalf price\b", r"discount|coupon|off\b|half price"),
        (
            r"(?<!feel )(?<!toll )(?<!toll-)(?<!hands-)\bfree\b(?! to\b| time)|\bcomplimentary\b"
            r"|\bno (?:charge|cost|fee)s?\b|\bgratis\b|\bwithout (?:charge|cost)\b",
            r"\bfree\b|complimentary|no (?:charge|cost|fee)|gratis|without (?:charge|cost)",
        ),
        (r"\blifetime\b|\bfor life\b|\bforever\b", r"lifetime|for life|forever"),
        (r"\brisk[- ]free\b|\b100 ?% (?:safe|sure)\b", r"risk[- ]free|100 ?%"),
        (r"\bsame[- ]day\b|\bnext[- ]day\b|\bovernight\b", r"same[- ]day|next[- ]day|overnight"),
        (r"\b24/7\b|\baround the clock\b", r"24/7|around the clock|24 hours"),
        (r"\bimmediately\b|\binstantly\b|\bright away\b", r"immediate|instant|right away|at once"),
    )
)
_VOW = re.compile(
    r"\b(?:we|i|they|our \w+|you)(?:'ll| will| shall| are going to| promise to)"
    r"(?: (?:definitely|certainly|always|also|be able to|gladly|happily|never|then))*"
    r" (?P<verb>[a-z]+)"
)
# Verbs that promise nothing of the business's.
_MILD = frozenset("be have see find need note ask want let hear know check take tell get".split())  # noqa: SIM905


def _claims(text: str) -> set[_Claim]:
    pieces = [(m.lastgroup or "", m.group().casefold()) for m in _PIECE.finditer(text)]
    claims = set(_weekdays([word for _, word in pieces]))
    at = 0
    while at < len(pieces):
        kind, piece = pieces[at]
        if kind == "address":
            claims.add(_Claim("address", piece.rstrip(".,;!?")))
        elif kind == "long":
            claims |= _long(piece)
        elif kind == "clock":
            hour, minute = re.split("[:.]", piece)
            half = _half(pieces, at + 1)
            claims.add(
                _Claim("time", f"{int(hour)}:{minute}:{half}")
                if half
                else _Claim("clock", f"{int(hour)}:{minute}")
            )
        elif piece in _MONTHS:
            claims.add(_Claim("word", piece))
        elif (found := _number(pieces, at)) is not None:
            number, used = found
            claims |= _with_unit(number, pieces, at, at + used)
            at += used - 1
        at += 1
    return claims


def _long(piece: str) -> set[_Claim]:
    """A telephone number, or figures that happen to stand in a row."""
    digits = re.sub(r"\D", "", piece)
    if len(digits) >= 7:
        return {_Claim("long", digits)}
    return {_Claim("", str(int(figure))) for figure in re.findall(r"\d+", piece)}


def _number(pieces: list[tuple[str, str]], at: int) -> tuple[str, int] | None:
    """The number that begins at `at` as figures, and how many pieces it takes."""
    kind, piece = pieces[at]
    if kind == "number":
        value = float(re.sub(r"[^\d.]", "", piece))
        used = 1
    elif kind == "word" and (piece in _UNITS or piece in _TENS or piece == "hundred"):
        value, used = float(_UNITS.get(piece, _TENS.get(piece, 1))), 1
        following = pieces[at + 1][1] if at + 1 < len(pieces) else ""
        if piece in _TENS and 0 < _UNITS.get(following, 0) < 10:
            value, used = value + _UNITS[following], 2
        if piece == "hundred":
            used = 0
    else:
        return None
    while at + used < len(pieces) and pieces[at + used][1] in _SCALES:
        value *= _SCALES[pieces[at + used][1]]
        used += 1
        rest = _number(pieces, at + used) if at + used < len(pieces) else None
        if rest and pieces[at + used][0] == "word" and 0 < float(rest[0]) < 100:
            value, used = value + float(rest[0]), used + rest[1]
    return f"{value:g}" if value < 1e6 else str(int(value)), max(used, 1)


def _with_unit(number: str, pieces: list[tuple[str, str]], at: int, end: int) -> set[_Claim]:
    before = pieces[at - 1][1] if at else ""
    after = pieces[end][1] if end < len(pieces) else ""
    unit = after.rstrip("s") if len(after) > 2 else after
    if half := _half(pieces, end):
        return {_Claim("time", f"{int(float(number))}:00:{half}")}
    if before in ("$", "€", "£") or after in ("$", "€", "£") or unit in _MONEY:
        return {_Claim("money", number)}
    if after in ("%", "percent", "per") and (after != "per" or _word(pieces, end + 1) == "cent"):
        return {_Claim("percent", number)}
    if unit in _MEASURES or after in _MEASURES:
        return {_Claim(unit if unit in _MEASURES else after, number)}
    near = {_word(pieces, end), _word(pieces, end + 1), before}
    if not near.isdisjoint((*_MONTHS, "may")):
        return {_Claim("date", number)}
    if before in _CLOCK_WORDS and re.fullmatch(r"\d{1,2}", number):
        return {_Claim("hour", number)}
    # "One" alone is a pronoun more often than a number: "that one", "one of our people".
    return set() if pieces[at][1] == "one" else {_Claim("", number)}


def _word(pieces: list[tuple[str, str]], at: int) -> str:
    return pieces[at][1] if 0 <= at < len(pieces) else ""


def _half(pieces: list[tuple[str, str]], at: int) -> str:
    """ "am" or "pm", however it is said; "" for neither."""
    word = _word(pieces, at).replace(".", "")
    if word in ("am", "pm"):
        return word
    if word in ("a", "p") and _word(pieces, at + 1).replace(".", "") == "m":
        return word + "m"
    words = [_word(pieces, at + i) for i in range(3)]
    if words[:2] == ["in", "the"] or words[0] == "at":
        part = words[2] if words[0] == "in" else words[1]
        return {"morning": "am", "afternoon": "pm", "evening": "pm", "night": "pm"}.get(part, "")
    return ""


def _weekdays(words: list[str]) -> set[_Claim]:
    """Named days; "Monday to Friday" names those between as well."""
    found: set[_Claim] = set()
    named = [
        (at, _WEEKDAYS.index(w.rstrip("s")))
        for at, w in enumerate(words)
        if w.rstrip("s") in _WEEKDAYS
    ]
    for at, day in named:
        found.add(_Claim("word", _WEEKDAYS[day]))
        if _at(words, at + 1) in ("to", "through", "thru", "till", "until", "a"):
            last = _at(words, at + 2).rstrip("s")
            while last in _WEEKDAYS and _WEEKDAYS[day] != last:
                day = (day + 1) % 7
                found.add(_Claim("word", _WEEKDAYS[day]))
    if "weekends" in words or "weekend" in words:
        found |= {_Claim("word", day) for day in _WEEKDAYS[5:]}
    if "daily" in words or ("every" in words and "day" in words):
        found |= {_Claim("word", day) for day in _WEEKDAYS}
    return found


def _at(words: list[str], at: int) -> str:
    return words[at] if at < len(words) else ""


def _root(verb: str) -> str:
    return verb[: max(4, len(verb) - 2)] if len(verb) > 4 else verb
