from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.schemas import ConversationOut, MessageOut
from appliance.domains.conversations.tables import Conversation, Message


def export_contact(uow: UnitOfWork, contact_id: UUID) -> Mapping[str, object]:
    """Everything that was said with this person, as JSON-ready values."""
    conversations = uow.session.scalars(select(Conversation).where(Conversation.contact_id == contact_id)).all()
    messages = uow.session.scalars(
        select(Message)
        .where(Message.conversation_id.in_([conversation.id for conversation in conversations]))
        .order_by(Message.conversation_id, Message.number)
    )
    return {
        "conversations": [ConversationOut.model_validate(row).model_dump(mode="json") for row in conversations],
        "messages": [MessageOut.model_validate(row).model_dump(mode="json") for row in messages],
    }
