"""Who works together, who is here, and what each should look at."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from appliance.core.web import Schema
from appliance.domains.conversations.types import NoticeKind, Presence


class TeamIn(Schema):
    """`deals`: each conversation goes to one of those present; `takes_handoffs`: what the bot gives up comes here."""

    name: str = Field(min_length=1, max_length=60)
    deals: bool = True
    takes_handoffs: bool = False
    member_ids: list[UUID] = Field(default_factory=list, max_length=200)


class TeamPatch(Schema):
    name: str = Field("", min_length=1, max_length=60)
    deals: bool = True
    takes_handoffs: bool = False
    member_ids: list[UUID] | None = Field(None, max_length=200)


class TeamMemberOut(Schema):
    user_id: UUID


class TeamOut(Schema):
    id: UUID
    name: str
    deals: bool
    takes_handoffs: bool
    members: list[TeamMemberOut]


class GiveIn(Schema):
    team_id: UUID | None


class PresenceIn(Schema):
    state: Presence


class NoticeOut(Schema):
    id: UUID
    kind: NoticeKind
    conversation_id: UUID | None
    channel_id: UUID | None
    message_id: UUID | None
    by_id: UUID | None
    created_at: datetime
    seen_at: datetime | None
