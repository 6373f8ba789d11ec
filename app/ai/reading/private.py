"""Card and social-security numbers in what callers say and key: found, and taken out before
anything is kept, sent to a model or logged.

Which social-security numbers there can be: https://www.ssa.gov/employer/randomization.html.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import phonenumbers

from app.ai.reading import numbers
from app.ai.reading.cards import LONGEST, hides_one, is_card
from app.ai.reading.numbers import Token
from app.ai.reading.runs import NEAR, OTHERS, Run, runs
from app.voice.flow.messages import Ask

CARD = "[card number]"
SOCIAL = "[social security number]"
CODE = "[security code]"
MARK = re.compile(r"\[(?:card number|social security number|security code)\]")

_CARD_CUE = re.compile(
    r"\b(?:card|visa|master ?card|amex|american express|discover|diners|maestro|debit|tarjeta"
    r"|cr[eé]dito|d[eé]bito)\b",
    re.IGNORECASE,
)
_SOCIAL_CUE = re.compile(
    r"\b(?:social security|social(?=\s*(?:is|number|'s|:|,|\d|$))|s\.? ?s\.? ?n\b"
    r"|seguro social|seguridad social)",
    re.IGNORECASE,
)
_CODE_CUE = re.compile(
    r"\b(?:security code|cvv2?|cvc2?|c v v|c v c|card verification"
    r"|c[oó]digo de seguridad)\b",
    re.IGNORECASE,
)
_COMMON = 16  # digits of most cards: what is longer and no card may have one inside
_DASHED = re.compile(r"(?<!\d)\d{3}[-–. ]\d{2}[-–. ]\d{4}(?![-–\d])")


@dataclass(frozen=True, slots=True)
class Span:
    """Where in the text something stands that is not to be kept, and what is put in its place."""

    start: int
    end: int
    mark: str


def scrub(text: str, *, region: str = "US", asked: str = "", bare: bool = True) -> str:
    """The text with marks in place of such numbers. `asked`: what the caller was asked for;
    `region` is the business's country, where (in the US) nine digits of which nobody says what
    they are count as a social-security number, unless `bare` is false."""
    return marked(text, spans(text, region=region, asked=asked, bare=bare))


def marked(text: str, found: Sequence[Span]) -> str:
    for span in sorted(found, key=lambda one: one.start, reverse=True):
        text = text[: span.start] + span.mark + text[span.end :]
    return text


def unmarked(text: str) -> str:
    """For whoever is to understand the words: a mark is no name and no wish."""
    return " ".join(MARK.sub(" … ", text).split()) if "[" in text else text


def spans(text: str, *, region: str = "US", asked: str = "", bare: bool = True) -> list[Span]:
    """In order, apart from each other. Costs some 75 µs for a sentence without long numbers."""
    plain = text if text.isascii() else _ascii_digits(text)
    tokens = numbers.tokens(plain)
    if sum(len(token.digits) for token in tokens) < 3:
        return []
    found = [*_cards(plain, tokens, region, asked)]
    found += [s for s in _socials(plain, tokens, region, asked, bare) if not _within(s, found)]
    found += [s for s in _codes(plain, tokens) if not _within(s, found)]
    return sorted(found, key=lambda one: one.start)


def _ascii_digits(text: str) -> str:
    """Digits of every script as 0 to 9, in their places."""
    return "".join(c if c.isascii() or not c.isdecimal() else str(unicodedata.decimal(c))
                   for c in text)  # fmt: skip


# --- Cards ------------------------------------------------------------------------------------


def _cards(text: str, tokens: Sequence[Token], region: str, asked: str) -> Iterator[Span]:
    announced = bool(_CARD_CUE.search(text))
    for run in runs(tokens, announced):
        if (run.plus or not announced) and _is_telephony(run, region, asked):
            continue
        yield from _together(run, region, announced)


def _together(run: Run, region: str, announced: bool) -> Iterator[Span]:
    """What of a run is a card, whole chunks at a time; of what overlaps, all."""
    start = end = -1
    for first in range(len(run.chunks)):
        last = _end_of_card(run, first, region, announced)
        if last is None:
            continue
        if first > end and start >= 0:
            yield Span(run.chunks[start].start, run.chunks[end].end, CARD)
            start = first
        start = first if start < 0 else start
        end = max(end, last)
    if start >= 0:
        yield Span(run.chunks[start].start, run.chunks[end].end, CARD)


def _end_of_card(run: Run, first: int, region: str, announced: bool) -> int | None:
    """The last chunk of the longest card that begins with this one."""
    digits, found = "", None
    for last in range(first, len(run.chunks)):
        chunk = run.chunks[last].digits
        if not announced and LONGEST > len(chunk) > 6 and rings(chunk, region):
            return found  # a telephone number beside another number
        digits += chunk
        if len(chunk) > _COMMON and not is_card(chunk) and hides_one(chunk):
            return last
        if len(digits) > LONGEST:
            return found
        if is_card(digits):
            found = last
    return found


def _is_telephony(run: Run, region: str, asked: str) -> bool:
    """A number of a country, or one said twice."""
    digits = run.digits
    if rings(f"+{digits}", region) and (run.plus or len(digits) < 15):
        return True
    half = len(digits) // 2
    twice = len(digits) % 2 == 0 and digits[:half] == digits[half:]
    return (twice or asked == Ask.PHONE) and all(
        rings(part, region) for part in (digits[:half], digits[half:])
    )


def rings(number: str, region: str) -> bool:
    """Whether it is a telephone number that can be in service."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, region))
    except phonenumbers.NumberParseException:
        return False


