"""A real S3-compatible server on loopback, and a bucket of it."""

import contextlib
import io

import pytest

from appliance.core import crypto
from appliance.core.blobs import Blobs
from appliance.core.buckets import BucketStore, store_of
from appliance.core.config import NetworkSettings
from appliance.core.errors import Unavailable
from appliance.core.stores import FolderDoor
from tests.peers import swift

CONTENT = b"fatura de Joana " * 20_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
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
