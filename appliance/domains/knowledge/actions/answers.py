"""Answering a question from the documents, at once or as the answer grows."""

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from uuid import UUID

from appliance.core.box import Box
from appliance.core.ids import NIL, new_id
from appliance.core.uow import SYSTEM, Actor
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import asked, wording
from appliance.domains.knowledge.actions.asked import Ask
from appliance.domains.knowledge.actions.wording import Worded
from appliance.domains.knowledge.events import VectorsLost
from appliance.domains.knowledge.queries import Retrieval
from appliance.domains.knowledge.rules import answering, asking
from appliance.domains.knowledge.rules.answering import Draft
from appliance.domains.knowledge.rules.asking import Turn
from appliance.domains.knowledge.rules.refusal import Band
from appliance.domains.knowledge.types import Answer, Engine, Source

EXCERPT = 400


def answer_question(
    box: Box, tenant_id: UUID, question: str, *, agent_id: UUID | None = None, context: Sequence[Turn] = (), ask: Ask | None = None,
    actor: Actor = SYSTEM,
) -> Answer:
    """The door for other domains. Opens its own units, because it asks models: never call it inside one.

    `context` holds the earlier turns, oldest first. An answer that is not `answered` has left an answer gap behind.
    """
    *_growing, answer = stream_answer(box, tenant_id, question, context=context, ask=for_agent(ask or Ask(), agent_id), actor=actor)
    return answer


def stream_answer(
    box: Box, tenant_id: UUID, question: str, *, context: Sequence[Turn] = (), ask: Ask | None = None, actor: Actor = SYSTEM,
) -> Generator[Answer]:
    """The answer as it grows, sentence by checked sentence; the last one is whole and recorded. Closing it stops the model."""
    ask = for_agent(ask or Ask(), None)
    started = time.perf_counter()
    lost, cacheable = False, True
    question = question[:asking.LONGEST_QUESTION]
    kept, fingerprint = asked.find_same(box, tenant_id, question, context, ask)
    if kept is None:
        retrieval, draft = draft_answer(box, tenant_id, question, context, ask)
        lost = retrieval.vectors_lost
        with closing(wording.word(box, retrieval, draft, context, ask)) as growing:
            for worded in growing:
                kept, cacheable = _assembled(retrieval, draft, worded, ask), not worded.away
                yield kept
    assert kept is not None
    answer = replace(kept, query_id=new_id(), processing_time_ms=round((time.perf_counter() - started) * 1000))
    with box.unit(tenant_id, actor) as uow:
        asked.record_answer(uow, question, context, answer, ask, fingerprint if cacheable else "")
        if lost:
            uow.emit(VectorsLost("question"))
    yield answer


def for_agent(ask: Ask, agent_id: UUID | None) -> Ask:
    agent = agent_id or ask.agent_id
    return replace(ask, agent_id=agent, scope=replace(ask.scope, agent_id=agent)) if agent else ask


def draft_answer(box: Box, tenant_id: UUID, question: str, context: Sequence[Turn], ask: Ask) -> tuple[Retrieval, Draft]:
    """Retrieval and the quoted answer, before any model words it.

    What was said before is read only with a question that continues it, or with a short one that alone finds nothing sure.
    """
    spoken = answering.language_of(question)
    if asking.continues(question, spoken):
        return _drafted(box, tenant_id, question, context, ask)
    alone = _drafted(box, tenant_id, question, (), ask)
    if alone[1].band is Band.ANSWER or not context or not asking.may_continue(question, spoken):
        return alone
    continued = _drafted(box, tenant_id, question, context, ask)
    found_alone = alone[1].band is not Band.UNKNOWN
    return continued if answering.speaks_of(question, continued[1], continued[0].statistics, all_of_it=found_alone) else alone


def _drafted(box: Box, tenant_id: UUID, question: str, context: Sequence[Turn], ask: Ask) -> tuple[Retrieval, Draft]:
    retrieval = queries.retrieve(box, tenant_id, question, context=context, scope=ask.scope)
    draft = answering.answer(retrieval.question, retrieval.passages, retrieval.statistics, retrieval.snapshot.threshold)
    if draft.confidence < ask.min_score and draft.emergency is None:
        draft = Draft(Band.UNKNOWN, answering.not_found(draft.language), (), (), draft.confidence, draft.language)
    return retrieval, draft


def _assembled(retrieval: Retrieval, draft: Draft, worded: Worded, ask: Ask) -> Answer:
    cited = wording.model_chunks(retrieval, draft) if worded.engine is Engine.CHAT else list(draft.chunks)
    known = draft.band is not Band.UNKNOWN
    sources = tuple(_source(retrieval, draft, chunk) for chunk in cited) if known else ()
    return Answer(
        query_id=NIL, text=worded.text, answered=known, confident=draft.band is Band.ANSWER, grounded=worded.grounded,
        confidence=round(draft.confidence, 3), sources=sources[:max(ask.top_k, len(draft.chunks))],
        engine=worded.engine, model=worded.model,
        language=draft.language, emergency=draft.emergency.value if draft.emergency else None,
        processing_time_ms=0, tokens_used=worded.tokens,
    )


def _source(retrieval: Retrieval, draft: Draft, chunk: str) -> Source:
    place = retrieval.place(chunk)
    quotes = [one.passage.text for one in draft.quotes if one.passage.chunk == chunk]
    score = next((one.score for one in draft.quotes if one.passage.chunk == chunk), 0.0)
    calibrated = answering.calibrated_score(score, retrieval.snapshot.threshold)
    return Source(
        place.document_id, place.document_name, place.chunk_id, place.position, place.pages[0] if place.pages else None,
        round(calibrated or place.score * draft.confidence, 3), (" ".join(quotes) or place.text)[:EXCERPT],
    )

