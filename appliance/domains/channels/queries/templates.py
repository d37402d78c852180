"""Templates as they are kept, and as they would be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select

from appliance.core.paging import read_page
from appliance.core.rows import locked, required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page
from appliance.domains.channels.errors import TemplateNotFound
from appliance.domains.channels.queries.prices import cost_in
from appliance.domains.channels.rules import mail_body, pieces, wording
from appliance.domains.channels.rules.templates import asked_of
from appliance.domains.channels.rules.wording import Filled
from appliance.domains.channels.schemas import TemplatesQuery
from appliance.domains.channels.tables import Channel, MessageTemplate
from appliance.domains.channels.types import EMAIL, SENDABLE, WHATSAPP_CLOUD, Cost, Parts, Sample, TemplateCategory, TemplateKind
from appliance.domains.contacts.types import Purpose
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.queries import Conversation
from appliance.domains.conversations.types import MessageKind

_PARTS, _SAMPLE = TypeAdapter(Parts), TypeAdapter(Sample)
OFFERED = 200  # templates in one conversation
PIECES = 100
LOOKED_AT = 2000  # mails and pieces, for those that hold a piece


def get_template(uow: UnitOfWork, template_id: UUID) -> MessageTemplate:
    return required(uow.session.get(MessageTemplate, template_id), TemplateNotFound)


def lock_template(uow: UnitOfWork, template_id: UUID) -> MessageTemplate:
    return required(uow.session.scalar(locked(select(MessageTemplate).where(MessageTemplate.id == template_id))), TemplateNotFound)


def list_templates(uow: UnitOfWork, query: TemplatesQuery) -> Page[MessageTemplate]:
    found = select(MessageTemplate).order_by(MessageTemplate.kind, MessageTemplate.name, MessageTemplate.language)
    if query.kind is not None:
        found = found.where(MessageTemplate.kind == query.kind)
    if query.status is not None:
        found = found.where(MessageTemplate.status == query.status)
    return read_page(uow, found, query)


def parts_of(template: MessageTemplate) -> Parts:
    return _PARTS.validate_python(template.parts)


def sample_of(template: MessageTemplate) -> Sample | None:
    return _SAMPLE.validate_python(template.sample) if template.sample else None


def list_offered(uow: UnitOfWork, conversation: Conversation) -> Sequence[MessageTemplate]:
    """Those that can be sent in this conversation, by name."""
    kind = template_kind(conversation.channel_kind)
    own = select(MessageTemplate).where(MessageTemplate.kind == kind, MessageTemplate.status.in_(SENDABLE))
    if kind is TemplateKind.WHATSAPP:
        own = own.where(MessageTemplate.channel_id == conversation.channel_id)
    found = uow.session.scalars(own.order_by(MessageTemplate.name, MessageTemplate.language).limit(OFFERED))
    return [template for template in found if wording.is_sendable_by_us(parts_of(template))]


def template_kind(channel_kind: str) -> TemplateKind:
    """Which templates a channel of this kind sends."""
    return {WHATSAPP_CLOUD: TemplateKind.WHATSAPP, EMAIL: TemplateKind.EMAIL}.get(channel_kind, TemplateKind.CHAT)


def list_for_mails(uow: UnitOfWork) -> Sequence[MessageTemplate]:
    """Those that a mail can begin with, by name. Advertising begins with nobody."""
    own = select(MessageTemplate).where(MessageTemplate.kind == TemplateKind.EMAIL, MessageTemplate.category != TemplateCategory.MARKETING)
    return uow.session.scalars(own.order_by(MessageTemplate.name, MessageTemplate.language).limit(OFFERED)).all()


def fill_for(uow: UnitOfWork, template: MessageTemplate, contact_id: UUID | None) -> Filled:
    """As it would be said to this person; what is not known is left out."""
    parts = whole_parts(uow, template.kind, parts_of(template))
    return fill(uow, template.kind, parts, values_to(uow, contact_id, template.kind, parts))


def values_to(uow: UnitOfWork, contact_id: UUID | None, kind: TemplateKind, parts: Parts) -> dict[str, str]:
    """What the places hold for this person before anybody types; empty where nobody knows."""
    known = conversations.values_of(uow, contact_id)
    sources = {variable.name: variable.source for variable in parts.variables}
    return {name: known.get(sources.get(name) or name, "") for name in asked_of(kind, parts)}


def fill(uow: UnitOfWork, kind: TemplateKind, parts: Parts, values: Mapping[str, str]) -> Filled:
    """As its reader gets it."""
    if kind not in {TemplateKind.EMAIL, TemplateKind.PIECE}:
        return wording.fill(kind, parts, values)
    whole = wording.without_pieces(parts, _pieces(uow, parts))
    text = "\n\n".join(part for part in (whole.body, whole.footer) if part)
    filled = wording.fill(kind, whole, values)
    return replace(filled, body=mail_body.as_text(text, values), footer="", html=mail_body.as_html(text, values))


def whole_parts(uow: UnitOfWork, kind: TemplateKind, parts: Parts) -> Parts:
    """With the pieces that it is made of in their places."""
    return wording.without_pieces(parts, _pieces(uow, parts)) if kind is TemplateKind.EMAIL else parts


def _pieces(uow: UnitOfWork, parts: Parts) -> dict[str, str]:
    return pieces_of(uow) if "{{>" in parts.body + parts.footer else {}


def pieces_of(uow: UnitOfWork) -> dict[str, str]:
    """The text of each, by name."""
    own = select(MessageTemplate).where(MessageTemplate.kind == TemplateKind.PIECE).order_by(MessageTemplate.name)
    return {piece.name: str(piece.parts.get("body", "")) for piece in uow.session.scalars(own.limit(PIECES))}


def list_uses(uow: UnitOfWork, piece: MessageTemplate) -> Sequence[MessageTemplate]:
    """The mails and pieces that a change of this one changes, by name."""
    holders = pieces.users_of(piece.name, pieces_of(uow))
    mine = MessageTemplate.kind.in_((TemplateKind.EMAIL, TemplateKind.PIECE)), MessageTemplate.id != piece.id
    others = select(MessageTemplate).where(*mine).order_by(MessageTemplate.name, MessageTemplate.language).limit(LOOKED_AT)
    return [other for other in uow.session.scalars(others) if holders.intersection(pieces.held_by(str(other.parts.get("body", ""))))]


@dataclass(frozen=True)
class Offer:
    """A template as it would be said in a conversation now. `cost` None: the channel charges nothing; `refusal`: why it may not be said."""

    template: MessageTemplate
    values: dict[str, str]
    filled: Filled
    cost: Cost | None
    refusal: str


def offer(uow: UnitOfWork, conversation: Conversation, template: MessageTemplate, given: Mapping[str, str]) -> Offer:
    """`given` goes before what the contact's fields say."""
    parts = whole_parts(uow, template.kind, parts_of(template))
    values = {**values_to(uow, conversation.contact_id, template.kind, parts), **given}
    refusal = refusal_of(uow, conversation, template)
    return Offer(template, values, fill(uow, template.kind, parts, values), cost_in(uow, conversation, template.category), refusal)


