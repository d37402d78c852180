from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from appliance.core import files
from appliance.core.ids import new_id
from appliance.core.rows import locked
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import promises, surveys
from appliance.domains.conversations.actions.append import Draft, append
from appliance.domains.conversations.actions.handle import await_person, open_again
from appliance.domains.conversations.actions.listen import note_file
from appliance.domains.conversations.actions.remember import remember_words
from appliance.domains.conversations.actions.stop import heed_stops
from appliance.domains.conversations.events import ConversationOpened, MessageMediaStored, MessageReacted, MessageReceived
from appliance.domains.conversations.queries import surveys as asked
from appliance.domains.conversations.rules import delivery, wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import (
    Arrival,
    ConversationStatus,
    Direction,
    Handling,
    Incoming,
    MessageKind,
    Person,
    Priority,
    Route,
    Sender,
)

Place = tuple[UUID, str]  # channel, thread key


def receive_messages(uow: UnitOfWork, arrivals: Sequence[Arrival]) -> list[Message]:
    """Store what people wrote, in order. What was stored before (same provider id) is left out of the answer.

    All at once: a webhook brings many messages, and webhooks that come together are written together.
    """
    threads = _lock_threads(uow, arrivals)
    for place, arrival in _places(uow, arrivals):
        if place not in threads:
            threads[place] = open_conversation(uow, arrival.route, arrival.person)
    known = _known(uow, arrivals)
    stored: list[Message] = []
    for place, arrival in _places(uow, arrivals):
        fresh = [message for message in arrival.messages if (place[0], message.provider_id) not in known]
        known.update((place[0], message.provider_id) for message in fresh)
        unique = {message.provider_id: message for message in fresh}
        rest = list(unique.values())
        said = [message for message in rest if message.kind is not MessageKind.REACTION]
        is_heard = threads[place].status is not ConversationStatus.BLOCKED
        if said and is_heard and (answer := asked.find_answer(uow, threads[place], said[0])):
            rest.remove(said[0])
            stored.append(_store_answer(uow, threads[place], said.pop(0), answer))
        if said:
            _refresh(uow, threads[place], arrival.route, max(message.occurred_at for message in said))
        elif rest:
            stay_closed(uow, threads[place])
        stored += [_store(uow, threads[place], message) for message in rest]
    uow.session.flush()
    remember_words(uow, stored)
    by_id = {thread.id: thread for thread in threads.values()}
    heed_stops(uow, by_id, stored)
    _begin_clocks(uow, by_id, stored)
    uow.emit_all(_news_of(message) for message in stored)
    return stored


def _news_of(message: Message) -> MessageReceived | MessageReacted:
    """Nobody answers a reaction, nor is anybody called by it."""
    if message.kind is MessageKind.REACTION:
        return MessageReacted(message.conversation_id, message.reply_to_id or message.id)
    return MessageReceived(message.conversation_id, message.id)


def stay_closed(uow: UnitOfWork, conversation: Conversation) -> None:
    """One that begins with a reaction waits for nobody."""
    if conversation.last_number == 0:
        conversation.status, conversation.resolved_at = ConversationStatus.RESOLVED, uow.now


def _begin_clocks(uow: UnitOfWork, by_id: Mapping[UUID, Conversation], stored: Sequence[Message]) -> None:
    """Of conversations that people have, with something to answer: no reaction, no wish to be left alone, no score that we asked for.

    Nobody is promised an answer to what is said in a group.
    """
    asking = [message for message in stored if message.kind is not MessageKind.REACTION]
    for conversation_id in dict.fromkeys(message.conversation_id for message in asking):
        conversation = by_id[conversation_id]
        newest = max(message.number for message in asking if message.conversation_id == conversation_id)
        is_owed = conversation.handling is Handling.HUMAN and newest > conversation.answered_number
        if is_owed and not conversation.is_group and conversation.status is not ConversationStatus.BLOCKED:
            promises.begin(uow, conversation)


