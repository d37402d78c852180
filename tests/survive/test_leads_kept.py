"""Between the 200 and the lead: nothing that was answered is lost, captured twice or out of order, whoever dies."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select

from appliance.core import clock, deliveries, jobs
from appliance.core.web import PageQuery
from appliance.domains.contacts.manifest import MANIFEST as CONTACTS
from appliance.domains.contacts.queries import count_contacts
from appliance.domains.contacts.schemas import ContactFilter
from appliance.domains.leads import actions, queries, subscribers
from appliance.domains.leads.actions.waiting import CAPTURED_TOGETHER
from appliance.domains.leads.errors import SourceInUse
from appliance.domains.leads.manifest import MANIFEST as LEADS
from appliance.domains.leads.tables import Lead, LeadEvent
from appliance.domains.leads.types import Parcel
from tests.draining import list_due, run_due
from tests.factories.leads import make_source
from tests.survive.leads_dying import BODY
from tests.turns import somebody_waits

ROOT = Path(__file__).parents[2]


@pytest.fixture
def manifests():
    return (CONTACTS, LEADS)


@pytest.fixture
def source(box, tenant_id):
    with box.unit(tenant_id) as uow:
        made = make_source(uow)
        return made.id, made.secrets[queries.SECRET]


@pytest.fixture
def accept(box, tenant_id, source):
    """What the process that takes webhooks commits before it answers."""

    def keep(*names):
        parcels = [Parcel(name, f'{{"nome": "{name}", "email": "{name}@loja.example"}}') for name in names]
        with box.unit(tenant_id) as uow:
            return actions.accept_leads(uow, *source, parcels)

    return keep


def captured_events(box, tenant_id):
    """What became a lead, in the order the leads were made, and how often each lead came."""
    with box.unit(tenant_id, read_only=True) as uow:
        rows = select(LeadEvent.event_key, Lead.times).join(Lead, Lead.id == LeadEvent.lead_id).order_by(Lead.id)
        return [tuple(row) for row in uow.session.execute(rows)]


def captured(box, tenant_id):
    """The same, of people who came once each."""
    rows = captured_events(box, tenant_id)
    with box.unit(tenant_id, read_only=True) as uow:
        assert count_contacts(uow, ContactFilter()) == len(rows)
    return rows


@pytest.mark.only_database("sqlite")
def test_whoever_is_killed_between_keeping_and_capturing_the_lead_is_there_once(box, tenant_id, source, settings):
    environ = {
        "SALESEDGE_HOME": settings.home, "SALESEDGE__REDIS__URL": settings.redis_server.url,
        "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file, "SALESEDGE__DATABASE__URL": settings.database.url,
    }  # fmt: skip
    named, command = {name: str(value) for name, value in environ.items()}, [sys.executable, "-m", "tests.survive.leads_dying"]
    subprocess.run([*command, *map(str, source)], cwd=ROOT, env={**os.environ, **named}, timeout=600, check=True)
    assert captured(box, tenant_id) == []
    with box.unit(tenant_id) as uow:
        [event] = uow.session.scalars(select(LeadEvent)).all()
        [again] = actions.accept_leads(uow, *source, [Parcel(event.event_key, BODY.decode())])
    assert again.id == event.id
    with time_machine.travel(clock.now() + deliveries.LEASE * 2):  # by then nobody believes that who died is still at it
        with box.whole_box("test") as uow:
            [call] = deliveries.take_due(uow, heads={})
        jobs.deliver(box, tenant_id, call.delivery_id)
    assert [times for _key, times in captured(box, tenant_id)] == [1]


@pytest.mark.only_database("sqlite")
def test_an_emptied_redis_costs_seconds_and_no_lead(box, tenant_id, accept):
    accept("a")
    box.redis.flushdb()
    with time_machine.travel(clock.now() + timedelta(seconds=10)):
        assert jobs.sweep(box) == 1
        run_due(box)
    assert captured(box, tenant_id) == [("a", 1)]


def test_what_came_together_is_captured_in_its_order_whoever_captures(box, tenant_id, accept):
    names = [f"n{number:02d}" for number in range(3 * CAPTURED_TOGETHER)]
    for start in range(0, len(names), 3):
        accept(*names[start : start + 3])
    with ThreadPoolExecutor(3) as pool:
        for turn in [pool.submit(run_due, box) for _ in range(3)]:
            turn.result()
    run_due(box)
    assert captured(box, tenant_id) == [(name, 1) for name in names]


def test_the_same_events_from_many_at_once_are_each_captured_once(box, tenant_id, accept):
    names = ["a", "b", "c"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda turn: accept(*(names if turn % 2 else names[::-1])), range(8)))
        pool.submit(run_due, box).result()
    assert len({receipt.id for answer in answers for receipt in answer}) == len(names)
    run_due(box)
    assert sorted(captured(box, tenant_id)) == [(name, 1) for name in names]


def test_what_cannot_be_captured_is_set_aside_and_holds_nobody_up(box, tenant_id, accept, source, monkeypatch):
    as_it_is = actions.capturing._new_lead

    def trip(uow, source, contact_id, reading):
        if "veneno" in str(reading):
            raise KeyError("what nobody thought of")
        return as_it_is(uow, source, contact_id, reading)

    monkeypatch.setattr(actions.capturing, "_new_lead", trip)
    accept("a", "veneno", "b")
    run_due(box)
    assert captured(box, tenant_id) == [("a", 1), ("b", 1)]
    with box.unit(tenant_id, read_only=True) as uow:
        [aside] = queries.list_rejected(uow, source[0], PageQuery()).items
        assert (aside.reason, aside.event_key) == ("unreadable_KeyError", "veneno")


def test_what_waits_does_not_survive_the_erasure_of_whom_it_names(box, tenant_id, accept, source):
    accept("a")
    run_due(box)
    accept("b")
    with box.unit(tenant_id) as uow:
        [lead] = uow.session.scalars(select(Lead)).all()
        actions.accept_leads(uow, *source, [Parcel("a2", '{"email": "a@loja.example"}')])
        actions.erase_contact(uow, lead.contact_id)
        left = uow.session.scalars(select(LeadEvent.event_key)).all()
    assert left == ["b"]


def test_what_came_while_a_source_was_on_is_captured_when_it_is_off(box, tenant_id, accept, source):
    accept("a")
    with box.unit(tenant_id) as uow:
        queries.lock_source(uow, source[0]).active = False
    run_due(box)
    assert captured(box, tenant_id) == [("a", 1)]


def test_a_source_with_something_that_waits_is_kept(box, tenant_id, accept, source):
    accept("a")
    with box.unit(tenant_id) as uow, pytest.raises(SourceInUse):
        actions.delete_source(uow, source[0])


def capture_once(box, tenant_id, source):
    with box.unit(tenant_id, read_only=True) as uow:
        waiting = actions.read_waiting(uow, source[0])
    with box.unit(tenant_id) as uow:
        actions.capture(uow, waiting)


@pytest.mark.only_database("sqlite")
def test_what_takes_longer_is_captured_one_at_a_time_while_somebody_waits_who_accepts(box, tenant_id, source, accept):
    names = ["ana", "bia", "caio"]
    accept(*names)
    run_due(box)
    with box.unit(tenant_id) as uow:  # people who are known agree to something
        bodies = [f'{{"email": "{name}@loja.example", "consent": "sim"}}' for name in names]
        actions.accept_leads(uow, *source, [Parcel(f"{name}2", body) for name, body in zip(names, bodies, strict=True)])
    with somebody_waits(box):
        capture_once(box, tenant_id, source)
    assert sorted(times for _key, times in captured_events(box, tenant_id)) == [1, 1, 2, 2]
    run_due(box)
    assert {times for _key, times in captured_events(box, tenant_id)} == {2}


@pytest.mark.only_database("sqlite")
def test_leads_of_new_people_are_written_together_even_then(box, tenant_id, source, accept):
    accept("ana", "bia", "caio")
    with somebody_waits(box):
        capture_once(box, tenant_id, source)
    assert captured(box, tenant_id) == [("ana", 1), ("bia", 1), ("caio", 1)]


def test_what_is_left_after_many_turns_is_announced_anew(box, tenant_id, accept, monkeypatch):
    monkeypatch.setattr(subscribers, "MOST_TURNS", 2)
    names = [f"n{number:02d}" for number in range(2 * CAPTURED_TOGETHER + 1)]
    accept(*names)
    [call] = list_due(box)
    jobs.deliver(box, tenant_id, call.delivery_id)
    assert captured(box, tenant_id) == [(name, 1) for name in names[:-1]]
    run_due(box)
    assert captured(box, tenant_id) == [(name, 1) for name in names]
