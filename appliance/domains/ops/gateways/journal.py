"""PostgreSQL's journal (WAL) and its files, by its own programs. A replication slot keeps the journal until it was fetched.

https://www.postgresql.org/docs/15/continuous-archiving.html
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sqlalchemy import URL, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.ops.errors import BackupFailed, JournalGone
from appliance.domains.ops.gateways.postgresql import address_of, administering, check, environment_for
from appliance.domains.ops.gateways.processes import Run, running

PARTIAL = ".partial"
SEGMENT = 24  # hexadecimal digits of a segment's name
_BEGINS_AT = re.compile(rb"START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)")
_LABEL_LIES_IN = 8192  # backup_label is the first file of the tar
_OLDEST = 15  # before it pg_receivewal does not begin at the slot
_REMOVED = "has already been removed"
_INSTALLED = Path("/usr/lib/postgresql")
_SETTINGS = {
    "listen_addresses": "", "hot_standby": "off", "archive_mode": "off", "fsync": "off", "autovacuum": "off", "logging_collector": "off",
    "recovery_target_action": "promote", "recovery_target_timeline": "latest", "shared_preload_libraries": "", "ssl": "off",
}  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """`is_lost`: PostgreSQL let go of journal that was not fetched. `waiting`: bytes that it keeps."""

    is_lost: bool
    waiting: int


@contextmanager
def server(url: URL) -> Iterator[Connection]:
    """Raises BackupFailed."""
    try:
        with administering(url) as connection:
            yield connection
    except SQLAlchemyError as err:
        why = str(getattr(err, "orig", None) or type(err).__name__).strip().splitlines()[0][:300]
        raise BackupFailed(_("PostgreSQL does not give its journal: %(why)s", why=why)) from err


def find_slot(connection: Connection, name: str) -> Slot | None:
    asked = text(
        "SELECT coalesce(wal_status, '') = 'lost' OR restart_lsn IS NULL AS is_lost,"
        " coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS waiting"
        " FROM pg_replication_slots WHERE slot_name = :name"
    )
    row = connection.execute(asked, {"name": name}).first()
    return Slot(row.is_lost, row.waiting) if row else None


def make_slot(connection: Connection, name: str) -> None:
    """Raises BackupFailed where nothing bounds what it makes PostgreSQL keep, and where fetching would not begin at the slot."""
    if int(connection.scalar(text("SHOW server_version_num")) or 0) // 10000 < _OLDEST:
        raise BackupFailed(_("PostgreSQL does not give its journal: %(why)s", why=f"server_version < {_OLDEST}"))
    if _version_of("pg_receivewal") < _OLDEST:
        raise BackupFailed(_("PostgreSQL does not give its journal: %(why)s", why=f"pg_receivewal < {_OLDEST}"))
    if connection.scalar(text("SHOW max_slot_wal_keep_size")) == "-1":
        said = _("Set max_slot_wal_keep_size in PostgreSQL (e.g. 8GB): a target that is away must not fill the database's disk.")
        raise BackupFailed(said)
    connection.execute(text("SELECT pg_create_physical_replication_slot(:name, true)"), {"name": name})


def _version_of(program: str) -> int:
    with running([program, "--version"], {"PATH": os.environ.get("PATH", os.defpath)}, timeout_s=60) as run:
        pass
    found = re.search(r" (\d+)", run.said)
    return int(found[1]) if found else 0


def drop_slot(connection: Connection, name: str) -> None:
    connection.execute(text("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = :name"), {"name": name})


def moment(connection: Connection) -> datetime:
    """By the server's clock, which dates what is in the journal."""
    found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found


def end_of_journal(connection: Connection) -> str:
    return str(connection.execute(text("SELECT pg_current_wal_flush_lsn()")).scalar_one())


def fetch(url: URL, folder: Path, *, slot: str, until: str, timeout_s: float) -> None:
    """What is not there yet. Ends once something behind `until` was written, which the caller sees to. Raises JournalGone, BackupFailed."""
    command = ["pg_receivewal", f"--directory={folder}", f"--slot={slot}", f"--endpos={until}", "--no-loop",
               f"--dbname={address_of(url)}"]  # fmt: skip
    with running(command, environment_for(url), timeout_s=timeout_s) as run:
        pass
    if _REMOVED in run.complaint:
        raise JournalGone(_("PostgreSQL let go of journal that was not stored yet. The journal begins anew with a new copy."))
    check(run)


