"""Whose each stored file is: who put it in and how it came, which rows use it. What nothing uses is destroyed.

The row is written before the bytes and deleted after them: whoever is killed in between leaves a row, which is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Select, String, UniqueConstraint, delete, exists, select, update
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core import guard
from appliance.core.buckets import BucketStore
from appliance.core.db import Base, BigId, TenantOwned
from appliance.core.errors import Conflict, DomainError, NotFound, Refused, for_operators
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.manifest import Check, CheckResult, Cron, Manifest, Subscription
from appliance.core.rows import insert_if_absent, locked, was_changed
from appliance.core.tenancy import TenantKey
from appliance.core.uow import SYSTEM, Actor, UnitOfWork

if TYPE_CHECKING:
    from appliance.core.blobs import BlobRef, Readable
    from appliance.core.box import Box
    from appliance.core.jobs import Step

KEPT_UNUSED = timedelta(days=1)
MOST_UNUSED = 200  # files that one person or key has chosen and not sent: each may be large
SWEPT_AT_ONCE = 500
LOOKED_FOR = 3
MISSING = "Files are not in the bucket. If they lie in the data folder yet, stop the box and run: salesedge files copy --to bucket"
KEEPS_VERSIONS = "The bucket keeps what is deleted as an older version: switch versioning off, or have older versions deleted after days."


class Origin(StrEnum):
    """Only a CHOSEN file is named by its id afterwards; the others are used by who stored them."""

    CHOSEN = "chosen"  # by somebody of the organisation, to go along with what they write
    ARRIVED = "arrived"  # from outside: with what a contact wrote, as a list of contacts, or as a document


class FileState(StrEnum):
    WRITING = "writing"
    FRESH = "fresh"
    USED = "used"
    GOING = "going"  # nobody may use it any more; its bytes go, then this row


_UNUSED = (FileState.WRITING, FileState.FRESH)


class StoredFile(TenantOwned, Base):
    """Its id is the blob's; `size` in bytes, once it is written."""

    __tablename__ = "stored_files"

    origin: Mapped[Origin]
    state: Mapped[FileState]
    put_by_kind: Mapped[str] = mapped_column(String(10))
    put_by_id: Mapped[UUID | None]
    size: Mapped[int | None] = mapped_column(BigId)
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_stored_files_due", "state", "created_at"),)


class FileUse(TenantOwned, Base):
    """`used_by`: the message, the template, the version of a document."""

    __tablename__ = "file_uses"

    file_id: Mapped[UUID] = mapped_column(ForeignKey("stored_files.id", ondelete="CASCADE"))
    used_by: Mapped[UUID] = mapped_column(index=True)

    __table_args__ = (UniqueConstraint("file_id", "used_by"),)


@dataclass(frozen=True)
class FileOrphaned:
    """Nothing uses it any more."""

    file_id: UUID


class FileNotUsable(Refused):
    """One sentence, whatever the reason: nobody learns which files there are."""

    def __init__(self) -> None:
        sentence = _("Choose the file again: this one is not yours to send, has been sent, or has waited for more than a day.")
        super().__init__(sentence, fields={"media": sentence})


def put(
    box: Box, tenant_id: UUID, stream: Readable, origin: Origin, *, by: Actor = SYSTEM, limit: int | None = None
) -> BlobRef:
    """Raises Conflict, what `blobs.put` raises, and leaves nothing behind then. What needs the file says so with `use` within a day."""
    guard.check_no_open_unit("files.put")
    file_id = new_id()
    with box.unit(tenant_id, by) as uow:
        if origin is Origin.CHOSEN:
            _check_not_too_many(uow)
        uow.session.add(_written_by(uow, file_id, origin))
    is_written = False
    try:
        ref = box.blobs.put(tenant_id, stream, limit=limit, blob_id=file_id)
        with box.unit(tenant_id, by) as uow:
            uow.session.execute(update(StoredFile).where(StoredFile.id == file_id).values(state=FileState.FRESH, size=ref.size))
        is_written = True
    finally:
        if not is_written:
            give_up(box, tenant_id, file_id)
    return ref


