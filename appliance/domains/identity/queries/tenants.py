from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from appliance.core.errors import NotFound
from appliance.core.i18n import lazy_gettext as _
from appliance.core.paging import read_page
from appliance.core.rows import required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery
from appliance.domains.identity.errors import NoSuchTenant
from appliance.domains.identity.schemas import RoleOut
from appliance.domains.identity.tables import Membership, Role, Tenant
from appliance.domains.identity.types import BUILT_IN_ROLES, TenantStatus

HOUSED_AT_ONCE = 500
SUSPENDED = select(Tenant.id).where(Tenant.status == TenantStatus.SUSPENDED)


@dataclass(frozen=True)
class Housed:
    """An organisation of the box. `people`: its members."""

    id: UUID
    slug: str
    name: str
    status: str
    people: int
    created_at: datetime
    suspended_at: datetime | None


def get_tenant(uow: UnitOfWork, tenant_id: UUID | None = None) -> Tenant:
    """The unit's own tenant when none is named."""
    return required(uow.session.get(Tenant, tenant_id or uow.tenant_id), NoSuchTenant)


def find_tenant(uow: UnitOfWork, tenant_id: UUID) -> Tenant | None:
    return uow.session.get(Tenant, tenant_id)


def find_tenant_by_slug(uow: UnitOfWork, slug: str) -> Tenant | None:
    return uow.session.scalar(select(Tenant).where(Tenant.slug == slug))


def list_tenants(uow: UnitOfWork, query: PageQuery, *, ids: list[UUID] | None = None) -> Page[Tenant]:
    """All of the box, or those of `ids`, by name."""
    statement = select(Tenant).order_by(Tenant.name, Tenant.id)
    return read_page(uow, statement if ids is None else statement.where(Tenant.id.in_(ids)), query)


def list_housed(uow: UnitOfWork, *, after: str = "") -> list[Housed]:
    """By short name, the next ones after `after`. Needs the box scope."""
    people = select(func.count(Membership.id)).where(Membership.tenant_id == Tenant.id).scalar_subquery()
    rows = uow.session.execute(select(Tenant, people).where(Tenant.slug > after).order_by(Tenant.slug).limit(HOUSED_AT_ONCE))
    return [Housed(one.id, one.slug, one.name, one.status.value, number, one.created_at, one.suspended_at) for one, number in rows]


def list_suspended_slugs(uow: UnitOfWork, *, limit: int) -> tuple[Sequence[str], int]:
    """The first by short name, and how many there are. Needs the box scope."""
    found = uow.session.scalars(SUSPENDED.with_only_columns(Tenant.slug).order_by(Tenant.slug).limit(limit)).all()
    return found, uow.session.scalar(SUSPENDED.with_only_columns(func.count(Tenant.id))) or 0


def is_slug_taken(uow: UnitOfWork, slug: str) -> bool:
    return uow.session.scalar(select(Tenant.id).where(Tenant.slug == slug)) is not None


def grantable_permissions(uow: UnitOfWork) -> frozenset[str]:
    """What a tenant may put in a role: everything some built-in role holds, and nothing of the operator's."""
    return frozenset().union(*(uow.box.registry.permissions_of(role) for role in BUILT_IN_ROLES))


def list_roles(uow: UnitOfWork) -> list[RoleOut]:
    built_in = (_built_in(key, uow.box.registry.permissions_of(key)) for key in BUILT_IN_ROLES)
    return [*built_in, *(role_view(role) for role in uow.session.scalars(select(Role).order_by(Role.name).limit(200)))]


def roles_with(uow: UnitOfWork, permission: str) -> frozenset[str]:
    """The keys of the roles that may do that."""
    return frozenset(role.key for role in list_roles(uow) if permission in role.permissions)


def _built_in(key: str, permissions: frozenset[str]) -> RoleOut:
    return RoleOut(id=None, key=key, name=key.replace("_", " ").capitalize(), permissions=sorted(permissions), built_in=True)


def role_view(role: Role) -> RoleOut:
    return RoleOut(id=role.id, key=role.key, name=role.name, permissions=sorted(role.permissions), built_in=False)


def get_role(uow: UnitOfWork, role_id: UUID) -> Role:
    role = uow.session.get(Role, role_id)
    if role is None:
        raise NotFound(_("There is no such role."))
    return role


def find_permissions_of_role(uow: UnitOfWork, key: str) -> frozenset[str] | None:
    """None when the tenant has no such role."""
    if key in BUILT_IN_ROLES:
        return uow.box.registry.permissions_of(key)
    found = uow.session.scalar(select(Role.permissions).where(Role.key == key, Role.tenant_id == uow.tenant_id))
    return None if found is None else frozenset(found)


def list_tenants_without_members(uow: UnitOfWork) -> Sequence[Tenant]:
    """Needs the box scope."""
    belonged = select(Membership.id).where(Membership.tenant_id == Tenant.id)
    return uow.session.scalars(select(Tenant).where(~belonged.exists()).order_by(Tenant.created_at).limit(100)).all()
