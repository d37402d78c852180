from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class ChannelChanged:
    channel_id: UUID


@dataclass(frozen=True)
class WebhooksAccepted:
    """They are kept and not yet read. Those of one channel are read in the order they came."""

    channel_id: UUID
    receipt_id: UUID

    @property
    def ordering_key(self) -> str:
        return str(self.channel_id)


@dataclass(frozen=True)
class MediaAnnounced:
    """A contact sent a file that still lies with the provider."""

    channel_id: UUID
    message_id: UUID
