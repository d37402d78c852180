"""Somebody ends the mail of a company by the address in it."""

from uuid import UUID

from appliance.core.box import Box
from appliance.core.uow import Actor
from appliance.domains.channels import queries
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.gateways.email import leaving
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people

READER = Actor("contact", name="unsubscribe")


def check_reader(box: Box, channel_id: UUID, token: str) -> tuple[UUID, UUID]:
    """Tenant and contact. Raises ChannelNotFound, also for a token that somebody made up."""
    with box.whole_box("unsubscribe", read_only=True) as uow:
        channel = queries.get_channel(uow, channel_id)
        tenant_id = channel.tenant_id
    contact_id = leaving.contact_of(box, tenant_id, channel_id, token)
    if contact_id is None:
        raise ChannelNotFound
    return tenant_id, contact_id


def unsubscribe(box: Box, channel_id: UUID, token: str) -> None:
    """No more notices and no marketing by this medium; who writes is still answered. Again changes nothing. Raises ChannelNotFound,
    ContactNotFound.
    """
    tenant_id, contact_id = check_reader(box, channel_id, token)
    with box.unit(tenant_id, READER) as uow:
        medium = queries.kind_of(queries.get_channel(uow, channel_id).kind).medium
        contact = people.get_contact(uow, contact_id)
        contacts.opt_out(uow, contact.id, medium, source="unsubscribe", evidence={"channel_id": str(channel_id)})
