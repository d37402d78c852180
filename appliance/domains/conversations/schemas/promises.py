"""Priorities, and what customers are promised."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.conversations.types import Priority, PromiseKind

Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 60)]


class PriorityIn(Schema):
    priority: Priority


class Targets(Schema):
    """Minutes of working time; none: nothing is promised."""

    first_reply: Minutes | None = None
    next_reply: Minutes | None = None
    resolution: Minutes | None = None


class SlaPolicyIn(Schema):
    """`channel_id` and `team_id` narrow it: the closest one counts."""

    name: str = Field(min_length=1, max_length=60)
    channel_id: UUID | None = None
    team_id: UUID | None = None
    targets: dict[Priority, Targets] = Field(max_length=4)

    @model_validator(mode="after")
    def _promises_something(self) -> Self:
        if not any(minutes for one in self.targets.values() for minutes in one.model_dump().values()):
            raise ValueError(str(_("Promise at least one thing.")))
        return self


class SlaPolicyOut(SlaPolicyIn):
    id: UUID


class SlaFigureOut(Schema):
    """Of the last 30 days; `missed` counts those still running too."""

    kind: PromiseKind
    met: int
    missed: int
