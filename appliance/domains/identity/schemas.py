from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, SecretStr

from appliance.core import clock
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import PageQuery, Schema
from appliance.core.working_hours import DAYS, Span, Weekday, holidays_of
from appliance.domains.identity.rules.names import EMAIL, MAX_EMAIL
from appliance.domains.identity.types import API_KEY_RATE, InvitationStatus, Listening, MemberStatus, SessionKind, TenantStatus

Name = Annotated[str, Field(min_length=1, max_length=120)]
Email = Annotated[str, Field(max_length=MAX_EMAIL, pattern=EMAIL, json_schema_extra={"format": "email"})]
Locale = Literal["pt_BR", "en"]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Slug = Annotated[str, Field(min_length=2, max_length=40, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


def _known_zone(name: str) -> str:
    if name not in clock.timezones():
        raise ValueError(str(_("This time zone is not known.")))
    return name


Timezone = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_known_zone)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1000)]


class SignIn(Schema):
    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: Password


class Refresh(Schema):
    refresh_token: Annotated[str, Field(min_length=1, max_length=400)]


class Register(Schema):
    token: Annotated[str, Field(min_length=1, max_length=200)]
    name: Name
    password: Password


class ChangePassword(Schema):
    current: Password
    new: Password


class SwitchTenant(Schema):
    tenant_id: UUID


class UserOut(Schema):
    id: UUID
    name: str
    email: str
    locale: str
    is_operator: bool
    last_login_at: datetime | None
    created_at: datetime


class Seat(Schema):
    """An organisation one belongs to."""

    id: UUID
    name: str
    slug: str
    role: str


class Tokens(Schema):
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme of RFC 6750
    expires_in: int


class SignedInOut(Tokens):
    user: UserOut
    tenants: list[Seat]


class WhoAmI(Schema):
    user_id: UUID
    tenant_id: UUID | None
    name: str
    email: str
    role: str
    permissions: list[str]
    via: str
    is_operator: bool
    tenants: list[UUID]


class ProfileChange(Schema):
    name: Name | None = None
    locale: Locale | None = None


class TenantSettings(Schema):
    """What an organisation looks like, and what becomes of recordings that reach it."""

    brand_name: Annotated[str, Field(max_length=120)] | None = None
    brand_colour: Colour | Literal[""] | None = None
    voice_notes: Listening | None = Field(None, description="Written down as speech in the organisation's language, in any, or not at all")


class TenantIn(Schema):
    name: Name
    slug: Slug | None = None
    locale: Locale = "pt_BR"
    timezone: Timezone = "America/Sao_Paulo"
    owner_email: Email | None = None


class TenantChange(Schema):
    """`status` is the operator's."""

    name: Name | None = None
    slug: Slug | None = None
    locale: Locale | None = None
    timezone: Timezone | None = None
    settings: TenantSettings | None = None
    status: Literal[TenantStatus.ACTIVE, TenantStatus.SUSPENDED] | None = None


class TenantOut(Schema):
    id: UUID
    name: str
    slug: str
    status: TenantStatus
    locale: str
    timezone: str
    settings: TenantSettings
    created_at: datetime
    updated_at: datetime
    suspended_at: datetime | None


class WorkSpan(Schema):
    """What closes no later than it opens runs past midnight."""

    day: Weekday
    opens: time
    closes: time


def spans_of(spans: Iterable[WorkSpan]) -> tuple[Span, ...]:
    return tuple(Span(DAYS.index(span.day), span.opens, span.closes) for span in spans)


class DayOff(Schema):
    day: date
    name: str = Field("", max_length=60)


def _is_known_place(place: str) -> str:
    try:
        if place:
            holidays_of(place)
    except LookupError as err:
        raise ValueError(str(_("The holidays of this place are not known."))) from err
    return place


class HoursIn(Schema):
    """In the organisation's time zone. No spans: always at work, but for the days off.

    `holidays`: the public ones of a country or state, `BR` or `BR-SP`.
    """

    spans: list[WorkSpan] = Field(default_factory=list, max_length=50)
    holidays: Annotated[str, Field(max_length=6, pattern=r"^([A-Z]{2}(-[A-Z]{2,3})?)?$"), AfterValidator(_is_known_place)] = ""
    days_off: list[DayOff] = Field(default_factory=list, max_length=300)


class InvitationOut(Schema):
    id: UUID
    email: str
    role: str
    status: InvitationStatus
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None


class InvitedOut(Schema):
    """`token` is shown this once; the person opens `link`."""

    invitation: InvitationOut
    token: str
    link: str


class TenantCreatedOut(Schema):
    tenant: TenantOut
    owner_invitation: InvitedOut | None


class MembersQuery(PageQuery):
    search: Annotated[str, Field(max_length=120)] = ""
    status: MemberStatus | None = None


class MemberOut(Schema):
    """A membership with the person in it. `id` is the membership's."""

    id: UUID
    user_id: UUID
    name: str
    email: str
    role: str
    teams: list[str]
    region: str
    status: MemberStatus
    last_login_at: datetime | None
    created_at: datetime


class MemberChange(Schema):
    role: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    teams: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=50)] | None = None
    region: Annotated[str, Field(max_length=60)] | None = None
    status: MemberStatus | None = None


class InvitationIn(Schema):
    email: Email
    role: Annotated[str, Field(min_length=1, max_length=40)] = "agent"


class RoleIn(Schema):
    name: Annotated[str, Field(min_length=1, max_length=40)]
    permissions: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=500)]


class RoleChange(Schema):
    name: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    permissions: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=500)] | None = None


class RoleOut(Schema):
    """A built-in role has no id."""

    id: UUID | None
    key: str
    name: str
    permissions: list[str]
    built_in: bool


class SessionOut(Schema):
    id: UUID
    kind: SessionKind
    device: str
    ip: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class ApiKeyIn(Schema):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    scopes: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=500)]
    expires_at: AwareDatetime | None = None
    rate_limit: Annotated[int, Field(ge=1, le=API_KEY_RATE)] = API_KEY_RATE


class ApiKeyOut(Schema):
    id: UUID
    user_id: UUID
    name: str
    prefix: str
    scopes: list[str]
    rate_limit: int
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewApiKeyOut(Schema):
    """`secret` is shown this once."""

    key: ApiKeyOut
    secret: str


class AuditFilter(Schema):
    actor: UUID | None = None
    action: Annotated[str, Field(max_length=80)] = ""
    since: AwareDatetime | None = Field(None, alias="from")
    until: AwareDatetime | None = Field(None, alias="to")


class AuditQuery(AuditFilter, PageQuery):
    pass


class AuditExportQuery(AuditFilter):
    format: Literal["csv", "jsonl"] = "jsonl"


class AuditOut(Schema):
    seq: int
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    action: str
    object_kind: str
    object_id: str
    ip: str
    request_id: str
    before: dict[str, object] | None
    after: dict[str, object] | None
    hash: str


class AuditFaultOut(Schema):
    seq: int
    reason: str


class AuditVerdict(Schema):
    holds: bool
    fault: AuditFaultOut | None
