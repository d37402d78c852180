"""A conversation as the assist reads it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.agents.types import Line, Speaker
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.types import MessageStatus, Sender

MOST_LINES, LONGEST_LINE = 80, 2000
_SPEAKERS = {Sender.CONTACT: Speaker.CONTACT, Sender.USER: Speaker.PERSON, Sender.AGENT_AI: Speaker.AGENT, Sender.SYSTEM: Speaker.BOX}
_NOT_SAID = (MessageStatus.FAILED, MessageStatus.CANCELLED)


def list_lines(uow: UnitOfWork, conversation_id: UUID) -> tuple[int, list[Line]]:
    """The number of the newest message, and what was said: the newest, cut where it is long.

    Without notes, scores that were given, and what never went out.
    """
    newest = conversations.get_conversation(uow, conversation_id).last_number
    return newest, lines_up_to(uow, conversation_id, newest)


def lines_up_to(uow: UnitOfWork, conversation_id: UUID, newest: int) -> list[Line]:
    """As `list_lines` read them while that was the newest, unless one was changed, deleted or did not go out."""
    scores = conversations.find_scores(uow, conversation_id)
    said = conversations.list_recent(uow, conversation_id, before=newest + 1, limit=MOST_LINES)
    return [
        Line(one.number, _SPEAKERS[one.sender], conversations.text_of(one)[:LONGEST_LINE], one.occurred_at, _names(one.sources))
        for one in said if one.status not in _NOT_SAID and one.number not in scores
    ]  # fmt: skip


def _names(sources: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(source.get("document_name") or "") for source in sources or ()))
