"""What is said over a linked number is announced, so that programs which listen to it may be told."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.events import DELETED, EDITED, LinkedMessageMoved
from appliance.domains.channels.tables import Channel
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.events import MessageFailed
from appliance.domains.conversations.queries import Message
from appliance.domains.conversations.types import MessageStatus, Outgoing, StatusReport


def tell_said(uow: UnitOfWork, channel: Channel, said: Iterable[tuple[UUID, UUID]]) -> None:
    """`said`: conversation and message of each."""
    if queries.kind_of(channel.kind).linked:
        uow.emit_all(LinkedMessageMoved(channel.id, conversation_id, message_id) for conversation_id, message_id in said)


def tell_reported(uow: UnitOfWork, channel: Channel, report: StatusReport) -> None:
    if not queries.kind_of(channel.kind).linked or not report.provider_id:
        return
    found = conversations.find_by_provider_id(uow, channel.id, report.provider_id)
    if found is not None:
        uow.emit(LinkedMessageMoved(channel.id, found.conversation_id, found.id, report.status))


def tell_revised(uow: UnitOfWork, channel: Channel, message: Message) -> None:
    if queries.kind_of(channel.kind).linked:
        status = DELETED if message.deleted_at else EDITED
        uow.emit(LinkedMessageMoved(channel.id, message.conversation_id, message.id, status))


def tell_sent(uow: UnitOfWork, outgoing: Outgoing) -> None:
    if _is_linked(uow, outgoing.channel_id):
        uow.emit(LinkedMessageMoved(outgoing.channel_id, outgoing.conversation_id, outgoing.message_id))


def tell_failed(uow: UnitOfWork, message_id: UUID) -> None:
    message = conversations.get_message(uow, message_id)
    if _is_linked(uow, message.channel_id):
        uow.emit(LinkedMessageMoved(message.channel_id, message.conversation_id, message.id, MessageStatus.FAILED))


def tell_all_failed(uow: UnitOfWork, failed: Sequence[tuple[UUID, MessageFailed]]) -> None:
    """`failed`: the channel of each, and what was told of it."""
    linked = {channel_id for channel_id in {channel_id for channel_id, _ in failed} if _is_linked(uow, channel_id)}
    uow.emit_all(
        LinkedMessageMoved(channel_id, one.conversation_id, one.message_id, MessageStatus.FAILED)
        for channel_id, one in failed if channel_id in linked
    )  # fmt: skip


def _is_linked(uow: UnitOfWork, channel_id: UUID) -> bool:
    return queries.kind_of(queries.get_channel(uow, channel_id).kind).linked
