"""The vector index: what is searched, what survives, and what is admitted to be lost."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelserver.index import sealed, space
from modelserver.index.space import Allowed
from modelserver.index.store import Store
from modelserver.problems import Problem
from tests.modelserver.running import Running

KEY = bytes(range(32))
NAME = "tenant:agents"
DIM = 16


def rows(count: int, seed: int = 0, dim: int = DIM) -> np.ndarray:
    made = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def open_store(folder: Path, key: bytes = KEY, ivf_above: int = 100_000) -> Store:
    return Store(folder, key, ivf_above=ivf_above)


def filled(folder: Path, count: int = 50) -> Store:
    store = open_store(folder)
    store.change(NAME, "m", (), range(count), rows(count), create=True)
    return store


def nearest(store: Store, row: np.ndarray, count: int = 1, allowed: Allowed | None = None) -> list[int]:
    return store.find(NAME).search(row, count, allowed).ids.tolist()


def test_what_was_acknowledged_survives_a_crash(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.change(NAME, "m", [7], [100], rows(1, seed=9))
    version = store.find(NAME).version
    again = open_store(tmp_path)  # the first was never closed
    assert (again.find(NAME).count, again.find(NAME).version >= version) == (50, True)
    assert nearest(again, rows(1, seed=9)[0]) == [100]
    assert 7 not in nearest(again, rows(50)[7], 50)


def test_a_server_killed_in_the_middle_keeps_what_it_confirmed(tmp_path: Path) -> None:
    running = Running(tmp_path).start()
    with running.client() as client:
        body = {"ids": [1, 2], "texts": ["a cat", "a parcel"], "create": True}
        version = client.post(f"/v1/index/{NAME}/add", json=body).json()["version"]
    running.kill()
    running.start()
    try:
        with running.client() as client:
            told = client.get(f"/v1/index/{NAME}").json()
            assert (told["state"], told["count"], told["version"] >= version) == ("ready", 2, True)
            assert client.post(f"/v1/index/{NAME}/search", json={"text": "parcel", "k": 1}).json()["hits"][0]["id"] == 2
    finally:
        running.stop()


def _damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        _damage,
        lambda path: path.write_bytes(path.read_bytes()[:-40]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"SEIX1\n" + b"\0" * 400),
    ],
    ids=["flipped bit", "shortened", "empty", "foreign"],
)
def test_a_damaged_file_is_reported_missing_and_set_aside(tmp_path: Path, harm: Callable[[Path], object]) -> None:
    filled(tmp_path).close()
    open_store(tmp_path).find(NAME)  # folds the journal into the snapshot
    harm(tmp_path / f"{NAME}.snap")
    store = open_store(tmp_path)
    assert (store.state(NAME).state, store.state(NAME).reason) == ("missing", "corrupt")
    with pytest.raises(Problem) as caught:
        store.change(NAME, "m", (), [1], rows(1))
    assert caught.value.code == "index_missing"
    assert list(tmp_path.glob("*.corrupt"))
    store.change(NAME, "m", (), [1], rows(1), create=True)
    assert store.state(NAME).state == "ready"


def test_the_wrong_key_reads_nothing(tmp_path: Path) -> None:
    filled(tmp_path).close()
    assert open_store(tmp_path, key=bytes(32)).state(NAME).reason == "corrupt"


def test_without_its_owners_share_the_servers_key_opens_nothing(tmp_path: Path) -> None:
    share, other = bytes(range(32, 64)), bytes(range(64, 96))
    store = open_store(tmp_path)
    store.take_share(NAME, share)
    store.change(NAME, "m", (), range(50), rows(50), create=True)
    store.close()
    again = open_store(tmp_path)
    again.take_share(NAME, share)
    assert again.state(NAME).count == 50
    again.close()
    for wrong in (None, other):
        folder = tmp_path / str(wrong is None)
        shutil.copytree(tmp_path, folder, ignore=shutil.ignore_patterns("True", "False"))
        stranger = open_store(folder)
        if wrong is not None:
            stranger.take_share(NAME, wrong)
        assert stranger.state(NAME).state == "missing"


def test_a_share_comes_with_the_request_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    share = {"X-Index-Key": "ab" * 32}
    running = Running(tmp_path).start()
    try:
        with running.client() as client:
            body = {"ids": [1, 2], "texts": ["a cat", "a parcel"], "create": True}
            assert client.post(f"/v1/index/{NAME}/add", json=body, headers={"X-Index-Key": "xyz"}).status_code == 422
            assert client.post(f"/v1/index/{NAME}/add", json=body, headers=share).status_code == 200
        running.stop()
        running.start()
        with running.client() as client:
            assert client.get(f"/v1/index/{NAME}", headers=share).json()["count"] == 2
    finally:
        running.stop()


def test_one_namespace_cannot_be_passed_off_as_another(tmp_path: Path) -> None:
    filled(tmp_path).close()
    (tmp_path / f"{NAME}.snap").rename(tmp_path / "other:agents.snap")
    assert open_store(tmp_path).state("other:agents").reason == "corrupt"


def test_a_file_that_vanished_is_missing(tmp_path: Path) -> None:
    filled(tmp_path).close()
    for file in tmp_path.iterdir():
        file.unlink()
    assert (open_store(tmp_path).state(NAME).state, open_store(tmp_path).state(NAME).reason) == ("missing", "absent")


def test_a_record_cut_off_by_a_crash_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.change(NAME, "m", (), [100], rows(1, seed=9))
    (journal,) = tmp_path.glob("*.log")
    journal.write_bytes(journal.read_bytes()[:-3])
    assert open_store(tmp_path).find(NAME).count == 50


def test_files_hold_nothing_readable_and_are_private(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    made = rows(20)
    store.change(NAME, "secret-model-name", (), range(20), made, create=True)
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert made.astype(np.float16)[0].tobytes() not in content
        assert b"secret-model-name" not in content
        assert file.stat().st_mode & 0o077 == 0


def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(tmp_path)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(sealed.os, "write", full)
        with pytest.raises(Problem) as caught:
            store.change(NAME, "m", (), [100], rows(1))
    assert caught.value.code == "disk_full"
    assert store.find(NAME).count == 50
    store.change(NAME, "m", (), [101], rows(1))
    assert open_store(tmp_path).find(NAME).count == 51


def test_a_long_journal_is_folded_into_the_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "JOURNAL_LIMIT", 1000)
    store = filled(tmp_path)
    store.tidy()
    store.change(NAME, "m", [1], [], np.empty((0, DIM), np.float32))
    (journal,) = tmp_path.glob("*.log")
    assert journal.stat().st_size < 1000
    assert open_store(tmp_path).find(NAME).count == 49


def test_searches_during_a_switch_see_the_old_or_the_new_never_a_mix(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.change(NAME, "m", (), range(100), rows(100), create=True)
    done, mixed = threading.Event(), []

    def watch() -> None:
        while not done.is_set():
            found = set((store.find(NAME).search(rows(1)[0], 100, None).ids // 100).tolist())
            if len(found) != 1:
                mixed.append(found)

    watchers = [threading.Thread(target=watch) for _ in range(3)]
    for watcher in watchers:
        watcher.start()
    for turn in range(20):
        old, new = range(turn * 100, turn * 100 + 100), range(turn * 100 + 100, turn * 100 + 200)
        store.change(NAME, "m", old, new, rows(100, seed=turn))
    done.set()
    for watcher in watchers:
        watcher.join()
    assert mixed == []


def test_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.change(NAME, "m", (), (), np.empty((0, DIM), np.float32), create=True)

    def write(worker: int) -> None:
        for turn in range(10):
            first = worker * 1000 + turn * 10
            store.change(NAME, "m", (), range(first, first + 10), rows(10, seed=first))

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.find(NAME).count == 400
    assert open_store(tmp_path).find(NAME).count == 400


def test_a_large_namespace_is_clustered_with_almost_full_recall(tmp_path: Path) -> None:
    store = open_store(tmp_path, ivf_above=4000)
    centres = rows(60, seed=1, dim=48)
    made = np.repeat(centres, 100, axis=0) + 0.6 * rows(6000, seed=2, dim=48)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    store.change(NAME, "m", (), range(6000), made, create=True)
    exact = np.argsort(-(made[:80] @ made.T), axis=1)[:, :10]
    grouping = threading.Thread(target=store.tidy)
    grouping.start()
    for at in range(6000, 6010):  # while the clusters are being found
        store.change(NAME, "m", [at - 1] if at > 6000 else (), [at], made[:1])
    store.change(NAME, "m", [6009], [], made[:0])
    grouping.join()
    assert store.state(NAME).kind == "ivf"
    store.change(NAME, "m", [5999], [7000], made[5999:])
    again = open_store(tmp_path, ivf_above=4000)
    assert (again.state(NAME).kind, again.state(NAME).count) == ("ivf", 6000)
    recall = np.mean([len(set(nearest(again, made[row], 10)) & set(exact[row])) / 10 for row in range(80)])
    assert recall >= 0.95
    assert nearest(again, made[3], 5, Allowed(ids=(17, 4000))) in ([17, 4000], [4000, 17])


def test_what_is_allowed_is_found_in_clusters_far_from_the_question_too(tmp_path: Path) -> None:
    store = open_store(tmp_path, ivf_above=4000)
    centres = rows(60, seed=1, dim=48)
    centres[:, 0] = np.where(np.arange(60) < 42, 1, -1)  # two matters
    made = np.repeat(centres, 100, axis=0) + 0.6 * rows(6000, seed=2, dim=48)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    store.change(NAME, "m", (), range(6000), made, create=True)
    store.tidy()
    assert store.state(NAME).kind == "ivf"
    exact = 4200 + np.argsort(-(made[:80] @ made[4200:].T), axis=1)[:, :10]
    far = Allowed(ranges=((4200, 5999),))
    recall = np.mean([len(set(nearest(store, made[row], 10, far)) & set(exact[row])) / 10 for row in range(80)])
    assert recall >= 0.95


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-50, 50), max_size=20), st.lists(st.tuples(st.integers(-60, 60), st.integers(-60, 60)), max_size=5),
    st.sets(st.integers(-50, 50)),
)
def test_allowed_is_the_union_of_ids_and_ranges(ids: list[int], ranges: list[tuple[int, int]], present: set[int]) -> None:
    found = Allowed(tuple(ids), tuple(ranges)).among(np.array(sorted(present), dtype=np.int64))
    assert set(found.tolist()) == {one for one in present if one in ids or any(low <= one <= high for low, high in ranges)}


def test_an_abandoned_build_can_be_started_anew(tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.add_to_build(NAME, "b1", "m", [1], rows(1))
    with pytest.raises(Problem) as caught:
        store.switch(NAME, "b2")
    assert caught.value.code == "build_missing"
    before = store.find(NAME).version
    assert store.switch(NAME, "b1").version > before
    assert open_store(tmp_path).find(NAME).count == 1
