"""Agents, published and answering."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import actions
from appliance.domains.agents.schemas import AgentIn, QuestionIn


def make_agent(uow: UnitOfWork) -> UUID:
    return actions.create_agent(uow, AgentIn(name=f"Lia {new_id().hex[-8:]}"), publish_now=True).id


def make_question(uow: UnitOfWork) -> UUID:
    return actions.add_question(uow, make_agent(uow), QuestionIn(question="bom dia")).id


def make_evaluation(uow: UnitOfWork) -> UUID:
    agent_id = make_agent(uow)
    actions.add_question(uow, agent_id, QuestionIn(question="bom dia"))
    return actions.start_evaluation(uow, agent_id).id


PATH_PARAMETERS = {
    "agent_id": make_agent, "name": make_agent, "question_id": make_question, "evaluation_id": make_evaluation,
}  # fmt: skip; OpenAI clients name an agent by its id
