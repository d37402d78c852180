"""No file that something uses is destroyed, none that nothing uses stays, and nobody sends what is not theirs."""

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select, update

from appliance.core import files
from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.files import FileNotUsable, FileState, Origin, StoredFile
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from tests.draining import run_due

ROOT = Path(__file__).parents[2]
ANA, BRUNO = Actor("user", new_id()), Actor("user", new_id())
KEY = Actor("api_key", ANA.id)
TOO_OLD = files.KEPT_UNUSED + timedelta(minutes=1)


@pytest.fixture
def manifests():
    return (files.MANIFEST,)


def put(box, tenant_id, content=b"a file", by=ANA, origin=Origin.CHOSEN):
    return files.put(box, tenant_id, io.BytesIO(content), origin, by=by).id


def is_there(box, tenant_id, file_id):
    try:
        return bool(box.blobs.read_all(tenant_id, file_id))
    except NotFound:
        return False


def rows(box):
    with box.whole_box("test", read_only=True) as uow:
        return {row.id: row.state for row in uow.session.scalars(select(StoredFile))}


def grow_old(box, *file_ids):
    with box.whole_box("test") as uow:
        uow.session.execute(update(StoredFile).where(StoredFile.id.in_(file_ids)).values(created_at=uow.now - TOO_OLD))


def on_disk(box):
    return [path for path in box.settings.home.glob("blobs/*/*/*") if path.is_file()]


def test_a_file_is_claimed_by_who_chose_it_and_once(box, tenant_id):
    file_id = put(box, tenant_id)
    for attempt in range(2):
        with box.unit(tenant_id, ANA) as uow:
            if attempt:
                with pytest.raises(FileNotUsable):
                    files.claim(uow, file_id)
                break
            assert files.claim(uow, file_id).size == len(b"a file")
            files.use(uow, new_id(), [file_id])


@pytest.mark.only_database("sqlite")
def test_one_sentence_is_said_of_all_that_is_not_theirs_to_send(box, tenant_id, other_tenant_id):
    old, arrived = put(box, tenant_id), put(box, tenant_id, origin=Origin.ARRIVED)
    grow_old(box, old)
    elsewhere = put(box, other_tenant_id)
    foreign = [put(box, tenant_id, by=somebody) for somebody in (BRUNO, KEY)]
    said = set()
    for file_id in (old, arrived, elsewhere, *foreign, new_id()):
        with box.unit(tenant_id, ANA) as uow, pytest.raises(FileNotUsable) as refused:
            files.claim(uow, file_id)
        said.add((str(refused.value), refused.value.status, *refused.value.fields))
    assert len(said) == 1


@pytest.mark.only_database("sqlite")
def test_what_was_claimed_for_nothing_can_be_claimed_again(box, tenant_id):
    file_id = put(box, tenant_id)
    with pytest.raises(Refused), box.unit(tenant_id, ANA) as uow:
        files.claim(uow, file_id)
        files.use(uow, new_id(), [file_id])
        raise Refused("the window is closed")
    with box.unit(tenant_id, ANA) as uow:
        assert files.claim(uow, file_id)


@pytest.mark.only_database("sqlite")
def test_a_shared_file_goes_with_its_last_use(box, tenant_id, run_deliveries):
    file_id, users = put(box, tenant_id), [new_id() for _ in range(3)]
    with box.unit(tenant_id) as uow:
        for user in users:
            files.use(uow, user, [file_id, file_id])
            files.use(uow, user, [file_id])
    for user in users:
        assert is_there(box, tenant_id, file_id)
        with box.unit(tenant_id) as uow:
            files.let_go(uow, [user])
        run_deliveries()
    assert not is_there(box, tenant_id, file_id)
    assert rows(box) == {}


