"""A queue that goes by turns: who brings a hundred recordings holds up anybody else by one."""

from collections import Counter
from datetime import timedelta

import pytest
from rq import Queue
from sqlalchemy import select, update

from appliance.core import deliveries, jobs
from appliance.core.housekeeping import check_workers
from appliance.core.manifest import Manifest, Subscription
from appliance.core.outbox import Delivery, DeliveryState
from tests.core.ledger import Entry, EntryWeighed, entries, make_entry, weigh

QUEUE = "speech"


@pytest.fixture
def manifests():
    return (Manifest("ledger", subscriptions=(Subscription(EntryWeighed, weigh, queue=QUEUE, mode="staged"),)),)


@pytest.fixture
def bring(box):
    def bring(tenant_id, many):
        with box.unit(tenant_id) as uow:
            for entry in [make_entry(uow, "brought") for _ in range(many)]:
                uow.emit(EntryWeighed(entry.id))

    return bring


@pytest.fixture
def work(box):
    """So many jobs of the queue as its worker takes them, and whose were done, in that order."""
    jobs.bind(box)
    queue = Queue(QUEUE, connection=box.redis)

    def weighed():
        with box.whole_box("test", read_only=True) as uow:
            return uow.session.scalars(select(Entry.tenant_id).where(Entry.account == "weighed").order_by(Entry.id)).all()

    def work(many):
        before = len(weighed())
        for _ in range(many):
            Queue.dequeue_any([queue], None, box.redis)[0].perform()
        return weighed()[before:]

    return work


@pytest.mark.parametrize("comes_first", [True, False])
def test_a_hundred_of_one_organisation_hold_up_one_of_another_by_one_at_most(new_tenant, bring, work, comes_first):
    many, few = sorted((new_tenant(), new_tenant()), reverse=not comes_first)
    bring(many, 100)
    assert work(3) == [many] * 3
    bring(few, 1)
    assert few in work(2)
    assert work(3) == [many] * 3, "and then they go on"


def test_everybody_who_waits_has_a_turn_and_of_each_the_oldest_is_next(box, new_tenant, bring, work):
    here = [new_tenant() for _ in range(3)]
    for tenant_id in here:
        bring(tenant_id, 3)
    done = work(9)
    assert all(Counter(done[start : start + 3]) == Counter(here) for start in (0, 3, 6))
    for tenant_id in here:
        with box.unit(tenant_id) as uow:
            brought, weighed = ([one for one in entries(uow) if one.account == kind] for kind in ("brought", "weighed"))
        assert [one.note for one in weighed] == [str(one.id) for one in brought]


def test_what_the_queue_forgot_is_done_and_a_job_with_nothing_left_does_nothing(box, tenant_id, bring, work):
    bring(tenant_id, 2)
    Queue(QUEUE, connection=box.redis).empty()
    bring(tenant_id, 1)
    assert work(1) == [tenant_id]
    for _ in range(3):
        jobs.run_next(QUEUE)
    with box.unit(tenant_id) as uow:
        brought, weighed = ([one for one in entries(uow) if one.account == kind] for kind in ("brought", "weighed"))
        assert [one.note for one in weighed] == [str(one.id) for one in brought]
        assert uow.session.scalars(select(Delivery.state)).all() == [DeliveryState.DONE] * 3


def test_the_queue_does_not_grow_while_a_long_one_is_heard(box, tenant_id, bring):
    queue = Queue(QUEUE, connection=box.redis)
    bring(tenant_id, 4)
    Queue.dequeue_any([queue], None, box.redis)
    with box.unit(tenant_id) as uow:
        heard = uow.session.scalars(select(Delivery.id).order_by(Delivery.event_seq)).first()
        assert deliveries.claim(uow, heard) is not None
    for _ in range(3):
        await_sweep(box)
    assert queue.count == 3
    queue.empty()
    await_sweep(box)
    assert queue.count == 3, "what it forgot it is told again"


def await_sweep(box):
    """Two minutes later."""
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).values(enqueued_at=uow.now - timedelta(minutes=2)))
    jobs.sweep(box)


def test_a_box_without_workers_says_so(box):
    found = check_workers(box)
    assert (found.ok, found.detail) == (False, "fast 0, default 0, speech 0, slow 0")
    assert "salesedge up" in found.fix
