"""The values of a message in what a caller says: name, number, address, and corrections of them."""

import re

from app.ai import wishes
from app.ai.interpreter import Heard
from app.ai.reading import emails, names, numbers, phones, pieces, respelling, yesno
from app.voice.flow.messages import Ask, Known, Noted
from app.voice.flow.states import State

_NO_IT_IS = re.compile(
    r"^(?:no+|nope|nah)[\s,.]+(?:it'?s|it is|that'?s|i'?m|i am|es|soy)\s+(?P<rest>.+)",
    re.IGNORECASE,
)
_ENDS_IN = re.compile(
    r"\b(?:(?:it|that|the number|number|should) )*(?:ends?|ending|finish(?:es)?|termina) "
    r"(?:in|with|on|en|con)\b",
    re.IGNORECASE,
)
_AREA_CODE = re.compile(
    r"\b(?:area code|c[oó]digo de [aá]rea) (?:is|should be|was|es) (?P<rest>.+)", re.IGNORECASE
)


_OF_ANOTHER = re.compile(
    r"\b(?:his|her|their|whose|the \w+'?s) (?:\w+ )?(?:name|number|e-?mail)\b|\bse llama\b",
    re.IGNORECASE,
)


def told(heard: Heard) -> tuple[Noted, ...]:
    """What the caller says of themself before anybody asks: "my name is …"."""
    if heard.state in (State.LEAD_CAPTURE, State.CONFIRMATION) or _OF_ANOTHER.search(heard.words):
        return ()
    return fields(heard, "")


def fields(heard: Heard, asking: str) -> tuple[Noted, ...]:
    """Name, phone and e-mail as far as they are said. Only an asked field may be said bare."""
    words, facts, memory = heard.words, heard.context.facts, heard.context.memory
    found: list[Noted] = []
    whole = pieces.joined(memory.pieces, words) if asking == memory.asking else words
    email = emails.read(words) or (emails.read(whole) if asking == Ask.EMAIL else "")
    if not email and (name := _name(words, whole, asking)):
        found.append(Noted(Ask.NAME, name))
    if number := _number(words, whole, asking, facts.region):
        found.append(Noted(Ask.PHONE, number))
    elif facts.caller_number and _means_caller_id(heard, asking):
        found.append(Noted(Ask.PHONE, facts.caller_number, Known.CALLER_ID))
    if email:
        found.append(Noted(Ask.EMAIL, email))
    return tuple(found)


def _name(words: str, whole: str, asking: str) -> str:
    if wishes.foreign(words):
        return ""
    if asking != Ask.NAME or wishes.swears(words):
        return names.read(words, asked=False)
    return names.read(whole, asked=True)


def _number(words: str, whole: str, asking: str, region: str) -> str:
    """All pieces together go before the last one alone, which may be a number elsewhere."""
    if asking != Ask.PHONE:
        return phones.read(words, region, asked=False)
    return phones.read(whole, region, asked=True) or phones.read(words, region, asked=True)


def _means_caller_id(heard: Heard, asking: str) -> bool:
    if asking != Ask.PHONE:
        return False
    if phones.means_caller_id(heard.words):
        return True
    offered = phones.means_caller_id(heard.last_question())
    return offered and yesno.read(heard.words) is True


def corrections(heard: Heard) -> tuple[Noted, ...]:
    words, facts, draft = heard.words, heard.context.facts, heard.context.memory.draft
    if name := respelling.corrected(draft.get(Ask.NAME), words):
        return (Noted(Ask.NAME, name),)
    found = [field for field in fields(heard, "") if field.key != Ask.PHONE]
    if number := _corrected_number(draft.get(Ask.PHONE), words, facts.region):
        found.append(Noted(Ask.PHONE, number))
    if not found and (match := _NO_IT_IS.match(words)) and (name := names.read(match["rest"])):
        found.append(Noted(Ask.NAME, name))
    return tuple(found)


def _corrected_number(current: str, words: str, region: str) -> str:
    """ "It ends in 0199", "the area code is 917", "the last four are …", or all of it anew."""
    ending = _ENDS_IN.sub("the last digits are ", words)
    if (code := _AREA_CODE.search(words)) and len(digits := numbers.digits_in(code["rest"])) == 3:
        return phones.e164(digits + current[-7:], region) if len(current) > 10 else ""
    return phones.corrected(current, ending, region)
