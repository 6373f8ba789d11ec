"""Days and times of day: "tomorrow", "Saturday next week", "the 8th of May", "half past nine"."""

import re
from datetime import date, datetime, time, timedelta

from app.ai.reading import numbers

_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_MESES = [
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
    "octubre", "noviembre", "diciembre",
]  # fmt: skip
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()  # noqa: SIM905
_DIAS = "lunes martes miercoles jueves viernes sabado domingo".split()  # noqa: SIM905
_ORDINALS = (  # noqa: SIM905
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_ACCENTS = str.maketrans("áéíóúü", "aeiouu")

_MONTH = "|".join([f"{m}|{m[:3]}" for m in _MONTHS] + ["sept"] + _MESES)
_WEEKDAY = "|".join([f"{d}s?|{d[:3]}" for d in _WEEKDAYS] + ["tues", "thur", "thurs"] + _DIAS)
_ORDINAL = "|".join(
    ["(?:twenty|thirty)[- ](?:" + "|".join(_ORDINALS[:9]) + ")", "thirtieth", *_ORDINALS]
)
_DAY = rf"(?P<day>\d{{1,2}}(?!\d)|{_ORDINAL})(?:\s?(?:st|nd|rd|th))?"
_YEAR = r"(?:,?\s*(?:of |de )?(?P<year>(?:19|20)\d\d))?"
_WRITTEN = (
    re.compile(rf"\b{_DAY}\s+(?:of\s+|de\s+)?(?P<month>{_MONTH})\b\.?{_YEAR}"),
    re.compile(rf"\b(?P<month>{_MONTH})\b\.?\s+(?:the\s+)?{_DAY}\b{_YEAR}"),
)
_ISO = re.compile(r"\b((?:19|20)\d\d)[-/. ](\d{1,2})[-/. ](\d{1,2})\b")
_FIGURES = re.compile(r"\b(\d{1,2})[-/. ]?(\d{1,2})[-/. ]{1,2}((?:19|20)?\d\d)\b")
_AGO = re.compile(
    r"\b(?P<n>\w+)\s+(?:more\s+)?(?P<unit>day|week|month|year)s?\s+(?P<dir>ago|from (?:now"
    r"|today))\b"
)
_IN = re.compile(
    r"\bin\s+(?:about\s+)?(?P<n>\w+)\s+(?:more\s+)?(?P<unit>day|week|month|year)s?(?:'? time)?\b"
)
_NAMED = re.compile(
    rf"\b(?:(?P<which>next|this|last"
    rf"|coming)\s+)?(?P<weekday>{_WEEKDAY})\b(?P<week>\s+(?:of\s+)?(?:next week"
    rf"|the week after|after next))?"
)
_OF_MONTH = re.compile(rf"\bthe\s+{_DAY}(?=\W|$)(?!\s+(?:of\s+)?(?:{_MONTH})\b)")
_RELATIVE = (
    (re.compile(r"\b(?:the )?day after tomorrow\b|\bpasado manana\b"), 2),
    (re.compile(r"\b(?:the )?day before yesterday\b|\banteayer\b"), -2),
    (re.compile(r"\btomorrow\b|(?<!la )(?<!de )\bmanana\b"), 1),
    (re.compile(r"\byesterday\b|\bayer\b"), -1),
    (re.compile(r"\btoday\b|\btonight\b|\bthis (?:morning|afternoon|evening)\b|\bhoy\b"), 0),
)


_WEEKS_LATER = re.compile(
    r"\b(?:a )?(?:week|fortnight) (?:from |on |after )?(?=(?:today|tomorrow|\w+day)\b)"
    r"|(?<=day) week\b|(?<=tomorrow) week\b"
)
_YEAR_WORDS = re.compile(
    r"\b(?P<century>nineteen|twenty) (?P<tens>twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
    r"|ten|eleven|twelve|\w+teen)(?:[ -](?P<unit>one|two|three|four|five|six|seven|eight|nine))?$"
)


def _years(text: str) -> str:
    """ "… nineteen eighty five" at the end of a date, in figures."""

    def figures(found: re.Match[str]) -> str:
        rest = numbers.digits_in(f"{found['tens']} {found['unit'] or ''}")
        return {"nineteen": "19", "twenty": "20"}[found["century"]] + rest

    return _YEAR_WORDS.sub(figures, text)


def read(text: str, today: date, region: str = "US") -> date | None:
    """The first day that is named. A month and day without a year is the next such day. Figures
    are month first in the US only, unless that makes no date."""
    text = _years(_folded(text))
    if later := _WEEKS_LATER.search(text):
        day = read(text.replace(later[0], " "), today, region)
        return day + timedelta(14 if "fortnight" in later[0] else 7) if day else None
    return (
        _written(text, today)
        or _in_figures(text, region)
        or _relative(text, today)
        or _weekday(text, today)
        or _of_month(text, today)
    )


def mentioned(text: str, today: date) -> tuple[date, ...]:
    """Every day a question asks about, from today on: "Saturday or Sunday", "this weekend"."""
    text = _folded(text)
    days = [d for m in _NAMED.finditer(text) if (d := _named(m, today)) and not _is_abbreviation(m)]
    if re.search(r"\bweekends?\b|\bfin de semana\b", text):
        saturday = today + timedelta((5 - today.weekday()) % 7)
        days += [saturday, saturday + timedelta(1)]
    for pattern, offset in _RELATIVE:
        if pattern.search(text):
            days.append(today + timedelta(offset))
            break
    if not days and (one := _written(text, today) or _relative(text, today)):
        days.append(one)
    return tuple(sorted({day for day in days if day >= today}))


def read_time(text: str, now: datetime | None = None) -> time | None:
    """The first time of day. Without morning or evening it is taken as it was said."""
    text = _figured(_folded(text))
    if now and (found := re.search(r"\bin (\d+|an|half an) (hour|minute)s?\b", text)):
        minutes = 60 if found[2] == "hour" else 1
        half = 30 if "hour and a half" in text else 0
        amount = {"an": 1.0, "half an": 0.5}.get(found[1]) or float(found[1])
        return (now + timedelta(minutes=amount * minutes + half)).time()
    if re.search(r"\bnoon\b|\bmidday\b|\bmediodia\b", text):
        return time(12)
    if re.search(r"\bmidnight\b|\bmedianoche\b", text):
        return time(0)
    for pattern in _TIMES:
        for found in pattern.finditer(text):
            hour, minute = int(found["hour"]), int(found.groupdict().get("minute") or 0)
            if found.groupdict().get("to"):
                hour, minute = hour - 1, 60 - minute
            if 0 <= hour < 24 and minute < 60:
                return _with_half(hour, minute, found["half"] or "")
    return None


_HALF = (
    r"(?:\s*(?P<half>[ap]m\b|(?:in the |at |this |de la )?"
    r"(?:morning|afternoon|evening|night|manana|tarde|noche)))"
)
_TIMES = (
    re.compile(rf"\b(?P<minute>\d{{1,2}}) (?:minutes )?(?:past"
        rf"|after) (?P<hour>\d{{1,2}})\b(?: ?o'?clock)?{_HALF}?"),
    re.compile(rf"\b(?P<minute>\d{{1,2}}) (?:minutes )?(?P<to>to|before"
        rf"|till) (?P<hour>\d{{1,2}})\b(?: ?o'?clock)?{_HALF}?"),
    re.compile(rf"\b(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})\b{_HALF}?"),
    re.compile(rf"\b(?P<hour>\d{{1,2}}) (?P<minute>\d{{2}})\b{_HALF}"),
    re.compile(rf"\b(?P<hour>\d{{1,2}})(?: ?o'?clock)?{_HALF}"),
    re.compile(r"\b(?P<hour>\d{1,2}) ?o'?clock(?P<half>)"),
    re.compile(r"\b(?P<hour>\d{1,2}) (?P<minute>[0-5]\d)\b(?P<half>)"),
    re.compile(r"\b(?:at|about|around|after|by|until|a las) (?P<hour>\d{1,2})\b(?P<half>)"),
)  # fmt: skip


def _with_half(hour: int, minute: int, half: str) -> time:
    half = half.strip()
    if half == "am" or "morning" in half or "manana" in half:
        hour %= 12
    elif half == "pm" or "afternoon" in half or "evening" in half or "tarde" in half:
        hour = hour if hour >= 12 else hour + 12
    elif "night" in half or "noche" in half:  # 3 at night is before dawn, 9 at night is not
        hour = hour + 12 if 5 <= hour < 12 else 0 if hour == 12 else hour
    return time(hour, minute)


def _folded(text: str) -> str:
    return " ".join(
        text.lower().replace("ñ", "n").translate(_ACCENTS).replace("\u2019", "'").split()
    )


def _figured(text: str) -> str:
    """Number words as figures, and the quarters and halves of an hour."""
    text = re.sub(r"\b(?:a )?quarter (?=past|to|after|before)", "15 ", text)
    text = re.sub(r"\bhalf (?=past)", "30 ", text)
    text = re.sub(r"(?<!and a )\bhalf (?=\w+$)", "30 past ", text)
    text = re.sub(r"\b(las? \w+) y media\b", r"\1 30", text)
    text = re.sub(r"\b(las? \w+) y cuarto\b", r"\1 15", text)
    text = re.sub(r"\b(?:oh |zero |0)?(\w+) hundred(?: hours)?$", r"\1 00 hours", text)
    text = re.sub(r"\b([ap])\.?\s?m\b\.?", r"\1m", text)
    return " ".join(
        token.digits or token.text for token in numbers.tokens(re.sub(r"[:.](?=\d)", " ", text))
    )


def _month(word: str) -> int:
    if word in _MESES:
        return _MESES.index(word) + 1
    return next(i for i, month in enumerate(_MONTHS, 1) if month.startswith(word[:3]))


def _day(word: str) -> int:
    if word.isdigit():
        return int(word)
    if word == "thirtieth":
        return 30
    tens, _, unit = word.replace("-", " ").rpartition(" ")
    return {"": 0, "twenty": 20, "thirty": 30}[tens] + _ORDINALS.index(unit) + 1


def _written(text: str, today: date) -> date | None:
    for pattern in _WRITTEN:
        if found := pattern.search(text):
            month, day = _month(found["month"]), _day(found["day"])
            if found["year"]:
                return _date(int(found["year"]), month, day)
            this_year = _date(today.year, month, day)
            return (
                this_year if this_year and this_year >= today else _date(today.year + 1, month, day)
            )
    return None


def _in_figures(text: str, region: str) -> date | None:
    if found := _ISO.search(text):
        return _date(*map(int, found.groups()))
    if not (found := _FIGURES.search(text)):
        return None
    one, two, year = (int(part) for part in found.groups())
    year = year if year > 99 else 2000 + year if year < 50 else 1900 + year
    orders = ((one, two), (two, one)) if region == "US" else ((two, one), (one, two))
    return next((d for month, day in orders if (d := _date(year, month, day))), None)


def _relative(text: str, today: date) -> date | None:
    for pattern, offset in _RELATIVE:
        if pattern.search(text):
            return today + timedelta(offset)
    found = _AGO.search(text) or _IN.search(text)
    if not found:
        return None
    count = {"a": 1, "an": 1, "couple": 2}.get(found["n"]) or numbers.value(found["n"])
    if count is None or count > 1000:
        return None
    back = found.groupdict().get("dir") == "ago"
    return _moved(today, -count if back else count, found["unit"])


def _moved(today: date, count: int, unit: str) -> date | None:
    if unit in ("day", "week"):
        return today + timedelta(count * (7 if unit == "week" else 1))
    months = today.year * 12 + today.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return next(d for day in range(today.day, 0, -1) if (d := _date(year, month + 1, day)))


def _weekday(text: str, today: date) -> date | None:
    return next((_named(m, today) for m in _NAMED.finditer(text) if not _is_abbreviation(m)), None)


def _is_abbreviation(found: re.Match[str]) -> bool:
    """ "sun", "sat" and "wed" are words of their own, unless something says that a day is meant."""
    return found["weekday"] in ("sun", "sat", "wed", "mon") and not found["which"]


def _named(found: re.Match[str], today: date) -> date:
    word = found["weekday"]
    names = _DIAS if word in _DIAS else _WEEKDAYS
    wanted = next(i for i, name in enumerate(names) if name[:3] == word[:3])
    ahead = (wanted - today.weekday()) % 7
    if found["which"] == "last":
        return today + timedelta(ahead - 7)
    if found["which"] == "next" or found["week"]:  # the one of the next calendar week
        return today + timedelta(7 - today.weekday() + wanted)
    return today + timedelta(ahead)


def _of_month(text: str, today: date) -> date | None:
    """ "The 20th": this month's, or the next month's when it has passed."""
    if not (found := _OF_MONTH.search(text)):
        return None
    day = _day(found["day"])
    this_month = _date(today.year, today.month, day)
    if this_month and this_month >= today:
        return this_month
    following = _moved(today.replace(day=1), 1, "month")
    return _date(following.year, following.month, day) if following else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
