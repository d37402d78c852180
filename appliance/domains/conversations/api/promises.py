"""Priorities and service levels."""

from collections.abc import Sequence
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api
from appliance.domains.conversations import actions, queries, schemas
from appliance.domains.conversations.api.conversations import READ, WRITE, api
from appliance.domains.conversations.api.inbox import MANAGE
from appliance.domains.conversations.queries import SlaFigure
from appliance.domains.conversations.tables import Conversation, SlaPolicy

promised = Api("promises")


@api.put("/conversations/<uuid:conversation_id>/priority", permission=WRITE, body=schemas.PriorityIn, returns=schemas.ConversationOut)
def set_priority(uow: UnitOfWork, conversation_id: UUID, body: schemas.PriorityIn) -> Conversation:
    return actions.set_priority(uow, conversation_id, body.priority)


@promised.get("/sla-policies", permission=READ, returns=list[schemas.SlaPolicyOut])
def list_policies(uow: UnitOfWork) -> Sequence[SlaPolicy]:
    return queries.list_policies(uow)


@promised.post("/sla-policies", permission=MANAGE, body=schemas.SlaPolicyIn, returns=schemas.SlaPolicyOut, status=201)
def create_policy(uow: UnitOfWork, body: schemas.SlaPolicyIn) -> SlaPolicy:
    return actions.create_policy(uow, body)


@promised.get("/sla-policies/<uuid:policy_id>", permission=READ, returns=schemas.SlaPolicyOut)
def get_policy(uow: UnitOfWork, policy_id: UUID) -> SlaPolicy:
    return queries.get_policy(uow, policy_id)


@promised.put("/sla-policies/<uuid:policy_id>", permission=MANAGE, body=schemas.SlaPolicyIn, returns=schemas.SlaPolicyOut)
def change_policy(uow: UnitOfWork, policy_id: UUID, body: schemas.SlaPolicyIn) -> SlaPolicy:
    return actions.change_policy(uow, policy_id, body)


@promised.delete("/sla-policies/<uuid:policy_id>", permission=MANAGE)
def delete_policy(uow: UnitOfWork, policy_id: UUID) -> None:
    actions.delete_policy(uow, policy_id)


@promised.get("/sla-figures", permission=READ, returns=list[schemas.SlaFigureOut], summary="What was promised in the last 30 days")
def list_figures(uow: UnitOfWork) -> list[SlaFigure]:
    return queries.list_figures(uow)
