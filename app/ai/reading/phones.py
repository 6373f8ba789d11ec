"""Telephone numbers out of speech, with the corrections people make while they say them."""

import re
from dataclasses import dataclass, field

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from app.ai.reading import numbers

# Words that may stand inside one number.
_INSIDE = frozenset(
    "um uh er erm and then so the rest of it is it's its that's area code dash hyphen space dot "  # noqa: SIM905
    "first next followed by , . y luego el".split()
)
_CUES = frozenset(
    "phone ph tel telephone mobile cell cellphone contact number no reach call ring callback "  # noqa: SIM905
    "telefono teléfono numero número celular movil móvil".split()
)
_OTHER_NUMBERS = frozenset(
    "order account reference ref confirmation invoice policy card booking ticket serial case zip "  # noqa: SIM905
    "postcode member customer tracking pedido cuenta factura referencia".split()
)
_THIS_NUMBER = re.compile(
    r"\b(this|same|current|that) (very )?(number|phone|one|line)\b"
    r"|\b(number|phone|one|line)( that)? (i'?m|i am|you see|i called|we're)\b"
    r"|\b(calling|called|phoning|ringing) (you )?(from|on|with)\b|\bcaller id\b"
    r"|\best[ea] (mismo )?(n[uú]mero|tel[eé]fono)\b|\bdesde el que (llamo|estoy llamando)\b",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"\b(?:oh,? )?(no+|sorry|wait|actually|scratch|i mean|hang on|hold on|correction|rather"
    r"|my mistake"
    r"|perdón|perdon|digo|mejor dicho|not)\b",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"\b(?:last|final|[uú]ltim[oa]s?)\s+(?P<count>\w+)?\s*(?:digits?|numbers?|ones?|d[ií]gitos?)?"
    r"\s*(?:is|are|was|should be|being|es|son)\b",
    re.IGNORECASE,
)


@dataclass
class _Run:
    """Digits said together. `tail`: announced as "the last four are"; `fix`: after "no, sorry"."""

    chunks: list[str] = field(default_factory=list)
    plus: bool = False
    cued: bool = False
    foreign: bool = False  # announced as an order number, an account…
    tail: bool = False
    fix: bool = False

    @property
    def digits(self) -> str:
        return "".join(self.chunks)


def read(text: str, region: str = "US", asked: bool = True) -> str:
    """The number in E.164, or "". Possible numbers count, valid or not: what a caller dictates is
    read back, and a wrong guess at validity would lose it. Unless a number was `asked` for, one
    announced as something else (an order, an account) is passed over."""
    candidates = [
        (run.cued, at, number)
        for at, run in enumerate(_merged(_runs(text), region))
        if (asked or not run.foreign) and (number := _number(run, region))
    ]
    return max(candidates)[2] if candidates else ""


def corrected(current: str, text: str, region: str = "US") -> str:
    """`current` with "the last four are 1234" applied; or a whole new number; or ""."""
    if whole := read(text, region):
        return whole
    tails = [run for run in _runs(text) if run.tail and 0 < len(run.digits) <= 7]
    if not current or not tails:
        return ""
    return current[: -len(tails[-1].digits)] + tails[-1].digits


def means_caller_id(text: str) -> bool:
    """ "The number I'm calling from", with no digits said."""
    return len(numbers.digits_in(text)) < 7 and bool(_THIS_NUMBER.search(text))


def occurs(number: str, said: tuple[str, ...]) -> bool:
    """Whether the digits of `number` (E.164) were said, in one utterance or in a row of them."""
    national = str(phonenumbers.parse(number, None).national_number)
    spoken = [numbers.digits_in(words) for words in said]
    return national in "".join(reversed(spoken)) or any(national in one for one in spoken)


def e164(value: str, region: str) -> str:
    """A number as somebody wrote it, in E.164; "" when it cannot be one."""
    try:
        parsed = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return ""
    if phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        return ""
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def _runs(text: str) -> list[_Run]:
    """Split at words that cannot be inside a number; note what announced each run."""
    runs: list[_Run] = []
    start = 0
    marks = sorted(
        [(m.start(), m.end(), "last") for m in _LAST.finditer(text)]
        + [(m.start(), m.end(), "fix") for m in _CORRECTION.finditer(text)]
    )
    tail = fix = False
    for begin, end, kind in marks:
        if begin < start:
            continue
        _collect(text[start:begin], runs, tail, fix)
        begun = any(run.chunks for run in runs)
        still = fix and not (runs and runs[-1].chunks)
        tail, fix = kind == "last", begun and (kind == "fix" or still)
        runs = [run for run in runs if run.chunks]
        start = end
    _collect(text[start:], runs, tail, fix)
    return [run for run in runs if run.chunks]


def _collect(text: str, runs: list[_Run], tail: bool, fix: bool) -> None:
    run = _Run(tail=tail, fix=fix)
    cued = foreign = False
    for token in numbers.tokens(text):
        if token.digits:
            if not run.chunks:
                run.cued, run.foreign = cued, foreign
            run.chunks.append(token.digits)
        elif token.text in ("+", "plus", "más", "mas"):
            if run.chunks:
                runs.append(run)
                run = _Run(tail=tail, fix=fix)
            run.plus = True
        elif token.text not in _INSIDE:
            if run.chunks:
                runs.append(run)
                run = _Run(fix=fix)
                cued = foreign = False
            foreign = token.text in _OTHER_NUMBERS or (foreign and token.text in _CUES)
            cued = cued or token.text in _CUES
    runs.append(run)


def _merged(runs: list[_Run], region: str) -> list[_Run]:
    """Apply corrections and announced endings to the run before them."""
    merged: list[_Run] = []
    for run in runs:
        before = merged[-1] if merged else None
        if before is None or not (run.fix or run.tail) or (run.fix and _number(run, region)):
            merged.append(run)
            continue
        kept, new = before.digits, run.digits
        if _number(before, region):
            kept = kept[: -len(new)]
        elif run.fix and not run.tail:
            kept = kept[: -_taken_back(kept, new, region)]
        merged[-1] = _Run([kept, new], before.plus, before.cued, before.foreign)
    if any(run.fix and _number(run, region) for run in merged):
        merged = [run for run in merged if run.fix and _number(run, region)]
    return merged


def _taken_back(kept: str, new: str, region: str) -> int:
    """How many digits of an unfinished number the words after "no, sorry" stand for: as many as
    make the whole a number, else the last one."""
    fitting = (n for n in range(1, len(kept)) if e164(kept[:-n] + new, region))
    return next(fitting, 1)


def _number(run: _Run, region: str) -> str:
    """The whole run as a number; else the one chunk of it that is one ("… NY 11238 9172338859")."""
    whole = e164(("+" if run.plus else "") + run.digits, region)
    if whole or len(run.chunks) == 1:
        return whole
    return next(
        (n for chunk in reversed(run.chunks) if len(chunk) > 6 and (n := e164(chunk, region))), ""
    )
