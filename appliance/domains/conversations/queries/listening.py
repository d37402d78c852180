"""What is to be listened to, and how."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.queries.thread import get_message
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import Hearing, MessageKind
from appliance.domains.identity import queries as identity
from appliance.domains.identity.types import Listening

AN_HOUR = timedelta(hours=1)
LOOKED_AT = 1000


@dataclass(frozen=True)
class Recording:
    """`language` as ISO 639 has it, empty where it has to be found out; `expected`: names that may be said in it. `heard_s`: of other
    recordings of its conversation, since an hour before it came.
    """

    file_id: UUID
    language: str
    expected: str
    heard_s: float


def find_recording(uow: UnitOfWork, message_id: UUID) -> Recording | None:
    """None when its words are there already, or when it was taken back."""
    message = get_message(uow, message_id)
    found = wording.files_of({"media": message.content.get("media")})
    if not found or not wording.takes_words(message.content, Hearing.WRITTEN):
        return None
    tenant = identity.find_tenant(uow, uow.tenant_id)
    language = tenant.locale.partition("_")[0] if tenant and listening(uow) is Listening.OWN else ""
    return Recording(found[0], language, tenant.name if tenant else "", _heard_s(uow, message))


def _heard_s(uow: UnitOfWork, message: Message) -> float:
    """Among the last so many messages: an hour has fewer."""
    others = select(Message.content).where(
        Message.conversation_id == message.conversation_id, Message.number > message.number - LOOKED_AT, Message.id != message.id,
        Message.kind == MessageKind.AUDIO, Message.created_at > message.created_at - AN_HOUR,
    )  # fmt: skip
    heard = (content.get("transcript") or {} for content in uow.session.scalars(others.limit(LOOKED_AT)))
    return float(sum(one.get("seconds", 0) for one in heard))


def listening(uow: UnitOfWork) -> Listening:
    tenant = identity.find_tenant(uow, uow.tenant_id)
    return Listening(tenant.settings.get("voice_notes") or Listening.OWN) if tenant else Listening.OWN
