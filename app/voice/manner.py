"""How a tenant's receptionist sounds: its voice and language, as Twilio is told."""

from app.voice import notices, twiml
from app.voice.facts import Snapshot


def voice_of(found: Snapshot, language: str = "") -> twiml.VoiceSettings:
    """The tenant's voice, or (in another language than its own) one that speaks that language."""
    if language in ("", found.language):
        return twiml.VoiceSettings(name=found.voice, language=found.language)
    return twiml.VoiceSettings(name=notices.voice_for(language), language=language)
