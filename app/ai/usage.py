"""What a reply says it cost: counted only as far as it can be true."""

from typing import Any, Final

MOST: Final = 200_000
"""Tokens of one request; ours are far below. What a server tells beyond, or below nothing, is taken
for not told: it would be a business's money, and fit into no column."""


def tokens(reply: Any) -> tuple[int, int, int]:
    """Prompt, completion and cached tokens; compatible servers leave out some of them."""
    usage = getattr(reply, "usage", None)
    details = getattr(usage, "prompt_tokens_details", None)
    return (
        _count(getattr(usage, "prompt_tokens", 0)),
        _count(getattr(usage, "completion_tokens", 0)),
        _count(getattr(details, "cached_tokens", 0)),
    )


def _count(told: Any) -> int:
    usable = isinstance(told, int) and not isinstance(told, bool) and 0 <= told <= MOST
    return int(told) if usable else 0
