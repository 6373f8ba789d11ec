"""Twilio signs names and values without anything between them: no boundary can be moved so that
another call, caller or called number is read out of the same signed bytes."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from app.phone.form import inbound
from app.voice import webhook
from app.voice.webhook import Kind, Malformed

FORM = inbound("AC" + "a1" * 16, "CA" + "b2" * 16, "+12125550100", "+12125550142") | {
    "CallStatus": "in-progress", "SpeechResult": "hello there", "Confidence": "0.93",
    "Direction": "inbound", "FromCity": "NEW YORK", "ToCity": "NEW YORK", "CallToken": "x",
}  # fmt: skip
PIECES = [piece for name in sorted(FORM) for piece in (name, FORM[name])]


def parsed(form: Mapping[str, str] | list[tuple[str, str]]) -> webhook.Webhook:
    return webhook.parse(Kind.GATHER, MultiDict(form), MultiDict({"turn": "1"}))


@given(st.integers(1, len(PIECES) - 1), st.integers(-40, 40))
def test_a_moved_boundary_is_refused_or_changes_nothing_that_counts(at: int, by: int) -> None:
    pieces = list(PIECES)
    both, cut = pieces[at - 1] + pieces[at], len(pieces[at - 1]) + by
    pieces[at - 1], pieces[at] = both[: max(0, cut)], both[max(0, cut) :]
    form = list(zip(pieces[::2], pieces[1::2], strict=True))  # a name may come to stand twice
    real = parsed(FORM)
    try:
        found = parsed(form)
    except Malformed:
        return
    for field in ("account_sid", "call_sid", "to", "caller"):
        assert getattr(found, field) == getattr(real, field)


@given(st.integers(0, len(PIECES) // 2 - 2))
def test_a_field_cannot_be_hidden_in_the_value_before_it(at: int) -> None:
    names = sorted(FORM)
    hidden = FORM[names[at]] + names[at + 1] + FORM[names[at + 1]]
    form = FORM | {names[at]: hidden}
    del form[names[at + 1]]
    try:
        found = parsed(form)
    except Malformed:
        return
    assert (found.call_sid, found.to, found.caller) == (
        parsed(FORM).call_sid, parsed(FORM).to, parsed(FORM).caller,
    )  # fmt: skip
