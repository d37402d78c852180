"""Files in a bucket: a real S3-compatible server on loopback."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import delete, text

from appliance.core import crypto, files, resealing
from appliance.core.blobs import PIECE, Blobs
from appliance.core.buckets import MARK, BucketStore, store_of
from appliance.core.config import NetworkMode, NetworkSettings
from appliance.core.errors import NotFound, Refused, Unavailable
from appliance.core.ids import new_id
from appliance.core.stores import FolderDoor, FolderStore
from appliance.domains.identity import actions as identity
from tests.cast import make_cast
from tests.peers import swift
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
CONTENT = b"fatura de Joana " * 20_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not swift.IS_HERE:
        pytest.skip("Swift is not installed (apt-get install swift-proxy swift-account swift-container swift-object)")
    with swift.object_store(tmp_path_factory.mktemp("swift")) as server:
        yield server


def store_at(server, folder, network=None, **changed):
    return BucketStore(server.files(**{"prefix": "people"} | changed), network or NetworkSettings(), folder, FolderDoor(folder))


@pytest.fixture
def store(server, tmp_path):
    made = store_at(server, tmp_path / "blobs")
    with contextlib.suppress(Unavailable):  # there already
        made.bucket.ask("create_bucket")
    yield made
    for lying in made.lying():
        made.delete(lying.name)


@pytest.fixture
def blobs(store):
    return Blobs(store, crypto.Keyring(b"k" * 32))


@pytest.fixture
def far(box, server, store):
    """The box with its files in the bucket."""
    box.settings = box.settings.model_copy(update={"files": server.files(prefix="people")})
    box.blobs = Blobs(store_of(box.settings, box.database), box.keys)
    return box


def put(blobs, content=CONTENT):
    return blobs.put(crypto.NIL, io.BytesIO(content)).id


def names(store):
    return [lying.name for lying in store.lying()]


def test_a_file_comes_back_as_it_went_in(blobs):
    for size in (0, 1, PIECE, 3 * PIECE + 1, 5 * 2**20):
        content = os.urandom(size)
        ref = blobs.put(crypto.NIL, io.BytesIO(content))
        assert blobs.read_all(crypto.NIL, ref.id) == content
        assert blobs.has(crypto.NIL, ref.id)
        blobs.delete(crypto.NIL, ref.id)
        assert not blobs.has(crypto.NIL, ref.id)
        with pytest.raises(NotFound):
            blobs.read(crypto.NIL, ref.id)
    blobs.delete(crypto.NIL, ref.id)


def test_nothing_of_it_lies_in_the_store_or_here_in_the_clear(server, store, blobs):
    put(blobs)
    store.gather()
    lying = [path.read_bytes() for folder in (server.folder / "devices", store.copy) for path in folder.rglob("*") if path.is_file()]
    assert len([content for content in lying if len(content) > len(CONTENT)]) == 2
    assert not any(b"Joana" in content for content in lying)


def test_who_reads_slowly_or_not_to_the_end_holds_nobody_up(blobs):
    file_id = put(blobs)
    begun = [blobs.read(crypto.NIL, file_id) for _ in range(20)]
    assert all(next(pieces) == CONTENT[:PIECE] for pieces in begun)
    blobs.delete(crypto.NIL, file_id)
    assert b"".join(begun[0]) == CONTENT[PIECE:]


def test_past_the_limit_nothing_is_left(store, blobs):
    with pytest.raises(Refused, match="MB"):
        blobs.put(crypto.NIL, io.BytesIO(os.urandom(3 * 2**20)), limit=2**20)
    assert names(store) == []
    assert [path.name for path in store.copy.rglob("*")] == []


def test_threads_and_forks_have_connections_of_their_own(blobs):
    file_id, found = put(blobs), []
    threads = [threading.Thread(target=lambda: found.append(blobs.read_all(crypto.NIL, file_id))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert found == [CONTENT] * 8
    child = os.fork()
    if child == 0:
        os._exit(0 if blobs.read_all(crypto.NIL, file_id) == CONTENT else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert blobs.read_all(crypto.NIL, file_id) == CONTENT


WRITES = """
import sys
from pathlib import Path
from appliance.core import crypto
from appliance.core.blobs import Blobs
from appliance.core.buckets import BucketStore
from appliance.core.config import NetworkSettings
from appliance.core.storage import FilesSettings
from appliance.core.stores import FolderDoor

