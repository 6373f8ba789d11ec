"""Which digits are a payment card's: issuers' prefixes and lengths as of 2026 (ISO/IEC 7812, the
networks' public tables), and the check digit by Luhn."""

SHORTEST, LONGEST = 13, 19
# Prefix from, to, and the lengths of a card that begins so.
_ISSUED = (
    (4, 4, (13, 16, 19)), (51, 55, (16,)), (2221, 2720, (16,)), (34, 34, (15,)), (37, 37, (15,)),
    (300, 305, (14, 16)), (36, 36, (14, 16)), (38, 39, (14, 16)), (3528, 3589, (16, 17, 18, 19)),
    (6011, 6011, (16, 19)), (644, 659, (16, 19)), (62, 62, (16, 17, 18, 19)),
    (50, 50, (13, 14, 15, 16, 17, 18, 19)), (56, 58, (13, 14, 15, 16, 17, 18, 19)),
    (63, 63, (13, 14, 15, 16, 17, 18, 19)), (67, 67, (13, 14, 15, 16, 17, 18, 19)),
)  # fmt: skip


def is_card(digits: str) -> bool:
    if not SHORTEST <= len(digits) <= LONGEST:
        return False
    issued = any(
        low <= int(digits[: len(str(low))]) <= high and len(digits) in lengths
        for low, high, lengths in _ISSUED
    )
    return issued and luhn(digits)


def luhn(digits: str) -> bool:
    doubled = (2 * int(digit) for digit in digits[-2::-2])
    total = sum(map(int, digits[-1::-2])) + sum(d - 9 if d > 9 else d for d in doubled)
    return total % 10 == 0


def hides_one(digits: str) -> bool:
    """Written without a space after it, as with its date of expiry."""
    return any(
        is_card(digits[at : at + length])
        for at in range(len(digits) - SHORTEST + 1)
        for length in (16, 15, 14)
    )
