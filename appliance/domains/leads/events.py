from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class LeadCaptured:
    lead_id: UUID
    contact_id: UUID
    source_id: UUID


@dataclass(frozen=True)
class LeadsAccepted:
    """What a source brought is kept, and waits to become leads."""

    source_id: UUID


@dataclass(frozen=True)
class LeadAnnounced:
    """Meta has a lead for us, by this id of theirs; what it says is fetched."""

    source_id: UUID
    leadgen_id: str


@dataclass(frozen=True)
class LeadChanged:
    """Its status or score, or the same person sent it again."""

    lead_id: UUID


@dataclass(frozen=True)
class LeadConverted:
    lead_id: UUID
    contact_id: UUID


@dataclass(frozen=True)
class LeadsImported:
    """All people of the file are leads now; after a dry run: they are counted."""

    import_id: UUID


@dataclass(frozen=True)
class SourceChanged:
    source_id: UUID
