"""A tenant's data get a new key while people go on working: nothing becomes unreadable, and in the end the old key opens nothing."""

import io
import os
import signal
import time
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import LargeBinary, select, type_coerce, update

from appliance.core import clock, crypto, files, resealing
from appliance.core.blobs import PIECE
from appliance.core.box import open_box
from appliance.core.errors import Conflict
from appliance.core.tenancy import KeyRotation
from appliance.domains.contacts import actions
from appliance.domains.contacts.tables import ContactNote
from appliance.entrypoints.domains import MANIFESTS
from tests.factories.contacts import make_contact
from tests.factories.conversations import make_conversation
from tests.processes import FRESH

PATIENCE_S = 60


@pytest.fixture
def manifests():
    return MANIFESTS


@pytest.fixture
def notes(box, tenant_id):
    """Ids of notes and what they say, more than a batch holds."""
    with box.unit(tenant_id) as uow:
        contact = make_contact(uow)
        uow.session.flush()
        made = [actions.add_note(uow, contact.id, f"nota {number}") for number in range(resealing.AT_ONCE + 30)]
        make_conversation(uow)
        uow.session.flush()
        return {note.id: note.body for note in made}


def begin(box, tenant_id, keep=timedelta(0)):
    with box.whole_box("test") as uow:
        return resealing.begin(uow, tenant_id, keep=keep)


def finish(box, tenant_id):
    """All that is to do now, then what waits for the hour."""
    resealing.go_on(box, tenant_id, until=time.monotonic() + PATIENCE_S)
    with time_machine.travel(clock.now() + resealing.SETTLED + timedelta(minutes=1), tick=True):
        resealing.go_on(box, tenant_id, until=time.monotonic() + PATIENCE_S)


