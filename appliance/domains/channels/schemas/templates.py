"""Templates and what they cost, as the API takes and gives them."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from appliance.core.web import PageQuery, Schema
from appliance.domains.channels.types import Charge, Parts, Quality, TemplateCategory, TemplateKind, TemplateStatus
from appliance.domains.conversations.schemas import MediaIn


class TemplateIn(Schema):
    """`channel_id` for WhatsApp alone: the number whose account has the template."""

    kind: TemplateKind
    channel_id: UUID | None = None
    name: str = Field(min_length=1, max_length=512)
    language: str = Field("pt_BR", pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    category: TemplateCategory = TemplateCategory.UTILITY
    parts: Parts


class TemplatePatch(Schema):
    name: str | None = Field(None, min_length=1, max_length=512)
    language: str | None = Field(None, pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    category: TemplateCategory | None = None
    parts: Parts | None = None


class SampleOut(Schema):
    """The file that goes along unless another is chosen; fetched at `…/file`."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)
    mime_type: str
    filename: str
    size: int


class TemplateOut(Schema):
    id: UUID
    channel_id: UUID
    kind: TemplateKind
    name: str
    language: str
    category: TemplateCategory
    parts: Parts
    sample: SampleOut | None
    status: TemplateStatus
    reason: str
    quality: Quality
    provider_id: str | None
    is_sendable: bool
    synced_at: datetime | None
    changed_at: datetime


class UseOut(Schema):
    id: UUID
    kind: TemplateKind
    name: str
    language: str


class TemplatesQuery(PageQuery):
    kind: TemplateKind | None = None
    status: TemplateStatus | None = None


class FillIn(Schema):
    """What stands in each place; what is left out comes from the contact, in a preview else from the examples.

    `media`: a file stored as an attachment of the conversation, in place of the template's own; `header.link` among the values
    names one that lies elsewhere.
    """

    values: dict[Annotated[str, Field(max_length=60)], Annotated[str, Field(max_length=1000)]] = Field(default_factory=dict, max_length=40)
    media: MediaIn | None = None


class FilledOut(Schema):
    """As its reader sees it. `html` for a mail alone. `missing`: places with nothing in them."""

    header: str
    body: str
    footer: str
    buttons: list[str]
    html: str
    missing: list[str]


class CostOut(Schema):
    """`amount` in `currency`, null when nobody told the box what it costs."""

    charge: Charge
    country: str
    currency: str
    amount: float | None
    valid_from: date | None
    source: str


class OfferedOut(Schema):
    """A template as it would be said in this conversation now."""

    template: TemplateOut
    values: dict[str, str]
    filled: FilledOut
    cost: CostOut | None = Field(description="Null where the channel charges nothing for a message")
    refusal: str = Field(description="Why it would be refused if it were sent now; empty where nothing stands against it")


class SyncedOut(Schema):
    templates: int
    channels: int
