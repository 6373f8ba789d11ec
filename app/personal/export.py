"""Everything kept of a person as one zip, written while it is sent: rows as JSON Lines by table,
the sound of recordings, mails of this machine, and a manifest that says what is inside.

What other callers said stays theirs: where they name the number, only the places are told.
"""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any, cast

from flask import Flask
from sqlalchemy import select

from app import accounts, archive, carrier
from app.archive import Sink
from app.carrier import Account, CarrierError
from app.extensions import db
from app.models import Recording, RecordingStatus, Tenant
from app.personal import elsewhere, found
from app.personal.found import Person
from app.personal.spelled import Number
from app.tenancy import acting_for

GONE = (RecordingStatus.DELETING, RecordingStatus.DELETED)
NOT_INSIDE = {
    "audit_log": "Holds field names and keyed hashes, no values of a person.",
    "sent": "Mails and webhooks that were delivered are with those who got them.",
    "twilio": "Twilio keeps a log of calls and requests of its own.",
}


def pieces(app: Flask, tenant_id: int, number: Number) -> Iterator[bytes]:
    """The zip, in order; the manifest comes last."""
    sink = Sink()
    told: dict[str, Any] = {"number": number.e164, "made_at": archive.plain(datetime.now(UTC))}
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_DEFLATED) as zipped:
        with app.app_context(), acting_for(tenant_id):
            whose = found.person(number)
            db.session.rollback()
        told["rows"] = {}
        for table in found.tables():
            with app.app_context(), acting_for(tenant_id):
                lines = _lines(table, whose, tenant_id)
            told["rows"][table.name] = len(lines)
            zipped.writestr(f"{table.name}.jsonl", "".join(lines))
            yield sink.taken()
        for name, content in _files(app, tenant_id, whose, told):
            with zipped.open(name, "w") as file:
                for piece in content:
                    file.write(piece)
                    yield sink.taken()
        told["named_elsewhere"] = _elsewhere(app, tenant_id, number)
        told["not_inside"] = NOT_INSIDE
        zipped.writestr("manifest.json", json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    yield sink.taken()


def _lines(table: Any, whose: Person, tenant_id: int) -> list[str]:
    theirs = (table.c.tenant_id == tenant_id) & found.wanted(table, whose)
    own = select(*archive.told(table)).where(theirs)
    rows = db.session.execute(own.order_by(table.c.id)).mappings().all()
    db.session.rollback()
    return [archive.line(row) for row in rows]


def _files(
    app: Flask, tenant_id: int, whose: Person, told: dict[str, Any]
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Mails, then recordings; what cannot be had is told in the manifest."""
    told["mails"], told["recordings"], told["recordings_missing"] = 0, 0, {}
    with app.app_context(), acting_for(tenant_id):
        mails = found.mails_of(whose, tenant_id)
        sounds = db.session.scalars(
            select(Recording.recording_sid).where(
                Recording.call_id.in_(whose.calls), Recording.status.not_in(GONE)
            )
        ).all()
        account = _account()
        db.session.rollback()
    for path in mails:
        told["mails"] += 1
        yield f"mails/{path.name}", iter([path.read_bytes()])
    for sid in sounds:
        try:
            media = carrier.media(account, sid) if account else None
        except CarrierError as error:
            told["recordings_missing"][sid] = error.reason
            continue
        if media is None:
            told["recordings_missing"][sid] = "There is no Twilio account."
            continue
        told["recordings"] += 1
        try:
            yield f"recordings/{sid}.mp3", media.pieces
        finally:
            media.close()


def _account() -> Account | None:
    account = accounts.account_of(db.session.scalars(select(Tenant)).one())
    return None if account is None or account.account_sid in accounts.demo() else account


def _elsewhere(app: Flask, tenant_id: int, number: Number) -> dict[str, list[int]]:
    """Ids of rows of others that name the number, by table."""
    places: dict[str, list[int]] = {}
    with app.app_context(), acting_for(tenant_id):
        whose = found.person(number)
        for table in elsewhere.tables():
            own = found.rows_of(table, whose)
            theirs = select(table.c.id).where(own) if own is not None else None
            known = set(db.session.scalars(theirs)) if theirs is not None else set()
            for _, batch in elsewhere.batches(tenant_id, table, number, 0):
                ids = [place.id for place in batch if place.id not in known]
                if ids:
                    places.setdefault(table.name, []).extend(ids)
                db.session.rollback()
        for name in elsewhere.set_up(tenant_id, number):
            places[name] = []
        db.session.rollback()
    return places