def _check_not_too_many(uow: UnitOfWork) -> None:
    own = StoredFile.origin == Origin.CHOSEN, StoredFile.put_by_kind == uow.actor.kind, StoredFile.put_by_id == uow.actor.id
    waiting = select(StoredFile.id).where(*own, StoredFile.state.in_(_UNUSED)).limit(MOST_UNUSED)
    if len(uow.session.scalars(waiting).all()) == MOST_UNUSED:
        raise Conflict(_("%(most)s files are on their way already. Finish or give up some of them first.", most=MOST_UNUSED))


def _written_by(uow: UnitOfWork, file_id: UUID, origin: Origin) -> StoredFile:
    return StoredFile(
        id=file_id, tenant_id=uow.tenant_id, origin=origin, state=FileState.WRITING, put_by_kind=uow.actor.kind, put_by_id=uow.actor.id,
        created_at=uow.now,
    )  # fmt: skip


def give_up(box: Box, tenant_id: UUID, file_id: UUID) -> None:
    """What was stored for something that came to nothing goes at once. Of what is used nothing happens."""
    with box.unit(tenant_id) as uow:
        unused = update(StoredFile).where(StoredFile.id == file_id, StoredFile.state.in_(_UNUSED))
        is_going = was_changed(uow.session.execute(unused.values(state=FileState.GOING)))
    if is_going:
        _destroy(box, tenant_id, [file_id])


def claim(uow: UnitOfWork, file_id: UUID) -> StoredFile:
    """What a caller names: a file that they chose themselves and that nothing uses yet. Held until the unit ends. Raises FileNotUsable."""
    own = select(StoredFile).where(
        StoredFile.id == file_id, StoredFile.origin == Origin.CHOSEN, StoredFile.state == FileState.FRESH,
        StoredFile.put_by_kind == uow.actor.kind, StoredFile.put_by_id == uow.actor.id, StoredFile.created_at > uow.now - KEPT_UNUSED,
    )  # fmt: skip
    found = uow.session.scalar(locked(own))
    if found is None:
        raise FileNotUsable
    return found


def use(uow: UnitOfWork, used_by: UUID, file_ids: Iterable[UUID]) -> None:
    """They stay as long as this uses them. Raises NotFound for what is not stored, or is about to go."""
    for file_id in sorted(set(file_ids)):
        there = update(StoredFile).where(StoredFile.id == file_id, StoredFile.state.in_((FileState.FRESH, FileState.USED)))
        if not was_changed(uow.session.execute(there.values(state=FileState.USED))):
            raise NotFound(_("The file is no longer stored."))
        insert_if_absent(uow, FileUse, {"id": new_id(), "tenant_id": uow.tenant_id, "file_id": file_id, "used_by": used_by})


def let_go(uow: UnitOfWork, users: Sequence[UUID] | Select[UUID]) -> None:
    """These use no file any more. What nothing else uses goes for good once this is committed."""
    theirs = StoredFile.id.in_(select(FileUse.file_id).where(FileUse.used_by.in_(users)))
    uow.session.execute(locked(select(StoredFile.id).where(theirs).order_by(StoredFile.id)))  # of two users that go at once one is the last
    others = exists().where(FileUse.file_id == StoredFile.id, FileUse.used_by.not_in(users))
    alone = update(StoredFile).where(theirs, ~others).values(state=FileState.GOING).returning(StoredFile.id)
    going = list(uow.session.scalars(alone))
    uow.session.execute(delete(FileUse).where(FileUse.used_by.in_(users)))
    uow.emit_all(FileOrphaned(file_id) for file_id in going)


def destroy_orphan(step: Step, event: FileOrphaned) -> None:
    _destroy(step.box, step.tenant_id, [event.file_id])


def sweep(box: Box) -> None:
    """What somebody stored and never used, and what is still going: all of it, a few at a time."""
    while _sweep_some(box) == SWEPT_AT_ONCE:
        pass
    box.blobs.store.drop_old_copy()


