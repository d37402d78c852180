"""A new key for a tenant's data, without a pause: new content goes under it at once, older content is sealed anew little by little.

Every few rows are a transaction of their own that also says how far it came; whoever is killed goes on from there. The old key is destroyed
once a whole pass met nothing under it that began when nobody could write under it any more.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import structlog
from sqlalchemy import Column, LargeBinary, Table, bindparam, case, select, tuple_, type_coerce, update

from appliance.core import crypto, db, tenancy
from appliance.core.errors import Conflict, NotFound
from appliance.core.files import FileState, StoredFile
from appliance.core.i18n import lazy_gettext as _
from appliance.core.manifest import Cron, Manifest
from appliance.core.rows import locked
from appliance.core.tenancy import KeyRotation, TenantKey

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork

AT_ONCE = 200
AT_A_TIME_S = 300.0
SETTLED = timedelta(hours=1)  # no transaction or upload that still knew the old key alone takes as long
FILES = "files"
log = structlog.get_logger()


def begin(uow: UnitOfWork, tenant_id: UUID, *, keep: timedelta) -> KeyRotation:
    """In a unit of the whole box. `keep`: how long the old key stays after that, for backups taken before. Raises Conflict."""
    tenancy.overwrite_what_goes(uow)
    kept = uow.session.scalars(locked(select(TenantKey).where(TenantKey.tenant_id == tenant_id))).one()
    rotation = uow.session.get(KeyRotation, tenant_id)
    if rotation is not None and rotation.destroyed_at is None:
        raise Conflict(_("This organisation's key is being rotated already."))
    kept.wrapped, number = uow.box.keys.with_new_generation(tenant_id, kept.wrapped)
    rotation = rotation or KeyRotation(tenant_id=tenant_id)
    rotation.generation, rotation.started_at, rotation.keep_until = number, uow.now, uow.now + keep
    rotation.resealed, rotation.resealed_at, rotation.destroyed_at = 0, None, None
    _begin_pass(rotation, uow)
    uow.session.add(rotation)
    uow.session.flush()
    return rotation


def go_on_with_all(box: Box) -> None:
    """Some minutes of work; the rest is done the next time."""
    ends = time.monotonic() + AT_A_TIME_S
    with box.whole_box("keys to rotate", read_only=True) as uow:
        open_ = list(uow.session.scalars(select(KeyRotation.tenant_id).where(KeyRotation.destroyed_at.is_(None))))
    for tenant_id in open_:
        go_on(box, tenant_id, until=ends)


def go_on(box: Box, tenant_id: UUID, *, until: float) -> None:
    """`until` of time.monotonic()."""
    while time.monotonic() < until and _step(box, tenant_id):
        pass
    with box.whole_box("key rotated", read_only=True) as uow:
        rotation = uow.session.get(KeyRotation, tenant_id)
        is_destroyed = rotation is not None and rotation.destroyed_at is not None
    if is_destroyed and not tenancy.scrub(box):
        log.warning("old_key_not_scrubbed", tenant_id=str(tenant_id))


@dataclass(frozen=True)
class Progress:
    """`kept`: all is under the new key, the old one stays for backups taken before."""

    tenant_id: UUID
    generation: int
    state: Literal["resealing", "kept", "done"]
    steps: int
    of: int
    resealed: int
    started_at: datetime
    keep_until: datetime


def list_progress(box: Box, tenant_ids: Collection[UUID] | None = None) -> list[Progress]:
    """Of these, or of all whose key was ever rotated."""
    steps, wanted = list_steps(), select(KeyRotation).order_by(KeyRotation.started_at)
    if tenant_ids is not None:
        wanted = wanted.where(KeyRotation.tenant_id.in_(tenant_ids))
    with box.whole_box("keys being rotated", read_only=True) as uow:
        return [
            Progress(
                one.tenant_id, one.generation, _state_of(one), len(steps) if one.resealed_at else steps.index(one.step), len(steps),
                one.resealed, one.started_at, one.keep_until,
            )
            for one in uow.session.scalars(wanted)
        ]  # fmt: skip


def _state_of(rotation: KeyRotation) -> Literal["resealing", "kept", "done"]:
    if rotation.destroyed_at:
        return "done"
    return "kept" if rotation.resealed_at else "resealing"


def list_steps() -> list[str]:
    return [*sorted(_sealed_tables()), FILES]


def _sealed_tables() -> dict[str, Table]:
    return {table.name: table for table in db.tenant_tables(db.Rows.metadata) if _sealed_columns(table)}


def _sealed_columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if isinstance(column.type, db.Sealed | db.SealedJson)]


def _step(box: Box, tenant_id: UUID) -> bool:
    """Whether there is more to do now."""
    with box.whole_box("reseal") as uow:
        rotation = uow.session.scalar(locked(select(KeyRotation).where(KeyRotation.tenant_id == tenant_id)))
        if rotation is None or rotation.destroyed_at is not None:
            return False
        if box.keys.newest(tenant_id)[0] < rotation.generation:
            box.keys.forget(tenant_id)  # this process has not noticed yet
        if rotation.resealed_at is not None:
            return _destroy_if_due(uow, rotation)
        if rotation.step != FILES:
            _reseal_rows(uow, rotation)
            return True
        after, generation = rotation.after, rotation.generation
    shelf = next((one for one in box.blobs.shelves(tenant_id) if [one] > after), None)
    if shelf is None:
        return _end_files(box, tenant_id, after)
    found = _reseal_shelf(box, tenant_id, shelf, generation)
    if found is None:
        return False
    with box.whole_box("reseal") as uow:
        rotation = uow.session.scalar(locked(select(KeyRotation).where(KeyRotation.tenant_id == tenant_id)))
        if rotation is not None and rotation.step == FILES and [shelf] > rotation.after:
            _advance(rotation, FILES, [shelf], found)
    return True


def _end_files(box: Box, tenant_id: UUID, after: list[Any]) -> bool:
    with box.whole_box("reseal") as uow:
        rotation = uow.session.scalar(locked(select(KeyRotation).where(KeyRotation.tenant_id == tenant_id)))
        if rotation is None or rotation.step != FILES or rotation.after != after:
            return False  # another process went on with it
        return _end_pass(uow, rotation)


def _begin_pass(rotation: KeyRotation, uow: UnitOfWork) -> None:
    rotation.pass_began_at, rotation.step, rotation.after, rotation.found = uow.now, list_steps()[0], [], 0


def _end_pass(uow: UnitOfWork, rotation: KeyRotation) -> bool:
    if not rotation.found and rotation.pass_began_at >= rotation.started_at + SETTLED:
        rotation.resealed_at = uow.now
        return True
    if rotation.found or uow.now >= rotation.started_at + SETTLED:
        _begin_pass(rotation, uow)
        return True
    return False  # all is done that can be seen; one look more when nobody writes under the old key any longer


def _advance(rotation: KeyRotation, step: str, after: list[Any], found: int) -> None:
    rotation.step, rotation.after = step, after
    rotation.found += found
    rotation.resealed += found


def _reseal_rows(uow: UnitOfWork, rotation: KeyRotation) -> None:
    table = _sealed_tables()[rotation.step]
    keys, columns = list(table.primary_key.columns), _sealed_columns(table)
    oldest, newest = crypto.head_of(rotation.tenant_id, 0), crypto.head_of(rotation.tenant_id, rotation.generation)
    raw = [type_coerce(column, LargeBinary()) for column in columns]
    old = [case((cell.between(oldest, newest), cell)).label(f"cell_{place}") for place, cell in enumerate(raw)]
    wanted = select(*keys, *old).where(table.c.tenant_id == rotation.tenant_id).order_by(*keys).limit(AT_ONCE)
    if rotation.after:
        wanted = wanted.where(tuple_(*keys) > tuple_(*map(_read, rotation.after, keys)))
    rows = uow.session.execute(wanted).all()
    found = sum(_reseal_column(uow, table, column, rows, place) for place, column in enumerate(columns, len(keys)))
    if len(rows) == AT_ONCE:
        _advance(rotation, rotation.step, [_kept(value) for value in rows[-1][: len(keys)]], found)
    else:
        steps = list_steps()
        _advance(rotation, steps[steps.index(rotation.step) + 1], [], found)


def _reseal_column(uow: UnitOfWork, table: Table, column: Column[Any], rows: Sequence[Any], place: int) -> int:
    """Only where it is still what was read: whoever wrote meanwhile wrote under the new key."""
    keys = list(table.primary_key.columns)
    changes = []
    for row in rows:
        if row[place] is None:
            continue
        try:
            plain = uow.box.keys.unseal(row[place])
        except crypto.KeyUnreadable:
            log.warning("unreadable_when_resealed", table=table.name, column=column.name)  # it was so before
            continue
        fresh = uow.box.keys.seal(crypto.tenant_of(row[place]), plain)
        changes.append({f"key_{number}": row[number] for number in range(len(keys))} | {"old": row[place], "fresh": fresh})
    if not changes:
        return 0
    own = [key == bindparam(f"key_{number}", type_=key.type) for number, key in enumerate(keys)]
    same = type_coerce(column, LargeBinary()) == bindparam("old", type_=LargeBinary())
    untouched = {other.name: other for other in table.columns if other.onupdate is not None}
    values = {column.name: bindparam("fresh", type_=LargeBinary()), **untouched}
    uow.session.connection().execute(update(table).where(*own, same).values(values), changes)
    return len(changes)


def _kept(value: object) -> object:
    return value.hex if isinstance(value, UUID) else value


def _read(value: Any, key: Column[Any]) -> Any:
    return UUID(value) if key.type.python_type is UUID else value


def _reseal_shelf(box: Box, tenant_id: UUID, shelf: str, generation: int) -> int | None:
    """None while a backup keeps the files as they are."""
    with box.blobs.deleting() as may_change:
        if not may_change:
            return None
        older = box.blobs.older(tenant_id, shelf, generation)
        there = _stored(box, tenant_id, older)
        done = 0
        for blob_id in sorted(there):  # what is about to go stays as it is
            try:
                box.blobs.reseal(tenant_id, blob_id)
                done += 1
            except crypto.KeyUnreadable:
                log.warning("unreadable_when_resealed", file=str(blob_id))
            except (FileNotFoundError, NotFound):
                continue  # deleted meanwhile
        for blob_id in there - _stored(box, tenant_id, older):
            box.blobs.delete(tenant_id, blob_id)  # and so shall it stay
    return done


def _stored(box: Box, tenant_id: UUID, blob_ids: Sequence[UUID]) -> set[UUID]:
    with box.unit(tenant_id, read_only=True) as uow:
        stays = StoredFile.id.in_(blob_ids), StoredFile.state != FileState.GOING
        return set(uow.session.scalars(select(StoredFile.id).where(*stays)))


def _destroy_if_due(uow: UnitOfWork, rotation: KeyRotation) -> bool:
    if uow.now < rotation.keep_until:
        return False
    tenancy.overwrite_what_goes(uow)
    kept = uow.session.scalars(locked(select(TenantKey).where(TenantKey.tenant_id == rotation.tenant_id))).one()
    kept.wrapped = uow.box.keys.without_generations_before(rotation.tenant_id, kept.wrapped, rotation.generation)
    rotation.destroyed_at = uow.now
    return False


MANIFEST = Manifest("keys", cron=(Cron("reseal", go_on_with_all, every=timedelta(minutes=1), queue="slow"),))
