"""The folder that backups of a bucket are taken from: when it is a copy, and when it holds the only files there are."""

import io
import os
import time

import pytest

from appliance.core import crypto
from appliance.core.blobs import Blobs
from appliance.core.buckets import COPY_STAYS_S, store_of
from appliance.core.errors import Refused
from appliance.core.stores import MARK, FolderStore
from tests.core.buckets.conftest import CONTENT, names, put


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
    assert store.take_in() == 1
    store.gather()
    assert blobs.read_all(crypto.NIL, only) == folder.read_all(crypto.NIL, only) == b"the only one"
    erased = put(blobs, b"erased elsewhere")
    store.gather()
    store.bucket.ask("delete_object", next(name for name in names(store) if name.endswith(erased.hex)))
    with pytest.raises(Refused, match="is a copy of this bucket already"):
        store.take_in()
    assert not blobs.has(crypto.NIL, erased)


def test_what_was_sent_already_is_not_sent_again_and_not_over_what_is_newer(store, blobs):
    first = put(blobs, b"newer")
    folder = Blobs(FolderStore(store.copy), crypto.Keyring(b"k" * 32))
    folder.put(crypto.NIL, io.BytesIO(b"older"), blob_id=first)
    second = put(folder, b"second")
    assert store.take_in() == 1
    assert (blobs.read_all(crypto.NIL, first), blobs.read_all(crypto.NIL, second)) == (b"newer", b"second")


def test_names_that_are_not_ours_lead_nowhere_on_this_machine(store, blobs, tmp_path):
    mine = put(blobs)
    planted = tmp_path / "outside" / "planted.txt"
    for key in (f"/{planted}", ".lock", MARK, "readme.txt", "a", "a/b", f"{'0' * 32}/aa/{'0' * 31}"):
        store.bucket._client.put_object(Bucket="box", Key=f"people/{key}", Body=b"owned")
    store.gather()
    found = sorted(path.name for path in store.copy.rglob("*") if path.is_file())
    assert (found, planted.exists()) == ([MARK, mine.hex], False)
    assert names(store) == [f"{crypto.NIL.hex}/{mine.hex[-2:]}/{mine.hex}"]
    store.delete_all("a")


def test_a_copy_that_no_backup_looks_at_goes(store, blobs):
    file_id = put(blobs)
    store.gather()
    store.drop_old_copy()
    assert list(store.copy.glob("*/*/*"))
    long_ago = time.time() - COPY_STAYS_S - 1
    os.utime(store.copy / MARK, (long_ago, long_ago))
    store.drop_old_copy()
    assert list(store.copy.glob("*/*/*")) == []
    store.gather()
    assert [path.name for path in store.copy.glob("*/*/*")] == [file_id.hex]


def test_a_folder_that_is_no_copy_is_never_dropped(store, blobs):
    only = put(Blobs(FolderStore(store.copy), crypto.Keyring(b"k" * 32)))
    (store.copy / MARK).write_text("another bucket")
    os.utime(store.copy / MARK, (0, 0))
    store.drop_old_copy()
    assert [path.name for path in store.copy.glob("*/*/*")] == [only.hex]


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
