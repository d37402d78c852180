"""A contact who waits for a person hears once that one will come, and when."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from appliance.core import i18n, spoken_times, working_hours
from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Purpose
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions.speak import queue_from_box
from appliance.domains.conversations.queries import promises as made
from appliance.domains.conversations.queries.surveys import locale_of
from appliance.domains.conversations.rules import promises
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import ConversationStatus, Handling, MessageKind
from appliance.domains.identity import queries as identity

REST = timedelta(hours=12)  # who writes, is answered and writes again is not told twice
REST_OF_MAIL = timedelta(days=7)  # RFC 3834, 2: of a sender that anybody may have written there
AMONG_PEOPLE = frozenset({"unassigned", "team", "snooze_over"})  # why it waits again although people had it


def tell_expected(uow: UnitOfWork, conversation_id: UUID, reason: str) -> Message | None:
    """None where there is nobody to tell, nothing that waits for an answer, or they were told."""
    conversation = queries.lock_conversation(uow, conversation_id)
    if reason in AMONG_PEOPLE or _was_told(uow, conversation) or not _expects(uow, conversation):
        return None
    if not queries.agrees_to(uow, conversation, Purpose.SERVICE):
        return None
    locale = locale_of(uow)
    opens = working_hours.next_open(identity.get_calendar(uow), uow.now)
    with i18n.in_locale(locale):
        if opens in {None, uow.now}:
            text, is_open = gettext("Thank you for your message. Someone from our team will answer you here."), True
        else:
            when = spoken_times.in_words(opens or uow.now, uow.now, locale[:2])
            text = gettext("Thank you for your message. Someone from our team will answer you here. We open %(when)s.", when=when)
            is_open = False
    return say_expected(uow, conversation_id, text, locale[:2], is_open=is_open, purpose=Purpose.SERVICE)


def say_expected(
    uow: UnitOfWork, conversation_id: UUID, text: str, language: str, *, is_open: bool, purpose: Purpose | None = None
) -> Message | None:
    """`text` says that a person comes; added to it, while there are people, is by when at the latest, where that is promised.

    None when the window is closed, or the contact blocked or unwilling. `purpose`: what it is for, where that is more than an answer.
    """
    conversation = queries.lock_conversation(uow, conversation_id)
    due = _reply_due_at(uow, conversation) if is_open else None
    said = f"{text} {_promised(uow, due, language)}" if due else text
    shown = conversation.preview, conversation.last_message_at
    message = queue_from_box(uow, conversation, MessageKind.TEXT, {"text": said}, purpose=purpose)
    if message is not None:
        conversation.told_of_person_at = uow.now
        conversation.preview, conversation.last_message_at = shown  # the list shows what waits, and since when
    return message


def _promised(uow: UnitOfWork, due: datetime, language: str) -> str:
    when = spoken_times.in_words(due.astimezone(identity.get_calendar(uow).zone), uow.now, language)
    with i18n.in_locale(language):
        return gettext("You will have an answer %(when)s at the latest.", when=when)


def _reply_due_at(uow: UnitOfWork, conversation: Conversation) -> datetime | None:
    dues = [one.due_at for one in made.list_running(uow, conversation.id) if one.kind in promises.REPLIES and one.due_at]
    return min((due for due in dues if due > uow.now), default=None)


def _expects(uow: UnitOfWork, conversation: Conversation) -> bool:
    """Something that a person wrote in the last day waits for people; no program is told, nobody in a group, and nobody whose name a mail
    only bears.
    """
    if conversation.is_group or conversation.handling is not Handling.HUMAN or conversation.status is not ConversationStatus.OPEN:
        return False
    if queries.is_late(uow, conversation):
        return False
    waiting = queries.list_unanswered(uow, conversation)
    mail: dict[str, object] = next((one.content["mail"] for one in reversed(waiting) if "mail" in one.content), {})
    return bool(waiting) and not (mail.get("automatic") or mail.get("forged"))


def _was_told(uow: UnitOfWork, conversation: Conversation) -> bool:
    """Not long ago; by e-mail: to whichever of our mailboxes they wrote."""
    if conversation.medium is not Medium.EMAIL:
        return conversation.told_of_person_at is not None and conversation.told_of_person_at > uow.now - REST
    own = select(Conversation.id).where(Conversation.contact_id == conversation.contact_id, Conversation.medium == Medium.EMAIL)
    return uow.session.scalar(own.where(Conversation.told_of_person_at > uow.now - REST_OF_MAIL).limit(1)) is not None
