"""What a browser finds in a page: its links and its forms, filled in as they come."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    action: str
    method: str
    values: list[tuple[str, str]] = field(default_factory=list)
    selects: list[str] = field(default_factory=list)

    def sent(self, **changes: str) -> dict[str, list[str]]:
        """What pressing the button posts, with these fields changed or added."""
        found: dict[str, list[str]] = {}
        for name, value in self.values:
            found.setdefault(name, []).append(value)
        return found | {name: [value] for name, value in changes.items()}


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self._area: tuple[str, list[str]] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        if self._form is None or (tag != "option" and not given.get("name")):
            return
        match tag:
            case "input" if given.get("type") not in ("submit", "button", "file"):
                ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
                if ticked:
                    self._form.values.append((given["name"], given.get("value", "")))
            case "select":
                self._select = given["name"]
                self._form.selects.append(self._select)
            case "option" if self._select and "selected" in given:
                self._form.values.append((self._select, given.get("value", "")))
            case "textarea":
                self._area = (given["name"], [])

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area and self._form:
            self._form.values.append((self._area[0], "".join(self._area[1]).removeprefix("\n")))
            self._area = None
        if tag == "select":
            self._select = ""
        if tag == "form":
            self._form = None
