"""How people come in: an invitation, good once and for three days. Sending it is up to whoever asked for it."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError

from appliance.core.box import Box
from appliance.core.errors import Conflict, NotFound
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import was_changed
from appliance.core.uow import Actor, UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.actions import attempts, hashing, sessions
from appliance.domains.identity.actions.members import Granter, check_may_give_role
from appliance.domains.identity.actions.recording import as_tenant, record
from appliance.domains.identity.actions.tenants import add_member
from appliance.domains.identity.errors import AlreadyMember, InvitationOver, WrongCredentials
from appliance.domains.identity.rules.names import check_email
from appliance.domains.identity.rules.passwords import MAX_LENGTH, check_password
from appliance.domains.identity.rules.tokens import digest
from appliance.domains.identity.tables import Invitation, Membership, User
from appliance.domains.identity.types import INVITATION_LIFETIME, Device, InvitationStatus, SessionKind, SignedIn


@dataclass(frozen=True)
class Invited:
    """`token` is shown this once."""

    invitation: Invitation
    token: str


@dataclass(frozen=True)
class Welcome:
    """What the page behind an invitation's link shows. `is_known` people enter the password they already have."""

    email: str
    tenant_name: str
    role: str
    is_known: bool


def invite(uow: UnitOfWork, *, email: str, role: str, granter: Granter) -> Invited:
    """An earlier invitation of the same address ends. Raises AlreadyMember, BeyondOwnRights."""
    check_may_give_role(uow, granter, role)
    return invite_as_box(uow, email=email, role=role)


def invite_as_box(uow: UnitOfWork, *, email: str, role: str) -> Invited:
    """The same without a granter, for the operator who makes a tenant and invites its owner."""
    address = check_email(email)
    user = queries.find_user_by_email(uow, address)
    if user is not None and uow.session.scalar(_membership_of(uow, user)) is not None:
        raise AlreadyMember
    for earlier in uow.session.scalars(_pending_of(uow, address)):
        earlier.status = InvitationStatus.REVOKED
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        id=new_id(), tenant_id=uow.tenant_id, email=address, role=role, token_sha256=digest(token), status=InvitationStatus.PENDING,
        invited_by=uow.actor.id, created_at=uow.now, expires_at=uow.now + INVITATION_LIFETIME,
    )  # fmt: skip
    uow.session.add(invitation)
    record(uow, "invitation.sent", about=("invitation", invitation.id), after={"email": address, "role": role})
    return Invited(invitation, token)


def resend_invitation(uow: UnitOfWork, invitation_id: UUID, granter: Granter) -> Invited:
    """A new token and three more days; the old link stops working. Raises BeyondOwnRights: whoever gets the link could use it."""
    invitation = _get_pending(uow, invitation_id)
    check_may_give_role(uow, granter, invitation.role)
    token = secrets.token_urlsafe(32)
    invitation.token_sha256, invitation.expires_at = digest(token), uow.now + INVITATION_LIFETIME
    record(uow, "invitation.resent", about=("invitation", invitation.id))
    return Invited(invitation, token)


def revoke_invitation(uow: UnitOfWork, invitation_id: UUID, granter: Granter) -> Invitation:
    """Raises BeyondOwnRights."""
    invitation = _get_pending(uow, invitation_id)
    check_may_give_role(uow, granter, invitation.role)
    invitation.status = InvitationStatus.REVOKED
    record(uow, "invitation.revoked", about=("invitation", invitation.id))
    return invitation


def read_invitation(box: Box, token: str, device: Device) -> Welcome:
    """Raises InvitationOver, TooMany."""
    with box.whole_box("read invitation") as uow:
        attempts.check_may_try(uow, f"invitation:{device.ip}", device)
        found = queries.find_invitation_by_token(uow, digest(token))
        welcome = _welcome(uow, found) if found else None
        if welcome is not None:
            attempts.forget_failures(uow, device, f"invitation:{device.ip}")
    if welcome is None:
        raise InvitationOver
    return welcome


