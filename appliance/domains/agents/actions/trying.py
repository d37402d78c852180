"""Questions that somebody could put to an agent, tried before they are offered."""

from dataclasses import replace
from itertools import islice
from uuid import UUID

from appliance.core import clock
from appliance.core.box import Box
from appliance.core.working_hours import ALWAYS
from appliance.domains.agents import queries
from appliance.domains.agents.actions.compose import ask_documents, compose
from appliance.domains.agents.types import Found, Outcome, Policy, Said, Situation
from appliance.domains.knowledge import queries as knowledge
from appliance.domains.knowledge.queries import Suggestion

SUGGESTED = 4
KEPT = 200  # agents
_tried: dict[tuple[UUID, UUID], tuple[object, list[str]]] = {}


def suggest_questions(box: Box, tenant_id: UUID, agent_id: UUID, *, limit: int = SUGGESTED) -> list[str]:
    """Those that the published agent is sure of, from the very document that each was taken from. Opens its own units.

    Raises AgentNotFound. Tried with quotes alone: a language model takes its time and could only word the same answer. They are tried
    once a day, by each process, until the agent or the documents change.
    """
    with box.unit(tenant_id, read_only=True) as uow:
        published = queries.find_published_policy(uow, queries.get_agent(uow, agent_id).id)
        if published is None:
            return []
        version, policy = published
        trial = version, replace(policy, calendar=ALWAYS)
        made_of = trial, knowledge.get_snapshot(uow).version, uow.now.date(), limit
        kept = _tried.get((tenant_id, agent_id))
        if kept is not None and kept[0] == made_of:
            return list(kept[1])
        possible = knowledge.suggest_questions(uow, agent_id)
    answered = (one.question for one in possible if _is_answered(box, tenant_id, agent_id, trial, one))
    found = list(islice(answered, limit))
    _tried.pop((tenant_id, agent_id), None)
    if len(_tried) >= KEPT:
        _tried.pop(next(iter(_tried)), None)
    _tried[tenant_id, agent_id] = made_of, found
    return list(found)


def _is_answered(box: Box, tenant_id: UUID, agent_id: UUID, trial: tuple[int, Policy], one: Suggestion) -> bool:
    def ask(question: str, situation: Situation) -> Found:
        found = ask_documents(box, tenant_id, question, situation, keep=False, allow_chat=False)
        return replace(found, answered=found.confident)

    situation = Situation.of_question(agent_id, trial, [Said(by_contact=True, text=one.question)], clock.now())
    decision = compose(situation, ask).decision
    return decision.outcome is Outcome.SEND and any(source["document_id"] == str(one.document_id) for source in decision.sources[:1])
