"""What the owner of the machine does at its console for people who cannot help themselves. All of it needs the box scope.

Joining by invitation proves no address, so somebody may hold one that is not theirs. `release_address` gives it back: the account
stays in the record under a name that no mail reaches, and whoever the address belongs to can be invited anew.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from appliance.core.box import Box
from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor, UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions import attempts, hashing, sessions
from appliance.domains.identity.actions.invitations import Invited, invite_as_box
from appliance.domains.identity.actions.recording import as_tenant, record
from appliance.domains.identity.actions.tenants import change_tenant, create_tenant
from appliance.domains.identity.errors import LastOwner, NoSuchTenant
from appliance.domains.identity.events import MemberRemoved
from appliance.domains.identity.rules import access
from appliance.domains.identity.rules.names import fold_email
from appliance.domains.identity.schemas import TenantIn
from appliance.domains.identity.tables import Membership, User
from appliance.domains.identity.types import OWNER, Device, MemberStatus, TenantStatus

NO_PASSWORD = "none"  # noqa: S105 - no hash, so that nothing fits
CONSOLE = Actor("system", name="console")
_GROUPS, _GROUP = 5, 4
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is mistaken for another when it is read out


def release_address(box: Box, email: str) -> UUID:
    """Whoever holds the address is out everywhere, and it is free. Raises NotFound, LastOwner, Conflict for the last operator."""
    with box.whole_box("release address", CONSOLE) as uow:
        user = _get_by_email(uow, email)
        _check_box_keeps_an_operator(uow, user)
        for membership in _places_of(uow, user):
            with as_tenant(uow, membership.tenant_id) as theirs:
                _take_out(theirs, membership)
        record(uow, "person.released", about=("user", user.id), before={"email": user.email})
        sessions.revoke_other_sessions(uow, user_id=user.id, keep=None, because="address released")
        user.email, user.is_active, user.is_operator = f"released-{user.id.hex}@invalid", False, False
        user.password_hash = NO_PASSWORD
        return user.id


def reset_password(box: Box, email: str) -> str:
    """A new password, to be told in person and changed after; every session ends. Raises NotFound."""
    password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    hashed = hashing.hash_password(password)
    with box.whole_box("reset password", CONSOLE) as uow:
        user = _get_by_email(uow, email)
        user.password_hash = hashed
        attempts.forget_failures(uow, Device(), user.email, f"password:{user.id}")
        sessions.revoke_other_sessions(uow, user_id=user.id, keep=None, because="password reset")
        record(uow, "password.reset", about=("user", user.id))
        for membership in _places_of(uow, user):
            with as_tenant(uow, membership.tenant_id) as theirs:
                record(theirs, "password.reset", about=("user", user.id))
    return password


def invite_from_console(box: Box, *, email: str, slug: str, role: str) -> Invited:
    """A new link; an earlier one of the same address and organisation ends. Raises NoSuchTenant, Refused, AlreadyMember."""
    with box.whole_box("invite", CONSOLE) as uow, as_tenant(uow, _get_by_slug(uow, slug)) as theirs:
        if queries.find_permissions_of_role(theirs, role) is None:
            access.refuse_unknown_role()
        return invite_as_box(theirs, email=email, role=role)


@dataclass(frozen=True)
class Made:
    tenant_id: UUID
    slug: str
    invited: Invited


def create_from_console(box: Box, wanted: TenantIn) -> Made:
    """An organisation whose owner is invited. Raises SlugTaken, Refused for the address."""
    assert wanted.owner_email
    with box.whole_box("create organisation", CONSOLE) as uow:
        if not queries.is_set_up(uow):
            raise Refused(_("Set the box up first: open /setup, or `salesedge setup`."))
        tenant = create_tenant(uow, name=wanted.name, slug=wanted.slug or "", locale=wanted.locale, timezone=wanted.timezone)
        with as_tenant(uow, tenant.id) as theirs:
            return Made(tenant.id, tenant.slug, invite_as_box(theirs, email=wanted.owner_email, role=OWNER))


def put_status(box: Box, slug: str, status: TenantStatus) -> None:
    """Raises NoSuchTenant."""
    with box.whole_box("suspend or resume", CONSOLE) as uow:
        tenant_id = _get_by_slug(uow, slug)
        with as_tenant(uow, tenant_id) as theirs:
            change_tenant(theirs, tenant_id, {"status": status})


def _get_by_slug(uow: UnitOfWork, slug: str) -> UUID:
    tenant = queries.find_tenant_by_slug(uow, slug)
    if tenant is None:
        raise NoSuchTenant
    return tenant.id


def _get_by_email(uow: UnitOfWork, email: str) -> User:
    user = queries.find_user_by_email(uow, fold_email(email))
    if user is None:
        raise NotFound(_("There is no such person."))
    return user


def _places_of(uow: UnitOfWork, user: User) -> list[Membership]:
    """In the order in which chains are locked."""
    return list(uow.session.scalars(select(Membership).where(Membership.user_id == user.id).order_by(Membership.tenant_id)))


def _take_out(theirs: UnitOfWork, membership: Membership) -> None:
    others = select(Membership.id).join(User).where(
        Membership.tenant_id == theirs.tenant_id, Membership.role == OWNER, Membership.status == MemberStatus.ACTIVE,
        Membership.id != membership.id, User.is_active,
    )  # fmt: skip
    if membership.role == OWNER and theirs.session.scalar(others.limit(1)) is None:
        raise LastOwner
    record(theirs, "member.removed", about=("user", membership.user_id), before={"role": membership.role})
    theirs.emit(MemberRemoved(membership.user_id))
    theirs.session.delete(membership)


def _check_box_keeps_an_operator(uow: UnitOfWork, user: User) -> None:
    others = select(User.id).where(User.is_operator, User.is_active, User.id != user.id).limit(1)
    if user.is_operator and uow.session.scalar(others) is None:
        raise Conflict(_("The box needs an operator, and this is the only one."))
