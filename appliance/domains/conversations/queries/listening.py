"""What is to be listened to, and how."""

from dataclasses import dataclass
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.queries.thread import get_message
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.types import Hearing
from appliance.domains.identity import queries as identity
from appliance.domains.identity.types import Listening


@dataclass(frozen=True)
class Recording:
    """`language` as ISO 639 has it, empty where it has to be found out; `expected`: names that may be said in it."""

    file_id: UUID
    language: str
    expected: str


def find_recording(uow: UnitOfWork, message_id: UUID) -> Recording | None:
    """None when its words are there already, or when it was taken back."""
    message = get_message(uow, message_id)
    found = wording.files_of({"media": message.content.get("media")})
    if not found or not wording.takes_words(message.content, Hearing.WRITTEN):
        return None
    tenant = identity.find_tenant(uow, uow.tenant_id)
    language = tenant.locale.partition("_")[0] if tenant and listening(uow) is Listening.OWN else ""
    return Recording(found[0], language, tenant.name if tenant else "")


def listening(uow: UnitOfWork) -> Listening:
    tenant = identity.find_tenant(uow, uow.tenant_id)
    return Listening(tenant.settings.get("voice_notes") or Listening.OWN) if tenant else Listening.OWN
