from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from appliance.core.errors import NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.paging import count_rows
from appliance.core.rows import required
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page
from appliance.domains.identity.errors import NoSuchMember
from appliance.domains.identity.schemas import MemberOut, MembersQuery
from appliance.domains.identity.tables import ApiKey, Invitation, LoginSession, Membership, Tenant, User
from appliance.domains.identity.types import OWNER, InvitationStatus, MemberStatus, TenantStatus

MOST_AT_WORK = 1000


@dataclass(frozen=True)
class Known:
    """Somebody the box knows, with (organisation's short name, role) of each place."""

    id: UUID
    email: str
    name: str
    is_operator: bool
    is_active: bool
    last_login_at: datetime | None
    places: list[tuple[str, str]]


def list_people(uow: UnitOfWork, *, search: str = "", limit: int = 500) -> list[Known]:
    """Everybody on the box, by e-mail. Needs the box scope."""
    people = uow.session.scalars(select(User).where(_named(search)).order_by(User.email).limit(limit)).all()
    seats = select(Membership.user_id, Tenant.slug, Membership.role).join(Tenant, Tenant.id == Membership.tenant_id)
    rows = uow.session.execute(seats.where(Membership.user_id.in_([user.id for user in people]))).all()
    return [
        Known(
            user.id, user.email, user.name, user.is_operator, user.is_active, user.last_login_at,
            sorted((row.slug, row.role) for row in rows if row.user_id == user.id),
        )
        for user in people
    ]  # fmt: skip


def is_set_up(uow: UnitOfWork) -> bool:
    return uow.session.scalar(select(User.id).limit(1)) is not None


def get_user(uow: UnitOfWork, user_id: UUID) -> User:
    user = uow.session.get(User, user_id)
    if user is None:
        raise NotFound(_("There is no such person."))
    return user


def find_user_by_email(uow: UnitOfWork, email: str) -> User | None:
    """`email` folded (rules.names.fold_email)."""
    return uow.session.scalar(select(User).where(User.email == email))


def list_members(uow: UnitOfWork, query: MembersQuery) -> Page[MemberOut]:
    """By name."""
    statement = select(Membership, User).join(User, User.id == Membership.user_id).where(_named(query.search))
    if query.status is not None:
        statement = statement.where(Membership.status == query.status)
    rows = uow.session.execute(statement.order_by(User.name, Membership.id).offset(query.offset).limit(query.limit))
    return Page([_member(membership, user) for membership, user in rows], count_rows(uow, statement), query.page, query.limit)


def list_at_work(uow: UnitOfWork, *, roles: Iterable[str] | None = None, among: Iterable[UUID] | None = None) -> dict[UUID, str]:
    """Id and name of those who are active here, by name: with one of these roles, and of these people."""
    statement = select(Membership.user_id, User.name).join(User, User.id == Membership.user_id)
    statement = statement.where(Membership.status == MemberStatus.ACTIVE)
    if roles is not None:
        statement = statement.where(Membership.role.in_(set(roles)))
    if among is not None:
        statement = statement.where(Membership.user_id.in_(set(among)))
    rows = uow.session.execute(statement.order_by(User.name, Membership.id).limit(MOST_AT_WORK))
    return {row.user_id: row.name for row in rows}


def _named(search: str) -> ColumnElement[bool]:
    return User.name.icontains(search, autoescape=True) | User.email.icontains(search, autoescape=True)


def get_member(uow: UnitOfWork, member_id: UUID) -> MemberOut:
    return member_of(uow, get_membership(uow, member_id))


def find_member_of_user(uow: UnitOfWork, user_id: UUID) -> MemberOut | None:
    """The person's place in this tenant, active or not."""
    found = uow.session.execute(select(Membership, User).join(User).where(Membership.user_id == user_id)).first()
    return _member(*found) if found else None


