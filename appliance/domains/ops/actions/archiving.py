"""Point-in-time recovery on PostgreSQL: its journal fetched and stored every few minutes, with the files beside; now and then a new base.

A chain is journal without a hole. It begins anew when PostgreSQL let go of some, and when a key was destroyed: bases and journals hold the
keys of their day, so that those from before go at once.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, text

from appliance.core import clock, guard, i18n
from appliance.core.errors import DomainError
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.domains.ops import queries
from appliance.domains.ops.actions import chains, keyfile, targets
from appliance.domains.ops.actions.chains import SPOOL, Chain
from appliance.domains.ops.actions.runs import leased, reason_of
from appliance.domains.ops.actions.taking import FOLDERS, store_keys
from appliance.domains.ops.errors import BackupFailed, JournalGone, NoSuchTarget
from appliance.domains.ops.gateways import journal, postgresql
from appliance.domains.ops.rules import journals, sets, timing
from appliance.domains.ops.tables import BackupRun
from appliance.domains.ops.types import BASE, UNREAD, WAL, RunKind, RunState, Snapshot

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path
    from typing import IO

    from sqlalchemy.engine import Connection

    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork
    from appliance.domains.ops.gateways.restic import Repository

BASE_NAME = "base.tar"
_SPARE = 64 * 2**20
_KEPT = 256 * 2**20  # of what was stored: journals that begin alike need only their last one fetched


def archive(box: Box, *, timeout_s: float = targets.LONGEST_S, by_clock: bool = False, take_over: bool = False) -> None:
    """One step. Raises NoSuchTarget, AlreadyRunning, and what the target or PostgreSQL has against it.

    `by_clock`: a copy that failed waits its time. `take_over`: from the machine that stored the journal until now.
    """
    guard.check_no_open_unit("archive")
    name = box.settings.backup.point_in_time.target
    if not (name and box.database.is_postgresql):
        raise NoSuchTarget(name)
    try:
        with leased(box, RunKind.ARCHIVE, name) as kept:
            taken_from = _check_owner(box, take_over=take_over)
            repository = targets.open_target(box.settings, box.keys, name, timeout_s=timeout_s)
            with box.whole_box("archive", read_only=True) as uow:
                has_backups = queries.has_stored(uow, name)
            targets.make_sure(repository, has_backups=has_backups)
            chain, stored = _Step(box, repository, by_clock=by_clock, taken_from=taken_from).take()
            kept.update(receipt=_facts(box, chain, stored))
        if chain.taken_from:
            _end_other(box, chain)
    finally:
        _forget_runs(box, name)


def stop_archiving(box: Box) -> None:
    """What was switched off makes PostgreSQL keep nothing more. A node that has no chain leaves that of another alone."""
    chain = chains.read(box.settings.home)
    if chain is None:
        return
    with box.whole_box("archive stops") as uow:
        if _node_of(queries.find_archived(uow)) == chain.node:
            _release(uow)
    _let_go(box, chain)


def _check_owner(box: Box, *, take_over: bool) -> str:
    """The chain of another machine, from which it is taken; it stays that one's until this step has ended well. Raises BackupFailed."""
    own = chains.read(box.settings.home)
    with box.whole_box("archive", read_only=True) as uow:
        last = queries.find_archived(uow)
        told = dict((last.receipt if last else None) or {})
    if not told.get("node") or (own is not None and own.node == told["node"]):
        return ""
    if own is not None:
        _let_go(box, own)
    if not take_over:
        raise BackupFailed(_("Another machine stores the journal: name backup.point_in_time.target in the configuration of one alone. "
                             "If this one shall do it from now on: `salesedge backup archive --take-over`."))  # fmt: skip
    return str(told["chain"])


def _end_other(box: Box, chain: Chain) -> None:
    with journal.server(postgresql.owner_url(box.settings)) as connection:
        journal.drop_slot(connection, chains.slot_of(chain.taken_from))
    chains.write(box.settings.home, replace(chain, taken_from=""))


def _let_go(box: Box, chain: Chain) -> None:
    with journal.server(postgresql.owner_url(box.settings)) as connection:
        journal.drop_slot(connection, chain.slot)
    shutil.rmtree(box.settings.home / SPOOL, ignore_errors=True)


def _node_of(run: BackupRun | None) -> str:
    return str(((run.receipt if run else None) or {}).get("node", ""))


def _release(uow: UnitOfWork) -> None:
    """From now on whichever machine begins stores the journal."""
    last = queries.find_archived(uow)
    if last is not None:
        last.receipt = {**(last.receipt or {}), "node": ""}


