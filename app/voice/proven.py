"""What this process has seen proven: which token signs for an account, whose a number is.

For the time when the database cannot be asked. Only what a right signature has confirmed comes in,
so a stranger fills it with nothing; it is as old as the last request that was let in.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 2000


@dataclass(frozen=True, slots=True)
class Proven:
    """A number's business, and the account that may speak for it."""

    tenant_id: int
    account_sid: str
    token: str = field(repr=False)


class Kept(Generic[T]):
    """By name; of more than `MOST` the least recently proven ones are dropped."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, name: str, found: T) -> None:
        with self._lock:
            self._found[name] = found
            self._found.move_to_end(name)
            while len(self._found) > MOST:
                self._found.popitem(last=False)

    def get(self, name: str) -> T | None:
        with self._lock:
            return self._found.get(name)

    def drop(self, name: str) -> None:
        with self._lock:
            self._found.pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._found.clear()


_numbers, _tokens = Kept[Proven](), Kept[str]()
of_number, token_of = _numbers.get, _tokens.get


def remember(number: str, found: Proven) -> None:
    _tokens.put(found.account_sid, found.token)
    if number:
        _numbers.put(number, found)


def forget() -> None:
    _numbers.clear()
    _tokens.clear()
