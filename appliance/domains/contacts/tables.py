from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from appliance.core.db import Base, Sealed, SealedJson, Sentence, TenantOwned
from appliance.domains.contacts.types import (
    Channel,
    ConsentMode,
    DuplicateState,
    IdentityKind,
    ImportStatus,
    LawfulBasis,
    Likeness,
    Purpose,
    SegmentKind,
)


class Contact(TenantOwned, Base):
    """A row that was merged into another stays, so that its id still leads somewhere and the merge can be undone."""

    __tablename__ = "contacts"

    name: Mapped[str] = mapped_column(String(200), default="")
    company: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(320))
    phone_e164: Mapped[str | None] = mapped_column(String(20))
    phone_raw: Mapped[str | None] = mapped_column(String(60))
    phone_invalid: Mapped[bool] = mapped_column(default=False)
    wa_lid: Mapped[str | None] = mapped_column(String(40))
    document: Mapped[str | None] = mapped_column(Sealed())
    document_index: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    born_on: Mapped[date | None]
    region: Mapped[str | None] = mapped_column(String(120))
    owner_id: Mapped[UUID | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    last_channel: Mapped[Channel | None]
    last_seen_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)
    search_text: Mapped[str] = mapped_column(Text, default="")
    merged_into_id: Mapped[UUID | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)

    tag_rows: Mapped[list["ContactTag"]] = relationship(
        lazy="raise_on_sql", cascade="all, delete-orphan", passive_deletes=True, order_by="ContactTag.tag"
    )

    __table_args__ = (
        Index("ix_contacts_name", "tenant_id", "name", "id"),
        Index("ix_contacts_newest", "tenant_id", "created_at", "id"),
        Index("ix_contacts_last_seen", "tenant_id", "last_seen_at", "id"),
        Index("ix_contacts_owner", "tenant_id", "owner_id"),
        Index("ix_contacts_region", "tenant_id", "region"),
        Index("ix_contacts_document", "tenant_id", "document_index"),
    )

    @property
    def tags(self) -> list[str]:
        return [row.tag for row in self.tag_rows]


class ContactTag(TenantOwned, Base):
    __tablename__ = "contact_tags"

    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    tag: Mapped[str] = mapped_column(String(60))

    __table_args__ = (UniqueConstraint("contact_id", "tag"), Index("ix_contact_tags_tag", "tenant_id", "tag", "contact_id"))


class ContactIdentity(TenantOwned, Base):
    __tablename__ = "contact_identities"

    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    kind: Mapped[IdentityKind]
    value: Mapped[str] = mapped_column(String(320))
    scope: Mapped[str] = mapped_column(String(80), default="")

    # `value` leads, so that the same index finds all that a set of ids might mean.
    __table_args__ = (UniqueConstraint("tenant_id", "value", "kind", "scope"),)


class Consent(TenantOwned, Base):
    """Append-only: the last entry for a channel and purpose is where the person stands. Ids tell which was written last: `recorded_at` is
    when its unit began, which may have waited for another.

    `said_at`: when the person said it, where that is known and was earlier than we heard of it.
    """

    __tablename__ = "consents"

    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    channel: Mapped[Channel]
    purpose: Mapped[Purpose]
    mode: Mapped[ConsentMode]
    lawful_basis: Mapped[LawfulBasis]
    source: Mapped[str] = mapped_column(String(80))
    evidence: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    said_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]

    __table_args__ = (Index("ix_consents_latest", "contact_id", "channel", "purpose", "recorded_at", "id"),)


class AwaitedConsent(TenantOwned, Base):
    """A yes to marketing by e-mail that somebody typed: none before the owner of `address` confirms it.

    `sender_id`: the mailbox that asks. `unsent`: why it could not write the mail, as `message_id`, that asks.

    `words`: what was agreed to, as the organisation itself wrote it.
    """

    __tablename__ = "contact_awaited_consents"

    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    sender_id: Mapped[UUID]
    address: Mapped[str] = mapped_column(Sealed())
    locale: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(80))
    words: Mapped[str] = mapped_column(Sealed())
    evidence: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    message_id: Mapped[UUID | None]
    unsent: Mapped[str | None] = mapped_column(Sentence())
    asked_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_contact_awaited_consents_latest", "contact_id", "asked_at"),)


class ContactNote(TenantOwned, Base):
    __tablename__ = "contact_notes"

    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[UUID | None]
    author_name: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Sealed())
    written_at: Mapped[datetime]


