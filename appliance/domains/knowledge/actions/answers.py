"""Answering a question from the documents: quoted always, worded by a language model where one is set up and stays truthful."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from appliance.core.box import Box
from appliance.core.errors import Conflict, Unavailable
from appliance.core.ids import NIL, new_id
from appliance.core.uow import SYSTEM, Actor
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import asked
from appliance.domains.knowledge.actions.asked import Ask
from appliance.domains.knowledge.events import VectorsLost
from appliance.domains.knowledge.queries import Retrieval
from appliance.domains.knowledge.rules import answering, asking, citations, groundedness, prompting
from appliance.domains.knowledge.rules.answering import Draft
from appliance.domains.knowledge.rules.asking import Turn
from appliance.domains.knowledge.rules.refusal import Band
from appliance.domains.knowledge.types import Answer, Engine, Source
from appliance.inference.types import ChatMessage, ChatResult, Inference

EXCERPT = 400
MODEL_SOURCES = 5
EXTRACTIVE_MODEL = "extractive"


@dataclass(frozen=True, slots=True)
class Worded:
    text: str
    engine: Engine
    model: str
    tokens: int
    grounded: bool


def answer_question(
    box: Box, tenant_id: UUID, question: str, *, agent_id: UUID | None = None, context: Sequence[Turn] = (), ask: Ask | None = None,
    actor: Actor = SYSTEM,
) -> Answer:
    """The door for other domains. Opens its own units, because it asks models: never call it inside one.

    `context` holds the earlier turns, oldest first. An answer that is not `answered` has left an answer gap behind.
    """
    ask = _for_agent(ask or Ask(), agent_id)
    started = time.perf_counter()
    lost = False
    question = question[:asking.LONGEST_QUESTION]
    kept, fingerprint = asked.find_same(box, tenant_id, question, context, ask)
    if kept is None:
        retrieval, draft = draft_answer(box, tenant_id, question, context, ask)
        lost = retrieval.vectors_lost
        kept = _assembled(retrieval, draft, word_answer(box, retrieval, draft, context, ask), ask)
    answer = replace(kept, query_id=new_id(), processing_time_ms=round((time.perf_counter() - started) * 1000))
    with box.unit(tenant_id, actor) as uow:
        asked.record_answer(uow, question, answer, ask, fingerprint)
        if lost:
            uow.emit(VectorsLost("question"))
    return answer


def stream_answer(
    box: Box, tenant_id: UUID, question: str, *, context: Sequence[Turn] = (), ask: Ask | None = None, actor: Actor = SYSTEM,
) -> Iterator[str | Answer]:
    """Sentences as they are sure, then the whole Answer. A sentence is only let out once its figures are checked."""
    answer = answer_question(box, tenant_id, question, context=context, ask=ask, actor=actor)
    pieces = answer.text.split(" ")
    for start in range(0, len(pieces), 6):
        yield " ".join(pieces[start:start + 6]) + (" " if start + 6 < len(pieces) else "")
    yield answer


def _for_agent(ask: Ask, agent_id: UUID | None) -> Ask:
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


def word_answer(box: Box, retrieval: Retrieval, draft: Draft, context: Sequence[Turn], ask: Ask) -> Worded:
    """The quoted text, or the model's when it knows, cites what exists and keeps every figure."""
    quoted = Worded(draft.text, Engine.EXTRACTIVE, EXTRACTIVE_MODEL, 0, grounded=True)
    if draft.band is Band.UNKNOWN or draft.emergency or not ask.allow_chat:
        return quoted
    sources = [retrieval.place(chunk).text for chunk in _model_chunks(retrieval, draft)]
    try:
        said = _ask_model(box, retrieval, draft, sources, context, ask)
    except (Unavailable, Conflict):
        return quoted
    text = citations.drop_dangling(said.text.strip(), len(sources))
    kept = groundedness.keep_supported(text, sources, draft.language)
    if prompting.declines(said.text) or not kept or not citations.numbers_in(kept):
        return quoted
    return Worded(kept, Engine.CHAT, said.model, said.prompt_tokens + said.completion_tokens, grounded=kept == text)


def _model_chunks(retrieval: Retrieval, draft: Draft) -> list[str]:
    """What the quotes came from, then the next best chunks."""
    others = [str(place.chunk_id) for place in queries.varied(retrieval, MODEL_SOURCES)]
    return list(dict.fromkeys((*draft.chunks, *others)))[:MODEL_SOURCES]


def _ask_model(box: Box, retrieval: Retrieval, draft: Draft, sources: Sequence[str], context: Sequence[Turn], ask: Ask) -> ChatResult:
    turns = [(turn.role, turn.text) for turn in context]
    messages = [
        ChatMessage("system", prompting.system_prompt(draft.language)),
        ChatMessage("user", prompting.user_prompt(retrieval.question.text, turns, sources)),
    ]
    models = box.part(Inference)
    return models.chat(messages, model=ask.model, temperature=ask.temperature, max_tokens=ask.max_tokens)


def _assembled(retrieval: Retrieval, draft: Draft, worded: Worded, ask: Ask) -> Answer:
    cited = _model_chunks(retrieval, draft) if worded.engine is Engine.CHAT else list(draft.chunks)
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

