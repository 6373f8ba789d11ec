"""What every caller may want, whatever the business: a person, a message, the hours, to go."""

import re

from app.ai import wording


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_GOODBYE = _any(
    r"\b(?:good ?bye|bye(?: bye)?|see you|see ya|talk to you (?:later|soon)|take care)\b",
    r"\bhave a (?:good|nice|great|lovely) (?:day|one|evening|night|weekend|afternoon)\b",
    r"\b(?:adi[oó]s|hasta (?:luego|pronto|ma[nñ]ana)|chao)\b",
)
_DONE = _any(
    r"\b(?:that|this|it)(?:'?s| is| was|'ll be| will be| would be) (?:all|everything|it)\b",
    r"\ball set\b|\b(?:nothing|anything) (?:else|more|further)\b|\bno more\b|\bnothing\b",
    r"\b(?:i'?m|i am|we'?re|we are) (?:done|good|finished|fine|through)\b",
    r"\b(?:eso|es) (?:es )?todo\b|\bnada m[aá]s\b",
)
_THANKS = _any(
    r"^(?:(?:ok|okay|alright|all right|great|no|perfect),? )*(?:many )?(?:thanks|thank you"
    r"|cheers|gracias)\b"
)
_PERSON_WORD = (
    r"some ?(?:one|body)|person|people|human(?: being)?|agent|operator|representative|rep"
    r"|receptionist|"
    r"assistant|adviser|advisor|manager|owner|boss|staff|colleague|employee"
    r"|customer (?:service|care|support)|"
    r"alguien|persona|agente|operador[a]?|representante|encargad[oa]"
)
_PERSON = _any(
    rf"\b(?:speak|talk|chat|connect|transfer|through|reach|get|want|need|have"
    rf"|give)\b.{{0,30}}\b(?:{_PERSON_WORD})\b",
    rf"\b(?:real|live|actual|human) (?:{_PERSON_WORD})\b",
    rf"^(?:(?:an?|the|please|yes|ok|una?|el|la) )*(?:{_PERSON_WORD})(?: please| por favor)?[.!]?$",
    rf"\bhablar con\b.{{0,20}}\b(?:{_PERSON_WORD})\b",
)
_CONNECT = _any(
    r"\b(?:put|transfer|connect|pass) (?:me|us|my call)\b",
    r"\b(?:speak|talk|chat) (?:to|with)\b|\bhablar con\b",
    r"\b(?:comun[ií]queme|p[aá]seme|con[eé]cteme|transfi[eé]rame)\b",
)
_MESSAGE = _any(
    r"\b(?:leave|take|give|pass on|send)\b.{0,12}\b(?:a |my )?message\b"
    r"|\bleave (?:a )?voice ?mail\b",
    r"\b(?:call|ring|phone|get)(?:ing)? (?:me|us|back to me)(?: back)? (?:back|later"
    r"|tomorrow|when)\b|\bcall ?back\b",
    r"\b(?:have|ask|tell|get|let) .{1,30}\b(?:call|ring|phone|contact) (?:me|us)\b",
    r"\b(?:some ?(?:one|body)|they|he|she) (?:to )?(?:call|calls|ring|contact) me\b",
    r"\bdejar(?:le)? (?:un |una? )?(?:mensaje|recado)\b|\bque me llame[n]?\b"
    r"|\bdevolver(?:me)? la llamada\b",
    r"\b(?:tell|let) (?:him|her|them|[a-z]+) (?:know )?(?:that )?.{1,60}\b(?:called|rang|phoned"
    r"|stopped by|(?:am|is|'m|'s|are|'re) running late|(?:will|'ll) be late|can'?t make it)\b",
    r"^(?:(?:ok|okay|yes|just|then|rather|an?|una?|the)[\s,]+)*"
    r"(?:message|mensaje|recado)(?: please| por favor)?[.!]?$",
)
_WAIT = _any(
    r"^(?:(?:um|uh|oh|ok|okay|sorry|yes|please|well|so)[\s,]+)*"
    r"(?:wait|hold on|hang on|one (?:moment|second|sec|minute)|just a (?:moment|second|sec|minute)"
    r"|bear with me|(?:give me|i need)(?: just)? (?:a|one) (?:moment|second|sec|minute)"
    r"(?=\W*$|\W+(?:to|please|while|until|and|here|i)\b)"
    r"|let me (?:look|check|see|find|get|grab|think)"
    r"|i(?:'ll| will| have to| need to) (?:look|check)"
    r"|un (?:momento|segundo|momentito)|esp[eé]re?(?:me)?|d[eé]jeme (?:ver|buscar|mirar))\b",
)
_SWEARS = _any(
    r"\b(?:f+u+c+k+\w*|(?:bull)?shit\w*|ass ?hole\w*|bitch\w*|bastard\w*|damn(?: you| it)?|wtf|crap"
    r"|piss(?:ed)? off|go to hell|idiots?|moron\w*|stupid (?:machine|robot|bot|thing|computer)"
    r"|shut up|screw you|useless (?:machine|robot|bot|thing)"
    r"|mierda|joder|puta\w*|cabr[oó]n\w*|pendej\w*|coño|idiotas?|v[aá]yase al diablo)\b",
)
_NO_THANKS = _any(
    r"^(?:(?:um|uh|oh|well|actually|ok|okay|sorry|ah|eh|bueno|pues)[\s,]+)*(?:no+|nope|nah)"
    r"(?:[\s,.!]+(?:no|nope|thanks|thank you|gracias|sir|ma'?am|bye|good ?bye|adi[oó]s|est[aá] bien"
    r"|(?:it|that)'?s (?:ok|okay|fine|all ?right|alright)|i'?m (?:ok|okay|fine|good)"
    r"|(?:i (?:was|am)|i'?m)? ?(?:just|only)? ?(?:kidding|joking|asking|wondering|curious|checking)"
    r"))*[\s,.!]*$",
)
_NEVER_MIND = _any(
    r"\b(?:never ?mind|forget (?:it|about it|that)|don'?t bother|no need|not necessary"
    r"|(?:don'?t|do not|rather not|not going to) (?:want to |wanna |need to )?(?:leave|give)"
    r" (?:you )?(?:an?|any|my|the) (?:message|name|number|e-?mail|voice ?mail)"
    r"|don'?t (?:want|need) (?:a|any) (?:message|call ?back)"
    r"|i(?:'ll| will|'d rather) (?:just )?(?:call|try|ring) (?:back|again|later|another time))\b",
    r"\b(?:d[eé]jelo|olv[ií]delo|no hace falta|no se preocupe|no quiero dejar"
    r"|(?:ya )?(?:llamo|llamar[eé]|llame) (?:luego|despu[eé]s|m[aá]s tarde|otro d[ií]a))\b",
)
_BUSINESS = r"(?:you(?: guys| folks)?|they|it|the \w+|your \w+|this \w+)"
_HOURS = _any(
    r"\b(?:opening|business|office|working|store|shop|your|the|holiday"
    r"|what) (?:\w+ )?(?:hours|opening times)\b",
    r"^(?:opening )?hours\b",
    rf"\b(?:are|is|r|will) {_BUSINESS} (?:be )?(?:still |already |ever )?(?:open|opened"
    rf"|closed|shut)\b(?! to)",
    rf"\b(?:what time|when|till when|until when|how late|how early"
    rf"|what days?)\b.{{0,25}}\b{_BUSINESS} "
    r"(?:be )?(?:open|close|shut|opening|closing)\b",
    r"\b(?:do|does) (?:you|they|it|the \w+) (?:open|close)\b(?! an?\b)",
    r"\bopen (?:today|tomorrow|now|right now|late|on|until|till|this (?:week|morning"
    r"|afternoon|evening)|at)\b",
    r"\b(?:closing|opening) times?\b",
    r"\bhorarios?\b|\b(?:est[aá]n?|estar[aá]n?) abiert[oa]s?\b|\b(?:abren|cierran|abre|cierra)\b",
)
_OPEN_A_THING = _any(
    r"\b(?:open|close)(?:ing|ed)? (?:up )?(?:an?|my|another|our) (?!sunday|saturday|little|bit)"
)
_GREETING = _any(
    r"^(?:(?:hi|hello|hey|hai|hiya|howdy|yo|good (?:morning|afternoon|evening|day)|morning|evening|"
    r"greetings|hola|buen[oa]s(?: d[ií]as| tardes| noches)?|there|everyone|sir|madam|ma'?am|"
    r"how are you(?: doing)?(?: today)?|can you hear me|is (?:any(?:one|body) )there)[\s,.!?]*)+$"
)
_QUESTION = _any(
    r"^(?:(?:hi|hello|hey|um|uh|so|ok|okay|yes|please|and|but|also|well|sorry|excuse me"
    r"|good \w+)[\s,]+)*"
    r"(?:what|who|whom|whose|why|when|where|which|how|is|are|am|do|does|did|can|could|would|will|"
    r"should|may|has|have|qu[eé]|qui[eé]n|cu[aá]l|cu[aá]ndo|cu[aá]nto|d[oó]nde|c[oó]mo|puedo"
    r"|pueden|tienen|hay)\b",
    r"\?$|\b(?:tell me|i (?:want|need|would like|'d like) to know|wondering|question about"
    r"|do you)\b",
)
_FOREIGN = frozenset(map(wording.fold, wording.listed("foreign")))
_WANTS = _any(
    r"\b(?:i|we)(?:'d| would| do|'ll)? (?:want|need|like|love|have to|wish|hope|require)\b"
    r"|\b(?:i'?m|i am|we'?re|we are) (?:calling|phoning|looking|trying|interested|after)\b"
    r"|\b(?:calling|phoning|ringing) (?:to|about|because|for|regarding)\b|\bplease\b|\bplz\b"
    r"|\b(?:my|our) \w+",
    r"\b(?:quiero|quisiera|querr[ií]a|necesito|necesitamos|me gustar[ií]a|busco|deseo"
    r"|(?:llamo|llamaba) (?:para|por|porque)|por favor)\b|\b(?:mi|mis|nuestr[oa]s?) \w+",
)
_REPEAT = _any(
    r"^(?:sorry|pardon(?: me)?|excuse me|what|what was that|huh|come again|c[oó]mo|mande|perd[oó]n)"
    r"[\s?.!]*$",
    r"\b(?:repeat|say) (?:that|it)\b(?=\W*$|\W+(?:again|please|once|one more|slow|for me))"
    r"|\bsay again\b|\bwhat was (?:that|it) again\b"
    r"|\b(?:didn'?t|did not|couldn'?t) (?:quite )?(?:hear|catch|get) (?:that|you|it)\b"
    r"|\b(?:repita|repetir(?:lo)?|d[ií]galo otra vez|no (?:le|lo) (?:escuch[eé]|o[ií]))\b",
)


