from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from appliance.core.errors import NotFound
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.identity.errors import NoSuchTenant
from appliance.domains.identity.tables import Membership, Role, Tenant
from appliance.domains.identity.types import BUILT_IN_ROLES


@dataclass(frozen=True)
class RoleView:
    """A built-in role has no id."""

    key: str
    name: str
    permissions: list[str]
    built_in: bool
    id: UUID | None = None


def get_tenant(uow: UnitOfWork, tenant_id: UUID | None = None) -> Tenant:
    """The unit's own tenant when none is named."""
    tenant = uow.session.get(Tenant, tenant_id or uow.tenant_id)
    if tenant is None:
        raise NoSuchTenant
    return tenant


def find_tenant(uow: UnitOfWork, tenant_id: UUID) -> Tenant | None:
    return uow.session.get(Tenant, tenant_id)


def list_tenants(uow: UnitOfWork, *, ids: list[UUID] | None = None, offset: int = 0, limit: int = 50) -> tuple[list[Tenant], int]:
    """All of the box, or those of `ids`, with the total."""
    statement = select(Tenant)
    if ids is not None:
        statement = statement.where(Tenant.id.in_(ids))
    total = uow.session.scalar(statement.with_only_columns(func.count(Tenant.id))) or 0
    return list(uow.session.scalars(statement.order_by(Tenant.name, Tenant.id).offset(offset).limit(limit))), total


def find_box_locale(uow: UnitOfWork) -> str | None:
    """The language its first organisation chose; none before there is one."""
    return uow.session.scalar(select(Tenant.locale).order_by(Tenant.created_at, Tenant.id).limit(1))


def is_slug_taken(uow: UnitOfWork, slug: str) -> bool:
    return uow.session.scalar(select(Tenant.id).where(Tenant.slug == slug)) is not None


def grantable_permissions(uow: UnitOfWork) -> frozenset[str]:
    """What a tenant may put in a role: everything some built-in role holds, and nothing of the operator's."""
    return frozenset().union(*(uow.box.registry.permissions_of(role) for role in BUILT_IN_ROLES))


def list_roles(uow: UnitOfWork) -> list[RoleView]:
    built_in = (_built_in(key, uow.box.registry.permissions_of(key)) for key in BUILT_IN_ROLES)
    return [*built_in, *(role_view(role) for role in uow.session.scalars(select(Role).order_by(Role.name).limit(200)))]


def _built_in(key: str, permissions: frozenset[str]) -> RoleView:
    return RoleView(key, key.replace("_", " ").capitalize(), sorted(permissions), built_in=True)


def role_view(role: Role) -> RoleView:
    return RoleView(role.key, role.name, sorted(role.permissions), built_in=False, id=role.id)


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
