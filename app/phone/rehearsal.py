"""Plays a script on a line of its own and says what went otherwise than it expects."""

from app.phone import kept
from app.phone.business import Installed
from app.phone.checks import check
from app.phone.conversation import Caller, Watch, play, unwatched
from app.phone.line import Line
from app.phone.rest import Rest
from app.phone.script import Script


def line_for(
    script: Script, who: Installed, base_url: str, server: str = "", call_sid: str | None = None
) -> Line:
    return Line(
        base_url,
        who.account_sid,
        who.auth_token,
        called=who.number,
        caller=script.caller,
        call_sid=call_sid,
        transfer_result=script.transfer,
        server=server,
    )


def rehearse(script: Script, line: Line, rest: Rest, watch: Watch = unwatched) -> list[str]:
    """Empty when all went as expected. `rest` is the called tenant's. Raises CallDropped and
    RestError."""
    played = play(line, Caller(script.steps, script.on_ask), watch)
    names = {row["id"]: row["name"] for row in rest.find("departments")}
    found = kept.of_call(rest, line.call_sid)
    warnings = [f"warning: {warning}" for warning in line.warnings]
    return check(script, played, found, names) + warnings
