"""Teams, and what each person should look at."""

from collections.abc import Sequence
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call
from appliance.domains.conversations import actions, queries, schemas
from appliance.domains.conversations.api.conversations import READ, WRITE, me
from appliance.domains.conversations.api.inbox import MANAGE
from appliance.domains.conversations.tables import Conversation, Notice, Team

team_work = Api("teams")


@team_work.get("/teams", permission=READ, returns=list[schemas.TeamOut])
def list_teams(uow: UnitOfWork) -> Sequence[Team]:
    return queries.list_teams(uow)


@team_work.post("/teams", permission=MANAGE, body=schemas.TeamIn, returns=schemas.TeamOut, status=201)
def create_team(uow: UnitOfWork, body: schemas.TeamIn) -> Team:
    return actions.create_team(uow, body)


@team_work.get("/teams/<uuid:team_id>", permission=READ, returns=schemas.TeamOut)
def get_team(uow: UnitOfWork, team_id: UUID) -> Team:
    return queries.get_team(uow, team_id)


@team_work.patch("/teams/<uuid:team_id>", permission=MANAGE, body=schemas.TeamPatch, returns=schemas.TeamOut)
def change_team(uow: UnitOfWork, team_id: UUID, body: schemas.TeamPatch) -> Team:
    return actions.change_team(uow, team_id, body)


@team_work.delete("/teams/<uuid:team_id>", permission=MANAGE)
def delete_team(uow: UnitOfWork, team_id: UUID) -> None:
    actions.delete_team(uow, team_id)


@team_work.post("/conversations/<uuid:conversation_id>/team", permission=WRITE, body=schemas.GiveIn, returns=schemas.ConversationOut)
def give_to_team(uow: UnitOfWork, conversation_id: UUID, body: schemas.GiveIn) -> Conversation:
    return actions.give_to_team(uow, conversation_id, team_id=body.team_id)


@team_work.post("/conversations/<uuid:conversation_id>/presence", permission=READ, body=schemas.PresenceIn, status=204, unit=False)
def announce(call: Call, conversation_id: UUID, body: schemas.PresenceIn) -> None:
    with call.unit(read_only=True) as uow:
        actions.announce(uow, conversation_id, user_id=me(uow), state=body.state)


@team_work.get("/notices", permission=READ, returns=list[schemas.NoticeOut], summary="What the caller should look at, newest first")
def list_notices(uow: UnitOfWork) -> Sequence[Notice]:
    return queries.list_notices(uow, me(uow))


@team_work.post("/notices/seen", permission=READ, status=204)
def mark_seen(uow: UnitOfWork) -> None:
    actions.mark_seen(uow, user_id=me(uow))
