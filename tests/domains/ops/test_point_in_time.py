"""Point-in-time recovery, from and into real PostgreSQL servers: what was committed before the time is there, what came after is not."""

import io
import multiprocessing
import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from appliance.core import clock, db, files, rls
from appliance.core.errors import DomainError
from appliance.core.ids import new_id
from appliance.core.storage import BackupTarget
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.identity import actions as identity
from appliance.domains.ops import actions, jobs, queries
from appliance.domains.ops.actions import archiving, chains, rebuilding, targets
from appliance.domains.ops.errors import BackupFailed
from appliance.domains.ops.gateways import journal, postgresql
from appliance.domains.ops.types import BASE, UNREAD, WAL, RunKind, RunState
from tests.cast import make_cast
from tests.conftest import opened, settings_at
from tests.domains.ops.conftest import in_a_bucket, move_to, with_targets
from tests.servers import postgresql_server

SEGMENT = 16 * 2**20


@pytest.fixture(scope="module")
def address():
    """A server of its own: what a slot keeps, and what it lets go of, is the whole server's."""
    with postgresql_server(max_slot_wal_keep_size="64MB", max_wal_size="48MB", min_wal_size="32MB", full_page_writes="on") as found:
        owner = fresh(found, "made")
        with create_engine(owner, poolclass=NullPool).begin() as connection:
            db.Rows.metadata.create_all(connection)
            rls.raise_walls(connection, db.Rows.metadata)
        yield found


@pytest.fixture
def settings(address, tmp_path, redis_address, master_key_file):
    owner = fresh(address, "box", like="made")
    made = on(owner, tmp_path / "home", redis_address, master_key_file, tmp_path)
    yield made
    with journal.server(make_url(owner)) as connection:
        connection.execute(text("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"))


@pytest.fixture
def new_box(address, tmp_path, redis_address, master_key_file):
    return on(fresh(address, "restored"), tmp_path / "new", redis_address, master_key_file, tmp_path)


