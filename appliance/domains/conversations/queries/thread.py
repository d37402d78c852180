import hmac
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from appliance.core import crypto
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations.errors import ContactBlocked, ConversationNotFound, MessageNotFound
from appliance.domains.conversations.rules import delivery, wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import ConversationStatus, Direction, MessageKind, MessageStatus, Sender

MOST_CHANGES = 50  # of one mind: what failed to be taken back still stands, however often that was tried
MOST_MEMBERS = 1100  # a group has 1,024 at most, each with one reaction that stands
_IS_SAID = Message.kind != MessageKind.REACTION


def get_conversation(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    return required(uow.session.get(Conversation, conversation_id), ConversationNotFound)


def list_by_id(uow: UnitOfWork, conversation_ids: Collection[UUID]) -> Sequence[Conversation]:
    return uow.session.scalars(select(Conversation).where(Conversation.id.in_(conversation_ids))).all()


def numbers_of(uow: UnitOfWork, message_ids: Collection[UUID]) -> dict[UUID, int]:
    """Where in its conversation each of them stands."""
    rows = uow.session.execute(select(Message.id, Message.number).where(Message.id.in_(message_ids)))
    return {row.id: row.number for row in rows}


def lock_conversation(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """The row, held until the unit ends: whoever changes a conversation goes through here, one at a time."""
    return required(uow.session.scalar(locked(select(Conversation).where(Conversation.id == conversation_id))), ConversationNotFound)


def lock_unblocked(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    """The same; raises ContactBlocked."""
    conversation = lock_conversation(uow, conversation_id)
    if conversation.status is ConversationStatus.BLOCKED:
        raise ContactBlocked
    return conversation


def get_message(uow: UnitOfWork, message_id: UUID) -> Message:
    return required(uow.session.get(Message, message_id), MessageNotFound)


def lock_message(uow: UnitOfWork, message_id: UUID) -> Message:
    return required(uow.session.scalar(locked(select(Message).where(Message.id == message_id))), MessageNotFound)


def thread_key(uow: UnitOfWork, address: str) -> str:
    """A keyed hash: an address can be found again but not read from the database."""
    key = crypto.derive(uow.box.keys.tenant_key(uow.tenant_id), "threads")
    return hmac.new(key, address.encode(), sha256).hexdigest()


def find_thread(uow: UnitOfWork, channel_id: UUID, address: str) -> UUID | None:
    """The conversation with this address."""
    own = select(Conversation.id).where(Conversation.channel_id == channel_id, Conversation.thread_key == thread_key(uow, address))
    return uow.session.scalar(own)


def find_of_contact(uow: UnitOfWork, channel_id: UUID, contact_id: UUID) -> Conversation | None:
    """The last one with this person alone, under whichever address."""
    own = select(Conversation).where(
        Conversation.channel_id == channel_id, Conversation.contact_id == contact_id, ~Conversation.is_group
    )
    return uow.session.scalar(own.order_by(Conversation.last_message_at.desc()).limit(1))


def get_thread(uow: UnitOfWork, channel_id: UUID, address: str) -> UUID:
    return required(find_thread(uow, channel_id, address), ConversationNotFound)


def find_by_provider_id(uow: UnitOfWork, channel_id: UUID, provider_id: str) -> Message | None:
    return uow.session.scalar(select(Message).where(Message.channel_id == channel_id, Message.provider_message_id == provider_id))


def find_messages(uow: UnitOfWork, message_ids: Collection[UUID]) -> dict[UUID, Message]:
    return {row.id: row for row in uow.session.scalars(select(Message).where(Message.id.in_(message_ids)))} if message_ids else {}


def list_reactions(uow: UnitOfWork, message_ids: Collection[UUID], *, ours: bool = False) -> Sequence[Message]:
    """To these messages, in the order in which they were made: of one person the last counts, an empty one takes back.

    Of each message, and of each side, only the newest: as many as may still count.
    """
    newest = func.row_number().over(
        partition_by=(Message.reply_to_id, Message.direction), order_by=(Message.occurred_at.desc(), Message.number.desc())
    )
    made = select(Message, Conversation.is_group, newest.label("age")).join(Conversation, Conversation.id == Message.conversation_id)
    made = made.where(_is_reaction(), Message.reply_to_id.in_(message_ids), Message.status != MessageStatus.CANCELLED)
    if ours:
        made = made.where(Message.direction == Direction.OUTBOUND)
    ranked = made.subquery()
    counts = or_(ranked.c.age <= MOST_CHANGES, and_(ranked.c.is_group, ranked.c.age <= MOST_MEMBERS))
    reaction = aliased(Message, ranked)
    return uow.session.scalars(select(reaction).where(counts).order_by(reaction.occurred_at, reaction.number)).all() if message_ids else []


def _is_reaction() -> ColumnElement[bool]:
    """Spelt out in the statement, or the index of reactions is not used."""
    return Message.kind == bindparam(None, MessageKind.REACTION, literal_execute=True)


def list_messages(
    uow: UnitOfWork, conversation_id: UUID, *, before: int | None = None, after: int | None = None, limit: int = 50, lines: bool = False
) -> list[Message]:
    """Oldest first. Without a cursor the newest `limit`; `before` and `after` are message numbers. `lines`: without reactions to what
    is here, which are seen beside it.
    """
    statement = select(Message).where(Message.conversation_id == conversation_id).limit(limit)
    if lines:
        statement = statement.where(or_(_IS_SAID, Message.reply_to_id.is_(None)))
    if after is not None:
        return list(uow.session.scalars(statement.where(Message.number > after).order_by(Message.number)))
    if before is not None:
        statement = statement.where(Message.number < before)
    return list(uow.session.scalars(statement.order_by(Message.number.desc())))[::-1]


def list_last_ids(uow: UnitOfWork, conversation_id: UUID, *, limit: int, up_to: int | None = None) -> list[str]:
    """What the provider calls the contact's last messages, none later than number `up_to`, oldest first."""
    own = select(Message.provider_message_id).where(
        Message.conversation_id == conversation_id, Message.direction == Direction.INBOUND, Message.provider_message_id.is_not(None),
        _IS_SAID,
    )  # fmt: skip
    own = own if up_to is None else own.where(Message.number <= up_to)
    found = uow.session.scalars(own.order_by(Message.number.desc()).limit(limit))
    return [one for one in found if one][::-1]


def count_after(uow: UnitOfWork, conversation_id: UUID, number: int) -> int:
    """The contact's messages that came after this one, reactions left out."""
    later = Message.conversation_id == conversation_id, Message.direction == Direction.INBOUND, Message.number > number
    return uow.session.scalar(select(func.count(Message.id)).where(*later, _IS_SAID)) or 0


def list_unanswered(uow: UnitOfWork, conversation: Conversation, *, limit: int = 20) -> list[Message]:
    """The contact's messages nobody has answered yet, oldest first; only the newest `limit` of a flood.

    Not what they took back, nor what asks nothing: a reaction.
    """
    statement = (
        select(Message)
        .where(
            Message.conversation_id == conversation.id,
            Message.number > conversation.answered_number,
            Message.direction == Direction.INBOUND,
            _IS_SAID,
            Message.deleted_at.is_(None),
        )
        .order_by(Message.number.desc())
        .limit(limit)
    )
    return list(uow.session.scalars(statement))[::-1]


def list_recent(uow: UnitOfWork, conversation_id: UUID, *, before: int, limit: int = 8) -> list[Message]:
    """What was said just before message `before`, notes and reactions left out, oldest first."""
    statement = (
        select(Message)
        .where(Message.conversation_id == conversation_id, Message.number < before, Message.direction != Direction.INTERNAL, _IS_SAID)
        .order_by(Message.number.desc())
        .limit(limit)
    )
    return list(uow.session.scalars(statement))[::-1]


def list_stuck(uow: UnitOfWork, *, older_than: timedelta, limit: int = 100) -> Sequence[Message]:
    """Messages that were handed out for sending so long ago and of which nothing was heard; box scope for all tenants."""
    statement = (
        select(Message)
        .where(Message.status == MessageStatus.SENDING, Message.created_at < uow.now - older_than)
        .order_by(Message.created_at)
        .limit(limit)
    )
    return uow.session.scalars(statement).all()


def is_window_open(uow: UnitOfWork, conversation: Conversation) -> bool:
    """Whether the contact wrote so lately that free text may be sent."""
    return delivery.is_window_open(last_inbound_at=conversation.last_inbound_at, window_hours=conversation.window_hours, now=uow.now)


def window_closes_at(conversation: Conversation) -> datetime | None:
    return delivery.window_closes_at(last_inbound_at=conversation.last_inbound_at, window_hours=conversation.window_hours)


def has_conversations(uow: UnitOfWork, channel_id: UUID | None = None) -> bool:
    """By this channel, or at all."""
    found = select(Conversation.id).limit(1)
    return uow.session.scalar(found.where(Conversation.channel_id == channel_id) if channel_id else found) is not None


def list_blocked_channels(uow: UnitOfWork, contact_id: UUID) -> Sequence[UUID]:
    """By which this person is not heard; a group is not the person."""
    own = Conversation.contact_id == contact_id, Conversation.status == ConversationStatus.BLOCKED, ~Conversation.is_group
    return uow.session.scalars(select(Conversation.channel_id).where(*own).distinct()).all()


def text_of(message: Message) -> str:
    """What was written, a caption or a chosen answer; empty for a bare picture."""
    return wording.text_of(message.content)


def awaits_words(message: Message) -> bool:
    """A recording that is being written down."""
    return wording.awaits_words(message.content)


def is_spoken(message: Message) -> bool:
    """Its words were heard, not written."""
    return bool(text_of(message)) and not wording.written_in(message.content)


def is_unheard(message: Message) -> bool:
    """A recording of which nobody here knows what is said in it."""
    return message.kind is MessageKind.AUDIO and not wording.is_heard(message.content)


def is_from_contact(message: Message) -> bool:
    return message.direction is Direction.INBOUND


def count_agent_replies(uow: UnitOfWork, conversation_id: UUID, *, since: datetime) -> int:
    counted = select(func.count(Message.id)).where(
        Message.conversation_id == conversation_id, Message.sender == Sender.AGENT_AI, Message.created_at >= since
    )
    return uow.session.scalar(counted) or 0