def said(box, tenant_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return {note.id: note.body for note in uow.session.scalars(select(ContactNote))}


def heads(box, tenant_id):
    """The generations that any sealed column of the tenant lies under."""
    found = set()
    with box.whole_box("test", read_only=True) as uow:
        for table in resealing._sealed_tables().values():
            for column in resealing._sealed_columns(table):
                raw = select(type_coerce(column, LargeBinary())).where(table.c.tenant_id == tenant_id, column.is_not(None))
                found |= {int.from_bytes(cell[17:21]) for cell in uow.session.scalars(raw) if cell[1:17] == tenant_id.bytes}
    return found


def progress(box, tenant_id):
    with box.whole_box("test", read_only=True) as uow:
        return uow.session.get(KeyRotation, tenant_id)


def test_rows_and_files_move_to_the_new_key_and_the_old_one_is_destroyed(box, tenant_id, notes):
    content = os.urandom(2 * PIECE + 7)
    ref = files.put(box, tenant_id, io.BytesIO(content), files.Origin.ARRIVED)
    fixed, old = box.keys.tenant_key(tenant_id), box.keys.newest(tenant_id)
    assert (old[0], heads(box, tenant_id)) == (1, {1})
    begin(box, tenant_id)
    assert said(box, tenant_id) == notes
    finish(box, tenant_id)
    assert heads(box, tenant_id) == {2}
    assert said(box, tenant_id) == notes
    assert box.blobs.read_all(tenant_id, ref.id) == content
    assert progress(box, tenant_id).destroyed_at is not None
    assert progress(box, tenant_id).resealed > len(notes)
    fresh = open_box(box.settings, MANIFESTS)
    assert fresh.keys.newest(tenant_id)[0] == 2
    assert fresh.keys.tenant_key(tenant_id) == fixed
    with pytest.raises(crypto.KeyUnreadable, match="destroyed since"):
        fresh.keys.generation(tenant_id, 1)
    fresh.close()


def test_old_key_stays_for_as_long_as_it_is_kept(box, tenant_id, notes):
    begin(box, tenant_id, keep=timedelta(days=30))
    finish(box, tenant_id)
    assert progress(box, tenant_id).resealed_at is not None
    assert progress(box, tenant_id).destroyed_at is None
    with pytest.raises(Conflict, match="already"):
        begin(box, tenant_id)
    with time_machine.travel(clock.now() + timedelta(days=31)):
        resealing.go_on_with_all(box)
    assert progress(box, tenant_id).destroyed_at is not None
    assert begin(box, tenant_id).generation == 3


def test_other_process_notices_the_new_key_without_a_restart(box, tenant_id, notes):
    other = open_box(box.settings, MANIFESTS)
    assert other.keys.newest(tenant_id)[0] == 1
    begin(box, tenant_id)
    ends = time.monotonic() + PATIENCE_S
    while other.keys.newest(tenant_id)[0] == 1:
        assert time.monotonic() < ends
        time.sleep(0.1)
    assert other.keys.newest(tenant_id)[0] == 2
    other.close()


def test_what_a_slow_process_still_writes_under_the_old_key_is_found(box, tenant_id, notes):
    begin(box, tenant_id)
    resealing.go_on(box, tenant_id, until=time.monotonic() + PATIENCE_S)
    assert heads(box, tenant_id) == {2}
    head = crypto.head_of(tenant_id, 1)
    late = head + crypto.encrypt(box.keys.generation(tenant_id, 1), b"escrita tarde", head)
    one = next(iter(notes))
    with box.whole_box("test") as uow:
        table = ContactNote.__table__
        uow.session.execute(update(table).where(table.c.id == one).values(body=type_coerce(late, LargeBinary())))
    assert heads(box, tenant_id) == {1, 2}
    finish(box, tenant_id)
    assert heads(box, tenant_id) == {2}
    assert said(box, tenant_id) == notes | {one: "escrita tarde"}


def test_rotation_touches_no_other_tenant_and_no_date(box, tenant_id, other_tenant_id, notes):
    with box.unit(other_tenant_id) as uow:
        actions.add_note(uow, make_contact(uow).id, "de outra empresa")
    before = dates(box)
    begin(box, tenant_id)
    finish(box, tenant_id)
    assert heads(box, other_tenant_id) == {1}
    assert dates(box) == before


def dates(box):
    with box.whole_box("test", read_only=True) as uow:
        tables = resealing._sealed_tables().values()
        return [uow.session.execute(select(t.c.updated_at).order_by(t.c.updated_at)).scalars().all() for t in tables if "updated_at" in t.c]


def test_files_stay_as_they_are_while_a_backup_runs(box, tenant_id):
    ref = files.put(box, tenant_id, io.BytesIO(b"um contrato"), files.Origin.ARRIVED)
    begin(box, tenant_id)
    with box.blobs.kept():
        finish(box, tenant_id)
        assert progress(box, tenant_id).resealed_at is None
        assert [box.blobs.older(tenant_id, shelf, 2) for shelf in box.blobs.shelves(tenant_id)] == [[ref.id]]
    finish(box, tenant_id)
    assert box.blobs.read_all(tenant_id, ref.id) == b"um contrato"
    assert progress(box, tenant_id).destroyed_at is not None


def test_resealing_clears_up_after_one_that_was_killed_and_leaves_alone_what_goes(box, tenant_id):
    stays, goes, gone = (files.put(box, tenant_id, io.BytesIO(b"um contrato"), files.Origin.ARRIVED).id for _ in range(3))
    paths = {one: next((box.settings.home / "blobs").glob(f"*/*/{one.hex}")) for one in (stays, goes, gone)}
    paths[stays].with_suffix(".reseal").write_bytes(b"half of it, and longer than all of it" * 9)
    paths[gone].unlink()
    before = paths[goes].read_bytes()
    with box.blobs.kept():
        files.give_up(box, tenant_id, goes)
    begin(box, tenant_id)
    finish(box, tenant_id)
    assert progress(box, tenant_id).destroyed_at is not None
    assert box.blobs.read_all(tenant_id, stays) == b"um contrato"
    assert paths[goes].read_bytes() == before
    assert not paths[gone].exists()
    assert list((box.settings.home / "blobs").rglob("*.reseal")) == []
    paths[stays].with_suffix(".reseal").write_bytes(b"by another that was killed")
    files.give_up(box, tenant_id, stays)
    assert not list(paths[stays].parent.glob(f"{stays.hex}*"))


@pytest.mark.only_database("sqlite")
def test_old_key_leaves_the_journal_of_the_database(box, tenant_id):
    begin(box, tenant_id)
    finish(box, tenant_id)
    assert progress(box, tenant_id).destroyed_at is not None
    assert (box.settings.home / "salesedge.db-wal").stat().st_size == 0


def go_on_for_ever(settings, tenant_id, begun):
    box = open_box(settings, MANIFESTS)
    begun.set()
    resealing.go_on(box, tenant_id, until=time.monotonic() + PATIENCE_S)


def test_whoever_is_killed_while_resealing_is_gone_on_from(box, tenant_id, notes):
    contents = {files.put(box, tenant_id, io.BytesIO(bytes([n]) * 9000), files.Origin.ARRIVED).id: bytes([n]) * 9000 for n in range(20)}
    begin(box, tenant_id)
    for turn in range(3):
        begun = FRESH.Event()
        process = FRESH.Process(target=go_on_for_ever, args=(box.settings, tenant_id, begun))
        process.start()
        assert begun.wait(PATIENCE_S)
        process.join(0.05 * turn)  # another moment of the work each time
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert said(box, tenant_id) == notes
        assert {one: box.blobs.read_all(tenant_id, one) for one in contents} == contents
    finish(box, tenant_id)
    assert heads(box, tenant_id) == {2}
    assert {one: box.blobs.read_all(tenant_id, one) for one in contents} == contents
    assert progress(box, tenant_id).destroyed_at is not None


def test_keys_of_a_tenant_come_back_as_they_were_wrapped():
    ring = crypto.Keyring(bytes(32))
    tenant = crypto.NIL.__class__(int=7)
    wrapped = ring.new_tenant_key(tenant)
    more, number = ring.with_new_generation(tenant, wrapped)
    fresh = crypto.Keyring(bytes(32), {tenant: more}.get)
    assert (number, fresh.newest(tenant)[0]) == (2, 2)
    assert fresh.tenant_key(tenant) == ring.tenant_key(tenant)
    assert fresh.generation(tenant, 1) == ring.generation(tenant, 1)
    alone = crypto.Keyring(bytes(32), {tenant: ring.without_generations_before(tenant, more, 2)}.get)
    assert alone.newest(tenant) == fresh.newest(tenant)
    with pytest.raises(crypto.KeyUnreadable):
        alone.generation(tenant, 1)
