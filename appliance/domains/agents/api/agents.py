import json
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from uuid import UUID

from flask import Response

from appliance.core import clock
from appliance.core.errors import DomainError, NotFound
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call, Page, PageOf, PageQuery, event_stream
from appliance.domains.agents import actions, queries
from appliance.domains.agents.rules.intents import find_intents
from appliance.domains.agents.schemas import (
    AgentDetailOut,
    AgentIn,
    AgentOut,
    AgentPatch,
    DifferenceOut,
    DiffQuery,
    FromTemplateIn,
    PublishIn,
    RollbackIn,
    RunOut,
    StepOut,
    TemplateOut,
    TemplateQuery,
    TestIn,
    TestOut,
    VersionOut,
)
from appliance.domains.agents.tables import Agent, AgentVersion, ReplyRun
from appliance.domains.agents.types import Composed, Difference, Situation, Template, VersionState
from appliance.domains.conversations import queries as conversations

api = Api("agents")
READ, WRITE, ASK = "agents:read", "agents:write", "agents:ask"


@api.get("/agents", permission=READ, query=PageQuery, returns=PageOf[AgentOut])
def list_agents(uow: UnitOfWork, query: PageQuery) -> Page[Agent]:
    return queries.list_page(uow, query)


@api.post("/agents", permission=WRITE, body=AgentIn, returns=AgentOut, status=201)
def create_agent(uow: UnitOfWork, body: AgentIn) -> Agent:
    return actions.create_agent(uow, body)


@api.get("/agents/templates", permission=READ, query=TemplateQuery, returns=list[TemplateOut])
def list_templates(uow: UnitOfWork, query: TemplateQuery) -> list[Template]:  # noqa: ARG001 - they belong to no tenant
    return queries.list_templates(query.language)


@api.post("/agents/from-template", permission=WRITE, body=FromTemplateIn, returns=AgentOut, status=201)
def create_from_template(uow: UnitOfWork, body: FromTemplateIn) -> Agent:
    return actions.create_from_template(uow, body)


@api.get("/agents/<uuid:agent_id>", permission=READ, returns=AgentDetailOut)
def get_agent(uow: UnitOfWork, agent_id: UUID) -> AgentDetailOut:
    agent = AgentOut.model_validate(queries.get_agent(uow, agent_id))
    published = queries.find_version(uow, agent_id, VersionState.PUBLISHED)
    draft = queries.find_version(uow, agent_id, VersionState.DRAFT)
    return AgentDetailOut(
        **agent.model_dump(),
        published=VersionOut.model_validate(published) if published else None,
        draft=VersionOut.model_validate(draft) if draft else None,
    )


@api.patch("/agents/<uuid:agent_id>", permission=WRITE, body=AgentPatch, returns=AgentOut)
def change_agent(uow: UnitOfWork, agent_id: UUID, body: AgentPatch) -> Agent:
    return actions.change_agent(uow, agent_id, body)


@api.delete("/agents/<uuid:agent_id>", permission=WRITE)
def delete_agent(uow: UnitOfWork, agent_id: UUID) -> None:
    actions.delete_agent(uow, agent_id)


@api.get("/agents/<uuid:agent_id>/versions", permission=READ, returns=list[VersionOut])
def list_versions(uow: UnitOfWork, agent_id: UUID) -> Sequence[AgentVersion]:
    return queries.list_versions(uow, agent_id)


@api.get("/agents/<uuid:agent_id>/diff", permission=READ, query=DiffQuery, returns=list[DifferenceOut])
def compare_versions(uow: UnitOfWork, agent_id: UUID, query: DiffQuery) -> list[Difference]:
    return queries.list_differences(uow, agent_id, query.before, query.after)


@api.post("/agents/<uuid:agent_id>/publish", permission=WRITE, body=PublishIn, returns=VersionOut)
def publish(uow: UnitOfWork, agent_id: UUID, body: PublishIn) -> AgentVersion:
    return actions.publish(uow, agent_id, note=body.note, anyway=body.anyway)


@api.post("/agents/<uuid:agent_id>/rollback", permission=WRITE, body=RollbackIn, returns=VersionOut)
def roll_back(uow: UnitOfWork, agent_id: UUID, body: RollbackIn) -> AgentVersion:
    return actions.roll_back(uow, agent_id, body.number)


@api.post("/agents/<uuid:agent_id>/test", permission=ASK, body=TestIn, returns=TestOut, unit=False)
def test_agent(call: Call, agent_id: UUID, body: TestIn) -> TestOut | Response:
    """Ask as a contact would, without anything being sent or kept in a conversation."""
    with call.unit(read_only=True) as uow:
        policy = queries.get_policy(uow, agent_id, draft=body.version == "draft")
    situation = Situation.of_question(agent_id, policy, body.said, clock.now())
    ask = partial(actions.ask_documents_aloud, call.box, call.who.tenant_id, keep=False)
    saying = _tested(body, actions.compose_aloud(situation, ask))
    if body.stream:
        return event_stream(_lines(saying))
    *_said, result = saying
    assert isinstance(result, TestOut)
    return result


def _tested(body: TestIn, saying: Generator[str | Composed]) -> Iterator[str | TestOut]:
    started = time.perf_counter()
    with closing(saying):
        for part in saying:
            yield part if isinstance(part, str) else _test_out(body, part, took_ms=round((time.perf_counter() - started) * 1000))


def _test_out(body: TestIn, composed: Composed, *, took_ms: int) -> TestOut:
    decision = composed.decision
    return TestOut(
        outcome=decision.outcome,
        reason=decision.reason,
        text=decision.text,
        sources=[dict(source) for source in decision.sources],
        confidence=decision.confidence,
        engine=decision.engine,
        intents=list(find_intents(body.question)),
        steps=[StepOut.model_validate(step) for step in composed.steps],
        took_ms=took_ms,
    )


def _lines(saying: Iterator[str | TestOut]) -> Iterator[str]:
    """`delta` events with text, then one `done` with everything; `error` when the box could not."""
    try:
        for part in saying:
            if isinstance(part, TestOut):
                yield f"event: done\ndata: {part.model_dump_json()}\n\n"
            else:
                yield f"event: delta\ndata: {json.dumps({'text': part})}\n\n" if part else ": writing\n\n"
    except DomainError as err:
        yield f"event: error\ndata: {json.dumps({'status': err.status, 'detail': str(err)})}\n\n"


@api.get("/messages/<uuid:message_id>/trace", permission=READ, returns=RunOut)
def get_trace(uow: UnitOfWork, message_id: UUID) -> RunOut:
    """Why this message was answered as it was, or why it was not."""
    run = queries.find_run(uow, message_id)
    if run is None:
        raise NotFound(_("No agent has dealt with this message."))
    return _with_steps(uow, [run])[0]


@api.get("/conversations/<uuid:conversation_id>/runs", permission=READ, returns=list[RunOut])
def list_runs(uow: UnitOfWork, conversation_id: UUID) -> list[RunOut]:
    found = conversations.get_conversation(uow, conversation_id)
    return _with_steps(uow, queries.list_runs(uow, found.id))


def _with_steps(uow: UnitOfWork, runs: Sequence[ReplyRun]) -> list[RunOut]:
    steps: dict[UUID, list[StepOut]] = {run.id: [] for run in runs}
    for step in queries.list_steps(uow, steps):
        steps[step.run_id].append(StepOut.model_validate(step))
    columns = RunOut.model_fields.keys() - {"steps"}
    return [RunOut(**{name: getattr(run, name) for name in columns}, steps=steps[run.id]) for run in runs]
