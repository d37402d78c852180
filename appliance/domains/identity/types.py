from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

OWNER = "owner"
OPERATOR = "operator"
BUILT_IN_ROLES = (OWNER, "admin", "manager", "rep", "agent", "read_only")

SESSION_COOKIE = "se_session"
SESSION_LIFETIME = timedelta(days=7)
ACCESS_LIFETIME = timedelta(minutes=15)
INVITATION_LIFETIME = timedelta(hours=72)
SETUP_CODE_LIFETIME = timedelta(days=7)
SEEN = "box:identity:seen"  # in Redis: credential -> moment, until a job writes it down
API_KEY_RATE = 1000  # requests a minute; the edge lets nobody go faster


class TenantStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Listening(StrEnum):
    """Whether recordings are written down. OWN: as speech in the organisation's language; ANY: in whichever is spoken."""

    OWN = "own"
    ANY = "any"
    OFF = "off"


class MemberStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class InvitationStatus(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REVOKED = "revoked"


class SessionKind(StrEnum):
    BROWSER = "browser"
    TOKEN = "token"  # noqa: S105 - the kind, not a secret


@dataclass(frozen=True)
class Device:
    """Where a request came from."""

    ip: str = ""
    user_agent: str = ""


@dataclass(frozen=True)
class SignedIn:
    """A session just begun. `secret` is the cookie's value, or the refresh token of a token session; it is not kept."""

    session_id: UUID
    user_id: UUID
    tenant_id: UUID | None
    secret: str


@dataclass(frozen=True)
class TokenPair:
    access_token: str
    refresh_token: str
    session_id: UUID
    user_id: UUID
    expires_in: int = int(ACCESS_LIFETIME.total_seconds())


@dataclass(frozen=True)
class Presented:
    """What a caller shows to be recognised, whichever server received it. `tenant` is the X-Tenant-ID header."""

    cookie: str = ""
    bearer: str = ""
    api_key: str = ""
    tenant: str = ""


@dataclass(frozen=True)
class Setup:
    """The first person and the first organisation of a box."""

    email: str
    password: str
    person: str
    tenant: str
    locale: str = "pt_BR"
    timezone: str = "America/Sao_Paulo"
    brand_colour: str = ""


@dataclass(frozen=True)
class AuditFault:
    """The first place where a chain does not hold."""

    tenant_id: UUID
    seq: int
    reason: str
