from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, RootModel, StringConstraints

from appliance.core.web import PageQuery, Schema
from appliance.domains.leads.types import EventState, FormField, ImportState, LeadField, LeadStatus, MetaSecret, SourceKind

Path = Annotated[str, StringConstraints(max_length=300)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=60)]


MetaSecrets = Annotated[
    dict[MetaSecret, Annotated[str, StringConstraints(max_length=2000)]],
    Field(description="Of a source of the kind “meta_lead_ads”: written, never read back"),
    AfterValidator(lambda given: {name: value for name, value in given.items() if value}),
]


class FormSettings(Schema):
    """What our own form asks and says. The words of the consent are kept with each yes."""

    title: str = Field("", max_length=120)
    fields: list[FormField] = Field(default_factory=lambda: [FormField.NAME, FormField.EMAIL, FormField.PHONE], min_length=1, max_length=5)
    asks_message: bool = True
    consent_text: str = Field("", max_length=1000, description="Beside a box that is not ticked; empty asks for no consent")
    thanks: str = Field("", max_length=300)
    keeps_programs_out: bool = Field(False, description="The sender's browser has to do a short sum first; see /forms/<id>/check")


ConfirmBy = Annotated[
    UUID | None,
    Field(description="The e-mail channel by which the person confirms a yes to e-mail before it counts (double opt-in); null for no"),
]


class SourceIn(Schema):
    kind: SourceKind = SourceKind.WEBHOOK
    name: str = Field(min_length=1, max_length=120)
    mapping: dict[LeadField, Path] = Field(
        default_factory=dict, description="Paths (JMESPath); a field that is not named is found by its key, an empty path leaves it out"
    )
    tags: list[Tag] = Field(default_factory=list, max_length=20, description="Put on everybody who comes through this source")
    dedupe_hours: int = Field(24, ge=0, le=8760, description="The same person again within these hours is the same lead; 0 for never")
    confirm_by: ConfirmBy = None
    form: FormSettings = Field(default_factory=FormSettings, description="Of a source of the kind “form”")
    secrets: MetaSecrets = Field(default_factory=dict)


class SourcePatch(Schema):
    name: str = Field("", min_length=1, max_length=120)
    mapping: dict[LeadField, Path] = Field(default_factory=dict)
    tags: list[Tag] = Field(default_factory=list, max_length=20)
    dedupe_hours: int = Field(24, ge=0, le=8760)
    active: bool = True
    confirm_by: ConfirmBy = None
    form: FormSettings = Field(default_factory=FormSettings)
    secrets: MetaSecrets = Field(default_factory=dict)


class SourceOut(Schema):
    id: UUID
    kind: SourceKind
    name: str
    mapping: dict[LeadField, str]
    tags: list[str]
    dedupe_hours: int
    active: bool
    confirm_by: UUID | None
    form: FormSettings | None
    secrets_set: list[str]
    created_at: datetime


class SourceSecretOut(SourceOut):
    secret: str = Field(description="Shown this once: the key of the signatures of a signed webhook, else empty")


class TrialIn(Schema):
    payload: Any = None
    mapping: dict[LeadField, Path] | None = Field(None, description="To be tried instead of the mapping that is kept")


class TrialFieldOut(Schema):
    field: LeadField
    path: str
    value: str
    guessed: bool


class LeadIn(Schema):
    source_id: UUID
    event_id: str = Field("", max_length=200, description="Your id of this event; the same again is the same lead")
    payload: dict[str, Any]


class LeadImportOut(Schema):
    import_id: UUID
    source_id: UUID
    dry_run: bool
    new_leads: int = Field(description="Of a dry run: how many there would be")
    repeated_leads: int = Field(description="People who are a lead of this source already, within its hours")
    started_at: datetime
    finished_at: datetime | None = Field(description="null while they are still written or counted")
    state: ImportState = Field(ImportState.RUNNING, description="stopped: it failed before its end and does not go on by itself")


class LeadPatch(Schema):
    status: LeadStatus = LeadStatus.NEW
    score: int | None = Field(None, ge=0, le=100)


class LeadOut(Schema):
    id: UUID
    source_id: UUID
    contact_id: UUID
    external_id: str | None
    status: LeadStatus
    score: int | None
    utm: dict[str, str]
    captured_at: datetime
    changed_at: datetime
    converted_at: datetime | None
    times: int


class LeadEventOut(Schema):
    id: UUID
    body: str
    received_at: datetime


class LeadsQuery(PageQuery):
    status: LeadStatus | None = None
    source_id: UUID | None = None
    contact_id: UUID | None = None


class CapturedOut(Schema):
    lead_id: UUID
    contact_id: UUID


class AnyJson(RootModel[Any]):
    """What a sender has to say; which part is what the mapping of the source tells."""


class ReceiptOut(Schema):
    id: UUID = Field(description="The box's number of this event; a repeat of it is answered with the same")
    state: EventState
    lead_id: UUID | None = Field(None, description="Once it is captured")
    contact_id: UUID | None = None
    reason: str | None = Field(None, description="Why nobody was understood in it")


class RejectedOut(Schema):
    id: UUID
    reason: str
    body: str
    received_at: datetime
    can_be_retried: bool = Field(description="It was taken, and would be understood with another mapping")


class RetriedOut(Schema):
    count: int
