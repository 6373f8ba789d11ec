"""Whether a caller said what a model wants to note of them. A model that obeys its caller, or
invents, can so write down nothing that nobody said."""

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from app.ai import wording
from app.ai.reading import yesno

_HEARD_SO = 75  # of 100: a name in the model's spelling is still the name that was heard
_SHARE = 0.6  # of the words that say something: a reason may be put a little shorter


def verbatim(piece: str, words: str) -> bool:
    return _bare(piece) in _bare(words)


def agreed(words: str) -> bool:
    """Doubt is no yes: the read-back is then asked about once more."""
    return yesno.read(words) is True


def likely(text: str, said: Sequence[str]) -> bool:
    """Most words of `text` were said, or sound like words that were; spelled ones count."""
    heard = [word for words in said for word in wording.words(words)]
    run_together = "".join(heard)
    wanted = wording.content(text) or wording.words(text)
    known = {wording.stem(word) for word in heard}
    meant = {meaning for word in known for meaning in wording.meanings(word)}
    found = sum(
        word in known
        or (len(word) > 2 and word in run_together)
        or not meant.isdisjoint(wording.meanings(word))
        or any(fuzz.ratio(word, one) >= _HEARD_SO for one in known)
        for word in wanted
    )
    return bool(wanted) and found >= _SHARE * len(wanted)


def _bare(text: str) -> str:
    return re.sub(r"\W", "", wording.fold(text))
