"""What was asked, and what could not be answered."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import select

from appliance.core.i18n import lazy_gettext as _
from appliance.core.paging import read_page
from appliance.core.rows import locked
from appliance.core.uow import Actor, UnitOfWork
from appliance.core.web.schema import Page, PageQuery
from appliance.domains.knowledge.errors import GapNotFound, QueryNotFound
from appliance.domains.knowledge.tables import AnswerGap, Query
from appliance.domains.knowledge.types import Answer, GapStatus, Source

_sources = TypeAdapter(list[Source])
ASKED_BY, ASKED_AS, FOUND = "asked_by", "asked_as", "found"


def get_query(uow: UnitOfWork, query_id: UUID) -> Query:
    found = uow.session.get(Query, query_id)
    if found is None:
        raise QueryNotFound(_("This question was not asked here."))
    return found


def lock_query(uow: UnitOfWork, query_id: UUID) -> Query:
    found = uow.session.scalar(locked(select(Query).where(Query.id == query_id)))
    if found is None:
        raise QueryNotFound(_("This question was not asked here."))
    return found


def find_answered(uow: UnitOfWork, fingerprint: str) -> Query | None:
    """The last time exactly this was asked of exactly these documents."""
    return uow.session.scalar(select(Query).where(Query.fingerprint == fingerprint).order_by(Query.created_at.desc()).limit(1))


def answer_of(query: Query) -> Answer:
    return Answer(
        query_id=query.id, text=query.answer, answered=query.answered, confident=query.confident, grounded=query.grounded,
        confidence=query.confidence, sources=sources_of(query), engine=query.engine, model=query.model, language=query.language,
        emergency=query.emergency, processing_time_ms=query.processing_time_ms, tokens_used=query.tokens_used,
    )


def sealed_sources(sources: Iterable[Source], asker: Actor, asked_as: str) -> dict[str, object]:
    """What is kept, sealed, of where an answer came from, who asked for it and after which questions."""
    found = [{key: str(value) if isinstance(value, UUID) else value for key, value in asdict(source).items()} for source in sources]
    return {ASKED_BY: _who(asker), ASKED_AS: asked_as, FOUND: found}


def sources_of(query: Query) -> tuple[Source, ...]:
    return tuple(_sources.validate_python(query.sources[FOUND]))


def asked_as(query: Query) -> str:
    """The question below those that it continued, as `rules.asking.in_context` writes them."""
    return str(query.sources[ASKED_AS])


def list_called_wrong(uow: UnitOfWork, feedback: str, limit: int) -> Sequence[Query]:
    wanted = select(Query).where(Query.feedback == feedback).order_by(Query.created_at.desc()).limit(limit)
    return uow.session.scalars(wanted).all()


def was_asked_by(query: Query, actor: Actor) -> bool:
    return actor.id is not None and bool(query.sources[ASKED_BY] == _who(actor))


def _who(actor: Actor) -> str:
    return f"{actor.kind}:{actor.id}"


def get_gap(uow: UnitOfWork, gap_id: UUID) -> AnswerGap:
    found = uow.session.get(AnswerGap, gap_id)
    if found is None:
        raise GapNotFound(_("This unanswered question does not exist."))
    return found


def find_gap(uow: UnitOfWork, fingerprint: str) -> AnswerGap | None:
    return uow.session.scalar(select(AnswerGap).where(AnswerGap.fingerprint == fingerprint))


def lock_gaps(uow: UnitOfWork, gap_ids: Iterable[UUID]) -> Sequence[AnswerGap]:
    return uow.session.scalars(locked(select(AnswerGap).where(AnswerGap.id.in_(gap_ids)))).all()


def list_gaps(uow: UnitOfWork, *, status: GapStatus = GapStatus.OPEN, page: int = 1, limit: int = 50) -> Page[AnswerGap]:
    """Asked most often first."""
    wanted = select(AnswerGap).where(AnswerGap.status == status)
    ordered = wanted.order_by(AnswerGap.times.desc(), AnswerGap.last_asked_at.desc(), AnswerGap.id)
    return read_page(uow, ordered, PageQuery(page=page, limit=limit))
