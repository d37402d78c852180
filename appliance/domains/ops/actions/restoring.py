"""A box from its backup. Everything is made beside and put in place at the end; what was there is moved aside, not deleted."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sqlalchemy import Engine, make_url

from appliance.core import clock, crypto
from appliance.core.buckets import BucketStore, store_of
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.knowledge import actions as knowledge
from appliance.domains.ops.actions import contents, rebuilding, targets
from appliance.domains.ops.actions.taking import DUMPS, FOLDERS
from appliance.domains.ops.errors import BackupFailed, NotEmpty
from appliance.domains.ops.gateways import postgresql
from appliance.domains.ops.types import NEWEST, Contents, Found, Restored

if TYPE_CHECKING:
    from appliance.core.config import Settings

@dataclass(frozen=True)
class Source:
    """A dump of PostgreSQL, read as often as it is asked for, and what is said of it."""

    told: Contents
    dump: Callable[[], AbstractContextManager[IO[bytes]]]


ASIDE = "before-restore-"
_ASIDE = ("salesedge.db", "salesedge.db-wal", "salesedge.db-shm", *FOLDERS)


def restore(settings: Settings, target: str, *, set_id: str = NEWEST, replace: bool = False) -> Restored:
    """The box is not running. Raises NotEmpty for one with data unless `replace`; NoSuchBackup, BackupFailed, OtherKey."""
    began = time.monotonic()
    keys = targets.keys_at(settings)
    is_embedded = make_url(settings.database_url).get_backend_name() == "sqlite"
    if not replace:
        check_empty(settings, keys)
    repository = targets.open_target(settings, keys, target)
    chosen = targets.chosen(repository, set_id)
    told = rebuilding.read_contents(repository, chosen)
    _check_same_kind(told, is_embedded=is_embedded)
    wrapped = rebuilding.read_keys(repository)
    with staged(settings.home) as stage:
        rebuilding.check_room(repository, [chosen.files, chosen.database], stage)
        bring_old_files(settings)
        repository.restore_folder(chosen.files, stage)
        if is_embedded:
            rebuilding.rebuild_sqlite(repository, chosen, settings, keys, stage)
            found, removed = _finish(settings, keys, wrapped, stage, told, stage)
            _send_files(settings, stage)
        else:
            source = Source(told, lambda: repository.reading(chosen.database, DUMPS["postgresql"]))
            found, removed = replace_database(settings, keys, wrapped, source, stage)
        aside = put_in_place(settings, stage)
    return Restored(chosen.id, chosen.taken_at, time.monotonic() - began, found, told, aside, removed)


def replace_database(settings: Settings, keys: crypto.Keyring, wrapped: bytes, source: Source, stage: Path) -> tuple[Found, int]:
    """PostgreSQL's, by a dump. What is found in it then, and how many files it did not name."""
    url = postgresql.owner_url(settings)
    with rebuilding.opened(settings, keys, url) as engine:
        tables_are_there, has_data = rebuilding.has_tables(engine), rebuilding.has_data(engine)
    if has_data:
        _prove(settings, keys, wrapped, source, stage)
    _send_files(settings, stage)
    with source.dump() as stream:
        postgresql.load(stream, url, replace=tables_are_there, timeout_s=targets.LONGEST_S)
    return _finish(settings, keys, wrapped, url, source.told, stage)


def check_empty(settings: Settings, keys: crypto.Keyring) -> None:
    path = settings.home / rebuilding.DATABASE_FILE
    is_embedded = make_url(settings.database_url).get_backend_name() == "sqlite"
    has_no_files = store_of(settings).is_empty()
    if is_embedded and not path.exists() and has_no_files:
        return
    try:
        with rebuilding.opened(settings, keys, settings.home if is_embedded else postgresql.owner_url(settings)) as engine:
            has_data = rebuilding.has_data(engine)
    except crypto.KeyUnreadable:
        has_data = True
    if has_data or not has_no_files:
        raise NotEmpty(_("This box holds data. To put the backup in their place, say so with --replace."))


def _check_same_kind(told: Contents, *, is_embedded: bool) -> None:
    if (told.database == "sqlite") != is_embedded:
        raise NotEmpty(_("This backup is of a box on %(kind)s. Set this one up on the same, then restore.", kind=told.database))


@contextmanager
def staged(home: Path) -> Iterator[Path]:
    stage = rebuilding.stage_at(home)
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True, mode=0o700)
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _prove(settings: Settings, keys: crypto.Keyring, wrapped: bytes, source: Source, stage: Path) -> None:
    """In a database beside: the living one is replaced by nothing that does not hold. Raises BackupFailed."""
    with postgresql.scratch_database(postgresql.owner_url(settings)) as beside:
        with source.dump() as stream:
            postgresql.load(stream, beside, replace=False, timeout_s=targets.LONGEST_S)
        with rebuilding.opened(settings, keys, beside) as engine:
            found = rebuilding.complete(engine, keys, wrapped, stage, source.told)
    if not found.is_whole:
        raise BackupFailed(_("This backup is not whole; the data here were left alone. Choose another, or name an empty database."))


def _finish(settings: Settings, keys: crypto.Keyring, wrapped: bytes, where: object, told: Contents, stage: Path) -> tuple[Found, int]:
    with rebuilding.opened(settings, keys, where) as engine:  # type: ignore[arg-type]  # a folder or an address
        found = rebuilding.complete(engine, keys, wrapped, stage, told)
        with engine.begin() as connection:
            contents.see_all(connection)
            knowledge.forget_vectors_in(connection)
        _let_the_application_in(settings, engine)
        return found, rebuilding.remove_unnamed(engine, stage)


def _let_the_application_in(settings: Settings, engine: Engine) -> None:
    role = make_url(settings.database_url).username
    if engine.dialect.name == "postgresql" and role and role != engine.url.username:
        with engine.begin() as connection:
            postgresql.let_in(connection, role)


def bring_old_files(settings: Settings) -> None:
    """Of a box with a bucket: here, where they are moved aside with the rest. Raises Refused, Unavailable, before anything was changed."""
    bucket = _bucket_of(settings)
    if bucket is not None and not bucket.is_empty():
        bucket.gather()


def _send_files(settings: Settings, stage: Path) -> None:
    """A bucket has all the new files before a database names them."""
    bucket = _bucket_of(settings)
    if bucket is not None:
        bucket.replace_by(stage / "blobs")


def put_in_place(settings: Settings, stage: Path) -> str:
    """The database last. Who is killed in between runs the restore again, with --replace. A bucket loses what is aside by then."""
    home, bucket = settings.home, _bucket_of(settings)
    if bucket is not None:
        bucket.mark(stage / "blobs")
    aside = home / f"{ASIDE}{clock.now():%Y%m%d-%H%M%S-%f}"  # its own, also of two within a second
    old = [home / name for name in _ASIDE if (home / name).exists()]
    for path in old:
        aside.mkdir(exist_ok=True, mode=0o700)
        path.rename(aside / path.name)
    for name in (*FOLDERS, "backup", "salesedge.db"):
        if (stage / name).exists():
            shutil.rmtree(home / name, ignore_errors=True)
            (stage / name).rename(home / name)
    if bucket is not None:
        bucket.keep_only()
    return str(aside) if old else ""


def _bucket_of(settings: Settings) -> BucketStore | None:
    store = store_of(settings)
    return store if isinstance(store, BucketStore) else None
