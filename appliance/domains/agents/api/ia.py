"""One agent for other programs: ask it, set it up, read what it did, see whether it can answer."""

import time
from datetime import timedelta
from functools import partial
from uuid import UUID

from appliance.core import clock
from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call, Page, PageOf
from appliance.domains.agents import actions, queries
from appliance.domains.agents.api.agents import ASK, READ, WRITE
from appliance.domains.agents.schemas import (
    AgentPatch,
    AgentSettings,
    AgentStatusOut,
    AskIn,
    AskOut,
    FiguresOut,
    FiguresQuery,
    LogsQuery,
    RunLineOut,
)
from appliance.domains.agents.tables import ReplyRun
from appliance.domains.agents.types import Decision, Situation, VersionState
from appliance.domains.knowledge import queries as knowledge
from appliance.inference.types import Inference

api = Api("ia")
DAY = timedelta(days=1)


@api.post("/ia/ask-to-agent", permission=ASK, body=AskIn, returns=AskOut, unit=False, summary="Ask an agent as a contact would")
def ask_agent(call: Call, body: AskIn) -> AskOut:
    started = time.perf_counter()
    with call.unit(read_only=True) as uow:
        queries.get_agent(uow, body.agent_id)
        published = queries.find_published_policy(uow, body.agent_id)
    if published is None:
        raise Conflict(_("This agent answers nobody: it is switched off or was never published."))
    situation = Situation.of_question(body.agent_id, published, body.said, clock.now())
    composed = actions.compose(situation, partial(actions.ask_documents, call.box, call.who.tenant_id))
    return _answer(body.agent_id, published[0], composed.decision, took_ms=round((time.perf_counter() - started) * 1000))


def _answer(agent_id: UUID, version: int, decision: Decision, *, took_ms: int) -> AskOut:
    return AskOut(
        agent_id=agent_id, version=version, answer=decision.text, outcome=decision.outcome, reason=decision.reason,
        sources=[dict(source) for source in decision.sources], confidence=decision.confidence, engine=decision.engine, took_ms=took_ms,
    )  # fmt: skip


@api.get("/settings/<uuid:agent_id>", permission=READ, returns=AgentSettings, summary="The draft's settings, else the published ones")
def get_settings(uow: UnitOfWork, agent_id: UUID) -> AgentSettings:
    return queries.get_settings(uow, agent_id)


@api.patch("/settings/<uuid:agent_id>", permission=WRITE, body=AgentSettings, returns=AgentSettings)
def change_settings(uow: UnitOfWork, agent_id: UUID, body: AgentSettings) -> AgentSettings:
    """What is named goes into the draft, the rest stays; a group such as `hours` is replaced whole."""
    kept = queries.get_settings(uow, agent_id).model_dump()
    settings = AgentSettings.model_validate({**kept, **body.model_dump(exclude_unset=True)})
    actions.change_agent(uow, agent_id, AgentPatch(settings=settings))
    return settings


@api.get("/logs", permission=READ, query=LogsQuery, returns=PageOf[RunLineOut], summary="An agent's turns, newest first")
def list_logs(uow: UnitOfWork, query: LogsQuery) -> Page[ReplyRun]:
    return queries.list_agent_runs(uow, query.agent_id, query)


@api.get("/agents/<uuid:agent_id>/metrics", permission=READ, query=FiguresQuery, returns=FiguresOut)
def measure_agent(uow: UnitOfWork, agent_id: UUID, query: FiguresQuery) -> FiguresOut:
    return queries.measure_agent(uow, agent_id, since=uow.now - timedelta(days=query.days))


@api.get("/debug/agents/<uuid:agent_id>/status", permission=READ, returns=AgentStatusOut, unit=False, summary="Can it answer?")
def get_status(call: Call, agent_id: UUID) -> AgentStatusOut:
    models = call.box.part(Inference).ready()
    with call.unit(read_only=True) as uow:
        agent = queries.get_agent(uow, agent_id)
        draft = queries.find_version(uow, agent_id, VersionState.DRAFT)
        last = queries.find_last_run(uow, agent_id)
        own = queries.get_settings(uow, agent_id).knowledge == "agent"
        return AgentStatusOut(
            agent_id=agent.id, name=agent.name, active=agent.active, published_number=agent.published_number,
            draft_number=draft.number if draft else None, answers=agent.active and agent.published_number is not None,
            documents=knowledge.list_documents(uow, limit=1, agent_id=agent_id if own else None).total,
            models_ready=models.ready, models_reason=models.reason,
            engine=models.chat_engine if models.chat_engine != "none" else "extractive",
            turns_today=queries.measure_agent(uow, agent_id, since=uow.now - DAY).turns, last_turn_at=last.created_at if last else None,
            last_outcome=last.outcome if last else None,
        )  # fmt: skip
