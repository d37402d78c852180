"""From what a caller shows to who they are. Called once for every request and every socket."""

from functools import lru_cache
from uuid import UUID

from appliance.core.box import Box
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import NIL
from appliance.core.manifest import Registry
from appliance.core.uow import UnitOfWork
from appliance.core.web.auth import Principal
from appliance.domains.identity import queries
from appliance.domains.identity.errors import NoSuchTenant, SessionOver
from appliance.domains.identity.queries import Holder, Seat
from appliance.domains.identity.rules import access, tokens
from appliance.domains.identity.types import OPERATOR, Presented

_NO_SEAT = Seat(NIL, "", "", frozenset())


def recognise(
    box: Box, shown: Presented, *, prefer: UUID | None = None, needs_tenant: bool = True
) -> tuple[Principal, Holder] | None:
    """None for a stranger; a cookie that is no longer good is one too, so that its browser may sign in again.

    `prefer` is the tenant the address is about, taken where the person belongs to it. Raises SessionOver for a bad token
    or key, NoSuchTenant for a tenant that is not theirs, Refused when a program of several tenants names none
    and `needs_tenant`; else it acts in none, and may nothing there.
    """
    if shown.bearer.startswith(tokens.API_KEY_MARK):
        shown = Presented(api_key=shown.bearer, tenant=shown.tenant)
    if not (shown.api_key or shown.bearer or shown.cookie):
        return None
    # Read before the unit opens: a bad signature must not cost a transaction.
    token = tokens.read_access(shown.bearer, box.keys.token_key) if shown.bearer and not shown.api_key else None
    with box.whole_box("recognise", read_only=True) as uow:
        holder = _holder(uow, shown, token)
    if holder is None or not (holder.seats or (holder.is_operator and holder.scopes is None)):
        if shown.api_key or shown.bearer:
            raise SessionOver
        return None
    seat = _choose(holder, shown, prefer, needs_tenant=needs_tenant)
    return _principal(box, holder, shown, seat), holder


def is_ours(box: Box, shown: Presented) -> bool:
    """Whether this box made what is shown, good or over: told by its proof alone."""
    key = box.keys.token_key
    if any(tokens.is_signed(secret, key) for secret in (shown.cookie, shown.api_key, shown.bearer)):
        return True
    try:
        tokens.read_access(shown.bearer, key)
    except SessionOver:
        return False
    return True


def _holder(uow: UnitOfWork, shown: Presented, token: tokens.Access | None) -> Holder | None:
    if shown.api_key:
        return queries.find_key_holder(uow, key_sha256=tokens.digest(shown.api_key))
    if token is not None:
        return queries.find_token_holder(uow, session_id=token.session_id, user_id=token.user_id)
    return queries.find_session_holder(uow, secret_sha256=tokens.digest(shown.cookie))


def _principal(box: Box, holder: Holder, shown: Presented, seat: Seat) -> Principal:
    permissions = permissions_of(box.registry, seat.role) if seat.custom is None else seat.custom & box.registry.all_permissions()
    if holder.is_operator:
        permissions |= permissions_of(box.registry, OPERATOR)
    return Principal(
        user_id=holder.user_id,
        tenant_id=seat.tenant_id,
        name=holder.name,
        email=holder.email,
        role=seat.role,
        permissions=access.effective(holder.scopes, permissions),
        via="api_key" if shown.api_key else "bearer" if shown.bearer else "cookie",
        credential_id=holder.credential_id,
        locale=holder.locale,
        is_operator=holder.is_operator and holder.scopes is None,
        tenants=tuple((each.tenant_id, each.tenant_name) for each in holder.seats),
    )


def _choose(holder: Holder, shown: Presented, prefer: UUID | None, *, needs_tenant: bool) -> Seat:
    by_tenant = {seat.tenant_id: seat for seat in holder.seats}
    if shown.tenant:
        named = by_tenant.get(_uuid(shown.tenant))
        if named is None:
            raise NoSuchTenant
        return named
    if prefer in by_tenant:
        return by_tenant[prefer]
    if holder.tenant_id in by_tenant:
        return by_tenant[holder.tenant_id]
    if not holder.seats:
        return _NO_SEAT  # an operator of no organisation
    if len(holder.seats) > 1 and not shown.cookie:
        if not needs_tenant:
            return _NO_SEAT
        raise Refused(_("You belong to several organisations. Name one in the X-Tenant-ID header."))
    return holder.seats[0]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as err:
        raise NoSuchTenant from err


@lru_cache(maxsize=64)
def permissions_of(registry: Registry, role: str) -> frozenset[str]:
    return registry.permissions_of(role)
