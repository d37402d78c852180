from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.tables import ConversationSummary


def find_summary(uow: UnitOfWork, conversation_id: UUID, language: str) -> ConversationSummary | None:
    """Whatever was written last; `up_to_number` tells whether it is still true."""
    own = select(ConversationSummary).where(
        ConversationSummary.conversation_id == conversation_id, ConversationSummary.language == language
    )
    return uow.session.scalar(own)
