from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class ChannelChanged:
    channel_id: UUID


@dataclass(frozen=True)
class MediaAnnounced:
    """A contact sent a file that still lies with the provider."""

    channel_id: UUID
    message_id: UUID
