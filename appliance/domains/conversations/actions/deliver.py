"""The outbound state machine. `begin_sending` is committed before the outside is called; what follows is committed after."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select, update

from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import told
from appliance.core.rows import bring_forward, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.types import Purpose
from appliance.domains.conversations import queries
from appliance.domains.conversations.events import MessageFailed, MessageQueued, MessageReacted, MessageStatusChanged
from appliance.domains.conversations.queries import reached
from appliance.domains.conversations.rules import delivery, wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import (
    STALE,
    ConversationStatus,
    Direction,
    Handling,
    MessageKind,
    MessageStatus,
    Outgoing,
    Quoted,
    Sender,
    StatusReport,
    Wait,
)

_ON_ITS_WAY = frozenset({MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNCONFIRMED})
_GONE_OUT = frozenset({MessageStatus.SENT, *delivery.REACHED})


def begin_sending(uow: UnitOfWork, message_id: UUID) -> Outgoing | None:
    """Claim the message for one attempt. None when it must not be sent (again), as when its contact refused it since it was queued.

    Found still `sending`, the attempt before died between the call and its commit: nobody knows whether the provider
    has it, so it becomes `unconfirmed` and is never sent blindly again.
    """
    message = queries.lock_message(uow, message_id)
    conversation = queries.get_conversation(uow, message.conversation_id)
    if message.status is MessageStatus.SENDING:
        _unconfirmed(uow, message)
        return None
    if message.status is not MessageStatus.QUEUED:
        return None
    if message.sender is Sender.AGENT_AI and conversation.handling is Handling.HUMAN:
        _move(uow, message, MessageStatus.CANCELLED, code="taken_over")
        return None
    if conversation.status is ConversationStatus.BLOCKED:
        _move(uow, message, MessageStatus.CANCELLED, code="blocked")
        return None
    try:
        if message.purpose is not None:
            queries.check_consent(uow, conversation, message.purpose)
    except ConsentRefused as err:
        _move(uow, message, MessageStatus.CANCELLED, code=err.objection, error=err)
        return None
    message.attempts += 1
    _move(uow, message, MessageStatus.SENDING)
    return _outgoing(uow, conversation, message)


def confirm_sent(uow: UnitOfWork, message_id: UUID, provider_id: str) -> None:
    """The provider took it. Also heals a message that was declared unconfirmed meanwhile."""
    message = queries.lock_message(uow, message_id)
    message.provider_message_id = message.provider_message_id or provider_id
    if delivery.is_progress(message.status, MessageStatus.SENT):
        message.sent_at = uow.now
        _move(uow, message, MessageStatus.SENT)


def hold_until(uow: UnitOfWork, message_id: UUID, turn: datetime) -> None:
    """The channel gave this message its turn; it keeps it over later attempts."""
    queries.lock_message(uow, message_id).send_after = turn


def heed_put_back(uow: UnitOfWork, by: timedelta) -> None:
    """Turns of before lie too far ahead, and so does what was said then."""
    bring_forward(uow, Message.send_after, by, Message.status == MessageStatus.QUEUED)
    bring_forward(uow, Conversation.last_inbound_at, by, Conversation.last_inbound_at > uow.now + delivery.MOST_BEHIND)


def note_waiting(uow: UnitOfWork, message_id: UUID, why: Wait) -> None:
    """It stays queued, and says what for."""
    message = queries.lock_message(uow, message_id)
    if message.status is MessageStatus.QUEUED and message.error_code != why:
        _move(uow, message, MessageStatus.QUEUED, code=why, error=delivery.WAITS[why])


def give_back(uow: UnitOfWork, message_id: UUID, *, error: object) -> None:
    """The attempt surely did not reach the provider: queued again for a later one."""
    message = queries.lock_message(uow, message_id)
    if message.status is MessageStatus.SENDING:
        _move(uow, message, MessageStatus.QUEUED, code="unavailable", error=error)


def mark_failed(uow: UnitOfWork, message_id: UUID, *, code: str, error: object) -> None:
    message = queries.lock_message(uow, message_id)
    if delivery.is_progress(message.status, MessageStatus.FAILED):
        _move(uow, message, MessageStatus.FAILED, code=code, error=error)
        uow.emit(MessageFailed(message.conversation_id, message.id, MessageStatus.FAILED))


def fail_stale(uow: UnitOfWork, *, code: str, error: object) -> list[tuple[UUID, MessageFailed]]:
    """What has waited for more than a day, by its channel and in the order of each conversation; not what has its turn yet to come.

    However much that is, one statement sees to it that none of it leaves.
    """
    is_due = or_(Message.send_after.is_(None), Message.send_after <= uow.now)
    own = Message.tenant_id == uow.tenant_id, Message.status == MessageStatus.QUEUED, Message.created_at <= uow.now - STALE
    failing = update(Message).where(*own, is_due).values(status=MessageStatus.FAILED, error_code=code, error=told(error))
    rows = uow.session.execute(
        failing.returning(Message.conversation_id, Message.number, Message.id, Message.channel_id, Message.kind, Message.reply_to_id)
        .execution_options(synchronize_session="fetch")
    ).all()  # fmt: skip
    failed = sorted(rows, key=lambda one: (one.conversation_id, one.number))
    as_failed = MessageStatus.FAILED
    uow.emit_all(event for one in failed for event in _told_of(one.conversation_id, one.id, one.kind, one.reply_to_id, as_failed))
    found = [(one.channel_id, MessageFailed(one.conversation_id, one.id, as_failed)) for one in failed]
    uow.emit_all(event for _, event in found)
    return found


def mark_unconfirmed(uow: UnitOfWork, message_id: UUID) -> None:
    message = queries.lock_message(uow, message_id)
    if message.status is MessageStatus.SENDING:
        _unconfirmed(uow, message)


def retry_message(uow: UnitOfWork, message_id: UUID) -> Message:
    """A person decided: send a failed or unconfirmed message once more."""
    message = queries.lock_message(uow, message_id)
    if message.status not in delivery.RETRIABLE:
        raise Conflict(_("Only a message that failed, or that nobody confirmed, can be sent again."))
    conversation = queries.get_conversation(uow, message.conversation_id)
    message.purpose = queries.check_consent(uow, conversation, message.purpose if message.purpose is Purpose.MARKETING else None)
    queries.check_window(uow, conversation, message.kind)
    message.provider_message_id, message.send_after, message.attempts = None, None, 0
    if message.kind is MessageKind.REACTION:
        message.occurred_at = uow.now  # the one that is sent last counts
    _move(uow, message, MessageStatus.QUEUED)
    uow.emit(MessageQueued(message.conversation_id, message.id))
    return message


def apply_status(uow: UnitOfWork, channel_id: UUID, report: StatusReport) -> bool:
    """What the provider says of a message, in whatever order it says it. False when the message is not ours."""
    message = _reported(uow, channel_id, report)
    if message is None:
        return False
    if report.provider_id and message.provider_message_id is None:
        message.provider_message_id = report.provider_id
    _note_times(message, report)
    if delivery.is_progress(message.status, report.status):
        failed = report.status is MessageStatus.FAILED
        _move(uow, message, report.status, code=report.error_code if failed else None, error=report.error if failed else None)
        if failed:
            uow.emit(MessageFailed(message.conversation_id, message.id, MessageStatus.FAILED))
    return True


def _reported(uow: UnitOfWork, channel_id: UUID, report: StatusReport) -> Message | None:
    found = queries.find_by_provider_id(uow, channel_id, report.provider_id) if report.provider_id else None
    if found is not None:
        return queries.lock_message(uow, found.id) if found.direction is Direction.OUTBOUND else None
    try:
        client_id = UUID(report.client_id or "")
    except ValueError:
        return None
    statement = select(Message).where(
        Message.id == client_id, Message.channel_id == channel_id, Message.direction == Direction.OUTBOUND
    )
    return uow.session.scalar(locked(statement))


def _note_times(message: Message, report: StatusReport) -> None:
    if report.status is MessageStatus.SENT:
        message.sent_at = message.sent_at or report.occurred_at
    if report.status in delivery.REACHED:
        message.delivered_at = message.delivered_at or report.occurred_at
    if report.status in (MessageStatus.READ, MessageStatus.PLAYED):
        message.read_at = message.read_at or report.occurred_at


def _unconfirmed(uow: UnitOfWork, message: Message) -> None:
    _move(uow, message, MessageStatus.UNCONFIRMED, code="unconfirmed")
    uow.emit(MessageFailed(message.conversation_id, message.id, MessageStatus.UNCONFIRMED))


def _move(uow: UnitOfWork, message: Message, status: MessageStatus, *, code: str | None = None, error: object = None) -> None:
    if message.status in _ON_ITS_WAY and status in _GONE_OUT:
        record_sent(uow, message)
    message.status, message.error_code, message.error = status, code, told(error) if error else None
    tell_status(uow, message)


def tell_status(uow: UnitOfWork, message: Message) -> None:
    uow.emit_all(_told_of(message.conversation_id, message.id, message.kind, message.reply_to_id, message.status))


def _told_of(
    conversation_id: UUID, message_id: UUID, kind: MessageKind, reply_to_id: UUID | None, status: MessageStatus
) -> Iterator[object]:
    yield MessageStatusChanged(conversation_id, message_id, status)
    if kind is MessageKind.REACTION:
        yield MessageReacted(conversation_id, reply_to_id or message_id)


def record_sent(uow: UnitOfWork, message: Message) -> None:
    """The person's story has what they were told, once it left."""
    if message.kind is MessageKind.REACTION:
        return
    said = wording.preview_of(message.kind, message.content)
    contact_id = queries.get_conversation(uow, message.conversation_id).contact_id
    contacts.add_timeline_entry(uow, contact_id, kind="message.sent", object_id=message.id, summary=said, happened_at=message.created_at)


def _outgoing(uow: UnitOfWork, conversation: Conversation, message: Message) -> Outgoing:
    return Outgoing(
        message_id=message.id,
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        client_id=str(message.id),
        to=conversation.address,
        kind=message.kind,
        content=reached.content_for_contact(message),
        quoted=_quoted(queries.get_message(uow, message.reply_to_id)) if message.reply_to_id else None,
        attempt=message.attempts,
    )


def _quoted(message: Message) -> Quoted | None:
    """None where the provider does not know it."""
    if not message.provider_message_id:
        return None
    text, author = wording.text_of(reached.content_for_contact(message)), message.content.get("author", {})
    mentions = message.content.get("mentions", ())
    return Quoted(message.provider_message_id, text, message.direction is Direction.OUTBOUND, author.get("jid", ""), mentions)
