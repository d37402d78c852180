from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.schemas import ConversationOut, MessageOut, SightingOut, SurveyOut
from appliance.domains.conversations.tables import Conversation, ConversationSummary, Message, Sighting, Survey


def export_contact(uow: UnitOfWork, contact_id: UUID) -> Mapping[str, object]:
    """Everything that was said with this person, as JSON-ready values."""
    conversations = uow.session.scalars(select(Conversation).where(Conversation.contact_id == contact_id)).all()
    own = [conversation.id for conversation in conversations]
    messages = select(Message).where(Message.conversation_id.in_(own)).order_by(Message.conversation_id, Message.number)
    summaries = select(ConversationSummary).where(ConversationSummary.conversation_id.in_(own))
    surveys = select(Survey).where(Survey.conversation_id.in_(own)).order_by(Survey.asked_at)
    sightings = select(Sighting).join(Message, Message.id == Sighting.message_id).where(Message.conversation_id.in_(own))
    return {
        "conversations": [ConversationOut.model_validate(row).model_dump(mode="json") for row in conversations],
        "messages": [
            {**MessageOut.model_validate(row).model_dump(mode="json"), "earlier": row.earlier or []}
            for row in uow.session.scalars(messages)
        ],
        "summaries": [
            {"conversation_id": str(row.conversation_id), "written_at": row.written_at.isoformat(), "content": row.content}
            for row in uow.session.scalars(summaries)
        ],
        "surveys": [SurveyOut.model_validate(row).model_dump(mode="json") for row in uow.session.scalars(surveys)],
        "sightings": [SightingOut.model_validate(row).model_dump(mode="json") for row in uow.session.scalars(sightings)],
    }
