"""Why a change was refused, in words for people: never SQL, never a stranger's value."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask_appbuilder.exceptions import DatabaseException
from sqlalchemy import UniqueConstraint
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError

from app.extensions import db

NO_RIGHT = "42501"
TAKEN = "This already exists. Choose another, or change the one there is."


class Refused(DatabaseException):
    """A well-formed change that is not allowed. `field` is the input at fault, if it is one.

    A DatabaseException, so that Flask-AppBuilder shows its text as it shows its own.
    """

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.text}" if self.field else self.text

    @property
    def message(self) -> str | dict[str, list[str]]:
        """As REST says it: by field, like the messages about malformed input."""
        return {self.field: [self.text]} if self.field else self.text


@contextmanager
def explained(model: type) -> Iterator[None]:
    """What the database refuses inside becomes Refused; the transaction is rolled back."""
    try:
        yield
    except SQLAlchemyError as error:
        db.session.rollback()
        raise explain(error, model) from error
    except Exception:
        db.session.rollback()
        raise


def explain(error: SQLAlchemyError, model: type) -> Refused:
    if isinstance(error, StaleDataError):
        return Refused("Somebody else has changed this meanwhile. Load it again.")
    if isinstance(error, DataError):
        return Refused("A value is out of range or not of its kind.")
    code = getattr(getattr(error, "orig", None), "pgcode", None)
    if isinstance(error, IntegrityError):
        return _broken_rule(error, model, code)
    if code == NO_RIGHT:
        return Refused("This is the platform's to change: stop acting for a business first.")
    raise error


def _broken_rule(error: IntegrityError, model: type, code: str | None) -> Refused:
    diagnosis = error.orig.diag  # type: ignore[union-attr]
    match code:
        case "23505":
            columns = _columns_of(model, diagnosis.constraint_name)
            field = next((c for c in columns if c != "tenant_id"), "")
            mine = "tenant_id" in columns or len(columns) > 1
            # An installation-wide value may be a stranger's: say nothing of where it exists.
            text = TAKEN if mine else "This value cannot be used. Choose another."
            return Refused(text, field.removesuffix("_id"))
        case "23503":
            if "still referenced" in (diagnosis.message_detail or ""):
                return Refused("Something else still refers to this. Change or delete that first.")
            return Refused("It refers to something that does not exist.")
        case "23502":
            return Refused("Is missing. Give a value.", diagnosis.column_name or "")
        case _:  # the names of our checks end in the column's: base.choice
            named = (diagnosis.constraint_name or "").partition("__")[2]
            field = named if named in model.__table__.columns else ""  # type: ignore[attr-defined]
            return Refused("This value is not allowed. Choose another.", field)


def _columns_of(model: type, constraint: str | None) -> list[str]:
    """By the constraint's name: where rows are secured, PostgreSQL tells no more than that."""
    table = model.__table__  # type: ignore[attr-defined]
    for found in table.constraints:
        if isinstance(found, UniqueConstraint) and found.name == constraint:
            return [column.name for column in found.columns]
    lone = (column.name for column in table.columns if column.unique)
    return [name for name in lone if constraint == f"{table.name}_{name}_key"]
