"""How long what is spoken may be, and which words can make a message urgent."""

LONGEST_ANSWER = 2_000  # characters: about two minutes of speech
LONGEST_QUESTION = 500
SHORTEST_URGENT = 3
LONGEST_URGENT = 60


def filled(value: str) -> str:
    if not value.strip():
        raise ValueError("Must not be empty.")
    return value


def answer(value: str) -> str:
    if len(filled(value)) > LONGEST_ANSWER:
        raise ValueError(
            f"Has {len(value):,} characters; more than {LONGEST_ANSWER:,} take too long to say. "
            "Shorten it, or make two entries of it."
        )
    return value


def question(value: str) -> str:
    if len(filled(value)) > LONGEST_QUESTION:
        raise ValueError(f"Has {len(value):,} characters; at most {LONGEST_QUESTION} are allowed.")
    return value


def urgent_word(value: str) -> str:
    """It is looked for anywhere in what the caller wants: two letters would be found in most."""
    word = " ".join(value.split())
    latin = word.isascii()
    if sum(map(str.isalnum, word)) < (SHORTEST_URGENT if latin else 1):
        raise ValueError(
            f"“{word[:20]}” is too short: it would be found in most messages. "
            f"Give at least {SHORTEST_URGENT} letters."
        )
    if len(word) > LONGEST_URGENT:
        raise ValueError(f"Give a word or a few, at most {LONGEST_URGENT} characters.")
    return word
