"""Text as the numbers an uncased BERT knows: words, then the longest known pieces of each.

After BERT's own tokenizer (Devlin et al. 2018): lower case, accents off, punctuation apart,
Chinese characters one by one, unknown words as one unknown piece.
"""

import unicodedata
from functools import lru_cache
from pathlib import Path

LONGEST = 128  # pieces of one text; sentence-transformers cuts this model's input at 256
_LONGEST_WORD = 100
_CHINESE = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


class WordPiece:
    def __init__(self, vocabulary: Path) -> None:
        lines = vocabulary.read_text(encoding="utf-8").split("\n")
        self._ids = {piece: at for at, piece in enumerate(lines) if piece}
        self._unknown, self._first, self._last = (
            self._ids[mark] for mark in ("[UNK]", "[CLS]", "[SEP]")
        )
        self._word = lru_cache(maxsize=20_000)(self._pieces)

    def ids(self, text: str) -> list[int]:
        """At most LONGEST ids, the marks for beginning and end included."""
        found: list[int] = []
        for word in _words(text):
            found += self._word(word)
            if len(found) >= LONGEST - 2:
                break
        return [self._first, *found[: LONGEST - 2], self._last]

    def _pieces(self, word: str) -> tuple[int, ...]:
        if len(word) > _LONGEST_WORD:
            return (self._unknown,)
        found: list[int] = []
        begin = 0
        while begin < len(word):
            mark = "##" if begin else ""
            ends = range(len(word), begin, -1)
            end = next((end for end in ends if mark + word[begin:end] in self._ids), 0)
            if not end:
                return (self._unknown,)
            found.append(self._ids[mark + word[begin:end]])
            begin = end
        return tuple(found)


def _words(text: str) -> list[str]:
    """Lower case without accents, split at white space and around punctuation."""
    spaced: list[str] = []
    for char in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(char)
        if kind == "Mn" or (kind.startswith("C") and char not in "\t\n\r"):
            continue
        spaced.append(f" {char} " if _stands_alone(char, kind) else char)
    return "".join(spaced).split()


def _stands_alone(char: str, kind: str) -> bool:
    if char.isascii():
        return not char.isalnum() and not char.isspace()
    return kind.startswith("P") or any(low <= ord(char) <= high for low, high in _CHINESE)
