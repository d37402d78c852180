"""Who people wait for does not queue behind the workers for SQLite's one writer's turn."""

import contextlib
import fcntl
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from appliance.core import turns
from tests.turns import somebody_waits

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"database": settings.database.model_copy(update={"busy_timeout_s": 1})})


@pytest.fixture
def taken(box):
    """Somebody else has the writer's turn until the event is set."""
    held, done = threading.Event(), threading.Event()

    def hold():
        with box.database.read_only.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            held.set()
            done.wait(60)
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN")

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(60)
    yield done
    done.set()
    holder.join()


@pytest.mark.parametrize(("first", "every_s"), [(True, turns.FIRST_EVERY_S), (False, turns.EVERY_S)])
def test_a_writer_asks_until_it_has_the_turn_and_who_comes_first_more_often(box, taken, monkeypatch, first, every_s):
    """Nobody leaves the asking to SQLite: its sleep of up to 100 ms never meets a turn that others take within a millisecond."""
    asked = []

    def wait(seconds):
        asked.append(seconds)
        if len(asked) == 3:
            taken.set()
        time.sleep(seconds)

    monkeypatch.setattr(turns, "time", SimpleNamespace(sleep=wait, monotonic=lambda: 0.0))  # its patience has no end
    if first:
        box.database.come_first()
    with box.whole_box("test") as uow:
        [patience_ms] = uow.session.scalars(text("PRAGMA busy_timeout"))
    assert len(asked) >= 3
    assert set(asked) == {every_s}
    assert patience_ms == 1000


def test_who_reads_waits_for_nobody(box, taken):
    box.database.come_first()
    with box.whole_box("test", read_only=True) as uow:
        assert uow.session.scalar(text("SELECT 1")) == 1
    assert not taken.is_set()


def test_who_comes_first_gives_up_like_everybody(box, taken):
    box.database.come_first()
    with pytest.raises(OperationalError, match="locked"), box.whole_box("test") as uow:
        uow.session.scalars(text("SELECT 1"))
    assert not taken.is_set()


def test_a_worker_does_not_ask_while_somebody_who_goes_first_waits(box, monkeypatch):
    asked = []

    def wait(seconds):
        asked.append(seconds)
        if len(asked) == 3:
            waiting.close()

    monkeypatch.setattr(turns, "time", SimpleNamespace(sleep=wait, monotonic=lambda: 0.0))
    with contextlib.ExitStack() as waiting:
        waiting.enter_context(somebody_waits(box))
        with box.whole_box("test") as uow:
            uow.session.scalars(text("SELECT 1"))
    assert len(asked) == 3


def test_a_worker_gives_way_no_longer_than_it_may(box):
    with somebody_waits(box), box.whole_box("test") as uow:
        assert uow.session.scalar(text("SELECT 1")) == 1
        assert box.database.is_awaited()
    assert not box.database.is_awaited()


def test_who_goes_first_is_heard_until_they_have_the_turn(box, taken, monkeypatch):
    heard = []

    def wait(seconds):
        heard.append(box.database.is_awaited())
        taken.set()
        time.sleep(seconds)

    monkeypatch.setattr(turns, "time", SimpleNamespace(sleep=wait, monotonic=lambda: 0.0))
    box.database.come_first()
    with box.whole_box("test") as uow:
        uow.session.scalars(text("SELECT 1"))
        assert not box.database.is_awaited()
    assert heard[0]


def test_who_looks_whether_somebody_waits_keeps_nobody_from_waiting(box, taken, monkeypatch):
    """The look holds the door for a moment: who comes just then is heard a little later."""
    looking = os.open(box.database.turns.folder, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_EX)
    heard = []

    def wait(seconds):
        if len(heard) == 0:
            os.close(looking)
        heard.append(box.database.is_awaited())
        if len(heard) == 2:
            taken.set()
        time.sleep(seconds)

    monkeypatch.setattr(turns, "time", SimpleNamespace(sleep=wait, monotonic=lambda: 0.0))
    box.database.come_first()
    with box.whole_box("test") as uow:
        uow.session.scalars(text("SELECT 1"))
    assert heard[:2] == [False, True]


def test_who_was_forked_meanwhile_does_not_go_on_waiting(box, taken, monkeypatch):
    inherited = []

    def wait(seconds):
        if not inherited:
            inherited.extend(os.dup(fd) for fd in list(opened(box.database.turns.folder)))
            taken.set()
        time.sleep(seconds)

    monkeypatch.setattr(turns, "time", SimpleNamespace(sleep=wait, monotonic=lambda: 0.0))
    box.database.come_first()
    with box.whole_box("test") as uow:
        uow.session.scalars(text("SELECT 1"))
    assert len(inherited) == 1
    assert not box.database.is_awaited()
    os.close(inherited[0])


def opened(folder):
    for fd in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if fd.readlink() == folder:
                yield int(fd.name)
