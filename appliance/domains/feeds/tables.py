from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, Sealed, SealedJson, Sentence, TenantOwned
from appliance.domains.feeds.types import Shape, What


class Feed(TenantOwned, Base):
    """A program that listens to one number. Without `url` it only listens on its socket. `problem`: why it was not told the last time."""

    __tablename__ = "feeds"

    channel_id: Mapped[UUID] = mapped_column(unique=True)
    shape: Mapped[Shape]
    active: Mapped[bool] = mapped_column(default=True)
    url: Mapped[str] = mapped_column(Sealed(), default="")
    secret: Mapped[str] = mapped_column(Sealed())
    headers: Mapped[dict[str, str]] = mapped_column(SealedJson())
    events: Mapped[list[str]] = mapped_column(default=list)
    by_events: Mapped[bool] = mapped_column(default=False)
    with_files: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str] = mapped_column(Sentence(), default="")
    told_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class FeedItem(TenantOwned, Base):
    """What happened, as pointers: the words are read from the message when it is told, so whoever is erased is erased here too."""

    __tablename__ = "feed_items"

    channel_id: Mapped[UUID]
    conversation_id: Mapped[UUID | None]
    message_id: Mapped[UUID | None]
    what: Mapped[What]
    facts: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    happened_at: Mapped[datetime] = mapped_column(index=True)

    __table_args__ = (Index("ix_feed_items_of_channel", "channel_id", "id"),)
