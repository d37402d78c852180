import json
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import PageQuery, Schema
from appliance.domains.contacts.rules import segments
from appliance.domains.contacts.types import (
    Channel,
    ConsentMode,
    ContactSort,
    DuplicateState,
    IdentityKind,
    ImportStatus,
    ImportTarget,
    LawfulBasis,
    Likeness,
    Match,
    Purpose,
    SegmentField,
    SegmentKind,
    SegmentTest,
)

MAX_ATTRIBUTES = 16_384
MAX_DEPTH = 4
Tag = Annotated[str, StringConstraints(min_length=1, max_length=60)]


def _check_attributes(given: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(given, default=str))
    except RecursionError:
        size = MAX_ATTRIBUTES + 1
    if size > MAX_ATTRIBUTES or _is_deeper(given, MAX_DEPTH):
        raise ValueError(str(_("Attributes take at most 16 KB, no more than four levels deep.")))
    return given


def _is_deeper(value: object, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(item, dict | list) and (levels == 1 or _is_deeper(item, levels - 1)) for item in inside)


Attributes = Annotated[dict[str, Any], AfterValidator(_check_attributes)]


class ContactFields(Schema):
    """What may be said about a contact. Only fields that were given are written; null empties one."""

    name: Annotated[str, StringConstraints(max_length=200)] = ""
    company: Annotated[str, StringConstraints(max_length=200)] | None = None
    email: Annotated[str, StringConstraints(max_length=320)] | None = None
    phone: Annotated[str, StringConstraints(max_length=60)] | None = None
    document: Annotated[str, StringConstraints(max_length=30)] | None = None
    born_on: date | None = None
    region: Annotated[str, StringConstraints(max_length=120)] | None = None
    owner_id: UUID | None = None
    tags: list[Tag] = Field(default_factory=list, max_length=50)
    attributes: Attributes = Field(default_factory=dict, max_length=100, description="Added to those there are; null removes one")


class IdentityIn(Schema):
    kind: IdentityKind
    value: Annotated[str, StringConstraints(min_length=1, max_length=320)]
    scope: Annotated[str, StringConstraints(max_length=80)] = ""


class UpsertIn(ContactFields):
    identities: list[IdentityIn] = Field(default_factory=list, max_length=20)

    def fields(self) -> ContactFields:
        return ContactFields.model_validate(self.model_dump(exclude={"identities"}, exclude_unset=True))


class IdentityOut(Schema):
    kind: IdentityKind
    value: str
    scope: str


class ContactOut(Schema):
    id: UUID
    name: str
    company: str | None
    email: str | None
    phone_e164: str | None
    phone_raw: str | None
    phone_invalid: bool
    wa_lid: str | None
    document: str | None
    born_on: date | None
    region: str | None
    owner_id: UUID | None
    tags: list[str]
    attributes: dict[str, Any]
    last_channel: Channel | None
    last_seen_at: datetime | None
    created_at: datetime
    changed_at: datetime
    version: int


class ContactFilter(Schema):
    q: Annotated[str, StringConstraints(max_length=200)] = ""
    tag: list[Tag] = Field(default_factory=list)
    owner_id: UUID | None = None
    region: str | None = None
    consent: Purpose | None = Field(None, description="Only people whose last word, on some channel, allows this purpose")
    segment_id: UUID | None = Field(None, description="Only who is in this segment, of either kind")
    sort: ContactSort = ContactSort.NAME


class ContactsQuery(ContactFilter, PageQuery):
    pass


class Condition(Schema):
    field: SegmentField
    test: SegmentTest
    value: Annotated[str, StringConstraints(max_length=200)] = Field(
        "", description="Text, a tag, a purpose (on a channel: marketing:email), a member's id, a kind of the timeline or a number of days"
    )
    key: Annotated[str, StringConstraints(max_length=80)] = Field(
        "", description="Of an attribute: which; of what happened in the last days: how many"
    )


class SegmentGroup(Schema):
    match: Match = Match.ALL
    conditions: list[Condition] = Field(default_factory=list, max_length=20)


class SegmentTree(Schema):
    """All or any of some groups, each all or any of some conditions."""

    match: Match = Match.ALL
    groups: list[SegmentGroup] = Field(default_factory=list, max_length=10)

    @model_validator(mode="after")
    def _check(self) -> "SegmentTree":
        for condition in (condition for group in self.groups for condition in group.conditions):
            segments.check_condition(condition.field, condition.test, condition.value, condition.key)
        return self


