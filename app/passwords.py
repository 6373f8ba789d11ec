"""Which passwords are good enough: the same for page, REST and command line."""

import re
from typing import Final

SHORTEST: Final = 12
LONGEST: Final = 200
FEWEST_DIFFERENT: Final = 5
# What is left of the common long ones without digits and signs at their ends, and typical runs.
_COMMON: Final = """
    password passw0rd p@ssw0rd p@ssword pa55word passwort contrasena contraseña motdepasse
    passwordpassword passwordadmin adminpassword mypassword yourpassword newpassword
    changeme changemenow letmein letmeinnow letmeinplease welcome welcomehome admin administrator
    administrador superadmin receptionist recepcionista default temporary secret topsecret
    iloveyou iloveyouforever ilovejesus sunshine princess football baseball basketball superman
    batman starwars whatever trustno michael jennifer liverpool manchester arsenal chelsea
    qwerty qwertyui qwertyuiop qwertyuiopasdf qwertyqwerty asdfghjkl asdfghjklqwerty zxcvbnm
    asdfghjklzxcvbnm qwertyuiopasdfghjklzxcvbnm qazwsxedc qazwsxedcrfv abcdefghijkl abcdefghijklm
    abcdefghijklmnop abcdefghijklmnopqrstuvwxyz abcabcabcabc testtesttest test testing
    q1w2e3r4t5y6 1q2w3e4r5t6y 1qaz2wsx3edc qwe123qwe123 abc123abc123 a1b2c3d4e5f6
"""
COMMON: Final = frozenset(_COMMON.split())
DIGITS: Final = "0123456789" * 3 + "9876543210" * 3


def check(password: str, *names: str | None) -> None:
    """Raises ValueError, in words for whoever chose it. `names`: user name and e-mail address."""
    if len(password) < SHORTEST:
        raise ValueError(f"Needs at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise ValueError(f"Needs at most {LONGEST} characters.")
    folded = password.casefold()
    if len(set(folded)) < FEWEST_DIFFERENT or _is_common(folded):
        raise ValueError("Too easy to guess: choose another.")
    if any(_is_made_of(folded, name.casefold()) for name in names if name):
        raise ValueError("Must not be made of the user name or e-mail address.")


def _is_common(folded: str) -> bool:
    plain = re.sub(r"[\s_.-]", "", folded)
    bare = re.sub(r"^[\d\W_]+|[\d\W_]+$", "", plain)
    return bool({plain, bare} & COMMON) or plain in DIGITS


def _is_made_of(folded: str, name: str) -> bool:
    parts = {name, name.partition("@")[0]}
    return any(
        folded == part or (len(part) > 3 and part in folded and len(folded) - len(part) < 6)
        for part in parts
    )
