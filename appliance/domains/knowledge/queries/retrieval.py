"""Finding the chunks and units that may answer: lexical always, dense where it was measured to help."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from uuid import UUID

import numpy as np
import structlog

from appliance.core.box import Box
from appliance.core.errors import Conflict, NotFound, Unavailable
from appliance.core.tenancy import topic
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries import corpus, search
from appliance.domains.knowledge.queries.corpus import Member, Members, Scope, Snapshot
from appliance.domains.knowledge.queries.search import Found, StoredChunk
from appliance.domains.knowledge.rules import answering, digest, diversity, fusion
from appliance.domains.knowledge.rules.asking import Question, Turn
from appliance.domains.knowledge.rules.ranking import Passage
from appliance.domains.knowledge.rules.scored import Scores
from appliance.domains.knowledge.rules.scoring import Statistics
from appliance.domains.knowledge.tables import Chunk
from appliance.inference.errors import IndexMismatch, IndexMissing
from appliance.inference.types import Allow, IndexHits, VectorIndex

CANDIDATES = 100  # measured from zero, a wider pool finds nothing more: Cranfield .575 with 100, .573 with 1000
READ = 20
KEPT_READS = 1000
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """A chunk that was read, where it stands, and its score from 0 to 1 among those found."""

    chunk_id: UUID
    document_id: UUID
    document_name: str
    number: int
    position: int
    pages: tuple[int, int] | None
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Retrieval:
    question: Question
    snapshot: Snapshot
    places: tuple[Place, ...]
    reads: tuple["Read", ...]
    statistics: Statistics
    dense: bool
    vectors_lost: bool = False

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(passage for read in self.reads for passage in read.passages)

    def place(self, chunk: str) -> Place:
        return next(place for place in self.places if str(place.chunk_id) == chunk)


def retrieve(
    box: Box, tenant_id: UUID, text: str, *, context: Sequence[Turn] = (), scope: Scope | None = None, depth: int = READ,
) -> Retrieval:
    """Opens its own units. The model server looks for vectors while words are looked up here."""
    scope, known = scope or Scope(), corpus.kept_snapshot(tenant_id)
    asked = _ask_vectors(box, tenant_id, text, known, scope) if known else None
    with box.unit(tenant_id, read_only=True) as uow:
        snapshot = corpus.get_snapshot(uow)
        members = snapshot.within(scope)
        question, stems, found = _understood(uow, text, context, snapshot, members)
        common = _statistics(uow, question, found, snapshot, members)
    if known is None or known.version != snapshot.version:
        asked = _ask_vectors(box, tenant_id, text, snapshot, scope)
    lexical = search.score_chunks(found, stems, members).best(CANDIDATES)
    dense = _answered(asked, snapshot) if asked is not None else Scores.none()
    weight = _dense_weight(snapshot, text) if dense else 0.0
    fused = fusion.fuse(lexical, dense or Scores.none(), weight).best(depth).by_number()
    reads = _read(box, tenant_id, fused, members)
    return Retrieval(
        question, snapshot, tuple(replace(read.place, score=fused[number]) for number, read in reads.items()),
        tuple(reads.values()), common, bool(dense), dense is None,
    )


@dataclass(frozen=True, eq=False)
class Read:
    """A chunk in memory for a while: text under a number never changes. It is taken apart when somebody answers with it."""

    place: Place
    member: Member
    chunk: StoredChunk

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(passages_of(self.chunk, self.member))


_reads: OrderedDict[tuple[UUID, int], Read] = OrderedDict()
_reads_lock = threading.Lock()


def _read(box: Box, tenant_id: UUID, numbers: Iterable[int], members: Members) -> dict[int, Read]:
    """By number, in the order given. What is not in memory comes from the database in one query."""
    owners = {number: members.owner(number) for number in numbers}
    with _reads_lock:
        kept = {number: _reads.get((tenant_id, number)) for number in owners}
    fresh = {number: read for number, read in kept.items() if read is not None and read.member.standing == owners[number].standing}
    missing = [number for number in owners if number not in fresh]
    if missing:
        with box.unit(tenant_id, read_only=True) as uow:
            fresh |= {chunk.number: _held(chunk, owners[chunk.number]) for chunk in search.read_chunks(uow, missing)}
    with _reads_lock:
        for number, read in fresh.items():
            _reads[(tenant_id, number)] = read
            _reads.move_to_end((tenant_id, number))
        while len(_reads) > KEPT_READS:
            _reads.popitem(last=False)
    return {number: fresh[number] for number in owners if number in fresh}


def _held(chunk: StoredChunk, member: Member) -> Read:
    return Read(_place(chunk, member, 0.0), member, chunk)


def _understood(
    uow: UnitOfWork, text: str, context: Sequence[Turn], snapshot: Snapshot, members: Members,
) -> tuple[Question, Mapping[str, float], Found]:
    question = answering.understand(text, context, known_acronyms=snapshot.acronyms)
    stems = answering.searched_stems(question)
    found = search.find_postings(uow, stems, snapshot, members)
    unknown = answering.unknown_terms(question, found.units)
    known = search.find_spellings(uow, unknown, snapshot, members) if unknown else {}
    if known:
        question = answering.repaired(question, unknown, known)
        stems = answering.searched_stems(question)
        found = search.find_postings(uow, stems, snapshot, members)
    return question, stems, found


def _statistics(uow: UnitOfWork, question: Question, found: Found, snapshot: Snapshot, members: Members) -> Statistics:
    """How rare a word is does not depend on who asks: what counts as sure was measured on all documents."""
    if members.are_all:
        return search.statistics(found, members)
    everything = snapshot.within(Scope())
    return search.statistics(search.find_postings(uow, answering.searched_stems(question), snapshot, everything), everything)


def vector_namespace(tenant_id: UUID) -> str:
    return topic(tenant_id, "knowledge")


def _dense_weight(snapshot: Snapshot, text: str) -> float:
    return float(snapshot.dense_weights.get(answering.language_of(text), 0.0))


def _ask_vectors(box: Box, tenant_id: UUID, text: str, snapshot: Snapshot, scope: Scope) -> Callable[[], IndexHits] | None:
    """None where words alone were measured to be as good."""
    if not _dense_weight(snapshot, text):
        return None
    allow = Allow(ranges=tuple((low, high) for low, high in snapshot.within(scope).ranges.tolist()))
    return box.part(VectorIndex).begin_search(vector_namespace(tenant_id), text=text, k=CANDIDATES, allow=allow)


def _answered(hits: Callable[[], IndexHits], snapshot: Snapshot) -> Scores | None:
    """Empty when the models are away: words alone still find. None when the index is lost.

    One that lies elsewhere than it was last filled is of another time: its numbers may mean other passages.
    """
    try:
        found = hits()
    except (IndexMissing, IndexMismatch):
        return None
    except (Unavailable, NotFound, Conflict) as err:
        log.warning("dense_search_skipped", reason=type(err).__name__)
        return Scores.none()
    if found.place != snapshot.vectors_in:
        return None
    return Scores(found.ids, found.scores.astype(np.float64))


def _place(chunk: StoredChunk, member: Member, score: float) -> Place:
    pages = (chunk.page_from, chunk.page_to or chunk.page_from) if chunk.page_from is not None else None
    return Place(chunk.id, member.document_id, member.name, chunk.number, chunk.position, pages, chunk.text, score)


def passages_of(chunk: StoredChunk | Chunk, member: Member) -> list[Passage]:
    home = digest.Home(str(member.document_id), str(chunk.id), member.standing, member.language, member.title)
    return digest.passages(chunk.units, home)


def varied(retrieval: Retrieval, k: int) -> list[Place]:
    """The k best chunks that do not repeat each other."""
    places = {place.number: place for place in retrieval.places}
    order = diversity.mmr({number: place.score for number, place in places.items()},
                          {number: _terms(place.text) for number, place in places.items()}, k)
    return [places[number] for number in order]


@lru_cache(maxsize=4096)
def _terms(text: str) -> frozenset[str]:
    return frozenset(text.casefold().split())
