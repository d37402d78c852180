"""What is said in a recording becomes words of its message, which then is what it would be had it been written."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from appliance.core import sound
from appliance.core.box import Box
from appliance.core.errors import DomainError
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import pack, told
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.revise import tell_anew
from appliance.domains.conversations.actions.stop import stop_if_asked
from appliance.domains.conversations.errors import TooMuchSpoken
from appliance.domains.conversations.events import MessageTranscribed
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.types import Direction, Hearing
from appliance.inference.errors import NoModel
from appliance.inference.types import Inference

LONGEST_TEXT = 20_000


def write_down(box: Box, tenant_id: UUID, recording: queries.Recording) -> Mapping[str, Any]:
    """Decodes and asks a model: call it with no unit open. Raises TooMuchSpoken, NotDecoded, NoModel, ModelRefused, Unavailable."""
    most = box.settings.channels.voice_minutes
    if recording.heard_s >= most * 60:
        raise TooMuchSpoken(most)
    speech = sound.speech_of(box.blobs.read(tenant_id, recording.file_id))
    heard = box.part(Inference).transcribe(speech.wav, language=recording.language, prompt=recording.expected)
    return {
        "state": Hearing.WRITTEN.value, "text": heard.text.strip()[:LONGEST_TEXT], "language": heard.language, "model": heard.model,
        "seconds": round(speech.seconds, 1), "is_cut": speech.is_cut,
    }  # fmt: skip


def heard_nothing(why: DomainError) -> Mapping[str, Any]:
    said = _("No model that writes down speech is installed on this box.") if isinstance(why, NoModel) else why
    return {"state": Hearing.FAILED.value, "error": pack(told(said))}


def keep_words(uow: UnitOfWork, message_id: UUID, transcript: Mapping[str, Any]) -> None:
    """The list, the search and the person's story follow, and a stop is one of the moment when it was spoken. Of what was taken back
    nothing is kept.
    """
    conversation = queries.lock_conversation(uow, queries.get_message(uow, message_id).conversation_id)
    message = queries.lock_message(uow, message_id)
    before = message.content
    if message.deleted_at is not None or not wording.takes_words(before, Hearing(transcript["state"])):
        return
    message.content = {**before, "transcript": dict(transcript)}
    tell_anew(uow, conversation, message, before)
    if message.direction is Direction.INBOUND:
        stop_if_asked(uow, conversation, message)
    uow.emit(MessageTranscribed(conversation.id, message.id))
