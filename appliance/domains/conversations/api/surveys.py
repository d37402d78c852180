"""Asking customers how it was."""

from collections.abc import Sequence
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api
from appliance.domains.conversations import actions, queries, schemas
from appliance.domains.conversations.api.conversations import READ
from appliance.domains.conversations.api.inbox import MANAGE
from appliance.domains.conversations.queries import Satisfaction
from appliance.domains.conversations.tables import Survey, SurveySetting

asking = Api("surveys")


@asking.get("/satisfaction", permission=READ, returns=schemas.SatisfactionOut, summary="What customers said in the last 90 days")
def measure_satisfaction(uow: UnitOfWork) -> Satisfaction:
    return queries.measure_satisfaction(uow)


@asking.get("/surveys", permission=READ, returns=list[schemas.SurveyOut], summary="The newest answers")
def list_answered(uow: UnitOfWork) -> Sequence[Survey]:
    return queries.list_answered(uow, limit=200)


@asking.get("/conversations/<uuid:conversation_id>/surveys", permission=READ, returns=list[schemas.SurveyOut])
def list_surveys(uow: UnitOfWork, conversation_id: UUID) -> Sequence[Survey]:
    queries.get_conversation(uow, conversation_id)
    return queries.list_surveys(uow, conversation_id)


@asking.get("/survey-settings", permission=READ, returns=list[schemas.SurveySettingOut], summary="By channel; one not named asks nothing")
def list_settings(uow: UnitOfWork) -> Sequence[SurveySetting]:
    return list(queries.list_settings(uow).values())


@asking.put("/survey-settings", permission=MANAGE, body=schemas.SurveySettingOut, returns=schemas.SurveySettingOut)
def set_survey(uow: UnitOfWork, body: schemas.SurveySettingOut) -> SurveySetting:
    return actions.set_survey(uow, body.channel_id, body)
