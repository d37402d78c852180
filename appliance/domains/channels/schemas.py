from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue

from appliance.core.web import Schema
from appliance.domains.channels.types import ChannelStatus, Quality

Secrets = Annotated[
    dict[Annotated[str, Field(max_length=60)], Annotated[str, Field(max_length=2000)]],
    Field(max_length=20, description="Written, never read back; which ones depends on the kind"),
    AfterValidator(lambda given: {name: value for name, value in given.items() if value}),
]

Config = Annotated[
    dict[Annotated[str, Field(max_length=60)], JsonValue],
    Field(max_length=60, description="Settings that are no secret; which ones depends on the kind"),
]


class ChannelIn(Schema):
    kind: str = Field(max_length=40)
    name: str = Field(min_length=1, max_length=120)
    agent_id: UUID | None = None
    external_id: str = Field("", max_length=120, description="The provider's name for our end: for WhatsApp Meta's id of the number")
    config: Config = Field(default_factory=dict)
    secrets: Secrets = Field(default_factory=dict)


class ChannelPatch(Schema):
    name: str = Field("", min_length=1, max_length=120)
    agent_id: UUID | None = None
    active: bool = True
    per_second: float | None = Field(None, gt=0, le=1000)
    config: Config = Field(default_factory=dict)
    secrets: Secrets = Field(default_factory=dict)


class ChannelOut(Schema):
    id: UUID
    kind: str
    name: str
    external_id: str
    agent_id: UUID | None
    active: bool
    status: ChannelStatus
    status_detail: str
    verified_at: datetime | None
    per_second: float | None
    paused_until: datetime | None
    created_at: datetime
    config: Config
    secrets_set: list[str]


class CheckupOut(Schema):
    phone: str
    name: str
    quality: Quality
    webhook: str = Field(description="Where the provider delivers to; empty when it delivers nowhere")


class RejectedOut(Schema):
    id: UUID
    channel_id: UUID
    reason: str
    body: str
    received_at: datetime


class SimulatedIn(Schema):
    visitor: str = Field("demo", min_length=1, max_length=80)
    name: str = Field("", max_length=200)
    text: str = Field(min_length=1, max_length=4096)
    client_id: str = Field("", max_length=80)


class SimulatedOut(Schema):
    conversation_id: UUID
