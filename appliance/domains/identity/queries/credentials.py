"""From a secret to the person behind it: one indexed statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select

from appliance.core.uow import UnitOfWork
from appliance.domains.identity.tables import ApiKey, LoginSession, Membership, Role, Tenant, User
from appliance.domains.identity.types import MemberStatus, SessionKind, TenantStatus


@dataclass(frozen=True)
class Seat:
    """A place in one organisation. `custom` holds the permissions of a role of the tenant's own."""

    tenant_id: UUID
    tenant_name: str
    role: str
    custom: frozenset[str] | None


@dataclass(frozen=True)
class Holder:
    """Whoever presented a good secret. `scopes` is None for people."""

    credential_id: UUID
    user_id: UUID
    name: str
    email: str
    locale: str
    is_operator: bool
    tenant_id: UUID | None
    seats: tuple[Seat, ...]
    scopes: frozenset[str] | None = None
    rate_limit: int | None = None


_SEAT = (Membership.tenant_id, Tenant.name, Membership.role, Role.permissions)
_PERSON = (User.id, User.name, User.email, User.locale, User.is_operator)


def find_session_holder(uow: UnitOfWork, *, secret_sha256: str) -> Holder | None:
    """By a browser's cookie."""
    return _session(uow, and_(LoginSession.secret_sha256 == secret_sha256, LoginSession.kind == SessionKind.BROWSER))


def find_token_holder(uow: UnitOfWork, *, session_id: UUID, user_id: UUID) -> Holder | None:
    """By an access token's session, which must not have been revoked since."""
    return _session(uow, and_(LoginSession.id == session_id, LoginSession.user_id == user_id, LoginSession.kind == SessionKind.TOKEN))


def find_key_holder(uow: UnitOfWork, *, key_sha256: str) -> Holder | None:
    statement = _seated(
        select(ApiKey.id, ApiKey.tenant_id, *_PERSON, ApiKey.scopes, ApiKey.rate_limit, *_SEAT).join(User, User.id == ApiKey.user_id),
        Membership.tenant_id == ApiKey.tenant_id,
    ).where(ApiKey.key_sha256 == key_sha256, ApiKey.revoked_at.is_(None), _not_over(ApiKey.expires_at, uow.now), User.is_active)
    rows = uow.session.execute(statement).all()
    if not rows or rows[0][9] is None:
        return None
    return _holder(rows, scopes=frozenset(rows[0][7]), rate_limit=rows[0][8])


def _session(uow: UnitOfWork, which: ColumnElement[bool]) -> Holder | None:
    nothing = (LoginSession.revoked_at, LoginSession.revoked_at)  # keeps the columns of both statements in the same places
    statement = _seated(
        select(LoginSession.id, LoginSession.tenant_id, *_PERSON, *nothing, *_SEAT).join(User, User.id == LoginSession.user_id)
    ).where(which, LoginSession.revoked_at.is_(None), LoginSession.expires_at > uow.now, User.is_active)
    rows = uow.session.execute(statement).all()
    return _holder(rows) if rows else None


def _seated(statement: Select[Any], *only: ColumnElement[bool]) -> Select[Any]:
    return (
        statement.outerjoin(Membership, and_(Membership.user_id == User.id, Membership.status == MemberStatus.ACTIVE, *only))
        .outerjoin(Tenant, and_(Tenant.id == Membership.tenant_id, Tenant.status == TenantStatus.ACTIVE))
        .outerjoin(Role, and_(Role.tenant_id == Membership.tenant_id, Role.key == Membership.role))
        .order_by(Membership.created_at)
    )


def _not_over(moment: Any, now: datetime) -> ColumnElement[bool]:
    return or_(moment.is_(None), moment > now)


def _holder(rows: Any, *, scopes: frozenset[str] | None = None, rate_limit: int | None = None) -> Holder:
    first = rows[0]
    return Holder(first[0], first[2], first[3], first[4], first[5], first[6], first[1], _seats(rows), scopes, rate_limit)


def _seats(rows: "list[Row[Any]]") -> tuple[Seat, ...]:
    return tuple(
        Seat(row[-4], row[-3], row[-2], None if row[-1] is None else frozenset(row[-1])) for row in rows if row[-3] is not None
    )
