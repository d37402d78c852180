"""Which backups open no more, and why: a key that was rotated and destroyed, an organisation that was erased."""

import json
import time
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import delete

from appliance.core import clock, resealing
from appliance.core.tenancy import KeyRotation, TenantKey
from appliance.domains.identity import actions as identity
from appliance.domains.ops import actions, jobs, queries
from appliance.domains.ops.actions import chains
from appliance.domains.ops.types import RunKind, RunState

pytestmark = pytest.mark.only_database("sqlite")
PATIENCE_S = 60


def rotate(box, tenant_id, *, keep):
    """To its end, but for the old key while that is kept."""
    identity.rotate_tenant_key(box, tenant_id, keep=keep)
    resealing.go_on(box, tenant_id, until=time.monotonic() + PATIENCE_S)
    with time_machine.travel(clock.now() + resealing.SETTLED + timedelta(minutes=1), tick=True):
        resealing.go_on(box, tenant_id, until=time.monotonic() + PATIENCE_S)


def destroyed_now(box, tenant_id):
    """As the scheduler does in an hour: a test's clock is right again after it."""
    with box.whole_box("test") as uow:
        rotation = uow.session.get(KeyRotation, tenant_id)
        assert rotation.destroyed_at is not None
        rotation.destroyed_at = uow.now


def told(box, settings):
    """By the terminal and by the page, newest first: organisations rotated away, and erased, of each backup."""
    with box.whole_box("test", read_only=True) as uow:
        runs = [(run.rotated, run.erased) for run in queries.list_runs(uow) if run.kind is RunKind.BACKUP]
    listed = [(len(one.rotated), len(one.erased)) for one in actions.list_backups(settings, "usb")]
    return listed, runs


def test_backups_say_what_of_them_opens_no_more(box, filled, settings):
    rotated, erased = filled.ana.tenant_id, filled.carla.tenant_id
    taken = actions.back_up(box, "usb")
    assert taken.contents.generations[rotated.hex] == 1
    assert told(box, settings) == ([(0, 0)], [(0, 0)])
    rotate(box, rotated, keep=timedelta(0))
    destroyed_now(box, rotated)
    with box.whole_box("test") as uow:
        uow.session.execute(delete(TenantKey).where(TenantKey.tenant_id == erased))
    jobs.run_due(box)  # the target has that key: a day is not waited for
    listed, runs = told(box, settings)
    assert listed == runs == [(0, 0), (1, 1)]
    with box.whole_box("test", read_only=True) as uow:
        assert queries.find_last(uow, "usb", RunKind.BACKUP, RunState.DONE).receipt["generations"][rotated.hex] == 2
        (status,) = queries.target_statuses(uow, settings.backup)
    assert status.next_at > clock.now()  # once


def test_what_a_newer_release_wrote_of_a_chain_is_read(tmp_path):
    (tmp_path / chains.SPOOL).mkdir()
    chain = chains.Chain("a", "", "", "", ("x",), ())
    chains.write(tmp_path, chain)
    told = json.loads((tmp_path / chains.STATE).read_text())
    (tmp_path / chains.STATE).write_text(json.dumps({**told, "of_a_newer_release": 1}))
    assert chains.read(tmp_path) == chain


def test_a_key_that_does_not_open_is_no_erasure(box, filled, settings):
    actions.back_up(box, "usb")
    with box.whole_box("test") as uow:
        uow.session.get(TenantKey, filled.carla.tenant_id).wrapped = b"damaged" * 9
    with box.whole_box("test", read_only=True) as uow:
        assert [run.erased for run in queries.list_runs(uow)] == [0]


def test_a_key_that_is_kept_opens_what_was_before(box, filled, settings):
    actions.back_up(box, "usb")
    rotate(box, filled.ana.tenant_id, keep=timedelta(days=30))
    taken = actions.back_up(box, "usb")
    assert taken.contents.generations[filled.ana.tenant_id.hex] == 2  # though the old key is there
    assert told(box, settings) == ([(0, 0), (0, 0)], [(0, 0), (0, 0)])
