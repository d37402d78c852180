from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Page, PageOf
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.schemas import ContactsQuery
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.queries import Counts, Found, InboxFilter
from appliance.domains.conversations.schemas import (
    AssignIn,
    ConversationOut,
    CountsOut,
    DraftsIn,
    DraftsOut,
    EarlierOut,
    FoundOut,
    HandoffIn,
    InboxQuery,
    LabelsIn,
    MessageOut,
    NoteIn,
    PartOut,
    ReadQuery,
    ReplyIn,
    SearchQuery,
    SightingOut,
    SnoozeIn,
    StateIn,
    ThreadOut,
    ThreadQuery,
)
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import DraftKind

api = Api("conversations")
READ, WRITE = "conversations:read", "conversations:write"


def me(uow: UnitOfWork) -> UUID:
    return uow.actor.writer_id


@api.get("/conversations", permission=READ, query=InboxQuery, returns=PageOf[ConversationOut])
def list_conversations(uow: UnitOfWork, query: InboxQuery) -> Page[Conversation]:
    return queries.list_conversations(uow, inbox_filter(uow, query), query)


def inbox_filter(uow: UnitOfWork, query: InboxQuery) -> InboxFilter:
    assignee = me(uow) if query.assignee == "me" else query.assignee
    return InboxFilter(
        status=query.status,
        assignee_id=assignee if isinstance(assignee, UUID) else None,
        unassigned=query.assignee == "none",
        channel_id=query.channel,
        handling=query.handling,
        waiting=query.waiting,
        label=query.label,
        topic=query.topic,
        signal=query.signal,
        team_id=query.team,
        priority=query.priority,
        deadline=query.deadline,
        order=query.order,
        contact_ids=_found_contacts(uow, query.q) if query.q else None,
    )


def _found_contacts(uow: UnitOfWork, q: str) -> list[UUID]:
    return [contact.id for contact in contacts.list_contacts(uow, ContactsQuery(q=q, limit=200)).items]


@api.get("/conversations/counts", permission=READ, returns=CountsOut)
def count_conversations(uow: UnitOfWork) -> Counts:
    return queries.count_inbox(uow, user_id=me(uow))


@api.get("/conversations/search", permission=READ, query=SearchQuery, returns=PageOf[FoundOut])
def search_messages(uow: UnitOfWork, query: SearchQuery) -> Page[FoundOut]:
    found = queries.search_messages(uow, query.q, query)
    return Page([_found(each) for each in found.items], found.total, found.page, found.limit)


def _found(found: Found) -> FoundOut:
    said = found.message
    return FoundOut(
        conversation_id=found.conversation.id, contact_id=found.conversation.contact_id, message_id=said.id, number=said.number,
        occurred_at=said.occurred_at, parts=[PartOut(text=text, hit=hit) for text, hit in found.parts], others=found.others,
    )  # fmt: skip


