"""Reads TwiML without trusting it."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, urljoin, urlsplit
from xml.etree import ElementTree

from app.phone.wire import CallDropped, Reply

KINDS = ("text/xml", "application/xml", "text/html", "text/plain")
NOT_PLAYED = ("Connect", "Enqueue", "Leave", "Pay", "Queue", "Refer", "Sms", "Message")


@dataclass(frozen=True, slots=True)
class Verb:
    """One element, and the document's address, which its own are relative to."""

    element: ElementTree.Element
    base: str

    @property
    def name(self) -> str:
        return self.element.tag

    @property
    def text(self) -> str:
        """With SSML taken off, white space folded."""
        return " ".join("".join(self.element.itertext()).split())

    def get(self, attribute: str, default: str = "") -> str:
        return self.element.get(attribute, default)

    def number(self, attribute: str, default: int) -> int:
        given = self.get(attribute, str(default))
        return int(given) if given.isdigit() else default

    def url(self, attribute: str) -> str:
        """Without the attribute it is the document's own address, as for Gather and Record."""
        return urljoin(self.base, self.get(attribute)) if self.get(attribute) else self.base

    def query(self, name: str) -> str:
        """A parameter of the action's URL."""
        return (parse_qs(urlsplit(self.url("action")).query).get(name) or [""])[-1]

    def inside(self, *names: str) -> "list[Verb]":
        return [Verb(e, self.base) for e in self.element if not names or e.tag in names]


def verbs_of(reply: Reply, url: str) -> list[Verb]:
    """Raises CallDropped for what Twilio would not play."""
    if reply.status != 200:
        raise CallDropped(f"{reply.fetch.path}: HTTP {reply.status}")
    if reply.kind.partition(";")[0].strip().lower() not in KINDS:
        raise CallDropped(f"{reply.fetch.path}: {reply.kind or 'no Content-Type'} is not TwiML")
    return parse(reply.text, url)


def parse(text: str, url: str) -> list[Verb]:
    """A document type is refused unread: TwiML has none, and entities can explode."""
    if "<!DOCTYPE" in text:
        raise CallDropped("the TwiML has a document type")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as problem:
        raise CallDropped(f"the TwiML is malformed: {problem}") from None
    if root.tag != "Response":
        raise CallDropped(f"the TwiML begins with <{root.tag}> and not with <Response>")
    refuse_unplayable(child.tag for child in root)
    return [Verb(child, url.partition("#")[0]) for child in root]


def refuse_unplayable(names: Iterable[str]) -> None:
    for name in names:
        if name in NOT_PLAYED:
            raise CallDropped(f"this telephone cannot follow <{name}>")
