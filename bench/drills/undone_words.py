"""Controls of what becomes of people's words, taken away: see undone.py, which has the others."""

from bench.drills.control import Control


def _no_escaping() -> None:
    """Templates write what they are given as it is."""
    from flask import Flask

    Flask.jinja_options = {"autoescape": False}


def _words_as_they_are() -> None:
    """Cells and headers are written as they were said."""
    from app.jobs import letters, post
    from app.views import sheets

    vars(sheets)["csv_safe"] = lambda value: "" if value is None else str(value)
    vars(post)["header_safe"] = vars(letters)["header_safe"] = str


def _erased_here_only() -> None:
    """Rows of the person's go; what Twilio has, and what others said, stays."""
    from app.jobs import erasing

    vars(erasing)["_Eraser"]._sounds = lambda self, whose: None
    vars(erasing)["_Eraser"].mentions = lambda self: None


def _kept_for_ever() -> None:
    from app.jobs import retention

    vars(retention)["_limits"] = lambda: iter(())


CONTROLS = {
    "escaping": Control("the escaping of what templates are given", _no_escaping),
    "erasing-elsewhere": Control("the search for a person beyond own rows", _erased_here_only),
    "retention": Control("the deletion of what is older than it may be", _kept_for_ever),
    "safe-words": Control("what is done to cells and headers of words", _words_as_they_are),
}
