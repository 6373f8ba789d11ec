"""Errors of the database that quote nobody: what a statement held stays out of logs and messages.

`hide_parameters` of the engine hides SQLAlchemy's own list of values. PostgreSQL quotes them, too:
in DETAIL, in the LINE of the statement (psycopg2 writes the values into it) and, of data that it
cannot read, in the message itself.
"""

from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext

# Classes of SQLSTATE whose message repeats a value or a piece of the statement: data that cannot be
# read, and syntax. https://www.postgresql.org/docs/current/errcodes-appendix.html
_QUOTING: Final = ("22", "42601")


def _unquote(context: ExceptionContext) -> None:
    """Both exceptions keep their kind, code and diagnosis; only their words change."""
    original: Any = context.original_exception
    code = getattr(original, "pgcode", None)
    if not code:
        return  # not PostgreSQL's answer to a statement: it has not seen one, or was not reached
    original.args = (_words(original, code),)
    if context.sqlalchemy_exception is not None:
        name = f"{type(original).__module__}.{type(original).__name__}"
        context.sqlalchemy_exception.args = (f"({name}) {original.args[0]}",)


def _words(error: Any, code: str) -> str:
    if code.startswith(_QUOTING):
        return f"SQLSTATE {code}"
    return f"SQLSTATE {code}: {error.diag.message_primary}"


def install() -> None:
    """Safe to call for every application."""
    if not event.contains(Engine, "handle_error", _unquote):
        event.listen(Engine, "handle_error", _unquote)