def goodbye(words: str) -> bool:
    """Nothing but a farewell, or one that ends a short sentence."""
    return bool(_GOODBYE.search(words)) and len(wording.content(_GOODBYE.sub(" ", words))) <= 4


def done(words: str) -> bool:
    """All has been said: "that was everything", "nope I'm all set", "thanks"."""
    ends = _DONE.search(words) or _THANKS.search(words)
    return bool(ends) and not asks(words) and len(wording.content(words)) <= 4


def person(words: str) -> bool:
    return bool(_PERSON.search(words))


def connection(words: str) -> bool:
    return bool(_CONNECT.search(words))


def without_person(words: str) -> str:
    """What is left to choose a department by."""
    return re.sub(rf"\b(?:{_PERSON_WORD})\b", " ", _CONNECT.sub(" ", words), flags=re.IGNORECASE)


def message(words: str) -> bool:
    return bool(_MESSAGE.search(words))


def no_thanks(words: str) -> bool:
    """A polite no and nothing else."""
    return bool(_NO_THANKS.search(words.replace("\u2019", "'").strip()))


def never_mind(words: str) -> bool:
    """They do not want to leave a message after all: "never mind, I'll call back later"."""
    return bool(_NEVER_MIND.search(words.replace("\u2019", "'")))


def without_message(words: str) -> str:
    """What is left of "please take a message, …": perhaps what it is about."""
    return _MESSAGE.sub(" ", words)


