"""A telephone in the terminal: plays Twilio against the running server, signed, over HTTP."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from app import practice
from app.cli import demo_file
from app.phone import CallDropped, Line, TransferResult, Turn
from app.phone.business import Installed, install
from app.phone.rehearsal import line_for, rehearse
from app.phone.rest import Rest, RestError
from app.phone.script import CALLER, BadScript, Script, Step, read
from config import Settings

HELP = """\
  words     are said           #123    presses the keys 1 2 3 (## presses #)
  (empty)   stays silent       /hangup hangs up        /help shows this"""


class Cannot(Exception):
    """The call cannot be placed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to call, and as whom scripts may ask there. `rest` None: an ordinary, unregistered
    call by somebody who knows only the account."""

    base_url: str
    who: Installed
    name: str
    rest: Rest | None


def main(argv: list[str], settings: Settings) -> int:
    arguments = parser().parse_args(argv)
    try:
        demo = demo_file.read(settings)
        if arguments.script:
            return play_script(arguments, demo)
        if _is_practice(arguments, demo):
            return talk(arguments, _practice(arguments, demo, settings))
        return talk(arguments, place(arguments, demo, arguments.tenant))
    except CallDropped as dropped:
        print(f"The call dropped: {dropped.reason}.{hint(dropped)}", file=sys.stderr)
    except (Cannot, RestError, BadScript) as problem:
        print(problem, file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="run.py call", description=__doc__, epilog=HELP)
    made.formatter_class = argparse.RawDescriptionHelpFormatter
    made.add_argument(
        "--to", metavar="NUMBER", help="the number to call, of a demo tenant or a practice number"
    )
    made.add_argument("--tenant", metavar="SLUG", help="the demo tenant to call")
    made.add_argument("--from", dest="caller", metavar="NUMBER", default=CALLER)
    made.add_argument("--script", type=Path, metavar="FILE.yaml", help="play it, check it")
    made.add_argument(
        "--transfer",
        choices=[str(result) for result in TransferResult],
        default="answered",
        help="what becomes of a transfer",
    )
    made.add_argument("--as-phone", action="store_true", help="an ordinary call, no test call")
    made.add_argument("--base-url", help="the product's PUBLIC_BASE_URL (default: the demo's)")
    made.add_argument("--account-sid", help="with --auth-token, --to and --base-url: no demo")
    made.add_argument("--auth-token")
    return made


# --- Whom to call -------------------------------------------------------------------------------


def place(arguments: argparse.Namespace, demo: dict[str, Any], slug: str | None) -> Place:
    if arguments.account_sid or arguments.auth_token:
        return _stranger(arguments)
    tenant = _tenant(arguments, demo, slug)
    base_url = arguments.base_url or demo["base_url"]
    who = Installed(
        tenant["id"], tenant["number"], tenant["account_sid"], tenant["auth_token"], {}, {}
    )
    rest = None if arguments.as_phone and not arguments.script else _login(base_url, tenant)
    return Place(base_url, who, tenant["name"], rest)


def _stranger(arguments: argparse.Namespace) -> Place:
    given = (arguments.base_url, arguments.to, arguments.account_sid, arguments.auth_token)
    if not all(given):
        raise Cannot("--account-sid and --auth-token go together with --to and --base-url.")
    if not arguments.as_phone:
        raise Cannot("Only the demo's tenants can place test calls from here; add --as-phone.")
    who = Installed(0, arguments.to, arguments.account_sid, arguments.auth_token, {}, {})
    return Place(arguments.base_url, who, arguments.to, None)


def _is_practice(arguments: argparse.Namespace, demo: dict[str, Any]) -> bool:
    """The demo's numbers are of the same range, but have accounts."""
    known = {tenant["number"] for tenant in demo.get("tenants", [])}
    given = arguments.to and not arguments.account_sid and arguments.to not in known
    return bool(given) and practice.is_fictional(arguments.to)


def _practice(arguments: argparse.Namespace, demo: dict[str, Any], settings: Settings) -> Place:
    """Signed as the installation's own calls are; it is a test call by itself."""
    base_url = arguments.base_url or demo.get("base_url") or settings.public_base_url
    account_sid, token = practice.account(settings.secret_key)
    if settings.twilio_account_sid:
        account_sid, token = settings.twilio_account_sid, settings.twilio_auth_token
    who = Installed(0, arguments.to, account_sid, token, {}, {})
    return Place(base_url, who, "a practice number", None)


def _tenant(
    arguments: argparse.Namespace, demo: dict[str, Any], slug: str | None
) -> dict[str, Any]:
    tenants: list[dict[str, Any]] = demo.get("tenants", [])
    if not tenants:
        raise Cannot(
            "There is no demo.json in DATA_DIR. Start the product first: python3 run.py (or name "
            "--base-url, --to, --account-sid and --auth-token)."
        )
    for tenant in tenants:
        if arguments.to in (None, tenant["number"]) and slug in (None, tenant["slug"]):
            return tenant
    known = "\n".join(f"  {t['number']}  {t['slug']}  {t['name']}" for t in tenants)
    raise Cannot(f"No demo tenant is {slug or arguments.to}. There are:\n{known}")


