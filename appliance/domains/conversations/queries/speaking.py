"""Whether something may be said in a conversation now."""

from appliance.core.errors import Refused
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.types import ConsentMode, Purpose
from appliance.domains.conversations.errors import ContactBlocked
from appliance.domains.conversations.rules import delivery
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import STALE, ConversationStatus, MessageKind


def check_consent(uow: UnitOfWork, conversation: Conversation, purpose: Purpose | None = None) -> Purpose:
    """Answering what was just written needs no consent; writing to somebody later is a notice. Answers which it is.

    Raises ConsentRefused.
    """
    answering = conversation.last_inbound_at is not None and not is_late(uow, conversation)
    asked = purpose or (Purpose.REPLY if answering else Purpose.SERVICE)
    contacts.check_may_send(uow, conversation.contact_id, conversation.medium, asked)
    return asked


def agrees_to(uow: UnitOfWork, conversation: Conversation, purpose: Purpose) -> bool:
    try:
        check_consent(uow, conversation, purpose)
    except Refused:
        return False
    return True


def is_late(uow: UnitOfWork, conversation: Conversation) -> bool:
    """They wrote more than a day ago: what is said by itself would surprise them."""
    last = conversation.last_inbound_at
    return last is not None and last <= uow.now - STALE


def is_silenced(uow: UnitOfWork, conversation: Conversation) -> bool:
    """They asked not to be written to, and have not written since."""
    return contacts.latest_mode(uow, conversation.contact_id, conversation.medium, Purpose.REPLY) is ConsentMode.OPT_OUT


def find_unwilling(uow: UnitOfWork, conversation: Conversation) -> str:
    """The sentence of the gate, where what people here said stands against a reply; empty where nothing does."""
    try:
        check_consent(uow, conversation)
    except Refused as err:
        return str(err)
    return ""


def check_window(uow: UnitOfWork, conversation: Conversation, kind: MessageKind) -> None:
    """Raises ContactBlocked, WindowClosed."""
    if conversation.status is ConversationStatus.BLOCKED:
        raise ContactBlocked
    delivery.check_window(kind, last_inbound_at=conversation.last_inbound_at, window_hours=conversation.window_hours, now=uow.now)


def check_not_cold(uow: UnitOfWork, conversation: Conversation) -> None:
    """Who never wrote must have agreed to be written to. Raises ConsentRefused."""
    if conversation.last_inbound_at is not None:
        return
    said = contacts.latest_mode(uow, conversation.contact_id, conversation.medium, Purpose.SERVICE)
    if said not in (ConsentMode.OPT_IN, ConsentMode.DOUBLE_OPT_IN):
        contacts.check_may_send(uow, conversation.contact_id, conversation.medium, Purpose.MARKETING)


def refusal_to_begin(uow: UnitOfWork, conversation: Conversation, kind: MessageKind, purpose: Purpose | None = None) -> str:
    """The same of what begins something; the conversation need not be kept yet."""
    try:
        check_not_cold(uow, conversation)
    except Refused as err:
        return str(err)
    return refusal_of(uow, conversation, kind, purpose)


def refusal_of(uow: UnitOfWork, conversation: Conversation, kind: MessageKind, purpose: Purpose | None = None) -> str:
    """The sentence with which it would be refused if it were said now; empty where nothing stands against it."""
    try:
        check_consent(uow, conversation, purpose)
        check_window(uow, conversation, kind)
    except Refused as err:
        return str(err)
    return ""