# --- Social-security numbers ------------------------------------------------------------------


def _socials(
    text: str, tokens: Sequence[Token], region: str, asked: str, bare: bool
) -> Iterator[Span]:
    announced = bool(_SOCIAL_CUE.search(text) or _SOCIAL_CUE.search(asked.replace("_", " ")))
    if not announced:
        dashed = (m for m in _DASHED.finditer(text) if _can_be_social(m.group()))
        yield from (
            Span(m.start(), m.end(), SOCIAL) for m in dashed if not re.search(r"[. ]", m.group())
        )
    for run in runs(tokens, announced):
        if announced and not rings(run.digits, region):
            yield from _nine_of(run)
        elif len(run.digits) == 9 and bare and _looks_social(run, text, region, asked):
            yield Span(run.chunks[0].start, run.chunks[-1].end, SOCIAL)


def _nine_of(run: Run) -> Iterator[Span]:
    """Whole chunks that are nine digits together; it was said what they are."""
    for first in range(len(run.chunks)):
        digits = ""
        for last in range(first, len(run.chunks)):
            digits += run.chunks[last].digits
            if len(digits) == 9:
                yield Span(run.chunks[first].start, run.chunks[last].end, SOCIAL)
                return


def _looks_social(run: Run, text: str, region: str, asked: str) -> bool:
    """Nine digits of which nobody says what they are. Where the number of another kind was asked
    for (a telephone number, or by a question of the business's own), they are that."""
    written = text[run.chunks[0].start : run.chunks[-1].end]
    elsewhere = asked == Ask.PHONE or (asked and asked not in tuple(Ask))
    if region != "US" or elsewhere or run.plus or run.lengths == (5, 4):  # a ZIP code with four
        return False
    if any(word in OTHERS for word in run.before) or re.fullmatch(r"\d{3},\d{3},\d{3}", written):
        return False
    return _can_be_social(run.digits)


def _can_be_social(written: str) -> bool:
    digits = re.sub(r"\D", "", written)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


# --- Security codes ---------------------------------------------------------------------------


def _codes(text: str, tokens: Sequence[Token]) -> Iterator[Span]:
    for cue in _CODE_CUE.finditer(text):
        after = [token for token in tokens if token.start >= cue.end()][:NEAR]
        run = next(runs(after, announced=False), None)
        if run and len(run.digits) in (3, 4):
            yield Span(run.chunks[0].start, run.chunks[-1].end, CODE)


def _within(span: Span, others: Sequence[Span]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)
