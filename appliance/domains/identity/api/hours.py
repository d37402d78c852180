from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import actions, queries, schemas
from appliance.domains.identity.tables import BusinessHours

api = web.Api("hours")


@api.get("/business-hours", permission="tenant:read", returns=schemas.HoursIn)
def get_hours(uow: UnitOfWork) -> schemas.HoursIn:
    return queries.get_hours(uow)


@api.put("/business-hours", permission="hours:write", body=schemas.HoursIn, returns=schemas.HoursIn)
def set_hours(uow: UnitOfWork, body: schemas.HoursIn) -> BusinessHours:
    return actions.set_hours(uow, body)
