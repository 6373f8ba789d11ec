"""Yes, no, or neither. A "no" or a "what?" taken as a yes is the costly error: doubt is None."""

import re

_UNSURE = re.compile(
    r"\b(not (?:\w+ )?(?:sure|certain)|unsure|uncertain|(?:do ?n[o']?t|did ?n[o']?t|cannot"
    r"|can'?t|ca not) "
    r"(?:really )?(?:know|remember|recall|understand|hear|catch|get (?:that|it)|tell)"
    r"|no idea|forgot|forgotten|maybe|perhaps|possibly|might|depends|either|whichever|repeat|pardon"
    r"|(?:say|come) (?:that |it )?again|missed|hold on|hang on|one (?:moment|second)|wait"
    r"|don'?t have (?:that|the|any) (?:information|info|number)"
    r"|no s[eé]|no recuerdo|no entiend[oí]|no (?:le )?escuch[eé]|tal vez|quiz[aá]s?|repita"
    r"|repetir|c[oó]mo dice)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^(?:(?:sorry|excuse me|um|uh|but|and|so|ok|okay|hold on),? )*"
    r"(?:what|who|whose|why|when|where|which|how|is|are|do|does|did|can|could|would|will"
    r"|qu[eé]|qui[eé]n|"
    r"cu[aá]ndo|d[oó]nde|c[oó]mo)\b",
    re.IGNORECASE,
)
_YES = (
    r"yes|yeah|yep|yup|yea|ya|yah|aye|uh[- ]?huh|mm?[- ]?hmm|s[ií]|claro|vale|dale|exacto|correcto|"
    r"correct|right|sure|ok|okay|okey|fine|exactly|precisely|absolutely|definitely|certainly"
    r"|indeed|"
    r"true|agree|agreed|affirmative|perfect|great|good|alright|all right|of course|sounds good|"
    r"go ahead|please do|that works|you got it|that'?s it|that is it|a fact|por supuesto"
    r"|de acuerdo|"
    r"as[ií] es|est[aá] bien|eso es|perfecto|bet"
)
_NO = (
    r"no+|nope|nah|naw|nay|never|not|none|nothing|nada|negative|wrong|incorrect|false|neither|"
    r"don'?t|do not|didn'?t|isn'?t|wasn'?t|aren'?t|haven'?t|hasn'?t|won'?t|can'?t|doesn'?t|"
    r"wouldn'?t|shouldn'?t|tampoco|nunca|jam[aá]s|incorrecto|equivocado"
)
_HAS_YES = re.compile(rf"\b(?:{_YES})(?!\w)", re.IGNORECASE)
_HAS_NO = re.compile(rf"\b(?:{_NO})(?!\w)", re.IGNORECASE)
_STARTS_YES = re.compile(rf"(?:(?:um|uh|oh|well|so|and|please),? )*(?:{_YES})(?!\w)", re.IGNORECASE)
_STARTS_NO = re.compile(
    rf"(?:(?:um|uh|oh|well|so|and|please|sorry|hmm),? )*(?:{_NO})(?!\w)", re.IGNORECASE
)
_YES_SO = re.compile(
    r"(?:(?:um|uh|oh|well|yes|yeah),? )*(?:that(?:'?s| is) the one"
    r"|i (?:guess|think|believe|suppose) so|spot on|go for it|you got that right|creo que s[ií])$",
    re.IGNORECASE,
)
_YES_NOT = re.compile(
    r"\b(?:absolutely|definitely|certainly|of course|sure(?:ly)?|probably|clearly|por supuesto que"
    r"|claro que) (?:not|no)\b",
    re.IGNORECASE,
)
_STRONG_YES = re.compile(
    r"(?:(?:um|uh|oh|well),? )*(?:yes|yeah|yep|yup|correct|s[ií]|claro|exactly|sure"
    r"|absolutely)(?!\w)",
    re.IGNORECASE,
)
_TURNS = re.compile(
    r"\b(?:but|except|wrong|incorrect|change|actually|instead|not (?:right|correct|true|quite)|"
    r"isn'?t|wasn'?t|pero|excepto|cambi\w+)\b",
    re.IGNORECASE,
)
# What somebody else is said to have agreed to, and what only looks like a form's field.
_NOT_THEIRS = re.compile(
    r"\b(?:has|have|had|he|she|they|who|everybody|everyone) (?:also |already )?agree[ds]?\b"
    r"|=\s*\w+",
    re.IGNORECASE,
)
_PLEASANT_NO = re.compile(
    r"\b(?:no (?:problem|worries|doubt)|why not|sin problema)\b", re.IGNORECASE
)


def read(text: str) -> bool | None:
    text = " ".join(text.replace("\u2019", "'").split()).strip(" .!,")
    if _YES_SO.match(text):
        return True
    text = _YES_NOT.sub("no", text)
    pleasant = bool(_PLEASANT_NO.search(text))
    text = _PLEASANT_NO.sub("sure", text)
    if _STARTS_NO.match(text) and not _is_doubt(text):
        contradicts = re.match(
            r"no,? (?:that|this|it)(?:'?s| is) (?:right|correct|true)\b", text, re.I
        )
        return None if contradicts else False
    if _UNSURE.search(text) or _ASKS.match(text) or text.endswith("?"):
        return True if _STRONG_YES.match(text) and not _clouded(text) else None
    if _STARTS_YES.match(text):
        return None if _clouded(text) else True
    if _HAS_NO.search(text):
        return None if _HAS_YES.search(text) and not _says_no(text) else False
    return True if pleasant or _HAS_YES.search(_NOT_THEIRS.sub("", text)) else None


def _is_doubt(text: str) -> bool:
    """ "Not sure", "don't know": begins like a no and is none. "No, I don't know him" is a no."""
    return bool(_UNSURE.match(text) or re.match(r"no idea\b|no s[eé]\b", text, re.IGNORECASE)) or (
        bool(_UNSURE.search(text)) and not re.match(r"(?:no+|nope|nah)\b", text, re.IGNORECASE)
    )


def _clouded(text: str) -> bool:
    """A yes that takes itself back: "yes but …", "right, no, wrong"."""
    later = re.sub(r"^\W*\w+\W*", "", text)
    return bool(
        _TURNS.search(later) or _UNSURE.search(later) or re.search(r"\bno\b(?! more)", later)
    )


def _says_no(text: str) -> bool:
    """Negated agreement: "that is not right", "I don't agree", "the answer is no"."""
    return bool(
        re.search(rf"\b(?:{_NO})(?!\w)(?:\s+\w+){{0,4}}\s+(?:{_YES})(?!\w)|\bno$", text, re.I)
    )