def fresh(address, name, like="template1"):
    with create_engine(address.format(database="postgres"), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {like}"))
    return address.format(database=name)


def on(owner, home, redis_address, master_key_file, tmp_path):
    home.mkdir()
    made = settings_at(home, owner, redis_address, master_key_file)
    made = made.model_copy(update={"database": made.database.model_copy(update={"owner_url": owner})})
    made = with_targets(made, usb={"repository": str(tmp_path / "usb")})
    past = made.backup.point_in_time.model_copy(update={"target": "usb"})
    return made.model_copy(update={"backup": made.backup.model_copy(update={"point_in_time": past})})


@pytest.fixture
def filled(box):
    return make_cast(box)


def add(box, cast, email):
    """A contact with a file; the time behind them, by the server's clock."""
    with box.unit(cast.ana.tenant_id) as uow:
        contacts.upsert_contact(uow, [Identity(IdentityKind.EMAIL, email)])
    ref = files.put(box, cast.ana.tenant_id, io.BytesIO(email.encode()), files.Origin.ARRIVED)
    with box.unit(cast.ana.tenant_id) as uow:
        files.use(uow, new_id(), [ref.id])
    with journal.server(postgresql.owner_url(box.settings)) as connection:
        return ref.id, journal.moment(connection)


def counts(settings):
    with create_engine(settings.database.owner_url).begin() as connection:
        connection.execute(text("SET app.scope = 'box'"))
        return {name: connection.scalar(text(f"SELECT count(*) FROM {name}")) for name in ("contacts", "stored_files", "tenants")}


def moved_to(box, name, tmp_path):
    """From now on the journal goes there."""
    past = box.settings.backup.point_in_time.model_copy(update={"target": name})
    known = {**box.settings.backup.targets, name: BackupTarget(repository=str(tmp_path / name))}
    box.settings = box.settings.model_copy(
        update={"backup": box.settings.backup.model_copy(update={"point_in_time": past, "targets": known})}
    )
    return tmp_path / name


def wrapped_key(settings, tenant_id):
    with create_engine(settings.database.owner_url).begin() as connection:
        connection.execute(text("SET app.scope = 'box'"))
        return connection.scalar(text("SELECT wrapped FROM tenant_keys WHERE tenant_id = :id"), {"id": tenant_id})


def stored_by(box, target, folder):
    """Every copy of the cluster and every piece of journal there."""
    repository = targets.open_target(box.settings, box.keys, target)
    for one in repository.snapshots():
        if one.part in (BASE, WAL, UNREAD):
            repository.restore_folder(one.id, folder / one.id, only=["wal", "base.tar"])
    found = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    shutil.rmtree(folder, ignore_errors=True)
    return found


def write_much(box, segments):
    with create_engine(box.settings.database.owner_url).begin() as connection:
        for _piece in range(segments):
            connection.execute(text("SELECT pg_logical_emit_message(false, 'filler', repeat('x', :size))"), {"size": SEGMENT})


def kill_a_restore(settings, to):
    """While the PostgreSQL of its own runs, which must not outlive it."""
    place = journal.place_for(rebuilding.stage_at(settings.home))
    process = multiprocessing.get_context("spawn").Process(target=actions.restore_to, args=(settings, "usb", to))
    process.start()
    await_that(lambda: not process.is_alive() or _server_at(place))
    assert process.is_alive()
    server = _server_at(place)
    process.kill()
    process.join()
    await_that(lambda: not _is_alive(server))
    assert place.exists()
    return place


def _server_at(place):
    """Its process, once it has written who it is."""
    try:
        return int((place / "cluster/postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError):
        return 0


def await_that(is_so):
    deadline = time.monotonic() + 180
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _is_alive(number):
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def slots(settings):
    with journal.server(make_url(settings.database.owner_url)) as connection:
        return set(connection.execute(text("SELECT slot_name FROM pg_replication_slots")).scalars())


def at_home(box, folder):
    """As another machine on the same PostgreSQL."""
    folder.mkdir(exist_ok=True)
    box.settings = box.settings.model_copy(update={"home": folder})


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts another program in the place of one of PostgreSQL's: the lines of a script."""
    place = tmp_path / "programs"
    place.mkdir()

    def put(name, *lines):
        path = place / name
        path.write_text("\n".join(["#!/bin/bash", *lines, ""]))
        path.chmod(0o755)
        return path

    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    return put


def status(box):
    with box.whole_box("test", read_only=True) as uow:
        return queries.archive_status(uow)


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_box_goes_back_to_between_two_commits(box, filled, settings, new_box, place, request):
    if place == "bucket":
        settings, new_box = (in_a_bucket(one, request.getfixturevalue("server")) for one in (settings, new_box))
        move_to(box, settings)
    assert jobs.check_archive(box).ok is False  # on, and nothing there yet
    actions.archive(box)
    early, first = add(box, filled, "antes@solara.example")
    then = counts(settings)
    actions.archive(box)
    late, _second = add(box, filled, "depois@solara.example")
    write_much(box, 2)  # so that there are whole segments, and a part of one
    jobs.run_due(box)  # as the clock does
    assert status(box).last_error == ""
    assert status(box).reaches > first
    assert jobs.check_archive(box).ok is True
    repository = targets.open_target(settings, box.keys, "usb")
    told = [one for one in repository.snapshots() if one.part == WAL]
    assert len(told) == 3
    assert len({one.begins for one in told}) == 1  # so that the last is all that a restore has to fetch

    left = kill_a_restore(new_box, first)
    restored = actions.restore_to(new_box, "usb", first)
    assert restored.found.is_whole
    assert not left.exists()
    assert counts(new_box) == then == {**counts(settings), "contacts": then["contacts"], "stored_files": then["stored_files"]}
    with opened(new_box, box.registry.manifests) as again:
        assert again.blobs.has(filled.ana.tenant_id, early)
        assert b"".join(again.blobs.read(filled.ana.tenant_id, early)) == b"antes@solara.example"
        assert not again.blobs.has(filled.ana.tenant_id, late)
    assert not (new_box.home / "restore-part").exists()
    with pytest.raises(DomainError, match="reaches from"):
        actions.restore_to(new_box, "usb", clock.now() + timedelta(hours=1), replace=True)


def test_journal_that_the_server_let_go_of_is_told_and_a_new_chain_begins(box, filled, settings):
    actions.archive(box)
    write_much(box, 8)
    with create_engine(settings.database.owner_url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("CHECKPOINT"))  # the server keeps 64 MB for us, and goes on
        slot = journal.find_slot(connection, chains.read(settings.home).slot)
    assert slot.is_lost
    add(box, filled, "segue@solara.example")
    actions.archive(box)
    assert status(box).gap is not None
    assert jobs.check_archive(box).ok is False
    _file, moment = add(box, filled, "depois@solara.example")
    actions.archive(box)
    assert status(box).reaches > moment


def test_target_that_is_away_stops_nothing_and_is_told(box, filled, settings, new_box, tmp_path):
    actions.archive(box)
    (tmp_path / "usb").rename(tmp_path / "unplugged")
    _file, moment = add(box, filled, "durante@solara.example")
    for _turn in range(2):
        with pytest.raises(BackupFailed):
            actions.archive(box)
    assert status(box).last_error
    (tmp_path / "unplugged").rename(tmp_path / "usb")
    actions.archive(box)
    assert status(box).last_error == ""
    with box.whole_box("test", read_only=True) as uow:
        runs = [run.state for run in queries.list_runs(uow) if run.kind is RunKind.ARCHIVE]
    assert runs == [RunState.DONE, RunState.FAILED]  # not one each five minutes
    assert actions.restore_to(new_box, "usb", moment).found.is_whole
    assert counts(new_box)["contacts"] == counts(settings)["contacts"]


def test_one_machine_stores_the_journal_until_another_takes_over(box, filled, settings, program, tmp_path):
    actions.archive(box)
    first = slots(settings)
    at_home(box, tmp_path / "other")
    with pytest.raises(BackupFailed, match="Another machine"):
        actions.archive(box)
    assert "Another machine" in status(box).last_error
    assert slots(settings) == first
    assert not (tmp_path / "other/wal").exists()
    at_home(box, settings.home)
    actions.archive(box)
    assert status(box).last_error == ""
    at_home(box, tmp_path / "other")
    broken = program("pg_basebackup", "echo no room >&2", "exit 1")
    with pytest.raises(BackupFailed, match="no room"):
        actions.archive(box, take_over=True)
    broken.unlink()
    at_home(box, settings.home)
    actions.archive(box)  # it stays that one's until the other has all it needs
    assert first < slots(settings)
    assert status(box).gap is None
    at_home(box, tmp_path / "other")
    actions.archive(box, take_over=True)
    second = slots(settings)
    assert len(second) == 1
    assert second != first
    assert status(box).gap is not None
    actions.archive(box)
    at_home(box, settings.home)
    with pytest.raises(BackupFailed, match="Another machine"):
        actions.archive(box)
    assert slots(settings) == second
    assert not (settings.home / "wal").exists()


def test_copy_that_fails_waits_and_holds_up_no_journal(box, filled, settings, program, tmp_path):
    tried = tmp_path / "tried"
    broken = "echo x >> " + str(tried), "echo no room >&2", "exit 1"
    copy = program("pg_basebackup", *broken)
    for _turn in range(2):
        with pytest.raises(BackupFailed, match="no room"):
            actions.archive(box, by_clock=True)
    assert tried.read_text() == "x\n"  # not again at once
    copy.unlink()
    actions.archive(box)  # by hand it does not wait
    past = settings.backup.point_in_time.model_copy(update={"base_h": 0})  # another is due
    box.settings = settings.model_copy(update={"backup": settings.backup.model_copy(update={"point_in_time": past})})
    program("pg_basebackup", *broken)
    _file, moment = add(box, filled, "segue@solara.example")
    actions.archive(box)
    assert "no room" in status(box).last_error
    assert status(box).reaches > moment
    copy.unlink()
    actions.archive(box)
    assert status(box).last_error == ""


def test_programs_that_do_not_begin_at_the_slot_are_noticed(box, filled, program):
    old = program("pg_receivewal", "echo 'pg_receivewal (PostgreSQL) 14.9'")
    with pytest.raises(BackupFailed, match="pg_receivewal < 15"):
        actions.archive(box)
    old.unlink()
    moves = "SELECT pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) FROM pg_replication_slots"
    behind = program("pg_basebackup", f'{shutil.which("pg_basebackup")} "$@" || exit', 'for word; do address="${word#--dbname=}"; done',
                     "psql --quiet --output=/dev/null --command='SELECT pg_switch_wal()' --command='CHECKPOINT' "
                     f"--command='{moves}' \"$address\" >&2")  # fmt: skip
    with pytest.raises(BackupFailed, match="does not begin where"):
        actions.archive(box)
    behind.unlink()
    actions.archive(box)
    assert status(box).reaches is not None


def test_what_was_stored_goes_once_it_is_much(box, filled, settings, new_box, monkeypatch):
    monkeypatch.setattr(archiving, "_KEPT", SEGMENT)
    actions.archive(box)
    write_much(box, 2)
    actions.archive(box)
    assert not archiving.complete(settings.home / "wal")
    _file, moment = add(box, filled, "depois@solara.example")
    actions.archive(box)
    assert actions.restore_to(new_box, "usb", moment).found.is_whole
    assert counts(new_box) == counts(settings)


def test_full_disk_fetches_nothing_and_is_told(box, filled, settings, monkeypatch):
    actions.archive(box)
    whole = shutil.disk_usage(settings.home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: whole._replace(free=2**20))
    with pytest.raises(BackupFailed, match="not enough room"):
        actions.archive(box)
    assert "not enough room" in status(box).last_error


def test_erased_organisation_is_in_no_journal_and_in_no_past(box, filled, settings, new_box, tmp_path):
    actions.archive(box)
    _file, before = add(box, filled, "some@solara.example")
    actions.archive(box)
    moved = moved_to(box, "elsewhere", tmp_path)
    actions.archive(box)
    key = wrapped_key(settings, filled.carla.tenant_id)
    assert any(key in content for content in stored_by(box, "usb", tmp_path / "looked"))
    identity.erase_tenant(box, filled.carla.tenant_id, namespaces=[])
    actions.archive(box)
    actions.archive(box)
    assert moved.exists()
    assert not [1 for content in stored_by(box, "elsewhere", tmp_path / "looked") if key in content]
    actions.back_up(box, "usb")
    assert not stored_by(box, "usb", tmp_path / "looked")  # no longer where the journal goes
    new_box = with_targets(new_box, usb={"repository": str(moved)})
    with pytest.raises(DomainError, match="reaches from"):
        actions.restore_to(new_box, "usb", before)
    _file, after = add(box, filled, "fica@solara.example")
    actions.archive(box)
    assert actions.restore_to(new_box, "usb", after).found.is_whole
    assert counts(new_box)["tenants"] == 1


def test_switched_off_the_server_keeps_nothing_for_it(box, filled, settings, tmp_path):
    actions.archive(box)
    off = settings.backup.model_copy(update={"point_in_time": settings.backup.point_in_time.model_copy(update={"target": ""})})
    other = tmp_path / "other"
    other.mkdir()
    box.settings = settings.model_copy(update={"backup": off, "home": other})
    jobs.run_due(box)  # on a node that has no chain
    assert slots(settings)
    box.settings = settings.model_copy(update={"backup": off.model_copy(update={"targets": {}})})
    jobs.run_due(box)
    assert not slots(settings)
    assert not (settings.home / "wal").exists()
    assert status(box) is None
