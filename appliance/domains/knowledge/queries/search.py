"""Reads of the lexical index and of chunks. Everything comes through mapped classes, so the tenant guard sees it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries.corpus import Member
from appliance.domains.knowledge.rules import postings
from appliance.domains.knowledge.rules.scoring import Statistics
from appliance.domains.knowledge.tables import Chunk, Posting

VOCABULARY = 4000


@dataclass(frozen=True, slots=True)
class Found:
    """Postings of the stems asked for, restricted to a scope. `units` counts units by stem."""

    entries: Mapping[str, postings.Entries]
    units: Mapping[str, int]


def find_postings(uow: UnitOfWork, terms: Collection[str], members: Mapping[UUID, Member]) -> Found:
    rows = uow.session.execute(select(Posting.term, Posting.version_id, Posting.units, Posting.packed).where(Posting.term.in_(terms))).all()
    packed: dict[str, list[bytes]] = {}
    units: dict[str, int] = {}
    for term, version_id, held, entries in rows:
        if version_id in members:
            packed.setdefault(term, []).append(entries)
            units[term] = units.get(term, 0) + held
    return Found({term: postings.unpack(found) for term, found in packed.items()}, units)


def find_spellings(uow: UnitOfWork, unknown: Iterable[str], members: Mapping[UUID, Member]) -> dict[str, int]:
    """Known stems that begin like an unknown one, with how many units hold them."""
    known: dict[str, int] = {}
    for begin in {term[:1] for term in unknown if term}:
        rows = uow.session.execute(
            select(Posting.term, Posting.version_id, Posting.units)
            .where(Posting.term >= begin, Posting.term < chr(ord(begin) + 1)).order_by(Posting.term).limit(VOCABULARY)
        )
        for term, version_id, held in rows:
            if version_id in members:
                known[term] = known.get(term, 0) + held
    return known


def statistics(found: Found, members: Iterable[Member]) -> Statistics:
    """Of units, for choosing what to quote."""
    scope = list(members)
    pieces = sum(member.unit_count for member in scope)
    return Statistics(pieces, dict(found.units), sum(member.unit_length for member in scope) / (pieces or 1))


def score_chunks(found: Found, weights: Mapping[str, float], members: Iterable[Member]) -> dict[int, float]:
    scope = list(members)
    pieces = sum(member.chunk_count for member in scope)
    return postings.scores(found.entries, weights, pieces, sum(member.chunk_length for member in scope) / (pieces or 1))


def list_chunks_by_number(uow: UnitOfWork, numbers: Collection[int]) -> dict[int, Chunk]:
    rows = uow.session.scalars(select(Chunk).where(Chunk.number.in_(numbers)))
    return {chunk.number: chunk for chunk in rows}
