"""Knowledge from a spreadsheet: shown line by line what it would change, and taken when confirmed.

Nothing of the file is kept meanwhile: the page that shows the changes carries it, sealed, and what
is confirmed is compared with what was shown.
"""

import hashlib
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import func, select

from app.extensions import db
from app.models import KnowledgeEntry
from app.tenancy import current_tenant_id
from app.views.comparing import Kind, Line, compared
from app.views.fields import Schemas
from app.views.refusals import Refused, explained
from app.views.tables import LARGEST_FILE, NotReadable, table

SEALED_FOR = 3600  # seconds
LARGEST_SEALED = 1_900_000  # characters: with all else below MAX_CONTENT_LENGTH
MOST_SHOWN = 200  # lines of each kind
ONE_IMPORT = 0x496D_7074  # the first key of the advisory lock that takes imports one by one


class KnowledgeImport:
    """A page with a form for the file, then one with what it changes."""

    entity: Any
    endpoint: str
    datamodel: Any
    render_template: Any

    @expose("/import", methods=["GET", "POST"])
    @has_access
    @permission_name("write")
    def importing(self) -> Any:
        self._need_tenant()  # type: ignore[attr-defined]
        try:
            if sealed := request.form.get("sealed"):
                return self._confirmed(sealed)
            if request.method == "POST":
                upload = request.files.get("file") or abort(400)
                return self._preview(upload.read(LARGEST_FILE + 1))
        except NotReadable as error:
            return self._form(str(error))
        return self._form()

    def _form(self, error: str = "") -> Any:
        return self.render_template(
            "knowledge/import.html", error=error, columns=self.entity.exported,
            largest=f"{LARGEST_FILE // 1_000_000} MB",
        )  # fmt: skip

    def _preview(self, content: bytes, note: str = "") -> Any:
        lines = self._compared(content)
        by_kind = {kind: [line for line in lines if line.kind == kind] for kind in Kind}
        return self.render_template(
            "knowledge/preview.html", by_kind=by_kind, Kind=Kind, most=MOST_SHOWN, note=note,
            labels=self.label_columns,  # type: ignore[attr-defined]
            sealed=_seal(content, lines), changes=_changes(lines),
        )  # fmt: skip

    def _confirmed(self, sealed: str) -> Any:
        content, shown = _opened(sealed)
        db.session.execute(select(func.pg_advisory_xact_lock(ONE_IMPORT, current_tenant_id())))
        lines = self._compared(content)
        if _digest(lines) != shown:
            return self._preview(
                content, _("The answers were changed meanwhile. Look at the changes again.")
            )
        try:
            with explained(KnowledgeEntry):
                _take(lines)
        except Refused:  # somebody saved one of them just now
            return self._preview(
                content, _("An answer was changed just now. Look at the changes again.")
            )
        flash(_told(lines), "success")
        return redirect(url_for(f"{self.endpoint}.list"))

    def _compared(self, content: bytes) -> list[Line]:
        entity = self.entity
        schema = Schemas(self.datamodel, entity.special, entity.checks, {}).convert(
            list(entity.form_columns)
        )
        return compared(
            table(content, entity.form_columns), schema, db.session.scalars(select(KnowledgeEntry))
        )


def _sealer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), "knowledge-import")


def _seal(content: bytes, lines: list[Line]) -> str:
    held = {
        "tenant": current_tenant_id(), "text": content.decode("utf-8-sig"), "shown": _digest(lines),
    }  # fmt: skip
    sealed = str(_sealer().dumps(held))
    if len(sealed) > LARGEST_SEALED:
        raise NotReadable(_("The file is too large. Divide it."))
    return sealed


def _opened(sealed: str) -> tuple[bytes, str]:
    """The file and the digest of what was shown. Only of the tenant that it was shown to."""
    try:
        held = _sealer().loads(sealed, max_age=SEALED_FOR)
    except BadData:
        raise NotReadable(_("This preview is older than an hour. Choose the file again.")) from None
    if held["tenant"] != current_tenant_id():
        raise NotReadable(_("This preview is of another business. Choose the file again."))
    return held["text"].encode(), held["shown"]


def _digest(lines: list[Line]) -> str:
    """Also of the versions of the entries: they are what the changes were compared with."""
    return hashlib.sha256("\n".join(line.fingerprint for line in lines).encode()).hexdigest()


def _changes(lines: list[Line]) -> int:
    return sum(line.kind in (Kind.NEW, Kind.CHANGED) for line in lines)


def _take(lines: list[Line]) -> None:
    for line in lines:
        if line.kind == Kind.NEW:
            db.session.add(KnowledgeEntry(**line.values))
        elif line.kind == Kind.CHANGED:
            for change in line.changes:
                setattr(line.entry, change.column, change.after)
    db.session.commit()


def _told(lines: list[Line]) -> str:
    added = sum(line.kind == Kind.NEW for line in lines)
    updated = sum(line.kind == Kind.CHANGED for line in lines)
    return _(
        "%(added)s, %(updated)s.",
        added=ngettext("%(num)d answer added", "%(num)d answers added", added),
        updated=ngettext("%(num)d updated", "%(num)d updated", updated),
    )
