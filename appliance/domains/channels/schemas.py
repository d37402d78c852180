from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.channels.types import ChannelKind, ChannelStatus, Quality


class SecretsIn(Schema):
    """Written, never read back."""

    access_token: str = Field("", max_length=2000)
    app_secret: str = Field("", max_length=200)
    verify_token: str = Field("", max_length=200)

    def as_dict(self) -> dict[str, str]:
        return {name: value for name, value in self.model_dump().items() if value}


class ChannelIn(Schema):
    kind: ChannelKind
    name: str = Field(min_length=1, max_length=120)
    agent_id: UUID | None = None
    phone_number_id: str = Field("", max_length=120, pattern=r"^\d*$", description="Meta's id of the number, not the number itself")
    secrets: SecretsIn | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.kind is ChannelKind.WHATSAPP_CLOUD:
            given = self.secrets.as_dict() if self.secrets else {}
            if not self.phone_number_id or not {"access_token", "app_secret", "verify_token"} <= given.keys():
                raise ValueError(str(_("A WhatsApp Cloud channel needs the phone number id, access token, app secret and verify token.")))
        elif self.phone_number_id:
            raise ValueError(str(_("Only a WhatsApp Cloud channel has a phone number id.")))
        return self


class ChannelPatch(Schema):
    name: str = Field("", min_length=1, max_length=120)
    agent_id: UUID | None = None
    active: bool = True
    per_second: float | None = Field(None, gt=0, le=1000)
    secrets: SecretsIn | None = None


class ChannelOut(Schema):
    id: UUID
    kind: ChannelKind
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
