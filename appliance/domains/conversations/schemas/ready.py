"""What stands ready for a conversation: labels, quick replies, macros."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.conversations.rules import filling
from appliance.domains.conversations.schemas.talking import ConversationOut, LabelName, StateIn
from appliance.domains.conversations.types import MAX_TEXT, LabelColour, Priority


class LabelIn(Schema):
    name: str = Field(min_length=1, max_length=40)
    colour: LabelColour = LabelColour.GREY


class LabelPatch(Schema):
    name: str | None = Field(None, min_length=1, max_length=40)
    colour: LabelColour | None = None


class LabelOut(LabelIn):
    id: UUID


def _known_variables(text: str) -> str:
    unknown = filling.unknown_variables(text)
    if unknown:
        raise ValueError(str(_("There is no value for %(names)s.", names=", ".join(f"“{name}”" for name in unknown))))
    return text


ReadyText = Annotated[str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_known_variables)]


class QuickReplyIn(Schema):
    """`text` may hold variables: {{contact.first_name|friend}}, {{company}}."""

    shortcut: str = Field(max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    text: ReadyText = Field(min_length=1)


class QuickReplyPatch(Schema):
    shortcut: str | None = Field(None, max_length=40, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    text: ReadyText | None = Field(None, min_length=1)


class QuickReplyOut(Schema):
    id: UUID
    shortcut: str
    text: str


class MacroSteps(Schema):
    """Done in this order: labels, priority, note, team, responsible, reply, state. `assign`: me, nobody, or somebody."""

    labels: list[LabelName] = Field(default_factory=list, max_length=10)
    priority: Priority | None = None
    note: ReadyText = ""
    team: UUID | None = None
    assign: Literal["me", "nobody"] | UUID | None = None
    reply: ReadyText = ""
    status: Literal["resolved", "pending", "snoozed"] | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not any(self.model_dump().values()):
            raise ValueError(str(_("A macro does at least one thing.")))
        return self


class MacroIn(Schema):
    name: str = Field(min_length=1, max_length=60)
    steps: MacroSteps


class MacroPatch(Schema):
    name: str | None = Field(None, min_length=1, max_length=60)
    steps: MacroSteps | None = None


class MacroOut(MacroIn):
    id: UUID


class MacroRunOut(Schema):
    """`before` put back undoes all but what was said."""

    conversation: ConversationOut
    before: StateIn
    replied: bool
