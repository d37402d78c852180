"""Who can be written to first on WhatsApp: by which numbers, at which address, with what."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.queries import templates as kept
from appliance.domains.channels.tables import Channel, MessageTemplate
from appliance.domains.channels.types import WHATSAPP_CLOUD, WHATSAPP_QR, TemplateKind
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.types import IdentityKind
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.queries import Conversation
from appliance.domains.conversations.types import MessageKind

_KINDS = (WHATSAPP_CLOUD, WHATSAPP_QR)


def list_numbers(uow: UnitOfWork, *, limit: int = 100) -> Sequence[Channel]:
    """WhatsApp numbers that may send, those of the Cloud API first."""
    own = select(Channel).where(Channel.kind.in_(_KINDS), Channel.active.is_(True))
    return uow.session.scalars(own.order_by(Channel.kind != WHATSAPP_CLOUD, Channel.created_at).limit(limit)).all()


def pick_number(uow: UnitOfWork, channel_id: UUID | None, contact_id: UUID | None) -> Channel:
    """This one, else the one on which the person was last spoken to, else the first. Raises Refused."""
    numbers = list_numbers(uow)
    if channel_id is not None:
        found = next((one for one in numbers if one.id == channel_id), None)
    else:
        talks = [(one, conversations.find_of_contact(uow, one.id, contact_id)) for one in numbers] if contact_id else []
        spoken = [(talk.last_message_at, one) for one, talk in talks if talk is not None]
        found = max(spoken, key=lambda pair: pair[0])[1] if spoken else next(iter(numbers), None)
    if found is None:
        sentence = _("Choose a WhatsApp number that is switched on.")
        raise Refused(sentence, fields={"channel_id": sentence})
    return found


def account_of(uow: UnitOfWork, template_id: UUID) -> UUID | None:
    """The number that a template of WhatsApp's belongs to; None where any will do. Raises TemplateNotFound."""
    template = kept.get_template(uow, template_id)
    return template.channel_id if template.kind is TemplateKind.WHATSAPP else None


def address_of(uow: UnitOfWork, channel: Channel, contact_id: UUID) -> str:
    """Where this number reaches the person: where they talk already, else the number they are known by. Raises Refused."""
    talk = conversations.find_of_contact(uow, channel.id, contact_id)
    if talk is not None:
        return talk.address
    known = {identity.kind: identity.value for identity in contacts.list_identities(uow, contact_id)}
    number = known.get(IdentityKind.WHATSAPP) or known.get(IdentityKind.PHONE, "").removeprefix("+")
    if not number:
        sentence = _("This contact has no phone that WhatsApp could reach.")
        raise Refused(sentence, fields={"contact_id": sentence})
    return number


def imagine_talk(uow: UnitOfWork, channel: Channel, contact_id: UUID) -> Conversation:
    """The conversation with the person there, or what it would be; that one is not kept. Raises Refused."""
    kind = gateway_of(channel.kind).kind
    return conversations.find_of_contact(uow, channel.id, contact_id) or Conversation(
        tenant_id=uow.tenant_id, contact_id=contact_id, channel_id=channel.id, channel_kind=channel.kind, medium=kind.medium,
        address=address_of(uow, channel, contact_id), window_hours=kind.window_hours, is_group=False,
    )  # fmt: skip


def refusal_to_begin(uow: UnitOfWork, talk: Conversation, template: MessageTemplate | None) -> str:
    """Why neither this template nor (None) words of one's own may begin it now; empty where nothing stands against it."""
    if template is None or talk.channel_kind != WHATSAPP_CLOUD:
        return conversations.refusal_to_begin(uow, talk, MessageKind.TEXT, kept.purpose_of(template) if template else None)
    return conversations.refusal_to_begin(uow, talk, MessageKind.TEMPLATE, kept.purpose_of(template))
