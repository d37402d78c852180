"""The clock of the machine is put forward or back: nobody waits for a moment that is far now, and people are told for an hour."""

import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from appliance.core import clock, footing, housekeeping, rows, timekeeping
from appliance.core.deliveries import LEASE
from appliance.core.housekeeping import LONGEST_RUN, CronRun
from appliance.core.ids import new_id
from appliance.core.outbox import Delivery, DeliveryState
from tests.core import ledger

DAY, QUARTER, MINUTES = timedelta(days=1), timedelta(minutes=15), timedelta(minutes=2)


@pytest.fixture
def manifests():
    return (ledger.MANIFEST, housekeeping.MANIFEST)


@pytest.fixture
def put(monkeypatch):
    """The clock of the machine, so far from where it was; the one that only goes on does so."""
    now, since_epoch = clock.now, time.time

    def put_by(by):
        monkeypatch.setattr(clock, "now", lambda: now() + by)
        monkeypatch.setattr(time, "time", lambda: since_epoch() + by.total_seconds())

    return put_by


@pytest.mark.only_database("sqlite")
@pytest.mark.parametrize("by", [DAY, -DAY, MINUTES])
def test_a_jump_is_told_once(put, by):
    jumps = clock.Jumps()
    assert not jumps.take()
    put(by)
    assert abs(jumps.take() - by) < timedelta(seconds=10)
    assert not jumps.take()


@pytest.mark.only_database("sqlite")
def test_an_hour_that_is_drawn_into_place_is_no_jump(put):
    jumps = clock.Jumps()
    put(timedelta(seconds=20))
    assert not jumps.take()


def test_what_is_written_while_the_clock_is_put_back_is_undone(box, tenant_id, put):
    with pytest.raises(OperationalError), box.unit(tenant_id) as uow:
        ledger.make_entry(uow, "by the old clock")
        put(-DAY)
    with box.unit(tenant_id) as uow:
        assert uow.session.scalars(select(Delivery)).all() == []
        ledger.make_entry(uow, "by the new one")
        put(DAY)
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(Delivery)).all() != []
        put(-DAY)  # who only reads is not disturbed


def test_the_end_of_what_is_done_is_written_once_the_clock_that_was_put_back_stands(box, put, monkeypatch):
    """It says nothing else than what happened, and nobody would say it again."""
    monkeypatch.setattr(rows, "AGAIN_S", 0)
    assert housekeeping.begin_run(box, "ledger.sweep")
    whole_box, turns = box.whole_box, iter([-DAY])

    @contextmanager
    def while_it_is_put_back(*told, **how):
        with whole_box(*told, **how) as uow:
            yield uow
            if by := next(turns, None):
                put(by)

    monkeypatch.setattr(box, "whole_box", while_it_is_put_back)
    housekeeping.end_run(box, "ledger.sweep", error=None)
    monkeypatch.undo()
    assert set(housekeeping.last_runs(box)) == {"ledger.sweep"}
    assert housekeeping.begin_run(box, "ledger.sweep")


def test_what_waits_waits_no_longer_for_a_clock_that_was_put_back(box, tenant_id, put):
    with box.unit(tenant_id) as uow:
        ledger.make_entry(uow, "waits")
        ledger.make_entry(uow, "is held by somebody who died")
    with box.unit(tenant_id) as uow:
        waits, held = uow.session.scalars(select(Delivery).order_by(Delivery.event_seq)).all()[:2]
        waits.enqueued_at, waits.next_at = uow.now, uow.now + QUARTER
        held.state, held.lease_token, held.lease_until = DeliveryState.LEASED, new_id(), uow.now + LEASE
    assert housekeeping.begin_run(box, "dies.meanwhile")
    put(-DAY)
    timekeeping.begin(box)
    with box.whole_box("test", read_only=True) as uow:
        waits, held = uow.session.scalars(select(Delivery).order_by(Delivery.event_seq)).all()[:2]
        assert (abs(waits.next_at - uow.now - QUARTER) < MINUTES, waits.enqueued_at) == (True, None)
        assert held.lease_until <= uow.now + LEASE
        assert uow.session.get_one(CronRun, "dies.meanwhile").running_until <= uow.now + LONGEST_RUN + MINUTES


def test_a_neighbour_whose_clock_is_a_little_ahead_puts_nothing_back(box, tenant_id, put):
    with box.unit(tenant_id) as uow:
        ledger.make_entry(uow, "waits")
    with box.unit(tenant_id) as uow:
        waits = uow.session.scalars(select(Delivery)).first()
        due = waits.next_at = uow.now + QUARTER
    put(-MINUTES)
    timekeeping.begin(box)
    with box.whole_box("test", read_only=True) as uow:
        assert uow.session.scalars(select(Delivery)).first().next_at == due


@pytest.mark.only_database("sqlite")
def test_people_read_by_how_much_until_it_is_put_right(box, put):
    timekeeping.note(box.settings, -DAY)
    told = footing.check_order_of_time(box)
    assert (told.ok, told.detail) == (False, "It was put back by 24 h 00 min.")
    timekeeping.note(box.settings, DAY)
    assert footing.check_order_of_time(box).ok


@pytest.mark.only_database("sqlite")
def test_after_an_hour_it_is_told_no_more(box, monkeypatch):
    timekeeping.note(box.settings, DAY)
    assert "24 h 00 min" in timekeeping.check(box.settings).detail
    at = clock.since_start()
    monkeypatch.setattr(clock, "since_start", lambda: at + timekeeping.TOLD_FOR_S + 1)
    assert timekeeping.check(box.settings).ok
