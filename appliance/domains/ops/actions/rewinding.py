"""The box as it was at a named time: PostgreSQL goes there from a base and journals, beside; what it had is restored as from a dump."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, make_url

from appliance import __version__
from appliance.core.errors import Refused
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.ops.actions import archiving, chains, contents, rebuilding, restoring, targets
from appliance.domains.ops.actions.taking import FOLDERS
from appliance.domains.ops.gateways import journal, postgresql
from appliance.domains.ops.rules import journals
from appliance.domains.ops.types import Contents, Restored

if TYPE_CHECKING:
    from sqlalchemy import URL

    from appliance.core.config import Settings
    from appliance.domains.ops.gateways.restic import Repository

NAMED = 5  # spans of time, the latest


def restore_to(settings: Settings, target: str, to: datetime, *, replace: bool = False) -> Restored:
    """As `restore`. Raises Refused for a time that the target's journals do not reach."""
    began = time.monotonic()
    if make_url(settings.database_url).get_backend_name() == "sqlite":
        raise Refused(_("Only a box on PostgreSQL goes back to a named time. Choose a backup: `salesedge backup list`."))
    keys = targets.keys_at(settings)
    if not replace:
        restoring.check_empty(settings, keys)
    repository = targets.open_target(settings, keys, target)
    way = _way(repository, to)
    wrapped = rebuilding.read_keys(repository)
    with restoring.staged(settings.home) as stage:
        for folder in (stage, journal.place_for(stage).parent):
            rebuilding.check_room(repository, [way.base.id, way.journals[-1].id], folder)  # at the least
        restoring.bring_old_files(settings)
        for one in (way.before, way.journals[-1]):
            if one is not None:
                repository.restore_folder(one.id, stage, only=FOLDERS)  # what was deleted soon after lies in the one before
        with _past(repository, way, to, stage) as past:
            found, removed = restoring.replace_database(settings, keys, wrapped, past, stage)
        aside = restoring.put_in_place(settings, stage)
    return Restored(way.base.chain, to, time.monotonic() - began, found, past.told, aside, removed)


def _way(repository: Repository, to: datetime) -> journals.Way:
    snapshots = repository.snapshots()
    way, clear = journals.way_to(snapshots, to.timestamp()), journals.clear(snapshots)
    if not clear:
        raise Refused(_("This target holds no journal to go back with."))
    if way is None:
        raise Refused(_("This target's journal reaches from %(times)s; what you named is outside, or in a gap.",
                        times="; ".join(_named(*one) for one in clear[-NAMED:])))  # fmt: skip
    return way


def _named(*times: float) -> str:
    since, until = (datetime.fromtimestamp(one, UTC).astimezone().isoformat(timespec="seconds") for one in times)
    return gettext("%(since)s to %(until)s", since=since, until=until)


@contextmanager
def _past(repository: Repository, way: journals.Way, to: datetime, stage: Path) -> Iterator[restoring.Source]:
    """A server of its own, from which the database of then is dumped into the new one; it is ended and its files go when this is left."""
    with journal.workplace(stage) as folder:
        with repository.reading(way.base.id, archiving.BASE_NAME) as stream:
            (folder / "cluster").mkdir()
            journal.unpack(stream, folder / "cluster")
        for one in journals.needed(way.journals):
            repository.restore_folder(one.id, folder, only=[chains.SPOOL])
        chain = chains.read(folder)
        assert chain is not None, "stored with every journal"
        limit = repository.timeout_s
        with journal.recovered(folder, to, role=chain.owner, database=chain.database, timeout_s=limit) as url:
            dump = partial(postgresql.dumping, url, without=contents.APART, timeout_s=limit)
            yield restoring.Source(_counted(url, to), dump)


def _counted(url: URL, to: datetime) -> Contents:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            contents.see_all(connection)
            files = sum(1 for _one in contents.stored_files(connection))
            return Contents(__version__, "postgresql", to.isoformat(), contents.count_rows(connection), files, 0)
    finally:
        engine.dispose()
