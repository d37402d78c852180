"""Reads of the lexical index and of chunks. Everything comes through mapped classes, so the tenant guard sees it."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, bindparam, select, type_coerce

from appliance.core import crypto
from appliance.core.prepared import Prepared
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries import lexicon
from appliance.domains.knowledge.queries.corpus import Members, Snapshot
from appliance.domains.knowledge.rules import postings
from appliance.domains.knowledge.rules.scored import Scores
from appliance.domains.knowledge.rules.scoring import Statistics
from appliance.domains.knowledge.tables import Chunk


@dataclass(frozen=True, slots=True)
class Found:
    """Postings of the stems asked for, restricted to a scope. `units` counts units by stem."""

    entries: Mapping[str, postings.Entries]
    units: Mapping[str, int]


def find_postings(uow: UnitOfWork, terms: Collection[str], snapshot: Snapshot, members: Members) -> Found:
    found = lexicon.find_entries(uow, terms, snapshot)
    if not members.are_all:
        found = {term: mine for term, entries in found.items() if len(mine := postings.within(entries, members.ranges))}
    return Found(found, {term: int(entries["units"].sum()) for term, entries in found.items()})


def find_spellings(uow: UnitOfWork, unknown: Iterable[str], snapshot: Snapshot, members: Members) -> Mapping[str, int]:
    """Known stems that resemble an unknown one, with how many units hold them."""
    near = lexicon.find_near(uow, unknown, snapshot)
    return find_postings(uow, near, snapshot, members).units if near else {}


def statistics(found: Found, members: Members) -> Statistics:
    """Of units, for choosing what to quote."""
    return Statistics(members.unit_count, found.units, members.average_unit)


def score_chunks(found: Found, weights: Mapping[str, float], members: Members) -> Scores:
    return postings.scores(found.entries, weights, members.chunk_count, members.average_chunk)


def list_chunks_by_number(uow: UnitOfWork, numbers: Collection[int]) -> dict[int, Chunk]:
    rows = uow.session.scalars(select(Chunk).where(Chunk.number.in_(numbers)))
    return {chunk.number: chunk for chunk in rows}


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """What is read of a chunk to answer with it. Its units stay sealed until somebody does."""

    id: UUID
    number: int
    position: int
    page_from: int | None
    page_to: int | None
    text: str
    sealed_units: bytes

    @property
    def units(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(crypto.installed().unseal(self.sealed_units))
        return found


_STORED = Prepared(select(
    Chunk.id, Chunk.number, Chunk.position, Chunk.page_from, Chunk.page_to, Chunk.text, type_coerce(Chunk.units, LargeBinary),
).where(Chunk.number.in_(bindparam("numbers", expanding=True))))


def read_chunks(uow: UnitOfWork, numbers: Collection[int]) -> list[StoredChunk]:
    return [StoredChunk(*row) for row in _STORED.rows(uow, numbers=list(numbers))]
