from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.core.web.auth import Principal
from appliance.domains.identity import queries
from appliance.domains.identity.actions.recording import record
from appliance.domains.identity.errors import NoSuchTenant
from appliance.domains.identity.events import MemberChanged, MemberDisabled, MemberEnabled, MemberRemoved
from appliance.domains.identity.rules import access
from appliance.domains.identity.schemas import MemberOut
from appliance.domains.identity.tables import Membership, Tenant, User
from appliance.domains.identity.types import OWNER, MemberStatus


@dataclass(frozen=True)
class Granter:
    """Who gives rights: nobody passes on more than they hold."""

    role: str
    permissions: frozenset[str]

    @classmethod
    def of(cls, principal: Principal) -> "Granter":
        return cls(principal.role, principal.permissions)


def check_may_give_role(uow: UnitOfWork, granter: Granter, role: str) -> None:
    """Raises Refused when there is no such role, BeyondOwnRights when it holds more than the granter."""
    permissions = queries.find_permissions_of_role(uow, role)
    if permissions is None:
        access.refuse_unknown_role()
    access.check_may_touch_owner(granter.role, role)
    access.check_may_grant(permissions, granter.permissions)


def change_member(uow: UnitOfWork, member_id: UUID, changes: dict[str, Any], granter: Granter) -> MemberOut:
    """`changes` among role, teams, region, status. Raises LastOwner, BeyondOwnRights."""
    _lock_members(uow)
    membership = queries.get_membership(uow, member_id)
    role, status = changes.get("role", membership.role), changes.get("status", membership.status)
    if role != membership.role:
        check_may_give_role(uow, granter, role)
    if {"role", "status"} & changes.keys():
        access.check_may_touch_owner(granter.role, membership.role)
    _check_owner_remains(uow, membership, stays_owner=role == OWNER and status is MemberStatus.ACTIVE)
    before = {name: getattr(membership, name) for name in changes}
    for name, value in changes.items():
        setattr(membership, name, value)
    record(uow, "member.changed", about=("user", membership.user_id), before=before, after=changes)
    _tell(uow, membership, before)
    return queries.member_of(uow, membership)


def remove_member(uow: UnitOfWork, member_id: UUID, granter: Granter) -> None:
    """The person stays a user of the box; sessions and keys no longer reach this tenant. Raises LastOwner."""
    _lock_members(uow)
    membership = queries.get_membership(uow, member_id)
    access.check_may_touch_owner(granter.role, membership.role)
    _check_owner_remains(uow, membership, stays_owner=False)
    record(uow, "member.removed", about=("user", membership.user_id), before={"role": membership.role})
    uow.emit(MemberRemoved(membership.user_id))
    uow.session.delete(membership)


def change_profile(uow: UnitOfWork, user_id: UUID, changes: dict[str, str]) -> User:
    """A person's own name and language."""
    user = queries.get_user(uow, user_id)
    before = {name: getattr(user, name) for name in changes}
    for name, value in changes.items():
        setattr(user, name, value)
    record(uow, "profile.changed", about=("user", user_id), before=before, after=changes)
    return user


def _tell(uow: UnitOfWork, membership: Membership, before: dict[str, Any]) -> None:
    if before.get("status", membership.status) != membership.status:
        disabled = membership.status is MemberStatus.DISABLED
        uow.emit(MemberDisabled(membership.user_id) if disabled else MemberEnabled(membership.user_id))
    if before.keys() - {"status"}:
        uow.emit(MemberChanged(membership.user_id))


def _lock_members(uow: UnitOfWork) -> None:
    """Two owners who demote each other at once take turns."""
    if uow.session.scalar(select(Tenant.id).where(Tenant.id == uow.tenant_id).with_for_update()) is None:
        raise NoSuchTenant


def _check_owner_remains(uow: UnitOfWork, membership: Membership, *, stays_owner: bool) -> None:
    before = membership.role if membership.status is MemberStatus.ACTIVE else ""
    access.check_an_owner_remains(role_before=before, stays_owner=stays_owner, other_owners=queries.count_other_owners(uow, membership))