def _places(uow: UnitOfWork, arrivals: Sequence[Arrival]) -> list[tuple[Place, Arrival]]:
    return [((arrival.route.channel_id, queries.thread_key(uow, arrival.route.address)), arrival) for arrival in arrivals]


def _lock_threads(uow: UnitOfWork, arrivals: Sequence[Arrival]) -> dict[Place, Conversation]:
    """Those that exist, locked in one order by everybody, so that two writers never wait for each other."""
    places = [place for place, _ in _places(uow, arrivals)]
    statement = select(Conversation).where(
        Conversation.channel_id.in_({channel_id for channel_id, _ in places}), Conversation.thread_key.in_({key for _, key in places})
    )
    held = uow.session.scalars(locked(statement.order_by(Conversation.id)))
    return {(row.channel_id, row.thread_key): row for row in held}


def find_locked(uow: UnitOfWork, route: Route) -> Conversation | None:
    statement = select(Conversation).where(
        Conversation.channel_id == route.channel_id, Conversation.thread_key == queries.thread_key(uow, route.address)
    )
    return uow.session.scalar(locked(statement))


def open_conversation(uow: UnitOfWork, route: Route, person: Person) -> Conversation:
    try:
        with uow.session.begin_nested():
            contact_id = _contact_of(uow, person)
            moved = _find_of_contact(uow, route, contact_id)
            if moved is not None:
                moved.address, moved.thread_key = route.address, queries.thread_key(uow, route.address)
                return moved
            conversation = _new(uow, route, contact_id)
            uow.session.add(conversation)
            uow.session.flush()
    except IntegrityError:  # somebody else opened it a moment ago
        found = find_locked(uow, route)
        if found is None:
            raise
        return found
    uow.emit(ConversationOpened(conversation.id, contact_id))
    return conversation


def _contact_of(uow: UnitOfWork, person: Person) -> UUID:
    fields = ContactFields(name=person.name) if person.name else None
    return contacts.upsert_contact(uow, person.identities, fields=fields, one_person=True).id


def _find_of_contact(uow: UnitOfWork, route: Route, contact_id: UUID) -> Conversation | None:
    """The same person under another address of this channel: a new number, or an id in place of a number."""
    if route.is_group:
        return None
    own = select(Conversation).where(
        Conversation.channel_id == route.channel_id, Conversation.contact_id == contact_id, ~Conversation.is_group
    )
    blocked_first = (Conversation.status == ConversationStatus.BLOCKED).desc()
    return uow.session.scalar(locked(own.order_by(blocked_first, Conversation.last_message_at.desc()).limit(1)))


def _new(uow: UnitOfWork, route: Route, contact_id: UUID) -> Conversation:
    return Conversation(
        id=new_id(), tenant_id=uow.tenant_id, contact_id=contact_id, channel_id=route.channel_id,
        channel_kind=route.channel_kind, medium=route.medium, thread_key=queries.thread_key(uow, route.address),
        address=route.address, is_group=route.is_group, window_hours=route.window_hours, agent_id=route.agent_id,
        status=ConversationStatus.OPEN, handling=Handling.BOT if route.agent_id else Handling.HUMAN,
        opened_at=uow.now, last_message_at=uow.now, last_number=0, answered_number=0, unread_count=0,
        labels=[], signals=[], preview="", priority=Priority.NORMAL,
    )  # fmt: skip


def _known(uow: UnitOfWork, arrivals: Sequence[Arrival]) -> set[tuple[UUID, str | None]]:
    """(channel, provider id) of what is stored already; read under the locks."""
    statement = select(Message.channel_id, Message.provider_message_id).where(
        Message.channel_id.in_({arrival.route.channel_id for arrival in arrivals}),
        Message.provider_message_id.in_([message.provider_id for arrival in arrivals for message in arrival.messages]),
    )
    return {(channel_id, provider_id) for channel_id, provider_id in uow.session.execute(statement)}


