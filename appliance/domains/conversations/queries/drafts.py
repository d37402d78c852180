from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.tables import KeptDraft
from appliance.domains.conversations.types import DraftKind


def find_draft(uow: UnitOfWork, conversation_id: UUID, user_id: UUID, kind: DraftKind) -> KeptDraft | None:
    return uow.session.scalar(select(KeptDraft).filter_by(conversation_id=conversation_id, user_id=user_id, kind=kind))


def drafts_of(uow: UnitOfWork, conversation_id: UUID, user_id: UUID | None) -> dict[DraftKind, str]:
    """What this person has begun to write there; an empty text where nothing is."""
    own = uow.session.scalars(select(KeptDraft).filter_by(conversation_id=conversation_id, user_id=user_id))
    return dict.fromkeys(DraftKind, "") | {one.kind: one.text for one in own}
