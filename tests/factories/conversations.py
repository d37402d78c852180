"""Conversations as customers begin them."""

from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from tests.factories.channels import make_simulator, say


def make_conversation(uow: UnitOfWork) -> UUID:
    return say(uow, make_simulator(uow), "Oi, quanto custa?")


def make_message(uow: UnitOfWork) -> UUID:
    return queries.list_messages(uow, make_conversation(uow))[0].id


PATH_PARAMETERS = {"conversation_id": make_conversation, "message_id": make_message}

BODIES = {"POST /api/v1/conversations/<uuid:conversation_id>/reply": {"text": "Já respondo."}}