def hours(words: str) -> bool:
    return bool(_HOURS.search(words)) and not _OPEN_A_THING.search(words)


def greeting(words: str) -> bool:
    return bool(_GREETING.match(words.strip()))


def asks(words: str) -> bool:
    return bool(_QUESTION.search(words.strip()))


def wants(words: str) -> bool:
    """Something is wished for: "I'd like to rent a boat", "calling about my order"."""
    return bool(_WANTS.search(words))


def foreign(words: str) -> bool:
    """Common words of a language that is neither English nor Spanish, or letters of another
    script: whatever it says, it is no name and no message in these words."""
    said = wording.words(words)
    letters = [letter for letter in words if letter.isalpha()]
    if letters and sum(letter > "\u024f" for letter in letters) > len(letters) / 2:
        return True
    known = sum(word in _FOREIGN for word in said)
    return known >= 2 and 3 * known >= len(said)


def repetition(words: str) -> bool:
    """ "Sorry, could you say that again?" and nothing else of weight."""
    return bool(_REPEAT.search(words.strip(" \u00bf"))) and len(wording.content(words)) <= 3


def wait(words: str) -> bool:
    """ "Wait, let me look" and nothing else of weight."""
    return bool(_WAIT.search(words.strip())) and len(wording.content(_WAIT.sub(" ", words))) <= 3


def swears(words: str) -> bool:
    return bool(_SWEARS.search(words))


def without_swearing(words: str) -> str:
    return " ".join(_SWEARS.sub(" ", words).split())