class Endless:
    def read(self, size, /):
        print("reading", flush=True)
        return bytes(size)

folder = Path(sys.argv[1])
files = FilesSettings.model_validate_json(sys.argv[2])
Blobs(BucketStore(files, NetworkSettings(), folder, FolderDoor(folder)), crypto.Keyring(b"k" * 32)).put(crypto.NIL, Endless())
"""


def test_whoever_is_killed_while_it_writes_leaves_nothing(server, store):
    command = [sys.executable, "-c", WRITES, store.copy, server.files(prefix="people").model_dump_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as writer:
        for _ in range(100):
            assert writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    assert names(store) == []
    assert [path.name for path in store.copy.rglob("*")] == []


def test_what_is_wrong_with_the_store_is_said(server, store, tmp_path):
    def why(**changed):
        with pytest.raises((Unavailable, Refused)) as refused:
            put(Blobs(store_at(server, tmp_path / "x", **changed), crypto.Keyring(b"k" * 32)))
        return str(refused.value)

    wrong = tmp_path / "wrong"
    wrong.write_text(f"[default]\naws_access_key_id = {swift.KEY_ID}\naws_secret_access_key = wrong\n")
    assert why(bucket="other") == "There is no bucket other in the store of files."
    assert why(credentials_file=wrong) == "The store of files refuses the key in files.credentials_file."
    assert why(ca_file=None) == "127.0.0.1 does not answer."
    assert why(endpoint=f"https://127.0.0.1:{free_port()}") == "127.0.0.1 does not answer."
    assert "sealed" in why(endpoint="https://8.8.8.8")
    assert "not on this box's list" in why(endpoint="https://8.8.8.8", network=NetworkSettings(mode=NetworkMode.ALLOW_LISTED))


def test_a_store_that_hangs_is_left(server, tmp_path, monkeypatch):
    monkeypatch.setattr("appliance.core.s3.SILENT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            put(Blobs(store_at(server, tmp_path / "x", endpoint=address), crypto.Keyring(b"k" * 32)))
        assert time.monotonic() - began < 20


def test_a_copy_fetches_what_is_new_and_loses_what_is_gone(store, blobs, monkeypatch):
    first, second = put(blobs), put(blobs, b"two")
    assert store.gather() == store.copy
    here = Blobs(FolderStore(store.copy), crypto.Keyring(b"k" * 32))
    assert here.read_all(crypto.NIL, first) == CONTENT
    third = put(blobs, b"three")
    store.bucket.ask("delete_object", next(name for name in names(store) if name.endswith(second.hex)))
    fetched = []
    fetch = store._fetch
    monkeypatch.setattr(store, "_fetch", lambda name, file: (fetched.append(name), fetch(name, file)))
    store.gather()
    assert [name.rpartition("/")[2] for name in fetched] == [third.hex]
    assert (here.has(crypto.NIL, second), here.read_all(crypto.NIL, third)) == (False, b"three")


def test_files_of_a_folder_that_are_nowhere_else_are_not_taken_for_a_copy(store, blobs):
    put(blobs, b"elsewhere")
    folder = Blobs(FolderStore(store.copy), crypto.Keyring(b"k" * 32))
    only = put(folder, b"the only one")
    with pytest.raises(Refused, match="files copy --to bucket"):
        store.gather()
    assert folder.read_all(crypto.NIL, only) == b"the only one"
    assert store.fill(store.copy) == 1
    store.gather()
    assert blobs.read_all(crypto.NIL, only) == folder.read_all(crypto.NIL, only) == b"the only one"


def test_a_folder_that_is_used_again_is_no_copy_any_more(store, blobs, settings_of_a_folder):
    put(blobs)
    store.gather()
    assert (store.copy / MARK).is_file()
    back = Blobs(store_of(settings_of_a_folder), crypto.Keyring(b"k" * 32))
    later = put(back, b"later")
    with pytest.raises(Refused):
        store.gather()
    assert back.read_all(crypto.NIL, later) == b"later"


@pytest.fixture
def settings_of_a_folder(box, tmp_path):
    return box.settings.model_copy(update={"home": tmp_path})


def test_where_they_lie_is_checked(far, tenant_id):
    assert files.check_store(far).detail == "answers"
    ref = files.put(far, tenant_id, io.BytesIO(CONTENT), files.Origin.ARRIVED)
    assert files.check_store(far).ok
    far.blobs.delete(tenant_id, ref.id)
    found = files.check_store(far)
    assert (found.ok, found.detail) == (False, "files are missing")
    with far.unit(tenant_id) as uow:
        uow.session.execute(delete(files.StoredFile))
    far.blobs.store.bucket.ask("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
    found = files.check_store(far)
    far.blobs.store.bucket.ask("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"})
    assert (found.ok, found.needed, found.detail) == (False, False, "keeps old versions")
    far.blobs.store.bucket._files = far.settings.files.model_copy(update={"bucket": "nowhere"})
    found = files.check_store(far)
    assert (found.ok, found.fix) == (False, "There is no bucket nowhere in the store of files.")


def test_nothing_is_deleted_while_a_backup_keeps_it(far):
    with far.blobs.deleting() as may_delete:
        assert may_delete
        with far.blobs.deleting() as another:
            assert another
    with far.blobs.kept(), far.blobs.deleting() as may_delete:
        assert not may_delete
    with far.blobs.deleting() as may_delete:
        assert may_delete


@pytest.mark.only_database("postgresql")
def test_a_backup_that_lost_its_hold_says_so(far, postgresql_owner):
    held = far.blobs.kept()
    held.__enter__()
    with postgresql_owner.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"))
    with pytest.raises(Exception, match=r"terminat|closed"):
        held.__exit__(None, None, None)


def test_a_new_key_and_the_end_of_an_organisation(far):
    """What was resealed is read under the new key; what is erased is gone from the bucket and from the copy."""
    tenant_id = make_cast(far).ana.tenant_id
    kept = [files.put(far, tenant_id, io.BytesIO(CONTENT), files.Origin.ARRIVED).id for _ in range(3)]
    for one in kept:
        with far.unit(tenant_id) as uow:
            files.use(uow, new_id(), [one])
    identity.rotate_tenant_key(far, tenant_id, keep=files.KEPT_UNUSED)
    far.keys.forget(tenant_id)
    far.blobs.gather()
    resealing.go_on(far, tenant_id, until=time.monotonic() + PATIENCE_S)
    generation = far.keys.newest(tenant_id)[0]
    shelves = far.blobs.shelves(tenant_id)
    assert sorted({one.hex[-2:] for one in kept}) == shelves
    assert [far.blobs.older(tenant_id, shelf, generation) for shelf in shelves] == [[]] * len(shelves)
    assert [far.blobs.older(tenant_id, shelf, generation + 1) for shelf in shelves] != [[]] * len(shelves)
    assert all(far.blobs.read_all(tenant_id, one) == CONTENT for one in kept)
    here = far.blobs.gather()
    assert Blobs(FolderStore(here), far.keys).older(tenant_id, shelves[0], generation) == []
    assert far.blobs.delete_all(tenant_id)
    assert names(far.blobs.store) == []
    assert [path for path in here.rglob("*") if path.is_file() and path.name not in (MARK, ".lock")] == []
