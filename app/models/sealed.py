"""Secrets of tenants at rest: encrypted, and bound to the row and column they belong to."""

import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app


class SealBroken(ValueError):
    """The secret cannot be read: another key, another place, or not ours at all."""


def seal(plaintext: str, place: str) -> str:
    """Encrypt with the newest of ENCRYPTION_KEYS. `place` names owner and column.

    Fernet has no associated data, so the place travels inside and is checked on reading: a
    ciphertext copied into another tenant's row is refused.
    """
    return _fernet().encrypt(json.dumps([place, plaintext]).encode()).decode()


def unseal(ciphertext: str, place: str) -> str:
    """Decrypt with any of ENCRYPTION_KEYS. Raises SealBroken."""
    try:
        found, plaintext = json.loads(_fernet().decrypt(ciphertext.encode()))
    except (InvalidToken, ValueError) as error:
        raise SealBroken("no key of ENCRYPTION_KEYS opens this secret") from error
    if found != place:
        raise SealBroken("this secret was sealed for another place")
    return str(plaintext)


def is_newest(ciphertext: str) -> bool:
    """Whether the newest of ENCRYPTION_KEYS opens it."""
    try:
        Fernet(current_app.config["ENCRYPTION_KEYS"][0]).decrypt(ciphertext.encode())
    except (InvalidToken, ValueError):
        return False
    return True


def resealed(ciphertext: str) -> str:
    """The same secret for the same place under the newest key. Raises SealBroken."""
    try:
        return _fernet().rotate(ciphertext.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise SealBroken("no key of ENCRYPTION_KEYS opens this secret") from error


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in current_app.config["ENCRYPTION_KEYS"]])
