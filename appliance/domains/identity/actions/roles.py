from uuid import UUID

from sqlalchemy import func, select

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions.members import Granter
from appliance.domains.identity.actions.recording import record
from appliance.domains.identity.errors import RoleInUse
from appliance.domains.identity.events import RoleChanged
from appliance.domains.identity.rules import access
from appliance.domains.identity.rules.names import slug_of
from appliance.domains.identity.tables import Invitation, Membership, Role
from appliance.domains.identity.types import InvitationStatus


def create_role(uow: UnitOfWork, *, name: str, permissions: list[str], granter: Granter) -> Role:
    """Raises UnknownPermission, BeyondOwnRights."""
    key = slug_of(name).replace("-", "_")
    access.check_role_key_free(key, uow.session.scalars(select(Role.key)))
    _check_grant(uow, permissions, granter)
    role = Role(id=new_id(), tenant_id=uow.tenant_id, key=key, name=name, permissions=sorted(set(permissions)), created_at=uow.now)
    uow.session.add(role)
    record(uow, "role.created", about=("role", role.id), after={"name": name, "permissions": role.permissions})
    uow.emit(RoleChanged(role.id))
    return role


def change_role(uow: UnitOfWork, role_id: UUID, *, name: str | None, permissions: list[str] | None, granter: Granter) -> Role:
    role = queries.get_role(uow, role_id)
    before = {"name": role.name, "permissions": role.permissions}
    if permissions is not None:
        _check_grant(uow, permissions, granter)
        role.permissions = sorted(set(permissions))
    role.name = name or role.name
    record(uow, "role.changed", about=("role", role.id), before=before, after={"name": role.name, "permissions": role.permissions})
    uow.emit(RoleChanged(role.id))
    return role


def delete_role(uow: UnitOfWork, role_id: UUID) -> None:
    """Raises RoleInUse while somebody has it or is invited to it."""
    role = queries.get_role(uow, role_id)
    members = select(func.count(Membership.id)).where(Membership.role == role.key)
    invited = select(func.count(Invitation.id)).where(Invitation.role == role.key, Invitation.status == InvitationStatus.PENDING)
    if uow.session.scalar(members) or uow.session.scalar(invited):
        raise RoleInUse
    record(uow, "role.deleted", about=("role", role.id), before={"name": role.name, "permissions": role.permissions})
    uow.session.delete(role)


def _check_grant(uow: UnitOfWork, permissions: list[str], granter: Granter) -> None:
    access.check_permissions_exist(permissions, queries.grantable_permissions(uow))
    access.check_may_grant(frozenset(permissions), granter.permissions)
