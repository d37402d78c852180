from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.feeds.types import Shape

LONGEST_URL = 2000
NOT_OURS = frozenset({"host", "content-length", "content-type", "connection", "transfer-encoding", "x-signature", "x-timestamp"})


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError(str(_("Enter an address that begins with https:// or http://.")))
    return url


def _harmless(headers: dict[str, str]) -> dict[str, str]:
    if any(sign in value for value in (*headers, *headers.values()) for sign in "\r\n\x00"):
        raise ValueError(str(_("A header stands on one line.")))
    return {name: value for name, value in headers.items() if name.lower() not in NOT_OURS}


Url = Annotated[str, Field(max_length=LONGEST_URL, pattern=r"^(https?://\S+)?$"), AfterValidator(_checked)]
HeaderName = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9-]+$")]
HeaderValue = Annotated[str, Field(max_length=2000, pattern=r"^[\t -~]*$")]
Headers = Annotated[
    dict[HeaderName, HeaderValue],
    Field(max_length=20, description="Sent along with each call, and never shown again"),
    AfterValidator(_harmless),
]
Names = Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=60)]


class FeedIn(Schema):
    """`events`: those that are told; none named, all."""

    shape: Shape = Shape.BAILEYS
    url: Url = Field("", description="Called with each event; without one a program listens on the socket")
    active: bool = True
    events: Names = Field(default_factory=list)
    with_files: bool = Field(default=False, description="Files up to 4 MiB go along as base64")


class FeedOut(Schema):
    id: UUID
    channel_id: UUID
    shape: Shape
    url: str
    active: bool
    events: list[str]
    with_files: bool
    problem: str
    told_at: datetime | None
    created_at: datetime


class FeedSecretOut(FeedOut):
    secret: str = Field(description="Shown this once: the key of the signatures")


class TrialOut(Schema):
    ok: bool
    detail: str


class Foreign(Schema):
    """What other programs send has more fields than are read here."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class WebhookIn(Foreign):
    enabled: bool = True
    url: Url = ""
    by_events: bool = Field(default=False, alias="byEvents")
    with_files: bool = Field(default=False, alias="base64")
    events: Names = Field(default_factory=list)
    headers: Headers | None = None


class WebhookSetIn(Foreign):
    webhook: WebhookIn


class InstanceIn(Foreign):
    """`risk_version` signs the acceptance of the risk in the name of whose key it is, as `sessions/init` does."""

    instance_name: str = Field(alias="instanceName", min_length=1, max_length=120)
    number: str = Field("", max_length=40)
    qrcode: bool = False
    integration: Literal["WHATSAPP-BAILEYS"] = "WHATSAPP-BAILEYS"
    webhook: WebhookIn | None = None
    agent_id: UUID | None = Field(None, alias="agentId")
    risk_version: int | None = Field(None, alias="riskVersion")


class QuotedKeyIn(Foreign):
    id: str = Field(min_length=1, max_length=255)


class QuotedIn(Foreign):
    key: QuotedKeyIn


class _SendIn(Foreign):
    number: str = Field(min_length=5, max_length=80)
    quoted: QuotedIn | None = None


class SendTextIn(_SendIn):
    text: str = Field(min_length=1, max_length=4096)


class SendMediaIn(_SendIn):
    """`media`: an address, or the file in base64."""

    mediatype: Literal["image", "video", "document", "audio"]
    mimetype: str = Field("", max_length=100)
    caption: str = Field("", max_length=4096)
    file_name: str = Field("", alias="fileName", max_length=240)
    media: str = Field(min_length=1)


class ConnectQuery(Foreign):
    number: str = Field("", max_length=40)


class FetchQuery(Foreign):
    instance_name: str = Field("", alias="instanceName", max_length=120)


Json = dict[str, Any]
