from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue, model_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.channels.rules.origins import origin_of
from appliance.domains.channels.types import ChannelStatus, Ending, Factor, LinkState, Quality
from appliance.domains.conversations.types import MAX_TEXT, Holder, MessageKind

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
    messaging_limit: int | Literal["unlimited"] | None = Field(None, description="People who can be written to first within 24 hours")


class RejectedOut(Schema):
    id: UUID
    channel_id: UUID
    reason: str
    body: str
    received_at: datetime


class SimulatedIn(Schema):
    visitor: str = Field("demo", min_length=1, max_length=80)
    name: str = Field("", max_length=200)
    text: str = Field(min_length=1, max_length=MAX_TEXT)
    client_id: str = Field("", max_length=80)


class SimulatedOut(Schema):
    conversation_id: UUID


def _origin(text: str) -> str:
    found = origin_of(text)
    if found is None:
        raise ValueError(str(_("Enter a site such as https://www.company.com.")))
    return found


class WebchatSettings(Schema):
    """`origins`: the sites that may show the chat; pages of this box always may."""

    title: str = Field(min_length=1, max_length=60)
    greeting: str = Field("", max_length=500)
    colour: str = Field("#0b6b5d", pattern=r"^#[0-9a-fA-F]{6}$")
    position: Literal["right", "left"] = "right"
    origins: list[Annotated[str, Field(max_length=200), AfterValidator(_origin)]] = Field(default_factory=list, max_length=20)
    asks_name: bool = False
    asks_email: bool = False
    shows_sources: bool = True
    offline: str = Field("", max_length=300, description="Said while the channel is switched off; without it nothing is shown then")


class VisitorOut(Schema):
    token: str = Field(description="Shown as X-Visitor from now on; whoever has it has the conversation")


class ChosenIn(Schema):
    id: str = Field(max_length=256)
    title: str = Field(min_length=1, max_length=200)


class VisitorSaysIn(Schema):
    """`name` and `email` are what the visitor says of themself: kept, and never a proof of who they are."""

    client_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The same id again is the same message")
    text: str = Field("", max_length=MAX_TEXT)
    choice: ChosenIn | None = Field(None, description="The button or row that was chosen")
    name: str = Field("", max_length=120)
    email: str = Field("", max_length=254)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.text and self.choice is None:
            raise ValueError(str(_("Write something first.")))
        return self


class SeenIn(Schema):
    up_to: int = Field(ge=0, le=2**31 - 1, description="The number of the last message that the page has")
    read: bool = Field(default=False, description="It is on the screen, not only on the page")


class VisitorWritesIn(Schema):
    writes: bool


class VisitorChoiceOut(Schema):
    id: str
    title: str
    description: str = ""


class VisitorFileOut(Schema):
    name: str
    type: str
    size: int | None


class VisitorMessageOut(Schema):
    id: UUID
    number: int
    sender: Literal["visitor", "assistant", "team"]
    client_id: str = Field(description="Of what the visitor wrote")
    kind: MessageKind
    text: str
    choices: list[VisitorChoiceOut]
    file: VisitorFileOut | None
    sources: list[str]
    at: datetime


class VisitorThreadOut(Schema):
    """`before` is the cursor for older messages, None when there are none; `holder` who has the word, None before the first message."""

    items: list[VisitorMessageOut]
    before: int | None
    holder: Holder | None


class VisitorThreadQuery(Schema):
    before: int | None = Field(None, ge=1, le=2**31 - 1)
    limit: int = Field(50, ge=1, le=100)


Phone = Annotated[str, Field("", max_length=20, pattern=r"^([0-9]{8,15})?$", description="Digits, with the country's")]


class MoveIn(Schema):
    """What the Cloud API is connected with: the same as of a new channel."""

    external_id: str = Field(min_length=1, max_length=120, description="Meta's id of the number")
    config: Config = Field(default_factory=dict)
    secrets: Secrets


class RiskAcceptedIn(Schema):
    version: int = Field(ge=1, le=1000, description="Of the text that was read and is signed by this call")


class LinkIn(Schema):
    phone: Phone = ""


class LinkInitIn(LinkIn):
    """`risk_version` signs the acceptance of the risk in the name of who calls, unless it was signed before."""

    channel_id: UUID | None = Field(None, description="One of the agent's numbers; without it the first that is not linked, or a new one")
    name: str = Field("WhatsApp", min_length=1, max_length=120)
    risk_version: int | None = None


class LinkOut(Schema):
    channel_id: UUID
    state: LinkState
    ending: Ending | None
    code: int | None = Field(description="Why it closed, by the numbers that Baileys made known")
    last_error: str
    attempts: int
    retry_at: datetime | None
    leave_by: datetime | None = Field(description="Unlinked here; until then the phone is told again, with the keys kept sealed for it")
    jid: str | None
    lid: str | None
    push_name: str | None
    linked_at: datetime | None
    connected_at: datetime | None
    seen_at: datetime | None
    accepted_by: str | None
    accepted_at: datetime | None
    accepted_version: int | None


class LinkCodesOut(Schema):
    state: LinkState
    qr: str | None
    qr_number: int
    qr_seconds: int
    qr_until: datetime | None
    pairing_code: str | None


class AgentLinksOut(Schema):
    sessions: list[LinkOut]


class ConnectionOut(AgentLinksOut):
    supervisor: bool = Field(description="Whether somebody watches over the links now")


class SendMessageIn(Schema):
    to: str = Field(pattern=r"^[0-9]{8,15}$", description="Digits, with the country's")
    text: str = Field(min_length=1, max_length=MAX_TEXT)
    channel_id: UUID | None = None


class PaceOut(Schema):
    per_day: int
    spacing_s: float
    warm: bool


class WeekOut(Schema):
    age_days: int
    sent_today: int
    per_day: int
    sent: int
    received: int
    refused: int
    reconnects_today: int
    left_out: int = Field(description="Messages of groups that were not taken in")


class ReadingOut(Schema):
    factor: Factor
    score: int
    level: str


class MeterOut(Schema):
    total: int
    level: str
    pace: PaceOut
    week: WeekOut
    readings: list[ReadingOut]
    advice: list[Factor]