def _login(base_url: str, known: dict[str, Any]) -> Rest:
    admin = known["admin"]
    try:
        return Rest.log_in(base_url, admin["username"], admin["password"])
    except RestError as error:
        if error.status != 401:
            raise
        raise Cannot(
            f"{admin['username']} cannot log in with the password of demo.json; it was changed? "
            "--as-phone places an ordinary call without a login."
        ) from error


def registered(rest: Rest, number: str) -> str:
    """The CallSid of a test call that the product now expects."""
    return str(rest.post("calls/test", {"number": number})["call_sid"])


# --- By hand ------------------------------------------------------------------------------------


def talk(arguments: argparse.Namespace, to: Place) -> int:
    call_sid = None if arguments.as_phone or not to.rest else registered(to.rest, to.who.number)
    line = Line(
        to.base_url,
        to.who.account_sid,
        to.who.auth_token,
        called=to.who.number,
        caller=arguments.caller,
        call_sid=call_sid,
        transfer_result=arguments.transfer,
    )
    print(f"Calling {to.name} at {to.who.number}. /help tells what you can do.\n")
    turn = line.dial()
    show(turn)
    while not turn.ended:
        act = listen(line)
        if act is not None:
            turn = act()
            show(turn)
    for warning in line.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return 0


def listen(line: Line) -> Callable[[], Turn] | None:
    try:
        typed = input("You: ").strip()
    except (EOFError, KeyboardInterrupt):
        print()
        return line.hang_up
    if typed == "/help":
        print(HELP)
        return None
    if typed == "/hangup":
        return line.hang_up
    if typed.startswith("/"):
        print(f"There is no {typed}.\n{HELP}")
        return None
    if typed.startswith("#") and len(typed) > 1:
        return lambda: line.press(typed[1:])
    return lambda: line.say(typed) if typed else line.stay_silent()


def show(turn: Turn) -> None:
    if turn.said:
        print("Receptionist: " + " ".join(turn.said))
    facts = [f"{turn.seconds:.2f} s"]
    if turn.turn is not None:
        facts.insert(0, f"turn {turn.turn}")
    if turn.asks:
        facts.append(f"asks for {turn.asks}")
    if turn.records:
        facts.append("records")
    if turn.fillers:
        facts.append(f"{turn.fillers} filler(s)")
    if turn.dialled:
        facts.append("dialled " + ", ".join(turn.dialled))
    if turn.how:
        facts.append("the call is over: " + turn.how.replace("_", " "))
    dim, plain = ("\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "")
    print(f"{dim}  [{' · '.join(facts)}]{plain}")


# --- By script ----------------------------------------------------------------------------------


def play_script(arguments: argparse.Namespace, demo: dict[str, Any]) -> int:
    script = load(arguments.script)
    to = _stage(arguments, demo, script)
    if to.rest is None:
        raise Cannot("A script is checked over REST: that needs a demo tenant's login.")
    call_sid = None if arguments.as_phone else registered(to.rest, to.who.number)
    print(f"{script.title or arguments.script} ({to.name}, {to.who.number})\n")
    line = line_for(script, to.who, to.base_url, call_sid=call_sid)
    failures = rehearse(script, line, to.rest, watch=_watch)
    for failure in failures:
        print(f"  wrong: {failure}")
    print("As expected." if not failures else f"\n{len(failures)} expectations were not met.")
    return 1 if failures else 0


def load(path: Path) -> Script:
    try:
        return read(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Cannot(f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadScript(f"{path} is not YAML: {error}") from error


def _stage(arguments: argparse.Namespace, demo: dict[str, Any], script: Script) -> Place:
    """A script's own business is set up first, by the super admin."""
    if script.business is None:
        return place(arguments, demo, script.tenant)
    if not demo:
        raise Cannot("There is no demo.json in DATA_DIR. Start the product first: python3 run.py")
    base_url = arguments.base_url or demo["base_url"]
    admin = _login(base_url, demo)
    who = install(admin, script.business)
    return Place(base_url, who, script.business.name, admin.acting_for(who.tenant_id))


def _watch(step: Step | None, turn: Turn) -> None:
    if step and step.heard:
        print(f"Caller: {step.heard.words or step.heard.keys or '(silence)'}")
    show(turn)


# --- When it fails ------------------------------------------------------------------------------


def hint(dropped: CallDropped) -> str:
    if "not running" in dropped.reason:
        return " Start it in another terminal: python3 run.py"
    if "HTTP 403" in dropped.reason:
        return (
            " The signature was refused: --base-url must be the product's PUBLIC_BASE_URL, and a "
            "practice number one that a business has."
        )
    return ""
