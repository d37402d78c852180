from uuid import UUID

from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries as people
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.errors import MessageNotFound
from appliance.domains.conversations.types import MessageStatus


def find_unasked(uow: UnitOfWork, awaited_id: UUID) -> str:
    """Why the owner of the mailbox was not asked; empty while the mail is on its way, or was sent. Raises ConfirmationNotFound."""
    awaited = people.get_awaited(uow, awaited_id)
    if awaited.message_id is None:
        return awaited.unsent or ""
    try:
        message = conversations.get_message(uow, awaited.message_id)
    except MessageNotFound:
        return ""
    if message.status not in {MessageStatus.FAILED, MessageStatus.CANCELLED}:
        return ""
    return message.error or gettext("The mail was withdrawn before it was sent.")
