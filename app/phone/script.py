"""A caller's script, as data: what the caller does and what must come of it. tests/calls/README.md
tells the form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.phone.business import ALWAYS, NEVER, Business, Department, Entry
from app.phone.callee import TransferResult
from app.phone.leg import Heard

CALLER = "+12025550143"
KEYS = {"title", "tenant", "business", "caller", "transfer", "hears", "turns", "on_ask", "expect"}
STEP_KEYS = {"say", "press", "silent", "hang_up", "hears", "asks"}
EXPECT_KEYS = {"states", "outcome", "lead", "no_lead", "department", "dials", "says", "never_says",
               "jobs", "ends"}  # fmt: skip


class BadScript(ValueError):
    """The script does not have its form; the message says where."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the caller does (`heard` None: hangs up), and what must come back."""

    heard: Heard | None
    hears: tuple[str, ...] = ()
    asks: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    title: str
    steps: tuple[Step, ...]
    on_ask: Mapping[str, str] = field(default_factory=dict)
    tenant: str = ""
    business: Business | None = None
    caller: str = CALLER
    transfer: TransferResult = TransferResult.ANSWERED
    hears: tuple[str, ...] = ()
    expect: Mapping[str, Any] = field(default_factory=dict)


def read(data: Any) -> Script:
    """A script from what YAML or JSON gave. Raises BadScript."""
    _known(data, KEYS, "the script")
    _known(data.get("expect", {}), EXPECT_KEYS, "expect")
    if bool(data.get("tenant")) == bool(data.get("business")):
        raise BadScript("a script names either a tenant or a business of its own")
    try:
        return Script(
            title=str(data.get("title", "")),
            steps=tuple(_step(step) for step in data.get("turns") or ()),
            on_ask={str(k): str(v) for k, v in (data.get("on_ask") or {}).items()},
            tenant=data.get("tenant", ""),
            business=_business(data["business"]) if data.get("business") else None,
            caller=str(data.get("caller", CALLER)),
            transfer=TransferResult(data.get("transfer", TransferResult.ANSWERED)),
            hears=texts(data.get("hears")),
            expect=data.get("expect") or {},
        )
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        raise BadScript(f"the script cannot be read: {problem!r}") from problem


def _step(data: Any) -> Step:
    if isinstance(data, str):
        return Step(Heard(words=data))
    _known(data, STEP_KEYS, "a turn")
    heard = Heard(words=str(data.get("say", "")), keys=str(data.get("press", "")))
    hangs_up = bool(data.get("hang_up"))
    return Step(None if hangs_up else heard, texts(data.get("hears")), data.get("asks"))


def _business(data: Any) -> Business:
    return Business(
        name=data["name"],
        departments=tuple(
            Department(d["name"], d["name"], d.get("description", ""))
            for d in data.get("departments") or ()
        ),
        entries=tuple(
            Entry(e["question"], e["question"], e["answer"], texts(e.get("alternates")))
            for e in data.get("knowledge") or ()
        ),
        receptionist=data.get("receptionist") or {},
        hours={"always": ALWAYS, "never": NEVER}[data.get("open", "always")],
    )


def texts(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(part) for part in value)


def _known(data: Any, keys: set[str], where: str) -> None:
    if not isinstance(data, dict):
        raise BadScript(f"{where} must be a map, not {data!r}")
    if unknown := set(data) - keys:
        raise BadScript(f"{where} has unknown keys: {', '.join(sorted(map(str, unknown)))}")
