"""What callers hear while the database is away, or whatever else a request needs before its turn:
held for a while, then asked for a message. Nothing here asks for anything.

Where this process remembers the business it speaks in its voice, and sends calls where they were
being sent; else in ours. A message stays at Twilio until jobs/collecting.py finds it.
"""

import time
from datetime import UTC, datetime

from app.voice import facts, meanwhile, notices, twiml
from app.voice.facts import Snapshot
from app.voice.gate import Recognised
from app.voice.manner import voice_of
from app.voice.webhook import Kind, Webhook

LONGEST = 20  # seconds that a caller is held
PAUSE = 2  # seconds from one look to the next
MOST = 8  # looks, of which each may take a moment itself
SPOKEN_EACH = 3  # only every third look says a word


def answer(recognised: Recognised, base_url: str) -> str:
    hook, tenant_id = recognised.webhook, recognised.tenant_id
    found = facts.remembered(tenant_id) if tenant_id else None
    links = twiml.Links(base_url, hook.turn, called=hook.to)
    match hook.kind:
        case Kind.SCREEN:
            return _screen(hook, links)
        case Kind.MESSAGE:
            return recorded(hook, found, links)
        case Kind.TRANSFER_STATUS if hook.turn == meanwhile.TURN:
            return _dialled(hook, found, links)
        case Kind.VOICE if found and (number := found.forwards_to(datetime.now(UTC))):
            return twiml.forward(number, hook.caller, links, found.bounds.talk_seconds)
    return _hold(hook, links, found) or _leave_message(found, links)


def _hold(hook: Webhook, links: twiml.Links, found: Snapshot | None = None) -> str | None:
    """Bring the request back in a moment; None: the caller has waited long enough."""
    now = int(time.time())
    since = hook.since or now
    if hook.wait >= MOST or not now - LONGEST + PAUSE < since <= now + LONGEST:
        return None
    text = notices.one_moment(hook.wait // SPOKEN_EACH, _language(found))
    words = "" if hook.wait % SPOKEN_EACH else text
    again = links.again(hook.kind, hook.wait + 1, hook.retold() | {"since": str(since)})
    return twiml.filler(again, words, _voice(found), pause=PAUSE)


def _screen(hook: Webhook, links: twiml.Links) -> str:
    """Nobody can say who is calling: whoever picked up waits, or is rid of the call."""
    return _hold(hook, links) or twiml.hang_up("", _voice(None))


def recorded(hook: Webhook, found: Snapshot | None, links: twiml.Links) -> str:
    """Who said nothing after the tone may want a person: the last that is left. Whoever was asked
    for patience has spoken: a redirect does not tell the recording again, but it is at Twilio."""
    if hook.recording_sid or hook.wait:
        return twiml.hang_up(notices.thanks(_language(found)), _voice(found))
    if found and found.fallback_number:
        to_person = twiml.Links(links.base_url, meanwhile.TURN, called=hook.to)
        talk = found.bounds.talk_seconds
        return twiml.forward(found.fallback_number, hook.caller, to_person, talk)
    return twiml.hang_up(notices.not_in_service(_language(found)), _voice(found))


def _dialled(hook: Webhook, found: Snapshot | None, links: twiml.Links) -> str:
    """Back from the telephone that all calls are sent to."""
    if hook.dial_bridged or hook.dial_status in twiml.TAKEN:
        return twiml.hang_up("", _voice(found))
    return _leave_message(found, links)


def _leave_message(found: Snapshot | None, links: twiml.Links) -> str:
    return twiml.leave_message(notices.apology(_language(found)), links, _voice(found))


def _language(found: Snapshot | None) -> str:
    return found.language if found else notices.DEFAULT_LANGUAGE


def _voice(found: Snapshot | None) -> twiml.VoiceSettings:
    return voice_of(found) if found else twiml.VoiceSettings()
