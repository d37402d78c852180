from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.events import ConversationSummarised
from appliance.domains.conversations.tables import ConversationSummary


def keep_summary(
    uow: UnitOfWork, conversation_id: UUID, *, language: str, up_to_number: int, content: Mapping[str, object], engine: str
) -> None:
    """In place of an older one; of two that were written at once the one that read further stays."""
    queries.lock_conversation(uow, conversation_id)
    kept = queries.find_summary(uow, conversation_id, language)
    if kept is None:
        kept = ConversationSummary(tenant_id=uow.tenant_id, conversation_id=conversation_id, language=language, up_to_number=0)
        uow.session.add(kept)
    if kept.up_to_number > up_to_number:
        return
    kept.up_to_number, kept.content, kept.engine, kept.written_at = up_to_number, dict(content), engine[:120], uow.now
    uow.session.flush()
    uow.emit(ConversationSummarised(conversation_id))


def forget_summaries(uow: UnitOfWork, conversation_id: UUID) -> None:
    """What they read is not said any more. The conversation must be locked."""
    uow.session.execute(delete(ConversationSummary).where(ConversationSummary.conversation_id == conversation_id))
