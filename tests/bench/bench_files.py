"""Files stored and read back, in a folder and in a bucket: python -m tests.bench.bench_files [SECONDS].

The bucket is OpenStack Swift's S3 interface on this machine (Debian's packages). Beside it the library alone (botocore with its own way out)
stores and reads the same bytes in the same bucket: what sealing, the nameless file and the outbound client cost is the ratio to it.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from botocore.config import Config
from botocore.session import Session

from appliance.core import crypto, telemetry
from appliance.core.blobs import Blobs
from appliance.core.buckets import BucketStore
from appliance.core.config import LogSettings, NetworkSettings
from appliance.core.ids import new_id
from appliance.core.stores import FolderDoor, FolderStore
from tests.peers import swift

SIZES = {"16 KiB": 2**14, "1 MiB": 2**20, "16 MiB": 2**24}
Pair = tuple[Callable[[bytes], object], Callable[[object], bytes]]


def ours(blobs: Blobs) -> Pair:
    def read(stored: object) -> bytes:
        assert isinstance(stored, UUID)
        return blobs.read_all(crypto.NIL, stored)

    return lambda content: blobs.put(crypto.NIL, io.BytesIO(content)).id, read


def library_alone(server: swift.ObjectStore) -> Pair:
    session = Session()
    session.set_credentials(swift.KEY_ID, swift.SECRET)
    spoken = Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
    client = session.create_client(
        "s3", region_name="us-east-1", endpoint_url=f"https://127.0.0.1:{server.port}", verify=str(server.folder / "cert.pem"), config=spoken
    )

    def put(content: bytes) -> str:
        name = new_id().hex
        client.put_object(Bucket="box", Key=name, Body=io.BytesIO(content))
        return name

    return put, lambda name: client.get_object(Bucket="box", Key=name)["Body"].read()


def measured(pair: Pair, content: bytes, seconds: float) -> tuple[float, float]:
    """Medians in ms: stored, read."""
    put, read = pair
    stored, got = [], []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends or len(stored) < 3:
        began = time.perf_counter()
        name = put(content)
        stored.append(time.perf_counter() - began)
        began = time.perf_counter()
        assert len(read(name)) == len(content)
        got.append(time.perf_counter() - began)
    return statistics.median(stored) * 1000, statistics.median(got) * 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=5.0)
    seconds = parser.parse_args().seconds
    telemetry.configure_logs(LogSettings(level="warning"), "bench")
    keys = crypto.Keyring(os.urandom(32))
    with tempfile.TemporaryDirectory() as folder, swift.object_store(Path(folder)) as server:
        here = Path(folder) / "blobs"
        store = BucketStore(server.files(), NetworkSettings(), here, FolderDoor(here))
        store.bucket.ask("create_bucket")
        peer = library_alone(server)
        for name, size in SIZES.items():
            content = os.urandom(size)
            near = measured(ours(Blobs(FolderStore(Path(folder) / "folder"), keys)), content, seconds)
            far = measured(ours(Blobs(store, keys)), content, seconds)
            alone = measured(peer, content, seconds)
            print(f"{name}: folder {near[0]:.1f} ms stored, {near[1]:.1f} ms read; bucket {far[0]:.1f}, {far[1]:.1f}; "
                  f"the library alone {alone[0]:.1f}, {alone[1]:.1f}: {far[0] / alone[0]:.2f} and {far[1] / alone[1]:.2f} times")  # fmt: skip


if __name__ == "__main__":
    main()
