import time
from datetime import timedelta

import pytest
from rq import Queue
from sqlalchemy import select, update

from appliance.core import clock, deliveries, guard, housekeeping, jobs
from appliance.core.config import RedisSettings
from appliance.core.db import ReadOnlyUnit
from appliance.core.manifest import Registry
from appliance.core.outbox import Delivery, DeliveryState, OutboxRow
from appliance.core.queue_server import connect_redis
from tests.core import ledger
from tests.core.ledger import AWAY_S, Entry, EntryMade, EntryWeighed, entries, make_entry


def only_delivery(box):
    with box.whole_box("test", read_only=True) as uow:
        return uow.session.scalars(select(Delivery)).one()


def all_deliveries(box):
    with box.whole_box("test", read_only=True) as uow:
        return list(uow.session.scalars(select(Delivery).order_by(Delivery.event_seq)))


def make_due(box, delivery_id):
    with box.whole_box("test") as uow:
        uow.session.get_one(Delivery, delivery_id).next_at = clock.now() - timedelta(seconds=1)


def test_an_event_and_what_it_owes_are_written_with_the_change_or_not_at_all(box, tenant_id):
    def refuse():
        raise ValueError

    with pytest.raises(ValueError), box.unit(tenant_id) as uow:
        make_entry(uow, "a")
        refuse()
    with box.whole_box("test") as uow:
        assert uow.session.scalars(select(OutboxRow)).all() == []
        assert uow.session.scalars(select(Delivery)).all() == []
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    assert only_delivery(box).state is DeliveryState.PENDING


def test_a_payload_carries_ids_only(box, tenant_id):
    with pytest.raises(TypeError), box.unit(tenant_id) as uow:
        uow.emit(EntryMade({"name": "Ana"}, "a"))


