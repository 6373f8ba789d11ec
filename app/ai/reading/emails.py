"""E-mail addresses as people say them: "anna dot b at gmail dot com, all one word"."""

import re

from app.ai.reading import numbers, spelling

_SYMBOLS = {
    "dot": ".", "point": ".", "period": ".", "punto": ".", "underscore": "_", "dash": "-",
    "hyphen": "-", "minus": "-", "guion": "-", "guión": "-", "plus": "+", "at": "@",
    "arroba": "@", "@": "@", ".": ".", "-": "-", "_": "_", "+": "+",
}  # fmt: skip
_SEPARATORS = frozenset("._-+")
_BEFORE = frozenset(
    "um uh er erm ok okay yes yeah yep sure so well is it's its it be that that's to on me my the "  # noqa: SIM905
    "this an and or email e-mail mail address write send reach use wait no not sorry mean actually "
    "would will you can contact correo es mi el al , ; : ! ? |".split()
)
_NOISE = re.compile(
    r"\b(?:all|as) (?:one word|lower ?case|together|small letters)\b|\bone word\b|\blower ?case\b"
    r"|(?<=\bat) (?:the rate(?: of)?|sign|symbol)\b|\b(?:u[hm]+|er[mr]|hmm+)\b,?"
    r"|\bthe (?:number|digit|figure|letter) (?=\w)|\b(?:with )?no spaces?\b|\bcapital (?=\w\b)"
    r"|\btodo junto\b|\ben min[uú]sculas?\b",
    re.IGNORECASE,
)
_UNDERSCORE = re.compile(r"\bgui[oó]n bajo\b|\bunder score\b", re.IGNORECASE)
_SPLIT_PROVIDER = re.compile(
    r"(?<=at )(g|hot|i ?cloud|out|proton)[ -]?(mail|look)?(?= (?:dot|point|punto|com)\b)",
    re.IGNORECASE,
)
_LOCAL_TOO = frozenset("contact mail email address".split())  # noqa: SIM905 -- before "at", at times
_LITERAL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_VALID = re.compile(r"[a-z0-9][a-z0-9._+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
_CORRECTION = frozenset("sorry mean actually no wait rather digo perdón perdon".split())  # noqa: SIM905
_PROVIDERS = ("gmail", "hotmail", "yahoo", "outlook", "icloud", "aol", "proton", "live", "msn")
_PIECE = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[@._+,;:!?-]")


def read(text: str) -> str:
    """The address in lower case, or "". The last one said wins."""
    parts = _parts(text)
    ats = [at for at, part in enumerate(parts) if part == "@"]
    for at in reversed(ats):
        domain, end = _domain(parts, at + 1)
        address = f"{_local(parts, at)}@{_corrected(parts, end) or domain}"
        if is_address(address):
            return address
    return ""


def is_address(text: str) -> bool:
    return bool(_VALID.fullmatch(text)) and ".." not in text


def occurs(address: str, said: tuple[str, ...]) -> bool:
    """Whether the letters and digits of both halves of `address` were said."""
    spoken = re.sub(r"[\W_]", "", "".join("".join(_parts(words)) for words in reversed(said)))
    halves = (re.sub(r"[\W_]", "", half) for half in address.lower().split("@"))
    return all(half in spoken for half in halves)


def _parts(text: str) -> list[str]:
    """Letters, digits and symbols in order; "|" where a sentence ends."""
    text = " ".join(_NOISE.sub(" ", text.lower()).split())
    text = _SPLIT_PROVIDER.sub(lambda m: m[0].replace(" ", "").replace("-", ""), text)
    text = spelling.plain_letters(_UNDERSCORE.sub(" underscore ", text))
    text = re.sub(r"(?<=\w{2})[.!?](?=\s|$)", " | ", text.replace("\u2019", "'"))
    text = re.sub(r"(?<=\b\w)\.(?=\s|$)", " ", text)
    text = re.sub(r"(?<=\b\w)[-,](?=\s)", " ", text)
    parts: list[str] = []
    for token in re.split(r"\s+", text.strip()):
        if token == "|":
            parts.append(token)
        parts += [piece for piece in _PIECE.findall(token)]
    return _with_digits([_SYMBOLS.get(part, part) for part in parts])


def _with_digits(parts: list[str]) -> list[str]:
    """Spoken numbers become digits: "twenty six" is 26, "oh nine" is 09."""
    found: list[str] = []
    at = 0
    while at < len(parts):
        if parts[at].isalpha() and parts[at] != "o":
            pair = numbers.tokens(" ".join(parts[at : at + 2]))
            if pair[0].digits:
                found.append(pair[0].digits)
                at += len(pair[0].text.split())
                continue
        found.append(parts[at])
        at += 1
    return found


def _local(parts: list[str], at: int) -> str:
    """Backwards from the "@" to the first word that is only talk."""
    local: list[str] = []
    while at > 0:
        part = parts[at - 1]
        after_separator = bool(local) and local[0] in _SEPARATORS
        talk = part in _BEFORE and not after_separator and (local or not _is_local(parts, at))
        if part in ("|", "@", ",") or talk:
            break
        local.insert(0, part)
        at -= 1
        if after_separator and part in _BEFORE:
            break
    return "".join(local).strip("._-+").replace("'", "")


def _is_local(parts: list[str], at: int) -> bool:
    """ "Contact at example dot com": the word before the "@", with nothing before it but "it's"."""
    begins = at == 1 or parts[at - 2] in ("is", "it's", "its", "|", ",")
    return parts[at - 1] in _LOCAL_TOO and begins


def _domain(parts: list[str], at: int) -> tuple[str, int]:
    """Labels and dots after the "@", and where they end."""
    labels = ""
    while at < len(parts) and parts[at] not in ("|", ",", "@", "."):
        joins = parts[at] == "and" and parts[at + 2 : at + 3] == ["."]  # "smith and sons dot com"
        if parts[at] in _CORRECTION or (parts[at] in _BEFORE and labels and not joins):
            break
        labels += parts[at]
        at += 1
        if labels in _PROVIDERS:
            break
    while at + 1 < len(parts) and parts[at] == "." and re.fullmatch(r"[a-z0-9-]+", parts[at + 1]):
        labels += "." + parts[at + 1]
        at += 2
    if "." not in labels:
        return _completed(labels, parts, at)
    return labels, at


def _completed(label: str, parts: list[str], at: int) -> tuple[str, int]:
    """Recognisers lose the dot of well-known providers: "gmail com", "gmailcom"."""
    for provider in _PROVIDERS:
        if label == provider and at < len(parts) and parts[at] in ("com", "net", "org", "me"):
            return f"{provider}.{parts[at]}", at + 1
        if label == provider + "com":
            return f"{provider}.com", at
    return label, at


def _corrected(parts: list[str], at: int) -> str:
    """ "… at yahoo dot com, sorry, I mean hotmail dot com": the other domain, or ""."""
    rest = parts[at:]
    if "@" in rest or not any(part in _CORRECTION for part in rest):
        return ""
    last = max(i for i, part in enumerate(rest) if part in _CORRECTION)
    domain, _ = _domain([p for p in rest[last + 1 :] if p not in ("it's", "its", ",")], 0)
    return domain if "." in domain else ""
