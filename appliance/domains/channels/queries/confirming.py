from collections.abc import Sequence
from uuid import UUID

from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import AwaitedConsentOut
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.types import MessageStatus


def list_awaited(uow: UnitOfWork, contact_id: UUID) -> list[AwaitedConsentOut]:
    """Still to be confirmed, newest first; `unsent` is empty while the mail is on its way, or was sent."""
    return _with_reasons(uow, [AwaitedConsentOut.model_validate(row) for row in people.list_awaited(uow, contact_id)])


def get_awaited(uow: UnitOfWork, awaited_id: UUID) -> AwaitedConsentOut:
    """Raises ConfirmationNotFound."""
    return _with_reasons(uow, [AwaitedConsentOut.model_validate(people.get_awaited(uow, awaited_id))])[0]


def _with_reasons(uow: UnitOfWork, awaited: Sequence[AwaitedConsentOut]) -> list[AwaitedConsentOut]:
    mails = conversations.find_messages(uow, {one.message_id for one in awaited if one.message_id is not None})
    told = []
    for one in awaited:
        mail, why = mails.get(one.message_id) if one.message_id is not None else None, one.unsent
        if mail is not None and mail.status in {MessageStatus.FAILED, MessageStatus.CANCELLED}:
            why = mail.error or gettext("The mail was withdrawn before it was sent.")
        told.append(one.model_copy(update={"unsent": why}))
    return told
