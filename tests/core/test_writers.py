"""Who people wait for does not queue behind the workers for SQLite's one writer's turn."""

import threading
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from appliance.core import db

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
            done.wait(10)
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN")

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    yield done
    done.set()
    holder.join()


@pytest.mark.parametrize(("first", "every_s"), [(True, 0.001), (False, 0.01)])
def test_a_writer_asks_until_it_has_the_turn_and_who_comes_first_more_often(box, taken, monkeypatch, first, every_s):
    """Nobody leaves the asking to SQLite: its sleep of up to 100 ms never meets a turn that others take within a millisecond."""
    asked = []

    def wait(seconds):
        asked.append(seconds)
        if len(asked) == 3:
            taken.set()
        time.sleep(seconds)

    monkeypatch.setattr(db, "time", SimpleNamespace(sleep=wait, monotonic=time.monotonic))
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
