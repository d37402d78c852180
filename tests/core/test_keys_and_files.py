import fcntl
import io
import os

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import text

from appliance.core import blobs, crypto, guard
from appliance.core.errors import NotFound, Refused, Unavailable
from appliance.core.stores import FolderStore


def test_a_master_key_others_can_read_is_refused_with_the_fix(tmp_path):
    path = tmp_path / "master.key"
    crypto.create_master_key(path)
    path.chmod(0o644)
    with pytest.raises(crypto.KeyUnreadable, match="chmod 600"):
        crypto.read_master_key(path)


def test_a_missing_or_damaged_master_key_says_so(tmp_path):
    with pytest.raises(crypto.KeyUnreadable, match="emergency copy"):
        crypto.read_master_key(tmp_path / "none.key")
    short = tmp_path / "short.key"
    short.write_bytes(b"short")
    short.chmod(0o600)
    with pytest.raises(crypto.KeyUnreadable, match="damaged"):
        crypto.read_master_key(short)


def test_a_master_key_is_never_replaced(tmp_path):
    crypto.create_master_key(tmp_path / "master.key")
    with pytest.raises(FileExistsError):
        crypto.create_master_key(tmp_path / "master.key")


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_again_and_only_whole(plain):
    ring = crypto.Keyring(b"k" * 32)
    sealed = ring.seal(crypto.NIL, plain)
    assert ring.unseal(sealed) == plain
    with pytest.raises(crypto.KeyUnreadable):
        ring.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(crypto.KeyUnreadable):
        crypto.Keyring(b"x" * 32).unseal(sealed)


def test_a_destroyed_tenant_key_makes_its_data_unreadable(box, tenant_id):
    sealed = box.keys.seal(tenant_id, b"secret")
    box.keys.forget(tenant_id)
    assert box.keys.unseal(sealed) == b"secret"
    with box.whole_box("test") as uow:
        uow.session.execute(text("DELETE FROM tenant_keys"))
    box.keys.forget(tenant_id)
    with pytest.raises(crypto.KeyUnreadable, match="destroyed"):
        box.keys.unseal(sealed)


@pytest.mark.only_database("sqlite")
def test_the_database_file_is_noise_without_the_key(box, tenant_id, tmp_path):
    box.database.close()
    assert not (tmp_path / "salesedge.db").read_bytes().startswith(b"SQLite format 3")


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(st.sampled_from([0, 1, blobs.PIECE - 1, blobs.PIECE, blobs.PIECE + 1, 3 * blobs.PIECE]))
def test_a_file_comes_back_as_it_went_in(tmp_path, size):
    ring = crypto.Keyring(b"k" * 32)
    store = blobs.Blobs(FolderStore(tmp_path), ring)
    content = os.urandom(size)
    ref = store.put(crypto.NIL, io.BytesIO(content))
    assert store.read_all(crypto.NIL, ref.id) == content
    assert ref.size == size
    path = next(tmp_path.rglob(ref.id.hex))
    assert size < 64 or content[:32] not in path.read_bytes()


def test_a_cut_or_reordered_file_is_noticed(tmp_path):
    store = blobs.Blobs(FolderStore(tmp_path), crypto.Keyring(b"k" * 32))
    ref = store.put(crypto.NIL, io.BytesIO(os.urandom(3 * blobs.PIECE)))
    path = next(tmp_path.rglob(ref.id.hex))
    sealed = path.read_bytes()
    third = len(sealed) // 3
    for damaged in (b"", sealed[:2], sealed[:10], sealed[: 2 * third], sealed[third : 2 * third] + sealed[:third] + sealed[2 * third :]):
        path.write_bytes(damaged)
        with pytest.raises(crypto.KeyUnreadable):
            store.read_all(crypto.NIL, ref.id)


def test_a_file_past_the_limit_or_a_full_disk_leaves_nothing_behind(tmp_path):
    store = blobs.Blobs(FolderStore(tmp_path), crypto.Keyring(b"k" * 32))
    with pytest.raises(Refused, match="MB"):
        store.put(crypto.NIL, io.BytesIO(os.urandom(3 * 2**20)), limit=2**20)

    class FullDisk:
        def read(self, size, /):
            raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable):
        store.put(crypto.NIL, FullDisk())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_deleted_file_is_gone(tmp_path):
    store = blobs.Blobs(FolderStore(tmp_path), crypto.Keyring(b"k" * 32))
    ref = store.put(crypto.NIL, io.BytesIO(b"x"))
    store.delete(crypto.NIL, ref.id)
    with pytest.raises(NotFound):
        store.read_all(crypto.NIL, ref.id)


def test_files_are_not_written_with_a_transaction_open(box, tenant_id):
    with box.unit(tenant_id), pytest.raises(guard.SlowWorkInTransaction):
        box.blobs.put(tenant_id, io.BytesIO(b"x"))


def test_files_are_kept_by_a_lock_that_other_machines_of_a_share_meet_too(box):
    """NFS hands the locks of regular files that are open for writing to its server; those of folders stay on the machine."""
    with box.blobs.deleting() as may_delete:
        assert may_delete
    with (box.settings.home / "blobs" / ".lock").open("r+b") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        with box.blobs.deleting() as may_delete:
            assert not may_delete
    with box.blobs.kept(), box.blobs.deleting() as may_delete:
        assert not may_delete