def sweep_bucket(box: Box) -> None:
    """What lies in a bucket and no row names: sent when it had been given up, or left by whoever was killed. A day old at the least.

    Of organisations that are known here alone, and not while a backup runs.
    """
    store = box.blobs.store
    if not isinstance(store, BucketStore):
        return
    with box.whole_box("files that nothing names", read_only=True) as uow:
        known, before = set(uow.session.scalars(select(TenantKey.tenant_id))), uow.now - KEPT_UNUSED
    found = ((UUID(lying.name[:32]), UUID(lying.name[-32:])) for lying in store.forgotten(before))
    theirs = (one for one in found if one[0] in known)
    while some := list(islice(theirs, SWEPT_AT_ONCE)):
        with box.whole_box("files that nothing names", read_only=True) as uow:
            named = set(uow.session.scalars(select(StoredFile.id).where(StoredFile.id.in_([file_id for _tenant_id, file_id in some]))))
        with box.blobs.deleting() as may_delete:
            for tenant_id, file_id in some if may_delete else ():
                if file_id not in named:
                    box.blobs.delete(tenant_id, file_id)


def _sweep_some(box: Box) -> int:
    with box.whole_box("files that nothing uses") as uow:
        unused = StoredFile.state.in_(_UNUSED)
        old = select(StoredFile.id).where(unused, StoredFile.created_at < uow.now - KEPT_UNUSED).limit(SWEPT_AT_ONCE)
        uow.session.execute(update(StoredFile).where(StoredFile.id.in_(old), unused).values(state=FileState.GOING))
        going = select(StoredFile.tenant_id, StoredFile.id).where(StoredFile.state == FileState.GOING).limit(SWEPT_AT_ONCE)
        found = uow.session.execute(going).all()
    by_tenant = {tenant_id: [row.id for row in found if row.tenant_id == tenant_id] for tenant_id in {row.tenant_id for row in found}}
    return sum(_destroy(box, tenant_id, file_ids) for tenant_id, file_ids in by_tenant.items())


def _destroy(box: Box, tenant_id: UUID, file_ids: Sequence[UUID]) -> int:
    """Those of them that are going. How many: none while a backup runs."""
    going = StoredFile.id.in_(file_ids), StoredFile.state == FileState.GOING
    with box.unit(tenant_id, read_only=True) as uow:
        found = list(uow.session.scalars(select(StoredFile.id).where(*going)))
    with box.blobs.deleting() as may_delete:
        if not may_delete:  # a backup runs; the rows wait for the sweep
            return 0
        for file_id in found:
            box.blobs.delete(tenant_id, file_id)
    with box.unit(tenant_id) as uow:
        uow.session.execute(delete(StoredFile).where(*going))
    return len(found)


def check_store(box: Box) -> CheckResult:
    """Where they lie in a bucket: whether it takes, gives and deletes, and holds what was stored last."""
    store = box.blobs.store
    if not isinstance(store, BucketStore):
        return CheckResult(ok=True, detail="in the data folder")
    with box.whole_box("file store check", read_only=True) as uow:
        there = StoredFile.state.in_((FileState.FRESH, FileState.USED))
        last = select(StoredFile.tenant_id, StoredFile.id).where(there).order_by(StoredFile.id.desc()).limit(LOOKED_FOR)
        stored = [(row.tenant_id, row.id) for row in uow.session.execute(last)]
    try:
        with for_operators():
            store.try_out()
            absent = [file_id for tenant_id, file_id in stored if not box.blobs.has(tenant_id, file_id)]
    except DomainError as err:
        return CheckResult(ok=False, detail="does not answer as it should", fix=str(err))
    if absent:
        return CheckResult(ok=False, detail="files are missing", fix=MISSING)
    if store.keeps_versions():
        return CheckResult(ok=False, detail="keeps old versions", fix=KEEPS_VERSIONS, needed=False)
    return CheckResult(ok=True, detail="answers")


MANIFEST = Manifest(
    "files",
    subscriptions=(Subscription(FileOrphaned, destroy_orphan, mode="staged"),),
    cron=(
        Cron("destroy_unused", sweep, every=timedelta(hours=1)),
        Cron("destroy_unnamed", sweep_bucket, every=timedelta(days=1), queue="slow"),
    ),
    checks=(Check("file store", check_store, thorough=True),),
)