class SegmentIn(Schema):
    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    tree: SegmentTree


class SegmentOut(SegmentIn):
    id: UUID
    kind: SegmentKind = Field(description="live: who fits is asked anew each time; static: a list of people")
    frozen_at: datetime | None
    created_at: datetime
    changed_at: datetime


class MembershipOut(Schema):
    """A list that somebody is in."""

    segment_id: UUID
    name: str
    added_at: datetime


class CountOut(Schema):
    count: int


class MergeIn(Schema):
    contact_id: UUID = Field(description="The contact that becomes part of this one")


class MergeOut(Schema):
    id: UUID
    kept_id: UUID
    gone_id: UUID
    merged_at: datetime
    undone_at: datetime | None


class DuplicatesQuery(PageQuery):
    state: DuplicateState = DuplicateState.OPEN


class DuplicateOut(Schema):
    id: UUID
    first_id: UUID
    second_id: UUID
    likeness: Likeness
    score: int = Field(description="How alike their names are, of 100")
    state: DuplicateState
    found_at: datetime
    decided_at: datetime | None
    decided_by: str
    merge_id: UUID | None = Field(description="What undoes it")


class DuplicateMergeIn(Schema):
    kept_id: UUID = Field(description="Which of the two stays")


class ConsentIn(Schema):
    channel: Channel
    purpose: Purpose
    mode: ConsentMode
    lawful_basis: LawfulBasis = LawfulBasis.CONSENT
    source: Annotated[str, StringConstraints(min_length=1, max_length=80)] = "api"
    evidence: dict[str, Any] = Field(default_factory=dict, max_length=20)


class SaidConsentIn(ConsentIn):
    """Somebody's word as another heard it: only its owner's mailbox confirms one."""

    mode: Literal[ConsentMode.OPT_IN, ConsentMode.OPT_OUT]


class ConsentOut(ConsentIn):
    id: UUID
    contact_id: UUID
    recorded_at: datetime


class AwaitedConsentOut(Schema):
    """A yes to marketing by e-mail that counts once the owner of the mailbox has confirmed it."""

    id: UUID
    contact_id: UUID
    address: str
    source: str
    evidence: dict[str, Any]
    asked_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None
    message_id: UUID | None
    unsent: str | None = Field(description="Why the mail that asks could not be written, or did not go.")


class NoteIn(Schema):
    body: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]


class NoteOut(Schema):
    id: UUID
    contact_id: UUID
    author_id: UUID | None
    author_name: str
    body: str
    written_at: datetime


class TimelineEntryOut(Schema):
    id: UUID
    kind: str
    object_id: UUID
    summary: str
    actor_name: str
    happened_at: datetime


class ImportUploadQuery(Schema):
    file_name: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "contacts.csv"


class ImportStartIn(Schema):
    mapping: dict[str, ImportTarget] = Field(
        default_factory=dict, max_length=200, description="What the columns hold; the guess stands for those not named"
    )
    tags: list[Tag] = Field(default_factory=list, max_length=20)
    dry_run: bool = False


class ImportOut(Schema):
    id: UUID
    file_name: str
    headers: list[str]
    sample: list[list[str]]
    mapping: dict[str, ImportTarget]
    tags: list[str]
    dry_run: bool
    status: ImportStatus
    stopped: bool = Field(False, description="It failed before its end and does not go on by itself")
    rows_total: int
    rows_done: int
    rows_created: int
    rows_updated: int
    rows_failed: int
    created_at: datetime
    finished_at: datetime | None


class ImportProblemOut(Schema):
    line: int
    field: str
    sentence: str


def _region(code: str) -> str:
    if code not in SUPPORTED_REGIONS:
        raise ValueError(str(_("Choose a country, such as BR or PT.")))
    return code


class ContactSettingsIn(Schema):
    default_region: Annotated[str, AfterValidator(_region)] = Field("BR", description="Country (ISO 3166) of phones written without one")
    opt_out_words: list[Tag] = Field(default_factory=list, max_length=100)


class ContactSettingsOut(ContactSettingsIn):
    pass