def _refresh(uow: UnitOfWork, conversation: Conversation, route: Route, wrote_at: datetime) -> None:
    """The window counts from when the contact wrote, however late we hear of it.

    A closed conversation starts afresh with whoever answers the channel now; a blocked one stays blocked.
    """
    conversation.window_hours = route.window_hours
    _note_inbound(uow, conversation, wrote_at)
    if conversation.status is ConversationStatus.BLOCKED:
        return
    if conversation.status is ConversationStatus.RESOLVED:
        conversation.assignee_id, conversation.priority = None, Priority.NORMAL
        conversation.handling = Handling.BOT if route.agent_id else Handling.HUMAN
        conversation.waiting_since = conversation.handoff_reason = None
        conversation.topic, conversation.signals = None, []
        conversation.answered_number = conversation.last_number
    open_again(uow, conversation)
    conversation.agent_id = route.agent_id
    nobody = conversation.assignee_id is None and conversation.waiting_since is None
    if conversation.handling is Handling.HUMAN and nobody and not conversation.is_group:  # what a group talks about calls nobody
        await_person(uow, conversation, "no_agent")


def _note_inbound(uow: UnitOfWork, conversation: Conversation, wrote_at: datetime) -> None:
    """As the provider says, who counts the window: what seems to lie ahead came while the box's clock was behind."""
    kept = conversation.last_inbound_at
    if kept is None or kept > uow.now >= wrote_at:  # noted by a clock that went ahead, which is right again
        kept = wrote_at
    conversation.last_inbound_at = min(max(kept, wrote_at), uow.now + delivery.MOST_BEHIND)


def _store_answer(uow: UnitOfWork, conversation: Conversation, message: Incoming, answer: asked.Answer) -> Message:
    """To the question how it was: it opens nothing, and nobody answers it but with thanks."""
    _note_inbound(uow, conversation, message.occurred_at)
    stored = _store(uow, conversation, message)
    conversation.unread_count -= 1
    surveys.record_answer(uow, conversation, answer)
    surveys.thank(uow, conversation)
    conversation.answered_number = conversation.last_number
    return stored


def _store(uow: UnitOfWork, conversation: Conversation, message: Incoming) -> Message:
    draft = as_draft(uow, conversation, message, Direction.INBOUND, Sender.CONTACT, sender_id=conversation.contact_id)
    is_blocked = conversation.status is ConversationStatus.BLOCKED
    if message.kind is not MessageKind.REACTION and not is_blocked:
        conversation.unread_count += 1
    stored = append(uow, conversation, draft)
    if is_blocked:
        conversation.answered_number = stored.number
    return stored


def as_draft(
    uow: UnitOfWork, conversation: Conversation, message: Incoming, direction: Direction, sender: Sender, *, sender_id: UUID | None = None
) -> Draft:
    """With what it quotes or reacts to: whoever writes chooses that id, so only what was said in the same conversation counts.

    `quotes`: what is quoted and not here.
    """
    quoted = message.reply_to_provider_id
    original = queries.find_by_provider_id(uow, conversation.channel_id, quoted) if quoted else None
    reply_to_id = original.id if original is not None and original.conversation_id == conversation.id else None
    is_lost = quoted and reply_to_id is None and message.kind is not MessageKind.REACTION
    content = {**message.content, "quotes": quoted} if is_lost else message.content
    return Draft(
        direction, sender, message.kind, content, sender_id=sender_id, reply_to_id=reply_to_id,
        provider_id=message.provider_id, occurred_at=message.occurred_at,
    )  # fmt: skip


def attach_media(uow: UnitOfWork, message_id: UUID, media: dict[str, object]) -> Message:
    """What came for a media message: the blob and its true type, or the sentence that says why it could not be kept."""
    queries.lock_conversation(uow, queries.get_message(uow, message_id).conversation_id)
    message = queries.lock_message(uow, message_id)
    files.use(uow, message.id, wording.files_of({"media": media}))
    if message.deleted_at is not None:  # meanwhile: nobody is to see it
        files.let_go(uow, [message.id])
        return message
    message.content = {**message.content, "media": {**message.content.get("media", {}), **media}}
    uow.emit(MessageMediaStored(message.conversation_id, message.id))
    note_file(uow, message)
    return message
