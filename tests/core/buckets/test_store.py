"""Files in a bucket: whole or not at all, sealed, and nobody waits for ever."""

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
from appliance.core.config import NetworkMode, NetworkSettings
from appliance.core.errors import NotFound, Refused, Unavailable
from appliance.core.ids import new_id
from appliance.core.stores import MARK, BucketAway, FolderStore
from appliance.domains.identity import actions as identity
from tests.cast import make_cast
from tests.core.buckets.conftest import CONTENT, names, put, store_at
from tests.peers import swift
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60


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
        made = store_at(server, tmp_path / "x", **changed)
        with pytest.raises(BucketAway) as refused:
            put(Blobs(made, crypto.Keyring(b"k" * 32)))
        assert str(refused.value) == "Files cannot be reached at the moment. Try again shortly."
        with pytest.raises(Unavailable) as told:
            made.try_out()
        return str(told.value)

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
        with pytest.raises(Unavailable, match="cannot be reached"):
            put(Blobs(store_at(server, tmp_path / "x", endpoint=address), crypto.Keyring(b"k" * 32)))
        assert time.monotonic() - began < 20


@pytest.fixture(params=["folder", "bucket"])
def either(request, tmp_path):
    """Both kinds keep the same promises."""
    return FolderStore(tmp_path / "folder") if request.param == "folder" else request.getfixturevalue("store")


def test_either_store_keeps_the_promises_of_the_port(either):
    def fill(content):
        return lambda file: file.write(content)

    name, other = f"{'a' * 32}/bb/{'c' * 32}", f"{'a' * 32}/dd/{'e' * 32}"
    assert (either.is_empty(), either.has(name), either.begin_of(name, 5)) == (True, False, b"")
    assert (either.shelves("a" * 32), list(either.names(f"{'a' * 32}/bb"))) == ([], [])
    either.delete(name)
    with pytest.raises(NotFound):
        either.open(name)
    with pytest.raises((NotFound, FileNotFoundError)):
        either.rewrite(name, fill(b"x"))
    assert either.write(name, fill(b"")) == 0
    assert (either.has(name), either.begin_of(name, 5), either.is_empty()) == (True, b"", False)
    either.rewrite(name, fill(b"0123456789"))
    either.write(other, fill(b"other"))
    assert either.begin_of(name, 5) == b"01234"
    with either.open(name) as file:
        either.rewrite(name, fill(b"new"))
        assert file.read(3) + file.read() == b"0123456789"
    assert either.shelves("a" * 32) == ["bb", "dd"]
    assert list(either.names(f"{'a' * 32}/bb")) == [name]
    here = either.gather()
    assert ((here / name).read_bytes(), (here / other).read_bytes()) == (b"new", b"other")

    def breaks(file):
        file.write(b"half")
        raise Refused("no more")

    for write in (either.write, either.rewrite):
        with pytest.raises(Refused):
            write(name if write == either.rewrite else f"{'a' * 32}/bb/{'f' * 32}", breaks)
    with either.open(name) as file:
        assert file.read() == b"new"
    either.delete(name)
    either.delete_all("a" * 32)
    assert (either.is_empty(), either.shelves("a" * 32)) == (True, [])


def test_what_no_row_names_goes_after_a_day_and_nothing_of_others(far, monkeypatch):
    tenant_id = make_cast(far).ana.tenant_id
    named = files.put(far, tenant_id, io.BytesIO(CONTENT), files.Origin.ARRIVED).id
    late = far.blobs.put(tenant_id, io.BytesIO(b"stored after it was given up")).id
    others = f"{new_id().hex}/aa/{new_id().hex}"
    far.blobs.store.write(others, lambda file: file.write(b"of another box"))
    files.sweep_bucket(far)
    assert far.blobs.has(tenant_id, late), "it may be on its way"
    monkeypatch.setattr(files, "KEPT_UNUSED", -files.KEPT_UNUSED)
    with far.blobs.kept():
        files.sweep_bucket(far)
    assert far.blobs.has(tenant_id, late), "a backup runs"
    files.sweep_bucket(far)
    assert (far.blobs.has(tenant_id, named), far.blobs.has(tenant_id, late), others in names(far.blobs.store)) == (True, False, True)


def test_the_environment_says_nothing(server, tmp_path, monkeypatch):
    wrong = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_PROFILE": "nobody",
        "AWS_CA_BUNDLE": "/none", "HTTPS_PROXY": "http://127.0.0.1:9", "AWS_DEFAULTS_MODE": "nonsense",
        "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "nonsense",
        "AWS_STS_REGIONAL_ENDPOINTS": "nonsense", "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "nonsense", "AWS_DATA_PATH": str(tmp_path),
        "AWS_USE_FIPS_ENDPOINT": "true", "AWS_MAX_ATTEMPTS": "0", "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y", "HOME": str(tmp_path),
    }  # fmt: skip
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    for folder in (tmp_path / ".aws" / "models" / "s3" / "2006-03-01", tmp_path / "s3" / "2006-03-01"):
        folder.mkdir(parents=True)
        (folder / "service-2.json").write_text("{}")
    made = store_at(server, tmp_path / "blobs", bucket="environment")
    made.bucket.ask("create_bucket")
    made.try_out()
    assert made.is_empty()


@pytest.mark.parametrize("status", [404, 403, 500])
def test_what_stands_before_the_store_does_not_tell_of_files(server, tmp_path, status):
    """A proxy's own page is no word of the store's: a file that it does not find is asked for again."""
    page = b"<html>default backend</html>"
    head = b"HTTP/1.1 %d Nothing\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(page))

    def serve(listening):
        with contextlib.suppress(OSError):
            while True:
                line, _address = listening.accept()
                with line:
                    line.recv(65536)
                    line.sendall(head + page)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        made = store_at(server, tmp_path / "x", endpoint=f"http://127.0.0.1:{listening.getsockname()[1]}")
        for ask in (made.open, made.has, made.delete):
            with pytest.raises(Unavailable):
                ask(f"{'a' * 32}/bb/{'c' * 32}")


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
