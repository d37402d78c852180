"""What a provider may charge for each message: expected when it leaves, corrected once the provider tells."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from appliance.core.ids import new_id
from appliance.core.rows import insert_if_absent
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.rules import prices
from appliance.domains.channels.tables import MessageCharge, MessageTemplate
from appliance.domains.channels.types import Charge, TemplateCategory, TemplateKind, ToldCharge
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.queries import Conversation
from appliance.domains.conversations.types import MessageKind, Outgoing
from appliance.domains.identity import queries as identity


def expect_charge(uow: UnitOfWork, outgoing: Outgoing) -> None:
    """By our own list, until the provider says something."""
    conversation = conversations.get_conversation(uow, outgoing.conversation_id)
    charge = queries.charge_in(uow, conversation, _category_of(uow, outgoing))
    if charge is not None:
        _keep(uow, conversation, outgoing.message_id, uow.now, charge, is_billable=True, is_told=False)


def note_charge(uow: UnitOfWork, channel_id: UUID, told: ToldCharge) -> None:
    """What the provider says holds; of a message that is not ours there is nothing to keep."""
    message = conversations.find_by_provider_id(uow, channel_id, told.provider_id)
    if message is None:
        return
    conversation = conversations.get_conversation(uow, message.conversation_id)
    _keep(uow, conversation, message.id, message.sent_at or told.occurred_at, told.charge, is_billable=told.is_billable, is_told=True)


def drop_expected(uow: UnitOfWork, channel_id: UUID, provider_id: str) -> None:
    """It failed after all: nobody charges for what did not arrive, unless the provider says so."""
    message = conversations.find_by_provider_id(uow, channel_id, provider_id)
    if message is not None:
        own = delete(MessageCharge).where(MessageCharge.message_id == message.id, MessageCharge.is_told.is_(False))
        uow.session.execute(own)


def _category_of(uow: UnitOfWork, outgoing: Outgoing) -> TemplateCategory | None:
    """None: said freely. A template that nobody fetched is taken for the usual kind."""
    if outgoing.kind is not MessageKind.TEMPLATE:
        return None
    named = outgoing.content.get("template", {})
    own = select(MessageTemplate.category).where(
        MessageTemplate.channel_id == outgoing.channel_id, MessageTemplate.kind == TemplateKind.WHATSAPP,
        MessageTemplate.name == str(named.get("name", "")), MessageTemplate.language == str(named.get("language", "")),
    )  # fmt: skip
    return uow.session.scalar(own) or TemplateCategory.UTILITY


def _keep(
    uow: UnitOfWork, conversation: Conversation, message_id: UUID, at: datetime, charge: Charge, *, is_billable: bool, is_told: bool
) -> None:
    said = {"charge": charge, "is_billable": is_billable, "is_told": is_told}
    row = {
        "id": new_id(), "tenant_id": uow.tenant_id, "message_id": message_id, "channel_id": conversation.channel_id,
        "day": at.astimezone(identity.get_zone(uow)).date(), "country": prices.country_of(conversation.address), **said,
    }  # fmt: skip
    insert_if_absent(uow, MessageCharge, row)
    if is_told:
        uow.session.execute(update(MessageCharge).where(MessageCharge.message_id == message_id).values(**said))
