"""How an entity's pages save and delete: what is refused stays in the form, said at its field."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import abort, flash, redirect, request, url_for

from app.extensions import db
from app.tenancy import PLATFORM, current_scope
from app.views.forms import blame
from app.views.refusals import Refused, explained

if TYPE_CHECKING:
    from app.views.entity import Entity


@dataclass
class Saving:
    done: bool = False


class SavesRows:
    """Mixed into a page. Flask-AppBuilder's own loses what was typed when the database refuses it,
    and lets the address fill in hidden columns."""

    entity: "Entity"
    datamodel: Any
    add_form: Any
    edit_form: Any
    endpoint: str

    def _add(self: Any) -> Any:
        """None: it is saved. Else the form, with what was typed and what is wrong with it."""
        self._need_tenant()
        form = self.add_form.refresh()
        if request.method == "POST" and form.validate() and self._added(form):
            return None
        found = self._get_add_widget(form=form)
        found["add"].template_args.update(view=self)
        return found

    def _added(self: Any, form: Any) -> bool:
        with self._refusing(form) as saving:
            item = self.datamodel.obj()
            form.populate_obj(item)
            self.ahead(item)
            self.entity.alone()
            self.pre_add(item)
            self.entity.verify(item)
            self.datamodel.add(item)
            self.post_add(item)
        if saving.done:
            flash(self.add_row_message, "success")
        return bool(saving.done)

    def ahead(self, item: Any) -> None:
        """What is asked of others about a new row, before anything is locked. May raise Refused."""

    def _edit(self: Any, pk: Any) -> Any:
        """Like `_add`."""
        self._need_tenant()
        if request.method == "POST":
            self.entity.alone()
        item = self.datamodel.get(pk) or abort(404)
        form = self.edit_form.refresh(None if request.method == "POST" else item)
        if request.method == "POST":
            if form.validate() and self._edited(form, item):
                return None
            item = self.datamodel.get(pk) or abort(404)  # as it is, not as it was to be
        found = self._get_edit_widget(form=form)
        found["edit"].template_args.update(view=self, item=item)
        return found

    def _edited(self: Any, form: Any, item: Any) -> bool:
        with self._refusing(form) as saving:
            with db.session.no_autoflush:
                form.populate_obj(item)
                self.pre_update(item)
                self.entity.verify(item)
            self.datamodel.edit(item)
            self.post_update(item)
        if saving.done:
            flash(self.edit_row_message, "success")
        return bool(saving.done)

    @contextmanager
    def _refusing(self, form: Any) -> Iterator[Saving]:
        """What is refused is said beside its input, and nothing of it is saved."""
        saving = Saving()
        try:
            with explained(self.datamodel.obj):
                yield saving
            saving.done = True
        except Refused as refusal:
            db.session.rollback()
            blame(form, refusal)

    def _delete(self: Any, pk: Any) -> None:
        self._need_tenant()
        item = self.datamodel.get(pk) or abort(404)
        try:
            with explained(self.datamodel.obj):
                self.pre_delete(item)
                self.datamodel.delete(item)
                self.post_delete(item)
        except Refused as refusal:
            flash(str(refusal), "danger")
        else:
            flash(self.delete_row_message, "success")

    def update_redirect(self) -> None:
        """No stack of pages in the session: after a change people are sent where they expect."""

    def post_edit_redirect(self) -> Any:
        return redirect(url_for(f"{self.endpoint}.show", **request.view_args or {}))

    def post_add_redirect(self) -> Any:
        return redirect(url_for(f"{self.endpoint}.list"))

    post_delete_redirect = post_add_redirect

    def _need_tenant(self) -> None:
        if self.entity.is_owned and current_scope() is PLATFORM:
            flash("Choose the tenant to act for first.", "warning")
            abort(redirect(url_for("ActAs.choose")))
