"""Where the database has no connection to spare, what sweeps and what delivers goes on by itself."""

from contextlib import ExitStack

import pytest

from appliance.core.ids import new_id
from appliance.core.jobs import deliver
from appliance.entrypoints import relay

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def taken(box, tenant_id, monkeypatch):
    """Every connection, by somebody else."""
    pool = box.database.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.01)
    with ExitStack() as held:
        for _ in range(2 * pool.size()):
            held.enter_context(box.database.engine.connect())
        yield


@pytest.mark.usefixtures("taken")
def test_a_sweep_rests_and_comes_again(box):
    assert relay.turn(box) == relay.SWEEP_EVERY_S


@pytest.mark.usefixtures("taken")
def test_a_delivery_that_cannot_be_recorded_raises_nothing(box, tenant_id):
    deliver(box, tenant_id, new_id())
