"""Questions and what could not be answered."""

import json
from collections.abc import Iterator
from uuid import UUID

from flask import Response

from appliance.core import web
from appliance.core.errors import DomainError
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge import actions, queries
from appliance.domains.knowledge.actions import Ask, Scope, Turn
from appliance.domains.knowledge.errors import QueryNotFound
from appliance.domains.knowledge.schemas import (
    AnswerOut,
    FeedbackIn,
    GapAnswerIn,
    GapFilledOut,
    GapOut,
    GapQuery,
    QuestionIn,
    SourceOut,
    SourcesOut,
)
from appliance.domains.knowledge.tables import AnswerGap
from appliance.domains.knowledge.types import Answer

api = web.Api("answers")


@api.post("/rag/query", permission="knowledge:ask", body=QuestionIn, returns=AnswerOut, unit=False, summary="Ask the documents")
def ask_documents(call: web.Call, body: QuestionIn) -> AnswerOut | Response:
    if body.agent_id is not None:
        with call.unit(read_only=True) as uow:
            actions.check_agents(uow, [body.agent_id])
    context = tuple(Turn(turn.role, turn.text) for turn in body.context)
    if body.stream:
        growing = actions.stream_answer(call.box, call.who.tenant_id, body.query, context=context, ask=_ask(body), actor=call.who.actor)
        return web.event_stream(_lines(growing, include_sources=body.include_sources))
    answer = actions.answer_question(call.box, call.who.tenant_id, body.query, context=context, ask=_ask(body), actor=call.who.actor)
    return _shown(answer, include_sources=body.include_sources)


def _ask(body: QuestionIn) -> Ask:
    return Ask(
        agent_id=body.agent_id, conversation_id=body.conversation_id, top_k=body.top_k,
        min_score=body.min_score, temperature=body.temperature,
        max_tokens=body.max_tokens, scope=Scope(document_ids=frozenset(body.document_ids), tags=frozenset(body.tags), since=body.since),
    )


def _shown(answer: Answer, *, include_sources: bool) -> AnswerOut:
    return AnswerOut(
        answer=answer.text, answered=answer.answered, confident=answer.confident, confidence=answer.confidence, grounded=answer.grounded,
        emergency=answer.emergency, sources=[SourceOut.model_validate(source) for source in answer.sources] if include_sources else [],
        query_id=answer.query_id, processing_time_ms=answer.processing_time_ms, engine=answer.engine, model=answer.model,
        language=answer.language, tokens_used=answer.tokens_used,
    )


def _lines(growing: Iterator[Answer], *, include_sources: bool) -> Iterator[str]:
    """`delta` events with text, then one `done` with the whole answer; `error` when the box could not.

    A comment while there is nothing to say tells us whether the caller is still there.
    """
    shown, answer = 0, None
    try:
        for answer in growing:
            yield _event("delta", json.dumps({"text": answer.text[shown:]})) if len(answer.text) > shown else ": writing\n\n"
            shown = len(answer.text)
        if answer is not None:
            yield _event("done", _shown(answer, include_sources=include_sources).model_dump_json())
    except DomainError as err:
        yield _event("error", json.dumps({"status": err.status, "detail": str(err)}))


def _event(name: str, payload: str) -> str:
    return f"event: {name}\ndata: {payload}\n\n"


@api.get("/rag/sources/<uuid:query_id>", permission="knowledge:ask", returns=SourcesOut, unit=False,
         summary="Where an answer came from, for who asked and who may read the documents")
def get_sources(call: web.Call, query_id: UUID) -> SourcesOut:
    with call.unit(read_only=True) as uow:
        query = queries.get_query(uow, query_id)
        if not call.who.can("knowledge:read") and not queries.was_asked_by(query, call.who.actor):
            raise QueryNotFound(_("This question was not asked here."))
        return SourcesOut(query_id=query.id, sources=[SourceOut.model_validate(source) for source in queries.sources_of(query)])


@api.post("/rag/queries/<uuid:query_id>/feedback", permission="knowledge:ask", body=FeedbackIn, summary="Say whether an answer was right")
def give_feedback(uow: UnitOfWork, query_id: UUID, body: FeedbackIn) -> None:
    actions.give_feedback(uow, query_id, body.feedback)


@api.get("/rag/gaps", permission="knowledge:read", query=GapQuery, returns=web.PageOf[GapOut],
         summary="Questions the documents did not answer")
def list_gaps(uow: UnitOfWork, query: GapQuery) -> web.Page[AnswerGap]:
    return queries.list_gaps(uow, status=query.status, page=query.page, limit=query.limit)


@api.post("/rag/gaps/<uuid:gap_id>/answer", permission="knowledge:write", body=GapAnswerIn, returns=GapFilledOut, status=201, unit=False,
          summary="Answer an open question once and for all")
def fill_gap(call: web.Call, gap_id: UUID, body: GapAnswerIn) -> GapFilledOut:
    return GapFilledOut(document_id=actions.fill_gap(call.box, call.who.tenant_id, gap_id, body.answer))


@api.delete("/rag/gaps/<uuid:gap_id>", permission="knowledge:write", summary="Put an open question aside")
def dismiss_gap(uow: UnitOfWork, gap_id: UUID) -> None:
    actions.dismiss_gap(uow, gap_id)
