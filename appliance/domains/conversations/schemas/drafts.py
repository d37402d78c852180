from pydantic import Field

from appliance.core.web import Schema
from appliance.domains.conversations.types import MAX_MAIL


class DraftsOut(Schema):
    """What the caller has begun to write in a conversation."""

    reply: str
    note: str


class DraftsIn(Schema):
    """A kind that is not named stays as it is; an empty text lets it go. `reply_was`, `note_was`: what the caller last knew to be kept;
    when something else is by now, nothing changes (409).
    """

    reply: str | None = Field(None, max_length=MAX_MAIL)
    note: str | None = Field(None, max_length=MAX_MAIL)
    reply_was: str | None = Field(None, max_length=MAX_MAIL)
    note_was: str | None = Field(None, max_length=MAX_MAIL)
