"""Who may do what is what was agreed: a new route or a changed permission is a diff."""

from flask import Flask

from tests.isolation import matrix


def test_permissions_are_the_golden_ones(app: Flask) -> None:
    """Meant? Then run `python -m tests.isolation.matrix` and commit what changed."""
    assert matrix.table(app).splitlines() == matrix.GOLDEN.read_text("utf-8").splitlines()
