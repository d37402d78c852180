from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from appliance.core.i18n import normalise
from appliance.core.ids import new_id
from appliance.core.tenancy import TenantKey
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions.recording import as_tenant, record
from appliance.domains.identity.errors import SlugTaken
from appliance.domains.identity.events import MemberJoined, TenantChanged, TenantCreated
from appliance.domains.identity.rules.names import check_timezone, slug_of
from appliance.domains.identity.tables import Membership, Tenant, User
from appliance.domains.identity.types import TenantStatus


def create_tenant(uow: UnitOfWork, *, name: str, slug: str = "", locale: str = "pt_BR", timezone: str = "America/Sao_Paulo") -> Tenant:
    """Needs the box scope: the tenant and the key of its data come into being together. Raises SlugTaken."""
    tenant = Tenant(
        id=new_id(), name=name, slug=_free_slug(uow, slug, name), locale=normalise(locale), timezone=check_timezone(timezone),
        settings={}, created_at=uow.now, updated_at=uow.now,
    )  # fmt: skip
    uow.session.add_all([tenant, TenantKey(tenant_id=tenant.id, wrapped=uow.box.keys.new_tenant_key(tenant.id))])
    _claim_slug(uow)
    with as_tenant(uow, tenant.id) as theirs:
        record(theirs, "tenant.created", about=("tenant", tenant.id), after={"name": name, "slug": tenant.slug})
        theirs.emit(TenantCreated(tenant.id))
    return tenant


def add_member(uow: UnitOfWork, user: User, role: str) -> Membership:
    """In a unit of the tenant, or in as_tenant of one."""
    membership = Membership(tenant_id=uow.tenant_id, user_id=user.id, role=role, created_at=uow.now)
    uow.session.add(membership)
    uow.session.flush()
    record(uow, "member.joined", about=("user", user.id), after={"role": role, "email": user.email})
    uow.emit(MemberJoined(user.id))
    return membership


def change_tenant(uow: UnitOfWork, tenant_id: UUID, changes: dict[str, Any]) -> Tenant:
    """`changes` by column; those of `settings` are merged into what is there. Raises SlugTaken.

    `status` is the operator's to change: a suspended tenant's people, keys and sockets stop at their next request, and nothing of it leaves
    the box until it is resumed.
    """
    tenant = queries.get_tenant(uow, tenant_id)
    if "slug" in changes and changes["slug"] != tenant.slug and queries.is_slug_taken(uow, changes["slug"]):
        raise SlugTaken
    if "timezone" in changes:
        check_timezone(changes["timezone"])
    if "locale" in changes:
        changes = {**changes, "locale": normalise(changes["locale"])}
    if "settings" in changes:
        changes = {**changes, "settings": {**tenant.settings, **changes["settings"]}}
    before = {name: getattr(tenant, name) for name in changes}
    for name, value in changes.items():
        setattr(tenant, name, value)
    if tenant.status is TenantStatus.SUSPENDED:
        tenant.suspended_at = tenant.suspended_at or uow.now
    tenant.updated_at = uow.now
    _claim_slug(uow)
    if before.get("status") is TenantStatus.SUSPENDED and tenant.status is TenantStatus.ACTIVE:
        with as_tenant(uow, tenant_id) as theirs:
            for resume in uow.box.registry.resuming:
                resume(theirs)
        tenant.suspended_at = None
    record(uow, "tenant.changed", about=("tenant", tenant.id), before=before, after=changes)
    uow.emit(TenantChanged(tenant.id))
    return tenant


def _claim_slug(uow: UnitOfWork) -> None:
    """The index decides between two who want the same at once."""
    try:
        uow.session.flush()
    except IntegrityError as err:
        raise SlugTaken from err


def _free_slug(uow: UnitOfWork, wanted: str, name: str) -> str:
    if wanted:
        if queries.is_slug_taken(uow, wanted):
            raise SlugTaken
        return wanted
    slug = slug_of(name)
    return slug if not queries.is_slug_taken(uow, slug) else f"{slug[:31]}-{new_id().hex[-8:]}"