class _Step:
    def __init__(self, box: Box, repository: Repository, *, by_clock: bool, taken_from: str) -> None:
        self.box, self.repository, self.by_clock, self.taken_from = box, repository, by_clock, taken_from
        self.url, self.spool = postgresql.owner_url(box.settings), box.settings.home / SPOOL
        self.settings = box.settings.backup.point_in_time

    def take(self) -> tuple[Chain, list[Snapshot]]:
        """What the target holds then. The journal goes before a new copy, which may fail."""
        there = self.repository.snapshots()
        with journal.server(self.url) as connection:
            connection.execute(text("SET synchronous_commit = on"))
            chain = self._chain(connection, there)
            if chain.alone:  # now, since a new copy may fail
                chain, there = self._tidy(chain), self.repository.snapshots()
            if is_first := not any(one.part == BASE and one.chain == chain.id for one in there):
                chain = self._store_first_base(connection, chain, there)
                there = self.repository.snapshots()
            if chain.reached == chain.stored or not complete(self.spool):
                chain = self._fetch(connection, chain)
        chain = self._store(chain, there)
        chain = self._tidy(chain)
        every = timedelta(hours=self.settings.base_h)
        has_time = not self.by_clock or self.repository.timeout_s > self.box.settings.backup.timeout_min * 60 / 2  # what a backup left
        there = self.repository.snapshots()
        if is_first or not (has_time and self._may_try(chain) and journals.wants_base(there, chain=chain.id, every=every)):
            return chain, there
        return self._store_another_base(chain), self.repository.snapshots()

    def _tidy(self, chain: Chain) -> Chain:
        there = self.repository.snapshots()
        gone = journals.outlived(there, chain=chain.id, days=self.settings.days, only_chain=chain.alone)
        gone += [one.id for one in there if one.part == UNREAD]  # left by a step that was killed: nobody else is at it now
        self.repository.forget(gone)
        return self._kept(chain, alone=False) if chain.alone else chain

    def _kept(self, chain: Chain, **changed: Any) -> Chain:
        made = replace(chain, **changed)
        chains.write(self.box.settings.home, made)
        return made

    def _chain(self, connection: Connection, stored: Sequence[Snapshot]) -> Chain:
        there, keys = chains.read(self.box.settings.home), chains.keys_of(self.box)
        slot = journal.find_slot(connection, there.slot) if there else None
        last = there or chains.last_in(self.repository, stored)  # of a box that was restored elsewhere
        is_erased = last is not None and last.holds_more_than(keys)
        is_broken = there is not None and (there.is_broken or slot is None or slot.is_lost)
        if there is not None and not (is_erased or is_broken):
            return replace(there, tenants=keys.tenants)
        began = journal.moment(connection).isoformat()
        is_gap = self.taken_from or (is_broken and there is not None and there.reached)
        made = Chain(
            new_id().hex, began, str(self.url.database), str(self.url.username), keys.tenants, keys.destroyed,
            gap=began if is_gap else (there.gap if there else ""), alone=is_erased or (last is not None and last.alone),
            node=(there.node if there else "") or new_id().hex, taken_from=self.taken_from,
        )  # fmt: skip
        if there is not None:  # killed here, the next step finds it without a slot: broken
            journal.drop_slot(connection, there.slot)
            made = replace(made, base_tried=there.base_tried, base_failures=there.base_failures, base_error=there.base_error)
        self.spool.mkdir(mode=0o700, exist_ok=True)
        chains.write(self.box.settings.home, made)  # before anything is let go of: killed, the next step still knows what must go
        for path in journal.segments(self.spool):
            path.unlink()
        journal.make_slot(connection, made.slot)
        return made

    def _may_try(self, chain: Chain) -> bool:
        if not (self.by_clock and chain.base_failures):
            return True
        tried, every = datetime.fromtimestamp(chain.base_tried, UTC), timedelta(hours=self.settings.base_h)
        return timing.next_try(every=every, last_begun=tried, failures=chain.base_failures, now=clock.now()) <= clock.now()

    def _store_first_base(self, connection: Connection, chain: Chain, there: Sequence[Snapshot]) -> Chain:
        """Without it journal is of no use."""
        if not self._may_try(chain):
            raise BackupFailed(i18n.unpack(chain.base_error))
        trying = self._trying(chain)
        try:
            return self._store_base(connection, trying, sets.next_number(there))
        except (DomainError, OSError) as err:
            self._kept(trying, base_error=i18n.pack(reason_of(err)))
            raise

    def _store_another_base(self, chain: Chain) -> Chain:
        """The journal behind the last one goes on meanwhile: what failed is told and tried again later."""
        trying = self._trying(chain)
        try:
            with journal.server(self.url) as connection:
                return self._store_base(connection, trying, sets.next_number(self.repository.snapshots()))
        except (DomainError, OSError) as err:
            return self._kept(trying, base_error=i18n.pack(reason_of(err)))

    def _trying(self, chain: Chain) -> Chain:
        """Killed on the way, it has failed."""
        said = i18n.pack(i18n.told(_("The copy of PostgreSQL was interrupted.")))
        return self._kept(chain, base_tried=clock.now().timestamp(), base_failures=chain.base_failures + 1, base_error=said)

    def _store_base(self, connection: Connection, chain: Chain, number: int) -> Chain:
        """It has its name once it is whole, and once the chain says where its first one begins."""
        tags, at, begins = [f"chain:{chain.id}", f"number:{number}"], clock.now(), [""]

        def write(out: IO[bytes]) -> None:
            begins[0] = journal.write_base(self.url, out, timeout_s=self.repository.timeout_s)

        stored = self.repository.store_stream(BASE_NAME, [f"part:{UNREAD}", *tags], at, write)
        if not chain.reached:
            chain = self._kept(chain, start=begins[0])
        self.repository.name(stored, [f"part:{BASE}", *tags, f"moment:{journal.moment(connection).timestamp()}"])
        return self._kept(chain, base_failures=0, base_error="")

    def _fetch(self, connection: Connection, chain: Chain) -> Chain:
        """A commit behind the moment says that all before it was told; something behind that ends the fetching."""
        slot = journal.find_slot(connection, chain.slot)
        self._check_room(slot.waiting if slot else 0, chain)
        reached = journal.moment(connection)
        _leave_mark(connection)
        until = journal.end_of_journal(connection)
        _leave_mark(connection)
        try:
            journal.fetch(self.url, self.spool, slot=chain.slot, until=until, timeout_s=self.repository.timeout_s)
        except JournalGone:
            self._kept(chain, is_broken=True)
            raise
        for path in journal.segments(self.spool):
            if path.name < chain.start:  # the slot reaches back to before the base, where a destroyed key may be
                path.unlink()
        if not chain.reached and chain.start not in map(journal.name_of, journal.segments(self.spool)):
            self._kept(chain, is_broken=True)
            raise BackupFailed(_("The journal does not begin where the copy of PostgreSQL does. Both begin anew."))
        return self._kept(chain, reached=reached.timestamp())

    def _store(self, chain: Chain, there: Sequence[Snapshot]) -> Chain:
        """Some of what was stored stays here for the next one; the oldest goes first, so that a journal has no hole."""
        at, home = clock.now(), self.box.settings.home
        tags = [f"number:{sets.next_number(there)}"]
        with self.box.blobs.kept():
            with self.box.database.read_only.connect() as connection:
                held = keyfile.written(connection)
            store_keys(self.repository, held, sets.last_keys(there), tags, at)
            self.box.blobs.gather(within_s=self.repository.timeout_s)
            told, begins = complete(self.spool), journal.name_of(journal.segments(self.spool)[0])
            names = [name for name in (SPOOL, *FOLDERS) if (home / name).is_dir()]
            own = [f"chain:{chain.id}", *tags, f"moment:{chain.reached}", f"begins:{begins}"]
            self.repository.store_folder(home, names, own, at, part=WAL)
        chain = self._kept(chain, stored=chain.reached, stored_to=told[-1].name if told else chain.stored_to)
        if sum(path.stat().st_size for path in told) > _KEPT:
            self._drop_stored(chain)
        return chain

    def _drop_stored(self, chain: Chain) -> None:
        for path in complete(self.spool):
            if path.name <= chain.stored_to:
                path.unlink()

    def _check_room(self, waiting: int, chain: Chain) -> None:
        if waiting + _SPARE > shutil.disk_usage(self.spool).free:
            self._drop_stored(chain)
        free = shutil.disk_usage(self.spool).free
        if waiting + _SPARE > free:
            said = _("There is not enough room at %(path)s: %(needed)s MB are needed, %(free)s MB are free.")
            raise BackupFailed(said % {"path": self.spool, "needed": (waiting + _SPARE) // 10**6, "free": free // 10**6})


def complete(spool: Path) -> list[Path]:
    return [path for path in journal.segments(spool) if path.name == journal.name_of(path)]


def _leave_mark(connection: Connection) -> None:
    connection.execute(text("SELECT pg_logical_emit_message(true, 'salesedge', '')"))


def _facts(box: Box, chain: Chain, stored: Collection[Snapshot]) -> dict[str, Any]:
    found, gap = journals.clear(stored), chain.gap or None
    limit = clock.now() - timedelta(days=box.settings.backup.point_in_time.days)
    if gap and datetime.fromisoformat(gap) < limit:
        gap = None
    return {"since": found[0][0] if found else None, "reaches": found[-1][1] if found else None, "gap": gap, "node": chain.node,
            "chain": chain.id, "base_error": chain.base_error, "base_failures": chain.base_failures}  # fmt: skip


def _forget_runs(box: Box, target: str) -> None:
    """One each five minutes would be many: of the good and of the bad ones the last stays."""
    with box.whole_box("archived") as uow:
        last = [queries.find_last(uow, target, RunKind.ARCHIVE, *states) for states in ((RunState.DONE,), queries.ENDED_BADLY)]
        last.append(queries.find_archived(uow))  # it says whose the journal is
        ended = BackupRun.kind == RunKind.ARCHIVE, BackupRun.state.in_((RunState.DONE, *queries.ENDED_BADLY))
        uow.session.execute(delete(BackupRun).where(*ended, BackupRun.id.not_in([run.id for run in last if run is not None])))
