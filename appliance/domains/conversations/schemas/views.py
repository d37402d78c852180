"""A combination of filters of the inbox that somebody gave a name."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from appliance.core.web import Schema
from appliance.domains.conversations.types import Deadline, Priority, Signal, Topic


class ViewFilters(Schema):
    """As they stand in the address of the inbox. What was looked for is none of them."""

    view: Literal["waiting", "mine", "bot", "all", "resolved", "pending", "snoozed", "blocked", "unsent"] = "all"
    label: str = Field("", max_length=40)
    topic: Topic | None = None
    signal: Signal | None = None
    team: UUID | None = None
    channel: UUID | None = None
    assignee: UUID | None = Field(None, description="Who is responsible; in the view “mine” it is whoever looks")
    priority: Priority | None = None
    deadline: Deadline | None = None
    order: Literal["due"] | None = None


class SavedViewIn(Schema):
    """`shared`: with the team, or with everybody where there is none."""

    name: str = Field(min_length=1, max_length=40, pattern=r"\S")
    filters: ViewFilters
    shared: bool = False
    team_id: UUID | None = None


class SavedViewPatch(Schema):
    """`place`: 0 is the first of one's own, or of those that are shared."""

    name: str | None = Field(None, min_length=1, max_length=40, pattern=r"\S")
    filters: ViewFilters | None = None
    shared: bool | None = None
    team_id: UUID | None = None
    place: int | None = Field(None, ge=0, le=200)


class SavedViewOut(Schema):
    """`count`: what waits in it; none where conversations only pile up."""

    id: UUID
    name: str
    filters: ViewFilters
    shared: bool
    team_id: UUID | None
    owner_id: UUID
    count: int | None
