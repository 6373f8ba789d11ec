"""Whether a call went as its script says, and is complete in what the product has kept."""

from collections.abc import Callable, Mapping
from typing import Any

from app.phone.conversation import Played, holds, not_said
from app.phone.kept import Kept, id_of
from app.phone.script import Script, texts


def check(script: Script, played: Played, kept: Kept, departments: Mapping[int, str]) -> list[str]:
    """What went otherwise than expected, and what is missing of a call that is complete.
    `departments` maps ids to names."""
    failures = [*played.failures, *incomplete(played, kept)]
    failures += [f"greeting: {missing}" for missing in not_said(played.turns[0], script.hears)]
    for name, expected in script.expect.items():
        failures += CHECKS[name](expected, played, kept, departments)
    return failures


def incomplete(played: Played, kept: Kept) -> list[str]:
    """What a finished call lacks, whatever was expected of it."""
    if not kept.call:
        return ["the product knows no such call"]
    failures = []
    if not kept.outcome or kept.call.get("state") != "ended":
        failures.append(f"not over: outcome {kept.outcome}, state {kept.call.get('state')}")
    transcribed = kept.spoken("caller")
    failures += [f"not in the transcript: {w!r}" for w in played.spoken if w not in transcribed]
    if not kept.spoken("receptionist"):
        failures.append("the transcript holds nothing of the receptionist")
    kinds = {job["kind"] for job in kept.jobs}
    wanted = {"summarise_call"} if kept.outcome not in (None, "blocked") else set()
    wanted |= {"lead_notification"} if kept.leads else set()
    failures += [f"no job {kind}" for kind in sorted(wanted - kinds)]
    return failures


Check = Callable[[Any, Played, Kept, Mapping[int, str]], list[str]]


def _check_states(expected: Any, played: Played, kept: Kept, _: Mapping[int, str]) -> list[str]:
    passed = iter(kept.states)
    missing = [state for state in expected if state not in passed]  # consumes: order counts
    return [f"state {missing[0]} not visited in order; passed {kept.states}"] if missing else []


def _check_lead(expected: Any, played: Played, kept: Kept, _: Mapping[int, str]) -> list[str]:
    if not kept.leads:
        return ["no lead"]
    lead = kept.leads[-1]
    failures = []
    for name, value in expected.items():
        got = lead.get(name)
        if name == "phone":
            right = _digits(got).endswith(_digits(value))
        elif name == "reason":
            right = holds(str(got), value)
        else:
            right = got == value
        if not right:
            failures.append(f"lead's {name} is {got!r}, not {value!r}")
    return failures


def _check_department(
    expected: Any, played: Played, kept: Kept, departments: Mapping[int, str]
) -> list[str]:
    tried = [departments.get(id_of(row["department"]) or 0) for row in kept.transfers]
    return [] if expected in tried else [f"tried {tried}, not {expected!r}"]


def _equal(what: str, read: Callable[[Played, Kept], Any]) -> Check:
    def compare(
        expected: Any, played: Played, kept: Kept, departments: Mapping[int, str]
    ) -> list[str]:
        got = read(played, kept)
        return [] if got == expected else [f"{what} is {got!r}, not {expected!r}"]

    return compare


CHECKS: dict[str, Check] = {
    "states": _check_states,
    "lead": _check_lead,
    "department": _check_department,
    "outcome": _equal("outcome", lambda played, kept: kept.outcome),
    "no_lead": _equal("no_lead", lambda played, kept: not kept.leads),
    "dials": _equal("dials", lambda played, kept: sum(bool(t.dialled) for t in played.turns)),
    "ends": _equal("the end", lambda played, kept: played.turns[-1].how),
    "says": lambda parts, played, kept, _: [
        f"never says {part!r}" for part in texts(parts) if not holds(played.said, part)
    ],
    "never_says": lambda parts, played, kept, _: [
        f"says {part!r}" for part in texts(parts) if holds(played.said, part)
    ],
    "jobs": lambda kinds, played, kept, _: [
        f"no job {kind}" for kind in kinds if kind not in {job["kind"] for job in kept.jobs}
    ],
}


def _digits(value: Any) -> str:
    return "".join(c for c in str(value) if c.isdigit())
