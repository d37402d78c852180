"""A backup: the database first, in one transaction; then the keys; then the files, none of which is deleted meanwhile."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from typing import IO, TYPE_CHECKING

from sqlalchemy import create_engine

from appliance import __version__
from appliance.core import clock, guard
from appliance.core.blobs import Blobs
from appliance.core.config import config_file
from appliance.core.ids import new_id
from appliance.core.stores import FolderStore
from appliance.domains.ops import queries
from appliance.domains.ops.actions import contents, keyfile, targets
from appliance.domains.ops.actions.runs import leased
from appliance.domains.ops.gateways import postgresql, sqlite
from appliance.domains.ops.rules import sets
from appliance.domains.ops.types import DATABASE, KEYS, Contents, RunKind, Taken

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from appliance.core.box import Box
    from appliance.domains.ops.gateways.restic import Repository, Stored
    from appliance.domains.ops.types import Snapshot

DUMPS = {"sqlite": "database.sql", "postgresql": "database.pgdump"}
KEYS_NAME = "keys.json"
FOLDERS = ("blobs", "indexes")
NOTES = "backup"  # beside them: what this backup holds, and the configuration
CONTENTS_NAME = f"{NOTES}/contents.json"


def back_up(box: Box, target: str, *, timeout_s: float = targets.LONGEST_S) -> Taken:
    """Raises NoSuchTarget, AlreadyRunning, and what the target has against it."""
    guard.check_no_open_unit("backup")
    targets.check_named(box.settings, target)
    with leased(box, RunKind.BACKUP, target) as kept:
        repository = targets.open_target(box.settings, box.keys, target, timeout_s=timeout_s)
        with box.whole_box("backup", read_only=True) as uow:
            has_backups = queries.has_stored(uow, target)
        targets.make_sure(repository, has_backups=has_backups)
        taken = _take(box, repository)
        kept.update(
            set_id=taken.set_id, bytes_processed=taken.processed, bytes_added=taken.added, row_count=sum(taken.contents.rows.values()),
            file_count=taken.contents.files, receipt={"generations": taken.contents.generations},
        )  # fmt: skip
        targets.tidy(box, repository)
    return taken


def _take(box: Box, repository: Repository) -> Taken:
    set_id, at, there = new_id().hex, clock.now(), repository.snapshots()
    tags = [f"set:{set_id}", f"number:{sets.next_number(there)}"]
    box.blobs.gather(within_s=repository.timeout_s)  # most of it while nobody waits; the rest below
    with box.blobs.kept():
        with _one_view(box) as connection:
            told = _contents(box, repository, connection, at)
            stored = [_store_database(box, repository, connection, [f"part:{DATABASE}", *tags], at)]
            held = keyfile.written(connection)
        store_keys(repository, held, sets.last_keys(there), tags[1:], at)
        _write_notes(box, told)
        stored.append(repository.store_folder(box.settings.home, _folders(box), tags, at))
    return Taken(set_id, told, sum(one.processed for one in stored), sum(one.added for one in stored))


@contextmanager
def _one_view(box: Box) -> Iterator[Connection]:
    """A transaction that sees one moment of the whole box."""
    if not box.database.is_postgresql:
        with box.database.read_only.connect() as connection, connection.begin():
            yield connection
        return
    engine = create_engine(postgresql.owner_url(box.settings), isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection, connection.begin():
            contents.see_all(connection)
            yield connection
    finally:
        engine.dispose()


def _contents(box: Box, repository: Repository, connection: Connection, at: datetime) -> Contents:
    rows = contents.count_rows(connection)  # from here on the view stands: it names no file that comes later
    here = Blobs(FolderStore(box.blobs.gather(within_s=repository.timeout_s)), box.keys)
    missing = files = 0
    for tenant_id, file_id in contents.stored_files(connection):
        files += 1
        missing += not here.has(tenant_id, file_id)
    models = tuple(sorted(path.name for path in (box.settings.home / "models").glob("[!.]*")))
    kind = connection.dialect.name
    return Contents(__version__, kind, at.isoformat(), rows, files, missing, models,
                    contents.needed_generations(connection, box.keys))  # fmt: skip


def _store_database(box: Box, repository: Repository, connection: Connection, tags: list[str], at: datetime) -> Stored:
    if connection.dialect.name == "sqlite":
        raw = connection.connection.driver_connection
        return repository.store_stream(DUMPS["sqlite"], tags, at, lambda out: sqlite.dump(raw, out, without=contents.APART))
    url, view = postgresql.owner_url(box.settings), contents.exported_snapshot(connection)

    def write(out: IO[bytes]) -> None:
        postgresql.dump(url, out, snapshot=view, without=contents.APART, timeout_s=repository.timeout_s)

    return repository.store_stream(DUMPS["postgresql"], tags, at, write)


def store_keys(repository: Repository, held: bytes, there: Snapshot | None, tags: list[str], at: datetime) -> None:
    """When they changed; which they were before goes once this backup is whole."""
    digest = hmac.new(repository.key, held, sha256).hexdigest()
    if there is None or there.digest != digest:
        repository.store_stream(KEYS_NAME, [f"part:{KEYS}", f"sum:{digest}", *tags], at, lambda out: _write(out, held))


def _write(out: IO[bytes], content: bytes) -> None:
    out.write(content)


def _write_notes(box: Box, told: Contents) -> None:
    folder = box.settings.home / NOTES
    folder.mkdir(exist_ok=True, mode=0o700)
    (folder / "contents.json").write_text(json.dumps(asdict(told)), encoding="utf-8")
    source = config_file()
    if source.is_file():
        (folder / "config.toml").write_bytes(source.read_bytes())


def _folders(box: Box) -> list[str]:
    return [name for name in (*FOLDERS, NOTES) if (box.settings.home / name).is_dir()]
