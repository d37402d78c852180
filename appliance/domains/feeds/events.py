from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class FeedItemKept:
    """A program is to be told. `chat`: what is told in order; the conversation, or the number for its link."""

    channel_id: UUID
    item_id: UUID
    chat: UUID

    @property
    def ordering_key(self) -> str:
        return str(self.chat)
