"""What this process has seen proven: which token signs for an account, whose a number is.

For the time when the database cannot be asked. Only what a right signature has confirmed comes in,
so a stranger fills it with nothing; it is as old as the last request that was let in.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

MOST = 2000


@dataclass(frozen=True, slots=True)
class Proven:
    """A number's business, and the account that may speak for it."""

    tenant_id: int
    account_sid: str
    token: str = field(repr=False)


class _Kept:
    """By number and by account, each least recently proven ones dropped."""

    def __init__(self) -> None:
        self._numbers: OrderedDict[str, Proven] = OrderedDict()
        self._tokens: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, number: str, found: Proven) -> None:
        with self._lock:
            self._tokens[found.account_sid] = found.token
            self._tokens.move_to_end(found.account_sid)
            if number:
                self._numbers[number] = found
                self._numbers.move_to_end(number)
            for kept in (self._numbers, self._tokens):
                while len(kept) > MOST:
                    kept.popitem(last=False)

    def number(self, number: str) -> Proven | None:
        with self._lock:
            return self._numbers.get(number)

    def token(self, account_sid: str) -> str | None:
        with self._lock:
            return self._tokens.get(account_sid)

    def clear(self) -> None:
        with self._lock:
            self._numbers.clear()
            self._tokens.clear()


_kept = _Kept()
remember, of_number, token_of, forget = _kept.put, _kept.number, _kept.token, _kept.clear
