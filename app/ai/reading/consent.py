"""Reads out of speech that a caller does not want to be recorded. Doubt is a refusal."""

import re

_BETWEEN = (
    r"(?:want|wish|like|would|to|be|being|have|it|this|that|me|my|our|us|the|any|a|please|you|your"
    r"|are|is|i|call|calls|conversation|voice|allowed|ok|okay|fine|with|going|start|even"
    r"|quiero|quisiera|deseo|que|se|sea|esta|est[ae]|la|el|mi|me|nos|llamada|conversaci[oó]n|por"
    r"|favor|autorizo|acepto|de|una?)"
)
_RECORD = r"(?:record(?:ed|ing|ings)?|tap(?:e|ed|ing)|grab\w+)"
_NOT = (
    r"(?:do ?n[o']?t|do not|don'?t|not|no|never|without|stop|quit|cancel|refuse|object|decline"
    r"|rather not|turn off|switch off|sin|nunca|deje[n]?|par(?:e|en|ar)|detenga[n]?"
    r"|prefiero que no)"
)
_REFUSAL = re.compile(
    rf"\b(?:i(?:'d| would)? )?(?:please )?{_NOT}(?:,? {_BETWEEN}){{0,8}} {_RECORD}\b"
    rf"|\b(?:turn|switch|shut) (?:the |this |that )?{_RECORD} off\b|\boff the record\b"
    r"|\bi (?:do not|don'?t) (?:consent|agree)(?: to (?:that|this|it|being recorded))?\b"
    r"|\bno (?:doy mi consentimiento|consiento|autorizo|acepto|estoy de acuerdo)\b",
    re.IGNORECASE,
)
_PLAIN_NO = re.compile(
    r"(?:(?:um|uh|oh|well|sorry|please|bueno|pues),? )*"
    r"(?:no+(?! (?:problem|worries|doubt))|nope|nah|i(?:'d| would) rather not"
    r"|i (?:do not|don'?t)(?: want (?:that|this|it|to))?(?=$|[.,!])|prefiero que no"
    r"|(?:key |press |tecla )?(?:nine|nueve|9)(?=$|[.,!]))\b[,.!]*",
    re.IGNORECASE,
)
_SAYS_NOTHING = frozenset(
    {
        "please", "thanks", "thank", "you", "sir", "madam", "ma'am", "and", "but", "so", "me", "i",
        "i'd", "would", "like", "want", "to", "ok", "okay", "um", "uh", "no", "nope", "it", "that",
        "this", "call", "por", "favor", "gracias", "y", "pero", "yo", "quiero", "la", "llamada",
        "esta", "señor", "señora",
    }
)  # fmt: skip


def refusal(words: str, *, asked: bool) -> tuple[bool, str]:
    """Whether the words refuse a recording, and what else they say ("" when that is all). Just
    after the announcement (`asked`) a plain no refuses, too."""
    words = " ".join(words.replace("\u2019", "'").split())
    rest, found = _REFUSAL.subn(" ", words)
    if not found and asked and (plain := _PLAIN_NO.match(words)):
        rest, found = words[plain.end() :], 1
    if not found:
        return False, words
    left = [word for word in re.findall(r"[\w']+", rest.lower()) if word not in _SAYS_NOTHING]
    return True, " ".join(rest.split()).strip(" ,.!") if left else ""
