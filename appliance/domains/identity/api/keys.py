from uuid import UUID

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import actions, queries, schemas
from appliance.domains.identity.actions import Granter, NewKey
from appliance.domains.identity.api.requests import who
from appliance.domains.identity.tables import ApiKey

api = web.Api("api_keys")


@api.get("/api-keys", permission="api_keys:read", returns=list[schemas.ApiKeyOut])
def list_api_keys(uow: UnitOfWork) -> list[ApiKey]:
    return queries.list_api_keys(uow)


@api.post("/api-keys", permission="api_keys:write", body=schemas.ApiKeyIn, returns=schemas.NewApiKeyOut, status=201, shows_secret=True)
def create_api_key(uow: UnitOfWork, body: schemas.ApiKeyIn) -> NewKey:
    me = who()
    return actions.create_api_key(
        uow, user_id=me.user_id, name=body.name, scopes=body.scopes, expires_at=body.expires_at, rate_limit=body.rate_limit,
        granter=Granter.of(me),
    )  # fmt: skip


@api.delete("/api-keys/<uuid:api_key_id>", permission="api_keys:write")
def revoke_api_key(uow: UnitOfWork, api_key_id: UUID) -> None:
    actions.revoke_api_key(uow, api_key_id)
