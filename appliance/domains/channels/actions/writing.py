from uuid import UUID

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions.offering import send_template
from appliance.domains.channels.actions.receive import route_of
from appliance.domains.channels.schemas import WhatsappIn
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.schemas import MessageOut
from appliance.domains.conversations.types import MessageKind, Person


def begin_whatsapp(uow: UnitOfWork, given: WhatsappIn, *, user_id: UUID) -> MessageOut:
    """In the conversation with this person, or in a new one; through the gate. Raises ConsentRefused, ContactNotFound, Refused.

    Who never wrote must have agreed; where a window is closed or was never open, only an approved template goes.
    """
    contact_id = contacts.get_contact(uow, given.contact_id).id if given.contact_id else _owner_of(uow, given.to)
    channel_id = given.channel_id or (queries.account_of(uow, given.template_id) if given.template_id else None)
    channel = queries.pick_number(uow, channel_id, contact_id)
    address = queries.address_of(uow, channel, contact_id) if contact_id else given.to
    person = Person((Identity(IdentityKind.WHATSAPP, address),))
    talk = conversations.begin(uow, route_of(channel, address), person)
    if given.template_id is None:
        message = conversations.reply(uow, talk.id, user_id=user_id, content={"text": given.text})
    else:
        message = send_template(uow, talk.id, given.template_id, given.values, user_id=user_id)
    return MessageOut.model_validate(message)


def react(uow: UnitOfWork, message_id: UUID, emoji: str, *, user_id: UUID) -> MessageOut:
    """Raises MessageNotFound, Refused."""
    channel = queries.get_channel(uow, threads.get_message(uow, message_id).channel_id)
    kind = queries.kind_of(channel.kind)
    if MessageKind.REACTION not in kind.carries:
        raise Refused(_("A channel of the kind %(kind)s cannot send this kind of message.", kind=kind.title))
    return MessageOut.model_validate(conversations.react(uow, message_id, emoji, user_id=user_id))


def _owner_of(uow: UnitOfWork, number: str) -> UUID | None:
    known = contacts.find_owners(uow, [Identity(IdentityKind.WHATSAPP, number), Identity(IdentityKind.PHONE, f"+{number}")])
    return next(iter(known.values()), None)
