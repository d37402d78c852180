from dataclasses import dataclass
from uuid import UUID

from appliance.domains.contacts.types import Channel, Purpose


@dataclass(frozen=True)
class ContactCreated:
    contact_id: UUID


@dataclass(frozen=True)
class ContactChanged:
    contact_id: UUID


@dataclass(frozen=True)
class ContactDeleted:
    contact_id: UUID


@dataclass(frozen=True)
class ContactsMerged:
    """What other domains keep under `gone_id` now belongs to `kept_id`."""

    merge_id: UUID
    kept_id: UUID
    gone_id: UUID

    @property
    def ordering_key(self) -> str:
        return str(self.kept_id)


@dataclass(frozen=True)
class MergeUndone:
    """What was moved because of `merge_id` goes back from `kept_id` to `restored_id`."""

    merge_id: UUID
    kept_id: UUID
    restored_id: UUID

    @property
    def ordering_key(self) -> str:
        return str(self.kept_id)


@dataclass(frozen=True)
class ConsentGranted:
    contact_id: UUID
    consent_id: UUID
    channel: Channel
    purpose: Purpose


@dataclass(frozen=True)
class ConsentWithdrawn:
    contact_id: UUID
    consent_id: UUID
    channel: Channel
    purpose: Purpose


@dataclass(frozen=True)
class ConfirmationWanted:
    """Somebody typed a yes for this person: the owner of the mailbox is to be asked."""

    contact_id: UUID
    awaited_id: UUID


@dataclass(frozen=True)
class NoteAdded:
    contact_id: UUID
    note_id: UUID


@dataclass(frozen=True)
class DuplicatesWanted:
    """Somebody, or the clock, asks who looks like whom."""


@dataclass(frozen=True)
class DuplicatesFound:
    """The looking is over; `pairs` are new."""

    pairs: int


@dataclass(frozen=True)
class DuplicateDecided:
    duplicate_id: UUID


@dataclass(frozen=True)
class SegmentChanged:
    segment_id: UUID


@dataclass(frozen=True)
class ImportStarted:
    import_id: UUID

    @property
    def ordering_key(self) -> str:
        return str(self.import_id)


@dataclass(frozen=True)
class ImportAdvanced:
    import_id: UUID


@dataclass(frozen=True)
class PeopleImported:
    """Who came with one slice, once each, for whoever asked under `listener_id`; of a dry run who would have come.

    The last one, `is_last`, follows when the file is read.
    """

    import_id: UUID
    listener_id: UUID
    contact_ids: tuple[UUID, ...] = ()
    is_last: bool = False

    @property
    def ordering_key(self) -> str:
        return str(self.listener_id)


@dataclass(frozen=True)
class ImportFinished:
    """One event for the whole file: the contacts of an import are not announced one by one."""

    import_id: UUID
