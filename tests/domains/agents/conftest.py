import pytest

from appliance.core.ids import new_id
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import queries as conversations


@pytest.fixture
def make_agent(box, tenant_id):
    """Publishes an agent that answers at once, with these settings."""

    def make(**settings):
        with box.unit(tenant_id) as uow:
            given = AgentIn(name="Aurora", settings=AgentSettings(**{"debounce_ms": 0, **settings}))
            return agents.create_agent(uow, given, publish_now=True).id

    return make


@pytest.fixture
def says(box, tenant_id):
    """A visitor writes to an agent on a simulator of its own; returns the conversation."""
    made = {}

    def say(agent_id, *texts, visitor="ana"):
        with box.unit(tenant_id) as uow:
            if agent_id not in made:
                made[agent_id] = channels.create_channel(uow, ChannelIn(kind="simulator", name="S", agent_id=agent_id)).id
        for text in texts:
            with box.unit(tenant_id) as uow:
                found = channels.receive_simulated(uow, made[agent_id], visitor=visitor, name="Ana", text=text, client_id=new_id().hex)
        return found

    return say


@pytest.fixture
def thread(box, tenant_id):
    """(sender, text) of all messages."""

    def read(conversation_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return [(message.sender, message.content.get("text")) for message in conversations.list_messages(uow, conversation_id)]

    return read


@pytest.fixture
def conversation(box, tenant_id):
    def read(conversation_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return conversations.get_conversation(uow, conversation_id)

    return read