def purpose_of(template: MessageTemplate) -> Purpose | None:
    """What it is for, where that is more than an answer."""
    return Purpose.MARKETING if template.category is TemplateCategory.MARKETING else None


def refusal_of(uow: UnitOfWork, conversation: Conversation, template: MessageTemplate) -> str:
    """Why it would not leave here now, as far as one can know before; empty where nothing stands against it."""
    kind = MessageKind.TEMPLATE if template.kind is TemplateKind.WHATSAPP else MessageKind.TEXT
    return conversations.refusal_of(uow, conversation, kind, purpose_of(template))


def find_refusals(uow: UnitOfWork, conversation: Conversation, templates: Sequence[MessageTemplate]) -> dict[UUID, str]:
    """Those of them that would not leave here, with why: asked once for each kind and category."""
    alike = {(template.kind, template.category): template for template in templates}
    found = {key: refusal_of(uow, conversation, template) for key, template in alike.items()}
    return {one.id: sentence for one in templates if (sentence := found[one.kind, one.category])}


def list_pieces(uow: UnitOfWork) -> Sequence[str]:
    own = select(MessageTemplate.name).where(MessageTemplate.kind == TemplateKind.PIECE).order_by(MessageTemplate.name)
    return uow.session.scalars(own.limit(PIECES)).all()


def list_template_accounts(uow: UnitOfWork) -> Sequence[Channel]:
    """The numbers whose business account is known: one for each account."""
    own = select(Channel).where(Channel.kind == WHATSAPP_CLOUD, Channel.active).order_by(Channel.created_at)
    return [channel for channel in uow.session.scalars(own.limit(500)) if channel.config.get("waba_id")]
