"""What somebody has begun to write, until it is sent or let go."""

from uuid import UUID

from sqlalchemy import select

from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import insert_if_absent, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.tables import KeptDraft
from appliance.domains.conversations.types import DraftKind


def keep_draft(uow: UnitOfWork, conversation_id: UUID, kind: DraftKind, text: str, *, instead_of: str | None = None) -> None:
    """In place of what was there; an empty one is none. Raises Conflict when `instead_of` is told and something else stands there."""
    queries.get_conversation(uow, conversation_id)
    place = {"conversation_id": conversation_id, "user_id": uow.actor.writer_id, "kind": kind}
    held = locked(select(KeptDraft).filter_by(**place))
    kept = uow.session.scalar(held)
    if kept is None and text.strip():
        insert_if_absent(uow, KeptDraft, {"id": new_id(), "tenant_id": uow.tenant_id, **place, "text": text})
        kept = uow.session.scalar(held)
    if kept is None:
        return
    if instead_of is not None and kept.text not in (text, instead_of):
        raise Conflict(_("You began another text here in another window."))
    if text.strip():
        kept.text = text
    else:
        uow.session.delete(kept)


def forget_sent(uow: UnitOfWork, conversation_id: UUID, user_id: UUID, kind: DraftKind, text: str) -> None:
    """What was sent is no draft any more, nor is its beginning; what was written after it stays."""
    kept = queries.find_draft(uow, conversation_id, user_id, kind)
    if kept is not None and text.strip().startswith(kept.text.strip()):
        uow.session.delete(kept)
