"""Asking customers how it was."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from appliance.core.web import Schema


class SurveySettingIn(Schema):
    """No `question`: the box's own words. Nobody is asked twice within `rest_days`, on whatever channel."""

    active: bool = True
    question: str = Field("", max_length=300)
    rest_days: int = Field(30, ge=1, le=366)


class SurveySettingOut(SurveySettingIn):
    channel_id: UUID


class SurveyOut(Schema):
    id: UUID
    conversation_id: UUID
    channel_id: UUID
    user_id: UUID | None
    team_id: UUID | None
    asked_at: datetime
    closes_at: datetime
    score: int | None = Field(description="From 1, the worst, to 5")
    comment: str
    answered_at: datetime | None


class SatisfactionOut(Schema):
    """Of the last 90 days."""

    asked: int
    answered: int
    average: float | None
    scores: list[int] = Field(description="How many gave each score, from 1 on")