def write_base(url: URL, out: IO[bytes], *, timeout_s: float) -> str:
    """The whole cluster as one tar, without its journal. Returns the first segment that applies to it: PostgreSQL begins one for that."""
    command = ["pg_basebackup", "--pgdata=-", "--format=tar", "--wal-method=none", "--checkpoint=fast", f"--dbname={address_of(url)}"]
    with running(command, environment_for(url), timeout_s=timeout_s, reads=True) as run:
        assert run.process.stdout is not None
        head = run.process.stdout.read(_LABEL_LIES_IN)
        out.write(head)
        shutil.copyfileobj(run.process.stdout, out, 1 << 20)
    check(run)
    found = _BEGINS_AT.search(head)
    if found is None:
        raise BackupFailed(_("PostgreSQL's programs failed: %(why)s", why="pg_basebackup: backup_label"))
    return found[1].decode()


def segments(folder: Path) -> list[Path]:
    """In their order: whole ones, and the piece that is still being written."""
    return sorted(path for path in folder.iterdir() if len(name_of(path)) == SEGMENT)


def name_of(segment: Path) -> str:
    return segment.name.removesuffix(PARTIAL)


def unpack(stream: IO[bytes], folder: Path) -> None:
    with tarfile.open(fileobj=stream, mode="r|") as whole:
        whole.extractall(folder, members=_plain(whole))  # noqa: S202 - they are looked at
    while stream.read(1 << 20):
        pass  # whoever writes it meets no broken pipe


def _plain(whole: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Debian 12's Python knows no filters of tarfile yet."""
    for member in whole:
        place = PurePosixPath(member.name)
        if place.is_absolute() or ".." in place.parts or not (member.isreg() or member.isdir()):
            raise BackupFailed(_("PostgreSQL's programs failed: %(why)s", why=f"pg_basebackup: {member.name}"))
        member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
        yield member


def place_for(stage: Path) -> Path:
    parent = Path(pwd.getpwnam("postgres").pw_dir) if os.geteuid() == 0 else stage
    return parent / f"salesedge-recovery-{sha256(str(stage.resolve()).encode()).hexdigest()[:10]}"


@contextmanager
def workplace(stage: Path) -> Iterator[Path]:
    """A folder that PostgreSQL may use: it refuses to run as root, whose folders nobody else may enter. Leftovers go first."""
    folder = place_for(stage)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def recovered(folder: Path, to: datetime, *, role: str, database: str, timeout_s: float) -> Iterator[URL]:
    """The database as of then, by a server of its own over `folder`: `cluster`, a base, and `wal`, the journals. Raises BackupFailed."""
    cluster = folder / "cluster"
    cluster.chmod(0o700)
    _configure(cluster, folder / "wal", to)
    programs = _programs((cluster / "PG_VERSION").read_text().strip())
    command = [*_as_other_user(folder), str(programs / "postgres"), "-D", str(cluster), "-k", str(folder)]
    passed = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    with running(command, {**passed, "LC_ALL": "C"}, timeout_s=timeout_s, folder="/") as run:
        try:
            _await(run, programs, folder)
            yield URL.create("postgresql+psycopg", username=role, database=database, query={"host": str(folder)})
        finally:
            run.process.send_signal(signal.SIGINT)
            run.process.wait(timeout=60)


def _configure(cluster: Path, journals: Path, to: datetime) -> None:
    """Its own, whatever the server it came from had."""
    lines = {
        **_SETTINGS, "recovery_target_time": to.isoformat(), "hba_file": str(cluster / "own_hba.conf"),
        "ident_file": str(cluster / "own_ident.conf"),
        "restore_command": f'cp "{journals}/%f" "%p" 2>/dev/null || cp "{journals}/%f{PARTIAL}" "%p" 2>/dev/null',
    }  # fmt: skip
    (cluster / "postgresql.conf").write_text("".join(f"{name} = '{value}'\n" for name, value in lines.items()))
    (cluster / "postgresql.auto.conf").write_text("")
    (cluster / "own_hba.conf").write_text("local all all trust\n")
    (cluster / "own_ident.conf").write_text("")
    (cluster / "recovery.signal").touch()
    for name in ("standby.signal", "postmaster.pid"):
        (cluster / name).unlink(missing_ok=True)


def _programs(version: str) -> Path:
    """Of the version that wrote the files, which no other reads."""
    folder = _INSTALLED / version / "bin"
    if not (folder / "postgres").exists():
        raise BackupFailed(_("The program %(name)s is missing. Install it: apt-get install %(name)s", name=f"postgresql-{version}"))
    return folder


def _as_other_user(folder: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "postgres", "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=KILL"]  # another user's forgets that


def _await(run: Run, programs: Path, folder: Path) -> None:
    """Until it has applied all and is open. What it says when it ends before stands in `run` once that is left."""
    ask: list[Any] = [programs / "pg_isready", "-q", "-h", folder]
    while run.process.poll() is None:
        if subprocess.run(ask, check=False).returncode == 0:  # noqa: S603 - PostgreSQL's own
            return
        time.sleep(0.1)
    raise BackupFailed(_("PostgreSQL could not go back to that time with what the target holds."))
