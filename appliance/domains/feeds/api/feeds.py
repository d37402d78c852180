from uuid import UUID

from appliance.core.errors import DomainError
from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call
from appliance.domains.feeds import actions, queries
from appliance.domains.feeds.schemas import FeedIn, FeedOut, FeedSecretOut, TrialOut
from appliance.domains.feeds.tables import Feed

feeds = Api("feeds")
LISTEN = "feeds:write"


@feeds.get("/channels/<uuid:channel_id>/feed", permission=LISTEN, returns=FeedOut)
def get_feed(uow: UnitOfWork, channel_id: UUID) -> Feed:
    return queries.get_feed(uow, channel_id)


@feeds.post("/channels/<uuid:channel_id>/feed", permission=LISTEN, body=FeedIn, returns=FeedOut)
def set_feed(uow: UnitOfWork, channel_id: UUID, body: FeedIn) -> Feed:
    return actions.set_feed(uow, channel_id, body)


@feeds.delete("/channels/<uuid:channel_id>/feed", permission=LISTEN)
def drop_feed(uow: UnitOfWork, channel_id: UUID) -> None:
    queries.get_feed(uow, channel_id)
    actions.drop_feed(uow, channel_id)


@feeds.post("/channels/<uuid:channel_id>/feed/secret", permission=LISTEN, returns=FeedSecretOut, shows_secret=True)
def renew_secret(uow: UnitOfWork, channel_id: UUID) -> Feed:
    return actions.renew_secret(uow, channel_id)


@feeds.post("/channels/<uuid:channel_id>/feed/test", permission=LISTEN, returns=TrialOut, unit=False, summary="Call the program once")
def try_feed(call: Call, channel_id: UUID) -> TrialOut:
    with call.unit(read_only=True) as uow:
        queries.get_feed(uow, channel_id)
    try:
        actions.try_out(call.box, call.who.tenant_id, channel_id)
    except DomainError as err:
        return TrialOut(ok=False, detail=str(err))
    return TrialOut(ok=True, detail="")
