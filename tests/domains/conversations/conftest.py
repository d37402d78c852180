import pytest

from appliance.core.ids import new_id
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn


@pytest.fixture
def agent_id():
    return new_id()


@pytest.fixture
def simulator(box, tenant_id, agent_id):
    with box.unit(tenant_id) as uow:
        return channels.create_channel(uow, ChannelIn(kind="simulator", name="Simulator", agent_id=agent_id)).id


@pytest.fixture
def says(box, tenant_id, simulator):
    """A visitor writes on the simulator; returns the conversation."""

    def say(text, *, visitor="ana", client_id=""):
        with box.unit(tenant_id) as uow:
            return channels.receive_simulated(uow, simulator, visitor=visitor, name="Ana", text=text, client_id=client_id)

    return say


@pytest.fixture
def time_machine_now():
    """Move the clock on by so much."""
    from datetime import timedelta

    import time_machine

    from appliance.core import clock

    travellers = []

    def move(**by):
        traveller = time_machine.travel(clock.now() + timedelta(**by), tick=True)
        traveller.start()
        travellers.append(traveller)

    yield move
    for traveller in reversed(travellers):
        traveller.stop()
