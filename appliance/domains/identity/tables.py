from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, event
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Rows, Sealed, SealedJson, TenantOwned
from appliance.domains.identity.types import InvitationStatus, MemberStatus, SessionKind, TenantStatus


class Tenant(Base):
    __tablename__ = "tenants"

    name: Mapped[str] = mapped_column(String(120))
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    status: Mapped[TenantStatus] = mapped_column(default=TenantStatus.ACTIVE)
    locale: Mapped[str] = mapped_column(String(10))
    timezone: Mapped[str] = mapped_column(String(60))
    settings: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]


class BusinessHours(TenantOwned, Base):
    """When an organisation works; none: always. `spans` and `days_off` have the shapes of schemas.HoursIn."""

    __tablename__ = "business_hours"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    spans: Mapped[list[dict[str, Any]]]
    holidays: Mapped[str] = mapped_column(String(6), default="")
    days_off: Mapped[list[dict[str, Any]]]


class User(Base):
    """A person, once per box whatever their organisations."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(120))
    locale: Mapped[str] = mapped_column(String(10), default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    is_operator: Mapped[bool] = mapped_column(default=False)
    last_login_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Membership(TenantOwned, Base):
    """`role` is the key of a built-in role or of one of the tenant's own."""

    __tablename__ = "memberships"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    teams: Mapped[list[str]] = mapped_column(default=list)
    region: Mapped[str] = mapped_column(String(60), default="")
    status: Mapped[MemberStatus] = mapped_column(default=MemberStatus.ACTIVE)
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "user_id"),)


class Role(TenantOwned, Base):
    """A tenant's own role; the built-in ones are code."""

    __tablename__ = "roles"

    key: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(80))
    permissions: Mapped[list[str]]
    created_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "key"),)


class LoginSession(Base):
    """A browser's session, or a family of refresh tokens. `secret_sha256` is of the only secret that is good now."""

    __tablename__ = "sessions"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[UUID | None]
    kind: Mapped[SessionKind]
    secret_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    device: Mapped[str] = mapped_column(String(200), default="")
    ip: Mapped[str] = mapped_column(String(45), default="")
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str] = mapped_column(String(40), default="")


class ApiKey(TenantOwned, Base):
    __tablename__ = "api_keys"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    prefix: Mapped[str] = mapped_column(String(60))
    key_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    rate_limit: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Invitation(TenantOwned, Base):
    __tablename__ = "invitations"

    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(40))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[InvitationStatus] = mapped_column(default=InvitationStatus.PENDING)
    invited_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_invitations_tenant_email", "tenant_id", "email"),)


class SignInAttempts(Rows):
    """How often somebody tried of late. `key` is a hash of the account's e-mail or of the address."""

    __tablename__ = "sign_in_attempts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime] = mapped_column(index=True)
    locked_until: Mapped[datetime | None]


class SetupCode(Base):
    __tablename__ = "setup_codes"

    code_sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AuditEntry(TenantOwned, Base):
    """One line of a tenant's chain; tenant NIL is the box's own."""

    __tablename__ = "audit_log"

    seq: Mapped[int]
    at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(80))
    object_kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[str] = mapped_column(String(80))
    ip: Mapped[str] = mapped_column(Sealed())
    request_id: Mapped[str] = mapped_column(String(40))
    before: Mapped[dict[str, Any] | None] = mapped_column(SealedJson())
    after: Mapped[dict[str, Any] | None] = mapped_column(SealedJson())
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        UniqueConstraint("tenant_id", "seq"),
        Index("ix_audit_log_at", "tenant_id", "at"),
        Index("ix_audit_log_actor", "tenant_id", "actor_id"),
        Index("ix_audit_log_action", "tenant_id", "action"),
    )


class AuditHead(TenantOwned, Rows):
    """The last line of each chain, so that cutting the end off shows. Its lock orders the writers."""

    __tablename__ = "audit_heads"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class AppendOnly(RuntimeError):
    """Somebody tried to change the record of what was done."""


def _refuse_change(mapper: object, connection: object, entry: AuditEntry) -> None:
    del mapper, connection
    raise AppendOnly(f"audit_log {entry.seq}")


event.listen(AuditEntry, "before_update", _refuse_change)
event.listen(AuditEntry, "before_delete", _refuse_change)