def test_users_that_go_together_take_along_what_only_they_shared(box, tenant_id, run_deliveries):
    theirs, shared = put(box, tenant_id), put(box, tenant_id)
    one, two, another = new_id(), new_id(), new_id()
    with box.unit(tenant_id) as uow:
        files.use(uow, one, [theirs, shared])
        files.use(uow, two, [theirs])
        files.use(uow, another, [shared])
    with box.unit(tenant_id) as uow:
        files.let_go(uow, [one, two])
    run_deliveries()
    assert [is_there(box, tenant_id, each) for each in (theirs, shared)] == [False, True]


def test_what_is_going_is_used_by_nobody_any_more(box, tenant_id, run_deliveries):
    file_id, user = put(box, tenant_id), new_id()
    with box.unit(tenant_id) as uow:
        files.use(uow, user, [file_id])
        files.let_go(uow, [user])
    with box.unit(tenant_id) as uow, pytest.raises(NotFound):
        files.use(uow, user, [file_id])
    run_deliveries()


def test_nothing_is_let_go_across_organisations(box, tenant_id, other_tenant_id, run_deliveries):
    file_id, user = put(box, tenant_id), new_id()
    with box.unit(tenant_id) as uow:
        files.use(uow, user, [file_id])
    with box.unit(other_tenant_id) as uow:
        files.let_go(uow, [user])
        with pytest.raises(NotFound):
            files.use(uow, new_id(), [file_id])
    files.give_up(box, other_tenant_id, file_id)
    run_deliveries()
    assert is_there(box, tenant_id, file_id)


def test_the_sweep_takes_what_waited_a_day_for_nothing(box, tenant_id):
    fresh, old, used = (put(box, tenant_id) for _ in range(3))
    with box.unit(tenant_id) as uow:
        files.use(uow, new_id(), [used])
    grow_old(box, old, used)
    files.sweep(box)
    assert [is_there(box, tenant_id, each) for each in (fresh, old, used)] == [True, False, True]
    assert rows(box) == {fresh: FileState.FRESH, used: FileState.USED}


@pytest.mark.only_database("sqlite")
def test_what_is_given_up_goes_at_once_unless_something_uses_it(box, tenant_id):
    file_id, used = put(box, tenant_id), put(box, tenant_id)
    with box.unit(tenant_id) as uow:
        files.use(uow, new_id(), [used])
    for each in (file_id, used, used, new_id()):
        files.give_up(box, tenant_id, each)
    assert list(rows(box)) == [used]
    assert is_there(box, tenant_id, used)


@pytest.mark.only_database("sqlite")
def test_a_file_past_the_limit_leaves_neither_row_nor_bytes(box, tenant_id):
    with pytest.raises(Refused, match="MB"):
        files.put(box, tenant_id, io.BytesIO(bytes(2 * 2**20)), Origin.CHOSEN, by=ANA, limit=2**20)
    assert (on_disk(box), rows(box)) == ([], {})


STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "use", "let go", "give up", "age", "sweep", "deliver"]), st.integers(0, 2), st.integers(0, 2)),
    min_size=8, max_size=16,
)  # fmt: skip


class Story:
    """What was done with a few files by a few users, and what they use by now."""

    def __init__(self, box, tenant_id):
        self.box, self.tenant_id = box, tenant_id
        self.files = [put(box, tenant_id)]
        self.users = [new_id() for _ in range(3)]
        self.used = set()

    def do(self, step, which, who):
        file_id, user = self.files[which % len(self.files)], self.users[who]
        if step == "put":
            self.files.append(put(self.box, self.tenant_id))
        elif step == "use":
            self.use(user, file_id)
        elif step == "let go":
            with self.box.unit(self.tenant_id) as uow:
                files.let_go(uow, self.users[: who + 1])
            self.used -= {pair for pair in self.used if pair[0] in self.users[: who + 1]}
        elif step == "give up":
            files.give_up(self.box, self.tenant_id, file_id)
        elif step == "age":
            grow_old(self.box, file_id)
        else:
            files.sweep(self.box) if step == "sweep" else run_due(self.box)

    def use(self, user, file_id):
        try:
            with self.box.unit(self.tenant_id) as uow:
                files.use(uow, user, [file_id])
            self.used.add((user, file_id))
        except NotFound:
            assert file_id not in self.in_use()

    def in_use(self):
        return {file_id for _user, file_id in self.used}