@api.get("/conversations/<uuid:conversation_id>", permission=READ, returns=ConversationOut)
def get_conversation(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    return queries.get_conversation(uow, conversation_id)


@api.get("/conversations/<uuid:conversation_id>/messages", permission=READ, query=ThreadQuery, returns=ThreadOut)
def list_messages(uow: UnitOfWork, conversation_id: UUID, query: ThreadQuery) -> ThreadOut:
    queries.get_conversation(uow, conversation_id)
    rows = queries.list_messages(uow, conversation_id, before=query.before, after=query.after, limit=query.limit)
    older = rows[0].number if rows and rows[0].number > 1 else None
    return ThreadOut(items=[MessageOut.model_validate(row) for row in rows], before=older)


@api.get("/messages/<uuid:message_id>", permission=READ, returns=MessageOut)
def get_message(uow: UnitOfWork, message_id: UUID) -> Message:
    return queries.get_message(uow, message_id)


@api.get(
    "/messages/<uuid:message_id>/earlier", permission="inbox:write", returns=list[EarlierOut],
    summary="What a message said before its writer changed or deleted it, oldest first",
)  # fmt: skip
def list_earlier(uow: UnitOfWork, message_id: UUID) -> list[EarlierOut]:
    return [EarlierOut.model_validate(one) for one in queries.get_message(uow, message_id).earlier or ()]


@api.post("/conversations/<uuid:conversation_id>/reply", permission=WRITE, body=ReplyIn, returns=MessageOut, status=201)
def reply(uow: UnitOfWork, conversation_id: UUID, body: ReplyIn) -> Message:
    return actions.reply(
        uow, conversation_id, user_id=me(uow), kind=body.kind, content=actions.content_of(uow, body), reply_to_id=body.reply_to_id
    )


@api.get("/messages/<uuid:message_id>/sighting", permission=READ, returns=SightingOut, summary="What is known of how a mail was read")
def get_sighting(uow: UnitOfWork, message_id: UUID) -> SightingOut:
    return queries.get_sighting(uow, message_id)


@api.post("/messages/<uuid:message_id>/retry", permission=WRITE, returns=MessageOut)
def retry_message(uow: UnitOfWork, message_id: UUID) -> Message:
    return actions.retry_message(uow, message_id)


@api.post("/conversations/<uuid:conversation_id>/assign", permission=WRITE, body=AssignIn, returns=ConversationOut)
def assign(uow: UnitOfWork, conversation_id: UUID, body: AssignIn) -> Conversation:
    return actions.assign(uow, conversation_id, user_id=body.user_id)


@api.post("/conversations/<uuid:conversation_id>/handoff", permission=WRITE, body=HandoffIn, returns=ConversationOut)
def hand_over(uow: UnitOfWork, conversation_id: UUID, body: HandoffIn) -> Conversation:
    if body.to == "me":
        return actions.take_over(uow, conversation_id, user_id=me(uow), forced=body.force)
    if body.to == "bot":
        return actions.hand_back(uow, conversation_id)
    actions.hand_off(uow, conversation_id, reason="asked_by_colleague")
    return queries.get_conversation(uow, conversation_id)


@api.post("/conversations/<uuid:conversation_id>/resolve", permission=WRITE, returns=ConversationOut)
def resolve(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    return actions.resolve(uow, conversation_id)


@api.post("/conversations/<uuid:conversation_id>/reopen", permission=WRITE, returns=ConversationOut)
def reopen(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    return actions.reopen(uow, conversation_id)


@api.post("/conversations/<uuid:conversation_id>/block", permission=WRITE, returns=ConversationOut, summary="Hear no more of this contact")
def block(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    return actions.block(uow, conversation_id)


@api.post("/conversations/<uuid:conversation_id>/unblock", permission=WRITE, returns=ConversationOut)
def unblock(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    return actions.unblock(uow, conversation_id)


@api.post("/conversations/<uuid:conversation_id>/snooze", permission=WRITE, body=SnoozeIn, returns=ConversationOut)
def snooze(uow: UnitOfWork, conversation_id: UUID, body: SnoozeIn) -> Conversation:
    return actions.snooze(uow, conversation_id, until=body.until)


@api.post("/conversations/<uuid:conversation_id>/pending", permission=WRITE, returns=ConversationOut)
def set_pending(uow: UnitOfWork, conversation_id: UUID) -> Conversation:
    return actions.set_pending(uow, conversation_id)


@api.put("/conversations/<uuid:conversation_id>/state", permission=WRITE, body=StateIn, returns=ConversationOut)
def restore(uow: UnitOfWork, conversation_id: UUID, body: StateIn) -> Conversation:
    return actions.restore(uow, conversation_id, body)


@api.post("/conversations/<uuid:conversation_id>/read", permission=READ, query=ReadQuery, returns=ConversationOut)
def mark_read(uow: UnitOfWork, conversation_id: UUID, query: ReadQuery) -> Conversation:
    return actions.mark_read(uow, conversation_id, shown=query.shown)


@api.put("/conversations/<uuid:conversation_id>/labels", permission=WRITE, body=LabelsIn, returns=ConversationOut)
def change_labels(uow: UnitOfWork, conversation_id: UUID, body: LabelsIn) -> Conversation:
    return actions.change_labels(uow, conversation_id, body.labels)


@api.post("/conversations/<uuid:conversation_id>/notes", permission=WRITE, body=NoteIn, returns=MessageOut, status=201)
def add_note(uow: UnitOfWork, conversation_id: UUID, body: NoteIn) -> Message:
    return actions.add_note(uow, conversation_id, user_id=me(uow), text=body.text)


@api.get("/conversations/<uuid:conversation_id>/drafts", permission=WRITE, returns=DraftsOut, summary="What you have begun to write here")
def get_drafts(uow: UnitOfWork, conversation_id: UUID) -> DraftsOut:
    queries.get_conversation(uow, conversation_id)
    return DraftsOut.model_validate(queries.drafts_of(uow, conversation_id, me(uow)))


@api.put("/conversations/<uuid:conversation_id>/drafts", permission=WRITE, body=DraftsIn, returns=DraftsOut, summary="Keep what you write")
def keep_drafts(uow: UnitOfWork, conversation_id: UUID, body: DraftsIn) -> DraftsOut:
    for kind, text, was in ((DraftKind.REPLY, body.reply, body.reply_was), (DraftKind.NOTE, body.note, body.note_was)):
        if text is not None:
            actions.keep_draft(uow, conversation_id, kind, text, instead_of=was)
    return get_drafts(uow, conversation_id)