def accept_invitation(
    box: Box, *, token: str, name: str, password: str, device: Device, kind: SessionKind = SessionKind.BROWSER
) -> SignedIn:
    """Join and sign in; a person the box knows proves it with their password. Of two at once, one gets through.

    Raises InvitationOver, WeakPassword, WrongCredentials, TooMany.
    """
    welcome = read_invitation(box, token, device)
    if welcome.is_known:
        password_hash = _check_known(box, welcome.email, password, device)
    else:
        check_password(password, about=(welcome.email, name, welcome.tenant_name))
        password_hash = hashing.hash_password(password)
    with box.whole_box("accept invitation") as uow:
        invitation = queries.find_invitation_by_token(uow, digest(token))
        if invitation is None or not _spend(uow, invitation):
            raise InvitationOver
        user = queries.find_user_by_email(uow, invitation.email) or _new_user(uow, invitation.email, name, password_hash)
        if user.password_hash != password_hash:
            raise InvitationOver  # somebody of this address came in while we were hashing
        return _join(uow, user, invitation, kind, device)


def _join(uow: UnitOfWork, user: User, invitation: Invitation, kind: SessionKind, device: Device) -> SignedIn:
    with as_tenant(uow, invitation.tenant_id) as theirs:
        theirs.actor = Actor("user", user.id, user.name)
        if uow.session.scalar(_membership_of(theirs, user)) is not None:
            raise AlreadyMember
        add_member(theirs, user, invitation.role)
    return sessions.begin_session(uow, user, kind, device, tenant_id=invitation.tenant_id)


def _check_known(box: Box, email: str, password: str, device: Device) -> str:
    with box.whole_box("accept invitation") as uow:
        user = queries.find_user_by_email(uow, email)
        account = attempts.account_of(uow, email, user, device)
        attempts.check_may_try(uow, account, device)
        kept = user.password_hash if user and user.is_active else None
    if kept is None or not hashing.is_password(kept, password[: MAX_LENGTH + 1]):
        raise WrongCredentials
    with box.whole_box("accept invitation") as uow:
        attempts.forget_failures(uow, device, email, account)
    return kept


def _new_user(uow: UnitOfWork, email: str, name: str, password_hash: str) -> User:
    """The address is not proven: whoever invited saw the link too."""
    user = User(id=new_id(), email=email, name=name, password_hash=password_hash, created_at=uow.now)
    uow.session.add(user)
    try:
        uow.session.flush()
    except IntegrityError as err:  # the same person accepted another invitation at this moment
        raise Conflict(_("Somebody changed this at the same moment. Reload and try again.")) from err
    return user


def _welcome(uow: UnitOfWork, invitation: Invitation) -> Welcome:
    tenant = queries.get_tenant(uow, invitation.tenant_id)
    known = queries.find_user_by_email(uow, invitation.email) is not None
    return Welcome(invitation.email, tenant.name, invitation.role, known)


def _get_pending(uow: UnitOfWork, invitation_id: UUID) -> Invitation:
    invitation = uow.session.get(Invitation, invitation_id)
    if invitation is None:
        raise NotFound(_("There is no such invitation."))
    if invitation.status is not InvitationStatus.PENDING:
        raise Conflict(_("This invitation was already used or revoked."))
    return invitation


def _pending_of(uow: UnitOfWork, email: str) -> Select[Invitation]:
    mine = (Invitation.tenant_id == uow.tenant_id, Invitation.email == email)
    return select(Invitation).where(*mine, Invitation.status == InvitationStatus.PENDING)


def _membership_of(uow: UnitOfWork, user: User) -> Select[UUID]:
    return select(Membership.id).where(Membership.tenant_id == uow.tenant_id, Membership.user_id == user.id)


def _spend(uow: UnitOfWork, invitation: Invitation) -> bool:
    result = uow.session.execute(
        update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.status == InvitationStatus.PENDING)
        .values(status=InvitationStatus.ACCEPTED, accepted_at=uow.now)
        .execution_options(synchronize_session=False)
    )
    return was_changed(result)
