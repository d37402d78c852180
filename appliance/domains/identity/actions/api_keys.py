import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from appliance.core.errors import NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions.members import Granter
from appliance.domains.identity.actions.recording import record
from appliance.domains.identity.events import ApiKeyRevoked
from appliance.domains.identity.rules import access, tokens
from appliance.domains.identity.tables import ApiKey
from appliance.domains.identity.types import API_KEY_RATE


@dataclass(frozen=True)
class NewKey:
    """`secret` is shown this once."""

    key: ApiKey
    secret: str


def create_api_key(
    uow: UnitOfWork,
    *,
    user_id: UUID,
    name: str,
    scopes: list[str],
    granter: Granter,
    expires_at: datetime | None = None,
    rate_limit: int = API_KEY_RATE,
) -> NewKey:
    """A key acts as the person who made it, within `scopes`. Raises UnknownPermission, BeyondOwnRights."""
    access.check_permissions_exist(scopes, uow.box.registry.all_permissions())
    access.check_may_grant(frozenset(scopes), granter.permissions)
    if expires_at is not None and expires_at <= uow.now:
        sentence = _("Choose a moment in the future.")
        raise Refused(sentence, fields={"expires_at": sentence})
    secret = tokens.sign(tokens.make_api_key(queries.get_tenant(uow).slug, secrets.token_bytes(16)), uow.box.keys.token_key)
    key = ApiKey(
        id=new_id(), tenant_id=uow.tenant_id, user_id=user_id, name=name, prefix=tokens.hint_of(secret), key_sha256=tokens.digest(secret),
        scopes=sorted(set(scopes)), rate_limit=rate_limit, created_at=uow.now, expires_at=expires_at,
    )  # fmt: skip
    uow.session.add(key)
    record(uow, "api_key.created", about=("api_key", key.id), after={"name": name, "scopes": key.scopes})
    return NewKey(key, secret)


def revoke_api_key(uow: UnitOfWork, api_key_id: UUID) -> None:
    key = uow.session.get(ApiKey, api_key_id)
    if key is None:
        raise NotFound(_("There is no such API key."))
    if key.revoked_at is None:
        key.revoked_at = uow.now
        record(uow, "api_key.revoked", about=("api_key", key.id), before={"name": key.name})
        uow.emit(ApiKeyRevoked(key.id))