def test_a_delivery_has_its_effect_once_however_often_it_is_run(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    delivery = only_delivery(box)
    for _ in range(3):
        jobs.deliver(box, tenant_id, delivery.id)
    with box.unit(tenant_id) as uow:
        assert len(entries(uow)) == 2
    assert only_delivery(box).state is DeliveryState.DONE


def test_deliveries_of_one_key_run_in_order_and_others_do_not_wait(box, tenant_id):
    with box.unit(tenant_id) as uow:
        for account in ("a", "a", "b"):
            make_entry(uow, account)
    first, second, other = all_deliveries(box)
    jobs.deliver(box, tenant_id, second.id)
    jobs.deliver(box, tenant_id, other.id)
    assert [d.state for d in all_deliveries(box)] == [DeliveryState.PENDING, DeliveryState.PENDING, DeliveryState.DONE]
    jobs.deliver(box, tenant_id, first.id)
    jobs.deliver(box, tenant_id, second.id)
    assert {d.state for d in all_deliveries(box)} == {DeliveryState.DONE}


def test_finishing_one_wakes_the_next_of_its_key(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
        make_entry(uow, "a")
    box.redis.flushdb()
    first, _second = all_deliveries(box)
    jobs.deliver(box, tenant_id, first.id)
    assert box.dispatcher.backlog("default") == 1


def test_what_is_away_is_tried_again_later_and_honours_retry_after(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "away")
    delivery = only_delivery(box)
    began = clock.now()
    jobs.deliver(box, tenant_id, delivery.id)
    failed = only_delivery(box)
    assert failed.state is DeliveryState.PENDING
    assert failed.attempts == 1
    assert began + timedelta(seconds=AWAY_S - 1) < failed.next_at <= clock.now() + timedelta(seconds=AWAY_S)
    assert failed.last_error == "later"
    jobs.deliver(box, tenant_id, delivery.id)
    assert only_delivery(box).attempts == 1, "not yet due"


def test_every_retry_has_an_end(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "away")
    delivery = only_delivery(box)
    for _ in range(12):
        make_due(box, delivery.id)
        jobs.deliver(box, tenant_id, delivery.id)
    assert only_delivery(box).state is DeliveryState.DEAD


@pytest.mark.parametrize(("account", "reason"), [("bug", "ZeroDivisionError"), ("refused", "never")])
def test_bugs_and_refusals_fail_once_leave_no_trace_of_their_effect_and_can_be_replayed(box, tenant_id, account, reason):
    with box.unit(tenant_id) as uow:
        make_entry(uow, account)
        make_entry(uow, account)
    dead, blocked = all_deliveries(box)
    jobs.deliver(box, tenant_id, dead.id)
    jobs.deliver(box, tenant_id, blocked.id)
    states = [d.state for d in all_deliveries(box)]
    assert states == [DeliveryState.DEAD, DeliveryState.PENDING], "a dead letter blocks its own key"
    with box.unit(tenant_id) as uow:
        (letter,) = deliveries.list_dead(uow)
        assert letter[0].last_error == reason
        assert len(entries(uow)) == 2
        for entry in entries(uow):
            entry.account = "mended"
        for row in uow.session.scalars(select(OutboxRow)):
            row.payload = {**row.payload, "account": "mended"}
        deliveries.replay(uow, dead.id)
    jobs.deliver(box, tenant_id, dead.id)
    jobs.deliver(box, tenant_id, blocked.id)
    assert {d.state for d in all_deliveries(box)} == {DeliveryState.DONE}


def test_a_slow_step_whose_lease_was_taken_over_throws_its_result_away(box, tenant_id):
    with box.unit(tenant_id) as uow:
        entry = make_entry(uow, "a")
        uow.emit(EntryWeighed(entry.id))
    slow = all_deliveries(box)[-1]
    with jobs.Step.claimed(box, tenant_id, slow.id) as late:
        with box.whole_box("test") as uow:
            uow.session.get_one(Delivery, slow.id).lease_until = clock.now() - timedelta(seconds=1)
        jobs.deliver(box, tenant_id, slow.id)
        with pytest.raises(deliveries.LeaseLost), late.finish() as uow:
            uow.session.add(Entry(tenant_id=tenant_id, account="late"))
    with box.unit(tenant_id) as uow:
        assert [e.account for e in entries(uow)] == ["a", "weighed"]


def test_a_lease_is_renewed_while_the_work_goes_on(box, tenant_id, monkeypatch):
    monkeypatch.setattr(jobs, "RENEW_EVERY_S", 0.05)
    with box.unit(tenant_id) as uow:
        entry = make_entry(uow, "a")
        uow.emit(EntryWeighed(entry.id))
    slow = all_deliveries(box)[-1]
    with jobs.Step.claimed(box, tenant_id, slow.id):
        before = all_deliveries(box)[-1].lease_until
        deadline = clock.now() + timedelta(seconds=60)
        while all_deliveries(box)[-1].lease_until == before and clock.now() < deadline:
            time.sleep(0.01)
        assert all_deliveries(box)[-1].lease_until > before


def test_the_sweep_finds_what_redis_forgot(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    box.redis.flushdb()
    assert jobs.sweep(box) == 0, "told a moment ago"
    with box.whole_box("test") as uow:
        uow.session.scalars(select(Delivery)).one().enqueued_at = clock.now() - timedelta(seconds=6)
    assert jobs.sweep(box) == 1
    assert box.dispatcher.backlog("default") == 1


def test_what_a_busy_queue_forgot_is_told_again_as_soon_as_what_was_told_later_comes_next(box, tenant_id):
    with box.unit(tenant_id) as uow:
        for account in "abc":
            make_entry(uow, account)
    lost, _waiting, *_ = all_deliveries(box)
    queue = Queue("default", connection=box.redis)
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).values(enqueued_at=uow.now - timedelta(minutes=2)))
    for job in queue.get_jobs():
        job.enqueued_at = clock.now() - timedelta(minutes=2)
        job.save()
    queue.remove(queue.job_ids[0])
    assert jobs.sweep(box) == 0, "all may still stand in the queue: nothing that was told later is first in it"
    with box.whole_box("test") as uow:
        uow.session.get_one(Delivery, lost.id).enqueued_at -= timedelta(seconds=6)
    assert jobs.sweep(box) == 1
    assert (queue.count, jobs.sweep(box)) == (3, 0)


def test_a_queue_whose_next_jobs_are_taken_while_it_is_asked_is_not_empty(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    box.redis.flushdb()
    with box.whole_box("test") as uow:
        uow.session.scalars(select(Delivery)).one().enqueued_at = clock.now() - timedelta(minutes=2)
    box.redis.rpush(Queue("default", connection=box.redis).key, "taken", "done", "over", "next")  # what they hold is gone already
    assert jobs.sweep(box) == 0
    box.redis.flushdb()
    assert jobs.sweep(box) == 1


def test_what_a_dead_worker_held_is_told_again_at_once_also_where_more_waits(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
        make_entry(uow, "b")
    held = all_deliveries(box)[0]
    with box.unit(tenant_id) as uow:
        deliveries.claim(uow, held.id)
    assert jobs.sweep(box) == 0
    with box.whole_box("test") as uow:
        row = uow.session.get_one(Delivery, held.id)
        row.enqueued_at, row.lease_until = uow.now - timedelta(seconds=3), uow.now - timedelta(seconds=1)
    assert [jobs.sweep(box), jobs.sweep(box)] == [1, 0]


def test_without_redis_nothing_is_told_and_nothing_marked_as_told(box, tenant_id):
    redis, box.dispatcher.redis = box.dispatcher.redis, connect_redis(RedisSettings(url="unix:///nowhere/redis.sock"))
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    with box.whole_box("test") as uow:
        told = uow.session.scalars(select(Delivery)).one().enqueued_at = uow.now - timedelta(seconds=6)
    assert jobs.sweep(box) == 0
    assert only_delivery(box).enqueued_at == told
    box.dispatcher.redis = redis
    assert jobs.sweep(box) == 1


def test_the_sweep_finds_what_a_dead_worker_left_leased(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    delivery = only_delivery(box)
    with box.unit(tenant_id) as uow:
        deliveries.claim(uow, delivery.id)
    box.redis.flushdb()
    with box.whole_box("test") as uow:
        row = uow.session.scalars(select(Delivery)).one()
        row.lease_until = row.enqueued_at = clock.now() - timedelta(seconds=6)
    assert jobs.sweep(box) == 1
    jobs.deliver(box, tenant_id, delivery.id)
    with box.unit(tenant_id) as uow:
        assert len(entries(uow)) == 2


def test_a_delayed_event_waits_for_its_time(box, tenant_id, run_deliveries):
    with box.unit(tenant_id) as uow:
        entry = make_entry(uow, "a")
        uow.emit(EntryMade(entry.id, "b"), delay=timedelta(minutes=5))
    assert run_deliveries() == 1
    make_due(box, all_deliveries(box)[-1].id)
    assert run_deliveries() == 1


def test_a_commit_survives_a_missing_redis(box, tenant_id):
    box.dispatcher.redis = connect_redis(RedisSettings(url="unix:///nowhere/redis.sock"))
    started = time.monotonic()
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    assert only_delivery(box).state is DeliveryState.PENDING
    assert time.monotonic() - started < 30, "the caller waits for Redis"


def test_slow_work_inside_a_unit_of_work_raises(box, tenant_id):
    with box.unit(tenant_id), pytest.raises(guard.SlowWorkInTransaction):
        guard.check_no_open_unit("a model call")
    guard.check_no_open_unit("a model call")


def test_what_a_savepoint_took_back_was_never_emitted(box, tenant_id):
    with box.unit(tenant_id) as uow:
        with pytest.raises(ZeroDivisionError), uow.session.begin_nested():
            make_entry(uow, "undone")
            raise ZeroDivisionError
        make_entry(uow, "kept")
        assert [row.payload["account"] for row in uow.happened()] == ["kept"]
    assert only_delivery(box).state is DeliveryState.PENDING
    assert box.dispatcher.backlog("default") == 1


def test_two_at_once_over_a_unique_key_settle_at_the_next_try(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "race")
    delivery = only_delivery(box)
    ledger.races.append("once")
    jobs.deliver(box, tenant_id, delivery.id)
    assert only_delivery(box).state is DeliveryState.PENDING
    make_due(box, delivery.id)
    jobs.deliver(box, tenant_id, delivery.id)
    assert only_delivery(box).state is DeliveryState.DONE


def test_what_an_event_was_about_being_gone_is_no_dead_letter_and_blocks_nobody(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "gone")
        make_entry(uow, "gone")
    first, second = all_deliveries(box)
    jobs.deliver(box, tenant_id, first.id)
    assert all_deliveries(box)[0].state is DeliveryState.DONE
    assert all_deliveries(box)[0].last_error == "nobody"
    jobs.deliver(box, tenant_id, second.id)
    assert all_deliveries(box)[1].state is DeliveryState.DONE


def test_a_unit_opened_for_reading_refuses_to_write(box, tenant_id):
    with pytest.raises(ReadOnlyUnit), box.unit(tenant_id, read_only=True) as uow:
        uow.session.add(Entry(tenant_id=tenant_id, account="a"))
    with pytest.raises(ReadOnlyUnit), box.unit(tenant_id, read_only=True) as uow:
        uow.session.execute(update(Entry).values(note="x"))


def test_timed_work_never_runs_twice_at_once_and_remembers_why_it_failed(box):
    assert housekeeping.begin_run(box, "ledger.sweep")
    assert not housekeeping.begin_run(box, "ledger.sweep")
    housekeeping.end_run(box, "ledger.sweep", error="away")
    assert housekeeping.last_runs(box) == {}
    assert housekeeping.begin_run(box, "ledger.sweep")
    housekeeping.end_run(box, "ledger.sweep", error=None)
    assert set(housekeeping.last_runs(box)) == {"ledger.sweep"}


def test_two_subscriptions_of_one_name_are_refused_at_start():
    with pytest.raises(AssertionError, match="registered twice"):
        Registry((ledger.MANIFEST, ledger.MANIFEST))


def test_work_that_takes_its_worker_down_every_time_is_buried(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    delivery = only_delivery(box)
    for _ in range(deliveries.DEADLY_AFTER):
        die_at(box, delivery)
    with box.unit(tenant_id) as uow:
        assert deliveries.claim(uow, delivery.id) is None
    assert only_delivery(box).state is DeliveryState.DEAD
    with box.unit(tenant_id) as uow:
        deliveries.replay(uow, delivery.id)
    die_at(box, delivery)
    jobs.deliver(box, tenant_id, delivery.id)
    assert only_delivery(box).state is DeliveryState.DONE, "another life is a whole one"


def test_one_death_after_an_outage_buries_nothing(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    delivery = only_delivery(box)
    for _ in range(deliveries.DEADLY_AFTER):
        make_due(box, delivery.id)
        with box.unit(tenant_id) as uow:
            assert deliveries.claim(uow, delivery.id) is not None
            deliveries.fail(uow, delivery.id, error="away")
    make_due(box, delivery.id)
    die_at(box, delivery)
    jobs.deliver(box, tenant_id, delivery.id)
    assert only_delivery(box).state is DeliveryState.DONE


def test_only_deaths_one_after_the_other_bury(box, tenant_id):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "a")
    delivery = only_delivery(box)
    for _ in range(2):
        for _ in range(deliveries.DEADLY_AFTER - 1):
            die_at(box, delivery)
        with box.unit(tenant_id) as uow:
            assert deliveries.claim(uow, delivery.id) is not None
            deliveries.fail(uow, delivery.id, error="away")
        assert only_delivery(box).state is DeliveryState.PENDING
        make_due(box, delivery.id)


def die_at(box, delivery):
    """A try that was begun and never ended."""
    with box.unit(delivery.tenant_id) as uow:
        assert deliveries.claim(uow, delivery.id) is not None
    with box.whole_box("test") as uow:
        uow.session.get_one(Delivery, delivery.id).lease_until = clock.now() - timedelta(seconds=1)


def test_the_relay_rests_no_longer_than_until_the_next_delivery_falls_due(box, tenant_id):
    assert jobs.seconds_to_next(box, most=0.5) == 0.5
    with box.unit(tenant_id) as uow:
        uow.emit(EntryWeighed(make_entry(uow, "a").id), delay=timedelta(minutes=10))
    assert 0.0 < jobs.seconds_to_next(box, most=3600.0) <= 600.0
    make_due(box, only_waiting(box).id)
    assert jobs.seconds_to_next(box, most=0.5) == 0.5, "what is due already is the sweep's, not a reason to spin"
    assert jobs.sweep(box) == 1


def only_waiting(box):
    return next(delivery for delivery in all_deliveries(box) if delivery.enqueued_at is None)
