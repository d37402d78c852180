"""From a secret to the person behind it: one indexed statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select

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


_PERSON = (User.id.label("user_id"), User.name, User.email, User.locale, User.is_operator)
_SEAT = (Membership.tenant_id.label("seat_id"), Tenant.name.label("seat_name"), Membership.role, Role.permissions)


def find_session_holder(uow: UnitOfWork, *, secret_sha256: str) -> Holder | None:
    """By a browser's cookie."""
    return _find_by_session(uow, LoginSession.secret_sha256 == secret_sha256, LoginSession.kind == SessionKind.BROWSER)


def find_token_holder(uow: UnitOfWork, *, session_id: UUID, user_id: UUID) -> Holder | None:
    """By an access token's session, which must not have been revoked since."""
    is_it = and_(LoginSession.id == session_id, LoginSession.user_id == user_id)
    return _find_by_session(uow, is_it, LoginSession.kind == SessionKind.TOKEN)


def find_key_holder(uow: UnitOfWork, *, key_sha256: str) -> Holder | None:
    statement = (
        select(ApiKey.id.label("credential_id"), ApiKey.tenant_id, ApiKey.scopes, ApiKey.rate_limit, *_PERSON, *_SEAT)
        .join(User, User.id == ApiKey.user_id)
        .where(ApiKey.key_sha256 == key_sha256, ApiKey.revoked_at.is_(None), User.is_active)
        .where(or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > uow.now))
    )
    rows = uow.session.execute(_seated(statement, Membership.tenant_id == ApiKey.tenant_id)).all()
    return _holder(rows, scopes=frozenset(rows[0].scopes), rate_limit=rows[0].rate_limit) if rows else None


def _find_by_session(uow: UnitOfWork, *which: ColumnElement[bool]) -> Holder | None:
    statement = (
        select(LoginSession.id.label("credential_id"), LoginSession.tenant_id, *_PERSON, *_SEAT)
        .join(User, User.id == LoginSession.user_id)
        .where(*which, LoginSession.revoked_at.is_(None), LoginSession.expires_at > uow.now, User.is_active)
    )
    rows = uow.session.execute(_seated(statement)).all()
    return _holder(rows) if rows else None


def _seated(statement: Select[*tuple[Any, ...]], *only: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """One row for each active membership, with what a role of the tenant's own allows; one empty row when there is none."""
    return (
        statement.outerjoin(Membership, and_(Membership.user_id == User.id, Membership.status == MemberStatus.ACTIVE, *only))
        .outerjoin(Tenant, and_(Tenant.id == Membership.tenant_id, Tenant.status == TenantStatus.ACTIVE))
        .outerjoin(Role, and_(Role.tenant_id == Membership.tenant_id, Role.key == Membership.role))
        .order_by(Membership.created_at)
    )


def _holder(rows: Sequence[Any], *, scopes: frozenset[str] | None = None, rate_limit: int | None = None) -> Holder:
    first = rows[0]
    return Holder(
        credential_id=first.credential_id, user_id=first.user_id, name=first.name, email=first.email, locale=first.locale,
        is_operator=first.is_operator, tenant_id=first.tenant_id, scopes=scopes, rate_limit=rate_limit,
        seats=tuple(_seat(row) for row in rows if row.seat_name is not None),
    )  # fmt: skip


def _seat(row: Any) -> Seat:
    return Seat(row.seat_id, row.seat_name, row.role, None if row.permissions is None else frozenset(row.permissions))
