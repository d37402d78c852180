from typing import Annotated, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.conversations.types import MAX_TEXT


def _digits(given: object) -> object:
    return given.removeprefix("+") if isinstance(given, str) else given


Number = Annotated[str, BeforeValidator(_digits), StringConstraints(pattern=r"^([0-9]{8,15})?$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_TEXT)]


class ReactionIn(Schema):
    """One emoji, as telephones offer them; an empty one takes the reaction back."""

    emoji: str = Field(max_length=20)

    @field_validator("emoji")
    @classmethod
    def _is_emoji(cls, given: str) -> str:
        is_written = any(sign.isalpha() or sign.isspace() or sign < " " for sign in given)
        if given and (is_written or given.isascii()):
            raise ValueError(str(_("Choose one emoji.")))
        return given


class WhatsappIn(Schema):
    """A WhatsApp message to somebody, whether or not there is a conversation: to a contact or a number, a template or words."""

    channel_id: UUID | None = Field(None, description="By which number; left out: the template's, else where they were last spoken to")
    contact_id: UUID | None = None
    to: Number = Field("", description="Digits, with the country's; in place of contact_id")
    template_id: UUID | None = Field(None, description="What WhatsApp lets through once the customer has been silent for 24 hours")
    values: dict[Annotated[str, Field(max_length=60)], Annotated[str, Field(max_length=1000)]] = Field(default_factory=dict, max_length=40)
    text: Words = Field("", description="In place of template_id: while the window is open, or by a number linked by QR")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.contact_id) == bool(self.to):
            raise ValueError(str(_("Say who it goes to: a contact or a number, one of the two.")))
        if bool(self.template_id) == bool(self.text):
            raise ValueError(str(_("Say what goes: a template or a text, one of the two.")))
        return self
