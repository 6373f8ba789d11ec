"""TwiML that stands by itself, for a TwiML Bin: for the time when nothing of ours answers.

https://www.twilio.com/docs/serverless/twiml-bins
"""

from twilio.twiml.voice_response import VoiceResponse

from app.voice import notices, twiml
from app.voice.facts import Snapshot
from app.voice.manner import voice_of

SILENCE = 10  # seconds that end a message; a Bin cannot ask whether that was all


def document(found: Snapshot, number: str, called: str, base_url: str) -> str:
    """Connect with `number`, if there is one; whom nobody takes may speak a message.

    A Bin cannot tell how a Dial ended, nor stop after a Record: its sentences make up for both. The
    Record's action is ours, in case we are back by then; the message is found at Twilio anyway.
    """
    response, voice = VoiceResponse(), voice_of(found)
    if number:
        # Without a caller ID Twilio shows the caller's own.
        dial = response.dial(timeout=twiml.FORWARD_SECONDS, time_limit=found.bounds.talk_seconds)
        dial.number(number)
    text = (notices.if_nobody if number else notices.speak_and_hang_up)(found.language)
    response.say(twiml.xml_safe(text), voice=voice.name, language=voice.language)
    links = twiml.Links(base_url, 0, called=called)
    response.record(
        action=links.message(), method="POST", max_length=twiml.RECORD_SECONDS, timeout=SILENCE,
        finish_on_key="#", play_beep=True, recording_status_callback=links.recording_status(),
        recording_status_callback_method="POST",
    )  # fmt: skip
    response.hangup()
    return str(response)


def not_in_service(found: Snapshot) -> str:
    return twiml.hang_up(notices.not_in_service(found.language), voice_of(found))
