from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api
from appliance.domains.channels import actions
from appliance.domains.channels.schemas import ReactionIn, WhatsappIn
from appliance.domains.conversations.schemas import MessageOut

first_words = Api("first_words")
reactions = Api("reactions")


@first_words.post(
    "/messages/whatsapp", permission="conversations:write", body=WhatsappIn, returns=MessageOut, status=201,
    summary="Write to somebody on WhatsApp, in their conversation or a new one",
)  # fmt: skip
def begin_whatsapp(uow: UnitOfWork, body: WhatsappIn) -> MessageOut:
    return actions.begin_whatsapp(uow, body, user_id=uow.actor.writer_id)


@reactions.post(
    "/messages/<uuid:message_id>/reaction", permission="conversations:write", body=ReactionIn, returns=MessageOut, status=201,
    summary="React to a message, or take that back with an empty emoji",
)  # fmt: skip
def react(uow: UnitOfWork, message_id: UUID, body: ReactionIn) -> MessageOut:
    return actions.react(uow, message_id, body.emoji, user_id=uow.actor.writer_id)
