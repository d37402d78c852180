"""What a company keeps ready for its inbox: labels, quick replies, macros."""

from collections.abc import Sequence
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api
from appliance.domains.conversations import actions, queries, schemas
from appliance.domains.conversations.api.conversations import READ, WRITE, me
from appliance.domains.conversations.tables import Label, Macro, QuickReply

inbox = Api("inbox")
MANAGE = "inbox:write"


@inbox.get("/labels", permission=READ, returns=list[schemas.LabelOut])
def list_labels(uow: UnitOfWork) -> Sequence[Label]:
    return queries.list_labels(uow)


@inbox.post("/labels", permission=MANAGE, body=schemas.LabelIn, returns=schemas.LabelOut, status=201)
def create_label(uow: UnitOfWork, body: schemas.LabelIn) -> Label:
    return actions.create_label(uow, body.model_dump())


@inbox.get("/labels/<uuid:label_id>", permission=READ, returns=schemas.LabelOut)
def get_label(uow: UnitOfWork, label_id: UUID) -> Label:
    return queries.get_label(uow, label_id)


@inbox.patch("/labels/<uuid:label_id>", permission=MANAGE, body=schemas.LabelPatch, returns=schemas.LabelOut)
def change_label(uow: UnitOfWork, label_id: UUID, body: schemas.LabelPatch) -> Label:
    return actions.change_label(uow, label_id, body.model_dump(exclude_unset=True))


@inbox.delete("/labels/<uuid:label_id>", permission=MANAGE)
def delete_label(uow: UnitOfWork, label_id: UUID) -> None:
    actions.delete_label(uow, label_id)


@inbox.get("/quick-replies", permission=READ, returns=list[schemas.QuickReplyOut])
def list_quick_replies(uow: UnitOfWork) -> Sequence[QuickReply]:
    return queries.list_quick_replies(uow)


@inbox.get(
    "/conversations/<uuid:conversation_id>/quick-replies", permission=READ, returns=list[schemas.QuickReplyOut],
    summary="Quick replies as they would be said in this conversation",
)  # fmt: skip
def list_filled_replies(uow: UnitOfWork, conversation_id: UUID) -> list[schemas.QuickReplyOut]:
    return queries.list_filled_replies(uow, queries.get_conversation(uow, conversation_id))


@inbox.post("/quick-replies", permission=MANAGE, body=schemas.QuickReplyIn, returns=schemas.QuickReplyOut, status=201)
def create_quick_reply(uow: UnitOfWork, body: schemas.QuickReplyIn) -> QuickReply:
    return actions.create_quick_reply(uow, body.model_dump())


@inbox.get("/quick-replies/<uuid:quick_reply_id>", permission=READ, returns=schemas.QuickReplyOut)
def get_quick_reply(uow: UnitOfWork, quick_reply_id: UUID) -> QuickReply:
    return queries.get_quick_reply(uow, quick_reply_id)


@inbox.patch("/quick-replies/<uuid:quick_reply_id>", permission=MANAGE, body=schemas.QuickReplyPatch, returns=schemas.QuickReplyOut)
def change_quick_reply(uow: UnitOfWork, quick_reply_id: UUID, body: schemas.QuickReplyPatch) -> QuickReply:
    return actions.change_quick_reply(uow, quick_reply_id, body.model_dump(exclude_unset=True))


@inbox.delete("/quick-replies/<uuid:quick_reply_id>", permission=MANAGE)
def delete_quick_reply(uow: UnitOfWork, quick_reply_id: UUID) -> None:
    actions.delete_quick_reply(uow, quick_reply_id)


@inbox.get("/macros", permission=READ, returns=list[schemas.MacroOut])
def list_macros(uow: UnitOfWork) -> Sequence[Macro]:
    return queries.list_macros(uow)


@inbox.post("/macros", permission=MANAGE, body=schemas.MacroIn, returns=schemas.MacroOut, status=201)
def create_macro(uow: UnitOfWork, body: schemas.MacroIn) -> Macro:
    return actions.create_macro(uow, body)


@inbox.get("/macros/<uuid:macro_id>", permission=READ, returns=schemas.MacroOut)
def get_macro(uow: UnitOfWork, macro_id: UUID) -> Macro:
    return queries.get_macro(uow, macro_id)


@inbox.patch("/macros/<uuid:macro_id>", permission=MANAGE, body=schemas.MacroPatch, returns=schemas.MacroOut)
def change_macro(uow: UnitOfWork, macro_id: UUID, body: schemas.MacroPatch) -> Macro:
    return actions.change_macro(uow, macro_id, body)


@inbox.delete("/macros/<uuid:macro_id>", permission=MANAGE)
def delete_macro(uow: UnitOfWork, macro_id: UUID) -> None:
    actions.delete_macro(uow, macro_id)


@inbox.post("/conversations/<uuid:conversation_id>/macros/<uuid:macro_id>", permission=WRITE, returns=schemas.MacroRunOut)
def run_macro(uow: UnitOfWork, conversation_id: UUID, macro_id: UUID) -> schemas.MacroRunOut:
    conversation, before, replied = actions.run_macro(uow, conversation_id, macro_id, user_id=me(uow))
    return schemas.MacroRunOut(conversation=schemas.ConversationOut.model_validate(conversation), before=before, replied=replied)
