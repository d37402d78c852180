"""Agents, published and answering."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import actions
from appliance.domains.agents.schemas import AgentIn


def make_agent(uow: UnitOfWork) -> UUID:
    return actions.create_agent(uow, AgentIn(name=f"Lia {new_id().hex[-8:]}"), publish_now=True).id


PATH_PARAMETERS = {"agent_id": make_agent, "name": make_agent}  # OpenAI clients name an agent by its id