@pytest.mark.only_database("sqlite")
@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6, deadline=None)
@given(STEPS)
def test_whatever_is_done_what_is_used_stays_and_in_the_end_nothing_else(box, new_tenant, steps):
    story = Story(box, new_tenant())
    for step in steps:
        story.do(*step)
        assert all(is_there(box, story.tenant_id, file_id) for file_id in story.in_use())
    run_due(box)
    grow_old(box, *story.files)
    files.sweep(box)
    assert {file_id for file_id in story.files if is_there(box, story.tenant_id, file_id)} == story.in_use()
    assert {file_id for file_id in story.files if file_id in rows(box)} == story.in_use()


def test_of_two_users_that_go_at_once_one_is_the_last(box, tenant_id, run_deliveries):
    file_id, users = put(box, tenant_id), [new_id() for _ in range(4)]
    with box.unit(tenant_id) as uow:
        for user in users:
            files.use(uow, user, [file_id])

    def leave(user):
        with box.unit(tenant_id) as uow:
            files.let_go(uow, [user])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(leave, users))
    run_deliveries()
    assert (is_there(box, tenant_id, file_id), rows(box)) == (False, {})


def test_a_sweep_and_a_first_use_at_once_agree(box, tenant_id):
    stored = [put(box, tenant_id) for _ in range(6)]
    grow_old(box, *stored)

    def try_to_use(file_id):
        try:
            with box.unit(tenant_id) as uow:
                files.use(uow, new_id(), [file_id])
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        sweeping = pool.submit(files.sweep, box)
        used = list(pool.map(try_to_use, stored))
        sweeping.result()
    files.sweep(box)
    assert [is_there(box, tenant_id, file_id) for file_id in stored] == used


@pytest.mark.only_database("sqlite")
def test_whoever_is_killed_leaves_what_is_used_and_nothing_that_is_not_found(box, tenant_id, settings):
    used, user = put(box, tenant_id, b"in use"), new_id()
    with box.unit(tenant_id) as uow:
        files.use(uow, user, [used])
    environ = {
        "SALESEDGE_HOME": settings.home, "SALESEDGE__REDIS__URL": settings.redis_server.url,
        "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file, "SALESEDGE__DATABASE__URL": settings.database.url,
    }  # fmt: skip
    named, command = {name: str(value) for name, value in environ.items()}, [sys.executable, "-m", "tests.survive.files_dying"]
    subprocess.run([*command, str(tenant_id), str(user)], cwd=ROOT, env={**os.environ, **named}, timeout=600, check=True)
    left = rows(box)
    assert {path.stem for path in on_disk(box)} <= {file_id.hex for file_id in left}
    assert (left.pop(used), len(left), len(on_disk(box))) == (FileState.USED, 6, 5)
    grow_old(box, *left)
    files.sweep(box)
    assert (rows(box), box.blobs.read_all(tenant_id, used)) == ({used: FileState.USED}, b"in use")
    assert [path.name for path in on_disk(box)] == [used.hex]


def test_all_that_nothing_uses_goes_in_one_sweep(box, tenant_id, monkeypatch):
    monkeypatch.setattr(files, "SWEPT_AT_ONCE", 2)
    grow_old(box, *[put(box, tenant_id) for _ in range(5)])
    files.sweep(box)
    assert not rows(box)
    assert not on_disk(box)


def test_nobody_fills_the_disk_with_files_that_they_never_send(box, tenant_id, monkeypatch):
    monkeypatch.setattr(files, "MOST_UNUSED", 2)
    first, _second = put(box, tenant_id), put(box, tenant_id)
    with pytest.raises(Conflict):
        put(box, tenant_id)
    put(box, tenant_id, by=BRUNO)
    put(box, tenant_id, origin=Origin.ARRIVED)
    with box.unit(tenant_id, ANA) as uow:
        files.use(uow, new_id(), [first])
    put(box, tenant_id)
