from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class TenantCreated:
    new_tenant_id: UUID


@dataclass(frozen=True)
class TenantChanged:
    changed_tenant_id: UUID


@dataclass(frozen=True)
class MemberJoined:
    user_id: UUID


@dataclass(frozen=True)
class MemberChanged:
    """Role, teams or region; what the person may see may have changed."""

    user_id: UUID


@dataclass(frozen=True)
class MemberEnabled:
    user_id: UUID


@dataclass(frozen=True)
class MemberDisabled:
    """Sessions, keys and sockets of this person in this tenant end."""

    user_id: UUID


@dataclass(frozen=True)
class MemberRemoved:
    user_id: UUID


@dataclass(frozen=True)
class RoleChanged:
    role_id: UUID


@dataclass(frozen=True)
class SessionRevoked:
    session_id: UUID
    user_id: UUID


@dataclass(frozen=True)
class ApiKeyRevoked:
    api_key_id: UUID
