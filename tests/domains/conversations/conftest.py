import pytest

from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from tests import cast as people


@pytest.fixture
def agent_id(box, tenant_id):
    """One that was never published, so it answers nobody."""
    with box.unit(tenant_id) as uow:
        return agents.create_agent(uow, AgentIn(name="Lia")).id


@pytest.fixture
def bruno(box, tenant_id):
    return people.with_role(box, tenant_id, "agent").user_id


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
