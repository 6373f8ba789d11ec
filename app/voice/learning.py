"""Teaches the encoder what a tenant saves, while nobody waits: the first call is matched by meaning
already. What it missed (a restart, another machine) it learns while a caller is greeted."""

from sqlalchemy import event
from sqlalchemy.orm import Session

from app.ai import knowledge
from app.ai.reading import departments
from app.models import Department, EntryStatus, KnowledgeEntry
from app.voice import facts
from app.voice.flow import messages as m

_SAVED = "to be learnt"  # in Session.info, from the flush until the commit


def install() -> None:
    """Register on SQLAlchemy's Session class. Safe to call for every application."""
    for name, listener in (
        ("after_flush", _after_flush),
        ("after_commit", _after_commit),
        ("after_rollback", _forget),
    ):
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)


def _after_flush(session: Session, _context: object) -> None:
    """As plain data: after the commit no row may be read without a transaction."""
    for row in (*session.new, *session.dirty):
        match row:
            case KnowledgeEntry(status=EntryStatus.LIVE):
                language = row.language or "en"  # else of the tenant's; a wrong guess costs little
                session.info.setdefault(_SAVED, []).append((facts.passage(row), language))
            case Department():
                known = m.Department(row.id, row.name, row.description)
                session.info.setdefault(_SAVED, []).append((known, "en"))


def _after_commit(session: Session) -> None:
    saved = session.info.pop(_SAVED, [])
    for language in sorted({language for _, language in saved}):
        rows = [row for row, its in saved if its == language]
        knowledge.learn([row for row in rows if isinstance(row, m.Passage)], language)
        departments.prepare([row for row in rows if isinstance(row, m.Department)], language)


def _forget(session: Session) -> None:
    session.info.pop(_SAVED, None)
