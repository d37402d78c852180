import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.channels.types import MailKeyState
from appliance.domains.conversations.schemas import MediaIn
from appliance.domains.conversations.types import MAX_MAIL

MAX_COPIES = 20
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+", re.ASCII)


def _is_address(given: str) -> str:
    if len(given) > 254 or not _ADDRESS.fullmatch(given) or "=?" in given:  # noqa: PLR2004 - RFC 5321, 4.5.3.1.3
        raise ValueError(str(_("Enter an e-mail address, as in ana@example.com.")))
    return given.lower()


def _each(given: object) -> object:
    """A line with several between commas, as people type them, is a list of them."""
    lines = given if isinstance(given, list) else [given]
    return [one.strip() for line in lines for one in re.split(r"[,;\n]", str(line)) if one.strip()]


Address = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), AfterValidator(_is_address)]
Copies = Annotated[list[Address], BeforeValidator(_each), Field(max_length=MAX_COPIES)]


class MailIn(Schema):
    """A mail that answers none."""

    channel_id: UUID
    to: Address
    cc: Copies = Field(default_factory=list)
    subject: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_MAIL)]
    media: MediaIn | None = Field(None, description="A file that was stored for it")


class LetterboxOut(Schema):
    address: str = Field(description="Where mails are posted to, one a request, each signed")
    secret: str = Field(description="What they are signed with; shown this once")


class PostReceiptOut(Schema):
    id: UUID = Field(description="The box's number of this mail; a repeat of it is answered with the same")
    state: Literal["waiting", "read"]


class MailKeyOut(Schema):
    id: UUID
    domain: str
    selector: str
    state: MailKeyState
    record_name: str = Field(description="Where the TXT record stands in the DNS")
    record: str = Field(description="The TXT record")
    made_at: datetime
    changed_at: datetime
    seen_at: datetime | None = Field(description="When the box last saw the record in the DNS, asked by a person")


class MailKeysOut(Schema):
    items: list[MailKeyOut]
