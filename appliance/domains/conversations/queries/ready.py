"""What stands ready for every conversation: labels, quick replies, macros."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, exists, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute

from appliance.core.rows import required
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations.errors import LabelNotFound, MacroNotFound, QuickReplyNotFound
from appliance.domains.conversations.rules import filling
from appliance.domains.conversations.schemas import QuickReplyOut
from appliance.domains.conversations.tables import Conversation, Label, Macro, QuickReply
from appliance.domains.identity import queries as identity

MOST = 200


def list_labels(uow: UnitOfWork) -> Sequence[Label]:
    return uow.session.scalars(select(Label).order_by(func.lower(Label.name)).limit(MOST)).all()


def list_quick_replies(uow: UnitOfWork) -> Sequence[QuickReply]:
    return uow.session.scalars(select(QuickReply).order_by(QuickReply.shortcut).limit(MOST)).all()


def list_macros(uow: UnitOfWork) -> Sequence[Macro]:
    return uow.session.scalars(select(Macro).order_by(func.lower(Macro.name)).limit(MOST)).all()


def get_label(uow: UnitOfWork, label_id: UUID) -> Label:
    return required(uow.session.get(Label, label_id), LabelNotFound)


def get_quick_reply(uow: UnitOfWork, quick_reply_id: UUID) -> QuickReply:
    return required(uow.session.get(QuickReply, quick_reply_id), QuickReplyNotFound)


def get_macro(uow: UnitOfWork, macro_id: UUID) -> Macro:
    return required(uow.session.get(Macro, macro_id), MacroNotFound)


def list_filled_replies(uow: UnitOfWork, conversation: Conversation) -> list[QuickReplyOut]:
    """As they would be said in this conversation, by who asks."""
    values = values_for(uow, conversation)
    return [
        QuickReplyOut(id=row.id, shortcut=row.shortcut, text=filling.filled(row.text, values)) for row in list_quick_replies(uow)
    ]


def values_for(uow: UnitOfWork, conversation: Conversation) -> dict[str, str]:
    return values_of(uow, conversation.contact_id)


def values_of(uow: UnitOfWork, contact_id: UUID | None) -> dict[str, str]:
    """What is filled in for this person, by who asks; None: nobody known."""
    person = contacts.find_contacts(uow, [contact_id]).get(contact_id) if contact_id else None
    name = (person.name if person else None) or ""
    company = identity.find_tenant(uow, uow.tenant_id)
    me = identity.names_of(uow, [uow.actor.id]).get(uow.actor.id, "") if uow.actor.id else ""
    return {
        "contact.first_name": filling.first_name(name),
        "contact.name": name,
        "contact.company": (person.company if person else None) or "",
        "me.first_name": filling.first_name(me),
        "me.name": me,
        "company": company.name if company else "",
    }


def holds(uow: UnitOfWork, words: InstrumentedAttribute[list[str]], name: str) -> ColumnElement[bool]:
    """Whether it is one of the words that a conversation keeps there, as each database looks into a list."""
    if uow.box.database.is_postgresql:
        return cast(words, JSONB).contains([name])
    each = func.json_each(words).table_valued("value").alias("filed")
    return exists(select(1).select_from(each).where(cast(each.c.value, String) == name))