def names_of(uow: UnitOfWork, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of this tenant's people, for lists that hold their ids."""
    rows = uow.session.execute(select(Membership.user_id, User.name).join(User).where(Membership.user_id.in_(set(user_ids))))
    return {row.user_id: row.name for row in rows}


def check_is_member(uow: UnitOfWork, user_id: UUID | None, field: str) -> None:
    """Raises Refused about `field` when somebody is named who does not work here now."""
    if user_id is None:
        return
    member = find_member_of_user(uow, user_id)
    if member is None or member.status is not MemberStatus.ACTIVE:
        sentence = _("This person is not a member of your organisation.")
        raise Refused(sentence, fields={field: sentence})


def get_membership(uow: UnitOfWork, member_id: UUID) -> Membership:
    return required(uow.session.get(Membership, member_id), NoSuchMember)


def member_of(uow: UnitOfWork, membership: Membership) -> MemberOut:
    return _member(membership, get_user(uow, membership.user_id))


def count_other_owners(uow: UnitOfWork, membership: Membership) -> int:
    statement = select(func.count(Membership.id)).join(User).where(
        Membership.role == OWNER, Membership.status == MemberStatus.ACTIVE, Membership.id != membership.id, User.is_active
    )  # fmt: skip
    return uow.session.scalar(statement) or 0


def seats_of(uow: UnitOfWork, user_id: UUID) -> list[tuple[Tenant, str]]:
    """The active tenants of a person with the role in each, first joined first. Needs the box scope."""
    rows = uow.session.execute(
        select(Tenant, Membership.role)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == user_id, Membership.status == MemberStatus.ACTIVE, Tenant.status == TenantStatus.ACTIVE)
        .order_by(Membership.created_at)
    )
    return [(tenant, role) for tenant, role in rows]


def list_invitations(uow: UnitOfWork, *, pending_only: bool = True) -> list[Invitation]:
    statement = select(Invitation).order_by(Invitation.created_at.desc()).limit(500)
    if pending_only:
        statement = statement.where(Invitation.status == InvitationStatus.PENDING)
    return list(uow.session.scalars(statement))


def find_invitation_by_token(uow: UnitOfWork, token_sha256: str) -> Invitation | None:
    """Needs the box scope: the token is what names the tenant."""
    found = uow.session.scalar(select(Invitation).where(Invitation.token_sha256 == token_sha256))
    return found if found and found.status is InvitationStatus.PENDING and found.expires_at > uow.now else None


def list_sessions(uow: UnitOfWork, user_id: UUID) -> list[LoginSession]:
    """A person's living sessions, latest first."""
    statement = select(LoginSession).where(
        LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None), LoginSession.expires_at > uow.now
    )  # fmt: skip
    return list(uow.session.scalars(statement.order_by(LoginSession.last_seen_at.desc()).limit(200)))


def has_signed_in_from(uow: UnitOfWork, user_id: UUID, ip: str) -> bool:
    """Whether a session of the person, over or not, began at this address."""
    return uow.session.scalar(select(LoginSession.id).where(LoginSession.user_id == user_id, LoginSession.ip == ip).limit(1)) is not None


def list_api_keys(uow: UnitOfWork) -> list[ApiKey]:
    return list(uow.session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc()).limit(500)))


def _member(membership: Membership, user: User) -> MemberOut:
    return MemberOut(
        id=membership.id, user_id=user.id, name=user.name, email=user.email, role=membership.role, teams=membership.teams,
        region=membership.region, status=membership.status, last_login_at=user.last_login_at, created_at=membership.created_at,
    )  # fmt: skip


def find_present(uow: UnitOfWork, user_ids: Iterable[UUID], *, since: datetime) -> frozenset[UUID]:
    """Those of them who were at the box since then, in this organisation."""
    seen = select(LoginSession.user_id).where(
        LoginSession.user_id.in_(set(user_ids)),
        LoginSession.tenant_id == uow.tenant_id,
        LoginSession.last_seen_at >= since,
        LoginSession.revoked_at.is_(None),
    )
    return frozenset(uow.session.scalars(seen))
