"""Who asks to be written to no more, and who writes again after that."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from appliance.core import i18n
from appliance.core.i18n import gettext as _
from appliance.core.ids import first_id_at
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as contact_queries
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import promises
from appliance.domains.conversations.actions.handle import end_waiting
from appliance.domains.conversations.actions.speak import confirm_from_box
from appliance.domains.conversations.events import ConversationChanged, MessageStatusChanged, SilenceAsked
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import Direction, MessageKind, MessageStatus, Topic

MOST_READ = 50
CLOCKS_APART = timedelta(hours=1)  # at most, ours and the provider's


def heed_stops(uow: UnitOfWork, by_id: Mapping[UUID, Conversation], stored: Sequence[Message]) -> None:
    """The last word counts, by when it was written and not by when it comes."""
    silenced = contact_queries.find_silenced(uow, {conversation.contact_id for conversation in by_id.values()})
    for message in stored:
        conversation = by_id[message.conversation_id]
        place = (conversation.contact_id, conversation.medium)
        if stop_if_asked(uow, conversation, message):
            silenced[place] = _said_at(uow, message)
        elif place not in silenced:
            continue
        elif _is_word(uow, conversation, message) and message.occurred_at >= silenced[place]:
            contacts.hear_again(uow, *place, evidence={"message_id": str(message.id)})
            del silenced[place]
        else:
            conversation.answered_number = max(conversation.answered_number, message.number)
            hush(uow, conversation)


def stop_if_asked(uow: UnitOfWork, conversation: Conversation, message: Message) -> bool:
    """SAIR, STOP and "para de me mandar mensagem" opt out in the same transaction that stores them and are confirmed once.

    True where the message asks for nothing else and is their last word: it goes unanswered, and so does all before it. In a group nobody
    speaks for the others, nor does who writes a mail into somebody's thread.
    """
    if not _is_by_contact(uow, conversation, message):
        return False
    text = wording.text_of(message.content)
    asked = contact_queries.find_stop(uow, text) if text else None
    if asked is None:
        return False
    message.topic, message.signals = Topic.OPT_OUT, []
    later = _words_after(uow, conversation, message) if asked.is_all else []
    is_last = asked.is_all and not later
    if asked.is_all:
        owed = min((one.number for one in later if one.conversation_id == conversation.id), default=message.number + 1)
        conversation.answered_number = max(conversation.answered_number, min(message.number, owed - 1))
    is_new = contacts.opt_out(
        uow, conversation.contact_id, conversation.medium, source="message", evidence={"message_id": str(message.id), "text": text},
        silent_from=_said_at(uow, message) if is_last else None,
    )  # fmt: skip
    if is_last:
        _leave_alone(uow, conversation)
    if is_new:
        with i18n.in_locale(asked.language):
            said = _("Done: we will not write to you again. If you need us, just send a message here.")
            confirm_from_box(uow, conversation.id, said)
    return is_last


def hush(uow: UnitOfWork, conversation: Conversation) -> None:
    """Nobody may answer who asked for silence: nobody is called, and nothing is promised."""
    promises.drop(uow, conversation)
    if conversation.waiting_since is not None:
        end_waiting(uow, conversation)
        conversation.handoff_reason = None
        uow.emit(ConversationChanged(conversation.id))


def keep_silence(uow: UnitOfWork, conversation_id: UUID) -> None:
    """They asked for it in another thread: what they wrote here before goes unanswered. Nothing is done where they have written since."""
    conversation = queries.lock_conversation(uow, conversation_id)
    silent = contact_queries.find_silenced(uow, [conversation.contact_id])
    since = silent.get((conversation.contact_id, conversation.medium))
    if since is None:
        return
    waiting = Message.conversation_id == conversation.id, Message.number > conversation.answered_number
    before = select(func.max(Message.number)).where(*waiting, Message.direction == Direction.INBOUND, Message.occurred_at <= since)
    conversation.answered_number = uow.session.scalar(before) or conversation.answered_number
    hush(uow, conversation)
    _withdraw(uow, conversation)


def _is_word(uow: UnitOfWork, conversation: Conversation, message: Message) -> bool:
    return wording.is_word(message.kind, message.content) and _is_by_contact(uow, conversation, message)


def _is_by_contact(uow: UnitOfWork, conversation: Conversation, message: Message) -> bool:
    """Anybody can write a mail into a thread, and in anybody's name."""
    mail = message.content.get("mail") or {}
    if conversation.is_group or mail.get("forged"):
        return False
    if not mail.get("from"):
        return True
    person = contact_queries.get_contact(uow, conversation.contact_id)
    return contact_queries.is_theirs(uow, person.id, Identity(IdentityKind.EMAIL, str(mail["from"])))


def _said_at(uow: UnitOfWork, message: Message) -> datetime:
    return min(message.edited_at or message.occurred_at, uow.now)


def _theirs(uow: UnitOfWork, conversation: Conversation) -> Sequence[ColumnElement[bool]]:
    """Their threads on this channel, also of before they were merged."""
    person = contact_queries.get_contact(uow, conversation.contact_id)
    names = contact_queries.list_with_merged(uow, person.id)
    return Conversation.contact_id.in_(names), Conversation.medium == conversation.medium, ~Conversation.is_group


def _words_after(uow: UnitOfWork, conversation: Conversation, stop: Message) -> list[Message]:
    """What they wrote after it and came before it, or with it; that too may ask for silence, and does so by itself."""
    own, at = select(Conversation.id).where(*_theirs(uow, conversation)), _said_at(uow, stop)
    since = or_(Message.occurred_at > at, and_(Message.occurred_at == at, Message.id > stop.id))
    # ids grow with time: the primary key finds where to begin, not the first message that the company ever had
    lately = Message.id >= first_id_at(at - CLOCKS_APART)
    written = select(Message).where(
        lately, Message.conversation_id.in_(own), Message.direction == Direction.INBOUND, Message.kind != MessageKind.REACTION, since
    )
    rows = uow.session.scalars(written.order_by(Message.id).limit(MOST_READ))
    return [row for row in rows if row.id != stop.id and _is_word(uow, conversation, row) and not _is_stop(uow, row)]


def _is_stop(uow: UnitOfWork, message: Message) -> bool:
    asked = contact_queries.find_stop(uow, wording.text_of(message.content))
    return asked is not None and asked.is_all


def _leave_alone(uow: UnitOfWork, conversation: Conversation) -> None:
    """Nobody is called any more, and what still waits to be sent is withdrawn. Each other thread of theirs follows under a lock of its
    own: who held one and waited for another could wait for ever.
    """
    hush(uow, conversation)
    _withdraw(uow, conversation)
    others = select(Conversation.id).where(*_theirs(uow, conversation), Conversation.id != conversation.id)
    uow.emit_all(SilenceAsked(one) for one in uow.session.scalars(others.order_by(Conversation.id)))


def _withdraw(uow: UnitOfWork, conversation: Conversation) -> None:
    waits = Message.conversation_id == conversation.id, Message.status == MessageStatus.QUEUED, Message.purpose.is_not(None)
    withdrawn = uow.session.scalars(
        update(Message)
        .where(*waits)
        .values(status=MessageStatus.CANCELLED, error_code="silenced")
        .returning(Message.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    uow.emit_all(MessageStatusChanged(conversation.id, one, MessageStatus.CANCELLED) for one in withdrawn)
