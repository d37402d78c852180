"""Keeping what was asked: the answer with its sources, the gap it left, and the same answer for the same question."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID

from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import documents
from appliance.domains.knowledge.actions.documents import Filing
from appliance.domains.knowledge.errors import NothingToRead
from appliance.domains.knowledge.events import AnswerGapFilled, AnswerGapFound, QuestionAnswered
from appliance.domains.knowledge.queries import Scope
from appliance.domains.knowledge.rules import asking, courtesy, injection, words
from appliance.domains.knowledge.rules.asking import Turn
from appliance.domains.knowledge.tables import AnswerGap, Query
from appliance.domains.knowledge.types import ANSWERS_TAG, Answer, GapStatus

WRONG = "wrong"
RIGHT_AFTER_ALL = "right after all"  # called wrong before, and counted then


@dataclass(frozen=True, slots=True)
class Ask:
    """How to answer. `min_score` refuses below that confidence; `top_k` is how many sources are listed.

    `voice` is who a language model should sound like.

    `keep` false is for trials: neither the question nor the gap it may leave is written down.
    """

    agent_id: UUID | None = None
    conversation_id: UUID | None = None
    top_k: int = 5
    min_score: float = 0.0
    temperature: float = 0.2
    max_tokens: int = 300
    model: str = ""
    voice: str = ""
    allow_chat: bool = True
    keep: bool = True
    scope: Scope = field(default_factory=Scope)


def find_same(box: Box, tenant_id: UUID, question: str, context: Sequence[Turn], ask: Ask) -> tuple[Answer | None, str]:
    """The answer already given over this very corpus, if any, and the fingerprint to keep a new one under."""
    with box.unit(tenant_id, read_only=True) as uow:
        fingerprint = _fingerprint(box, tenant_id, question, context, ask, queries.get_snapshot(uow).version)
        kept = queries.find_answered(uow, fingerprint)
        return (queries.answer_of(kept) if kept else None), fingerprint


def _fingerprint(box: Box, tenant_id: UUID, question: str, context: Sequence[Turn], ask: Ask, corpus_version: int) -> str:
    shaped_by = {key: value for key, value in asdict(ask).items() if key not in {"conversation_id", "keep"}}
    scope = ask.scope
    shaped_by["scope"] = [sorted(map(str, scope.document_ids)), sorted(scope.tags), str(scope.since), str(scope.agent_id)]
    said = [words.fold(" ".join(question.split())), [[turn.role, turn.text] for turn in context]]
    engine = [box.settings.models.chat_engine, box.settings.models.chat_model]
    whole = json.dumps([tenant_id.hex, corpus_version, said, shaped_by, engine], default=str, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def record_answer(uow: UnitOfWork, question: str, context: Sequence[Turn], answer: Answer, ask: Ask, fingerprint: str) -> None:
    if not ask.keep:
        return
    asked_as = asking.in_context(question, answer.language, context)
    uow.session.add(Query(
        id=answer.query_id, fingerprint=fingerprint, question=question, answer=answer.text,
        answered=answer.answered, confident=answer.confident,
        emergency=answer.emergency, grounded=answer.grounded, confidence=answer.confidence, engine=answer.engine, model=answer.model,
        language=answer.language, agent_id=ask.agent_id, conversation_id=ask.conversation_id, processing_time_ms=answer.processing_time_ms,
        tokens_used=answer.tokens_used, created_at=uow.now,
        sources=queries.sealed_sources(answer.sources, uow.actor, asked_as),
    ))
    uow.session.flush()
    uow.emit(QuestionAnswered(answer.query_id, answer.answered))
    if leaves_gap(question, answer.language, answered=answer.answered):
        note_gap(uow, asked_as, answer.language, ask.agent_id)


def leaves_gap(question: str, language: str, *, answered: bool) -> bool:
    """Whether it waits for an answer: not what asks nothing, nor an order to the machine."""
    return not answered and not courtesy.asks_nothing(question, language) and not injection.is_order(question)


def note_gap(uow: UnitOfWork, question: str, language: str, agent_id: UUID | None, *, asked_at: datetime | None = None) -> AnswerGap:
    """One question more, as `asking.in_context` writes it, that was not answered well. `asked_at` is now unless it is told of later."""
    fingerprint, asked_at = same_gap(question, language, agent_id), asked_at or uow.now
    gap = queries.find_gap(uow, fingerprint)
    if gap is None:
        gap = AnswerGap(
            fingerprint=fingerprint, question=question, language=language, agent_id=agent_id, times=0, status=GapStatus.OPEN,
            created_at=uow.now, last_asked_at=asked_at,
        )
        uow.session.add(gap)
    elif gap.status is GapStatus.FILLED:
        gap.status = GapStatus.OPEN
    gap.times += 1
    gap.last_asked_at = max(gap.last_asked_at, asked_at)
    uow.session.flush()
    uow.emit(AnswerGapFound(gap.id))
    return gap


def same_gap(question: str, language: str, agent_id: UUID | None) -> str:
    """Told apart by their content words, so that two ways of asking count as one."""
    terms = " ".join(sorted(set(words.question_stems(question, language)))) or words.fold(question)
    return hashlib.sha256(f"{agent_id}:{terms}".encode()).hexdigest()


def give_feedback(uow: UnitOfWork, query_id: UUID, feedback: str) -> None:
    """An answer called wrong is a question without an answer: it waits among the gaps for a better one."""
    query = queries.lock_query(uow, query_id)
    called_wrong = query.feedback in {WRONG, RIGHT_AFTER_ALL}
    if feedback == WRONG and not called_wrong:
        _wait_for_better(uow, query)
    query.feedback = RIGHT_AFTER_ALL if called_wrong and feedback != WRONG else feedback


def _wait_for_better(uow: UnitOfWork, query: Query) -> None:
    """A question counts once. What was put aside stays so unless this one was asked after all that were counted."""
    asked_as = queries.asked_as(query)
    gap = queries.find_gap(uow, same_gap(asked_as, query.language, query.agent_id))
    stays_aside = gap is not None and gap.status is GapStatus.DISMISSED and query.created_at <= gap.last_asked_at
    if gap is None or not leaves_gap(query.question, query.language, answered=query.answered):
        gap = note_gap(uow, asked_as, query.language, query.agent_id, asked_at=query.created_at)
    if not stays_aside:
        gap.status = GapStatus.OPEN


def fill_gap(box: Box, tenant_id: UUID, gap_id: UUID, answer: str) -> UUID:
    """The answer becomes a document of its own. Opens its own units, because a file is written. Returns the document's id."""
    text = answer.strip()
    if not text:
        raise NothingToRead(_("Write the answer first."))
    with box.unit(tenant_id, read_only=True) as uow:
        gap = queries.get_gap(uow, gap_id)
        agents = (gap.agent_id,) if gap.agent_id else ()
    content = f"# {' '.join(gap.question.split())}\n\n{text}\n"
    document_id = documents.upload_document(
        box, tenant_id, f"answer-{gap_id.hex[-12:]}.md", io.BytesIO(content.encode()), filing=Filing(agents=agents, tags=(ANSWERS_TAG,)),
    )
    with box.unit(tenant_id) as uow:
        filled = queries.get_gap(uow, gap_id)
        filled.status, filled.document_id = GapStatus.FILLED, document_id
        uow.emit(AnswerGapFilled(gap_id, document_id))
    return document_id


def dismiss_gap(uow: UnitOfWork, gap_id: UUID) -> None:
    queries.get_gap(uow, gap_id).status = GapStatus.DISMISSED