class TimelineEntry(TenantOwned, Base):
    """One line of a contact's history. `object_id` is what it is about, in the domain that `kind` begins with."""

    __tablename__ = "timeline_entries"

    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(80))
    object_id: Mapped[UUID]
    summary: Mapped[str] = mapped_column(Sealed())
    actor_name: Mapped[str] = mapped_column(String(200), default="")
    happened_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "object_id"),
        Index("ix_timeline_entries_of_contact", "contact_id", "happened_at", "id"),
    )


class ContactMerge(TenantOwned, Base):
    """What one merge moved, so that exactly that can be moved back. `moved` is table name -> row ids."""

    __tablename__ = "contact_merges"

    kept_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    gone_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    moved: Mapped[dict[str, Any]]
    filled: Mapped[list[str]]  # columns the kept one had blank
    added_tags: Mapped[list[str]]
    merged_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class ContactDuplicate(TenantOwned, Base):
    """Two contacts that may be one person, for somebody to decide. Decided once, the pair is not suggested again."""

    __tablename__ = "contact_duplicates"

    first_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    second_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    likeness: Mapped[Likeness]
    score: Mapped[int]
    state: Mapped[DuplicateState] = mapped_column(default=DuplicateState.OPEN)
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(String(200), default="")
    merge_id: Mapped[UUID | None] = mapped_column(ForeignKey("contact_merges.id", ondelete="SET NULL"), index=True)

    __table_args__ = (
        UniqueConstraint("first_id", "second_id"),
        Index("ix_contact_duplicates_open", "tenant_id", "state", "score", "id"),
    )


class ContactImport(TenantOwned, Base):
    """An uploaded file on its way into the contacts. `rows_done` is committed with the rows it counts.

    The file goes when its import is done; `rows_…` of a dry run say what would have happened. `listener_id`: the mark of who
    wants to hear who came.
    """

    __tablename__ = "contact_imports"

    file_id: Mapped[UUID | None]
    file_name: Mapped[str] = mapped_column(String(200))
    encoding: Mapped[str] = mapped_column(String(20))
    delimiter: Mapped[str] = mapped_column(String(1))
    headers: Mapped[list[str]]
    sample: Mapped[list[Any]] = mapped_column(SealedJson())
    mapping: Mapped[dict[str, str]]
    tags: Mapped[list[str]] = mapped_column(default=list)
    dry_run: Mapped[bool] = mapped_column(default=False)
    listener_id: Mapped[UUID | None]
    status: Mapped[ImportStatus] = mapped_column(default=ImportStatus.UPLOADED)
    rows_total: Mapped[int] = mapped_column(default=0)
    rows_done: Mapped[int] = mapped_column(default=0)
    rows_created: Mapped[int] = mapped_column(default=0)
    rows_updated: Mapped[int] = mapped_column(default=0)
    rows_failed: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ImportProblem(TenantOwned, Base):
    """A row that was left out, and why. The row itself stays in the person's own file."""

    __tablename__ = "contact_import_problems"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("contact_imports.id", ondelete="CASCADE"))
    line: Mapped[int]
    field: Mapped[str] = mapped_column(String(80))
    sentence: Mapped[str] = mapped_column(Sentence())

    __table_args__ = (Index("ix_contact_import_problems_line", "import_id", "line"),)


class Segment(TenantOwned, Base):
    """A saved filter, or the list of people that one was frozen into. `tree` is a schemas.SegmentTree; a list keeps its own."""

    __tablename__ = "contact_segments"

    name: Mapped[str] = mapped_column(String(120))
    tree: Mapped[dict[str, Any]] = mapped_column(SealedJson())
    kind: Mapped[SegmentKind] = mapped_column(default=SegmentKind.LIVE)
    frozen_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("tenant_id", "name"),)


class SegmentMember(TenantOwned, Base):
    """Somebody in a static segment."""

    __tablename__ = "contact_segment_members"

    segment_id: Mapped[UUID] = mapped_column(ForeignKey("contact_segments.id", ondelete="CASCADE"))
    contact_id: Mapped[UUID] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"), index=True)
    added_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("segment_id", "contact_id"),)


class ContactSettings(TenantOwned, Base):
    """How one organisation reads phone numbers, and the words it takes for an opt-out besides the usual ones."""

    __tablename__ = "contact_settings"

    default_region: Mapped[str] = mapped_column(String(2), default="BR")
    opt_out_words: Mapped[list[str]] = mapped_column(default=list)

    __table_args__ = (UniqueConstraint("tenant_id"),)
