"""Measuring a corpus on itself: how well chance scores in it, and whether vectors help its words."""

import random
from collections.abc import Mapping, Sequence
from uuid import UUID

import numpy as np

from appliance.core.box import Box
from appliance.core.errors import Conflict
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries import search
from appliance.domains.knowledge.queries.corpus import Member, Members, Scope, Snapshot
from appliance.domains.knowledge.queries.retrieval import passages_of
from appliance.domains.knowledge.rules import answering, digest, fusion, ranking, refusal, scoring
from appliance.domains.knowledge.rules.fusion import Trial
from appliance.domains.knowledge.rules.ranking import Passage
from appliance.domains.knowledge.rules.refusal import Probe
from appliance.domains.knowledge.rules.scored import Scores, Values
from appliance.domains.knowledge.rules.scoring import Fields
from appliance.domains.knowledge.rules.units import UnitKind
from appliance.domains.knowledge.tables import Chunk
from appliance.inference.types import Inference, Vectors

SAMPLED_CHUNKS = 300
TRIALS, FEWEST_TRIALS = 100, 25
READ = 20
ASKED_TOGETHER = 50  # in one unit: to open one costs PostgreSQL more than the question
SHORTEST_QUESTION, LONGEST_QUESTION = 5, 40


def measure_threshold(box: Box, tenant_id: UUID, snapshot: Snapshot) -> float:
    """Asks what the documents cannot answer and looks how well chance answers it."""
    members = snapshot.within(Scope())
    chunks = _sample(box, tenant_id, members)
    known = {chunk.number: passages_of(chunk, member) for chunk, member in chunks}
    probes = refusal.probes([passage for found in known.values() for passage in found])
    scores: list[float] = []
    for first in range(0, len(probes), ASKED_TOGETHER):
        with box.unit(tenant_id, read_only=True) as uow:
            scores += [_best_score(uow, probe, snapshot, known) for probe in probes[first:first + ASKED_TOGETHER]]
    return refusal.threshold(scores)


def _sample(box: Box, tenant_id: UUID, members: Members) -> list[tuple[Chunk, Member]]:
    """Drawn by number, the same for the same corpus."""
    numbers = [number for low, high in members.ranges.tolist() for number in range(low, high + 1)]
    picked = sorted(random.Random(len(numbers)).sample(numbers, min(SAMPLED_CHUNKS, len(numbers))))  # noqa: S311 - a sample, not a secret
    with box.unit(tenant_id, read_only=True) as uow:
        chunks = search.list_chunks_by_number(uow, picked)
    owners = members.by_version
    return [(chunk, owners[chunk.version_id]) for chunk in chunks.values() if chunk.version_id in owners]


def _best_score(uow: UnitOfWork, probe: Probe, snapshot: Snapshot, known: dict[int, list[Passage]]) -> float:
    members, stems = snapshot.within(Scope()), answering.searched_stems(probe.question)
    found = search.find_postings(uow, stems, snapshot, members)
    near = search.score_chunks(found, stems, members).best(READ).numbers.tolist()
    missing = [number for number in near if number not in known]
    for number, chunk in search.list_chunks_by_number(uow, missing).items() if missing else ():
        known[number] = passages_of(chunk, members.by_version[chunk.version_id])
    visible = probe.seen([passage for number in near for passage in known.get(number, ())])
    ranked = ranking.rank(probe.question, visible, search.statistics(found, members))
    return ranked[0].score if ranked else 0.0


def measure_dense_weights(box: Box, tenant_id: UUID, snapshot: Snapshot) -> dict[str, float]:
    """By language. A sentence is taken out of its chunk and must find the rest of it."""
    chunks = [(chunk, member) for chunk, member in _sample(box, tenant_id, snapshot.within(Scope())) if chunk.embedding]
    spoken = {member.language for _, member in chunks}
    try:
        return {
            language: _dense_weight(box, [pair for pair in chunks if pair[1].language == language], language) for language in sorted(spoken)
        }
    except Conflict:
        return {}


def _dense_weight(box: Box, chunks: Sequence[tuple[Chunk, Member]], language: str) -> float:
    held_out = _held_out(chunks)
    if len(held_out) < FEWEST_TRIALS:
        return 0.0
    models = box.part(Inference)
    asked = models.embed([sentence for _, sentence, _ in held_out], purpose="query")
    without = models.embed([rest for _, _, rest in held_out])
    stored = np.stack([np.frombuffer(chunk.embedding or b"", np.float16).astype(np.float32) for chunk, _ in chunks])
    fields = {chunk.number: digest.chunk_fields(chunk.units, member.title) for chunk, member in chunks}
    numbers = np.array(list(fields), np.int64)
    return fusion.calibrate([
        _trial(chunks[place][0], sentence, language, fields, Scores(numbers, _cosines(stored, question, rest, place)))
        for (place, sentence, _), question, rest in zip(held_out, asked, without, strict=True)
    ], most=fusion.most_for(language, box.settings.models.embedding_model))


def _held_out(chunks: Sequence[tuple[Chunk, Member]]) -> list[tuple[int, str, str]]:
    """(place of the chunk, a sentence or a window of it, the chunk without that)."""
    found: list[tuple[int, str, str]] = []
    for place, (chunk, _) in enumerate(chunks):
        said = [unit["text"] for unit in chunk.units if unit["kind"] == UnitKind.SENTENCE.value]
        middle = said[len(said) // 2].split() if said else []
        start = max(0, (len(middle) - LONGEST_QUESTION) // 2)
        asked = " ".join(middle[start:start + LONGEST_QUESTION])
        rest = chunk.text.replace(asked, " ")
        if len(middle) >= SHORTEST_QUESTION and len(rest.split()) >= SHORTEST_QUESTION:
            found.append((place, asked, rest))
    return found[:TRIALS]


def _cosines(stored: Vectors, question: Vectors, rest: Vectors, place: int) -> Values:
    scores = (stored @ question).astype(np.float64)
    scores[place] = float(rest @ question)
    return scores


def _trial(chunk: Chunk, sentence: str, language: str, fields: Mapping[int, Fields], dense: Scores) -> Trial:
    asked = scoring.concepts(dict.fromkeys(answering.document_stems(sentence, language), 1.0), language)
    reduced = {**fields, chunk.number: _less(fields[chunk.number], answering.document_stems(sentence, language))}
    weighed = scoring.weigh(asked, _statistics(reduced))
    return Trial(Scores.of({number: scoring.measure(weighed, one)[0] for number, one in reduced.items()}), dense, chunk.number)


def _less(fields: Fields, stems: Sequence[str]) -> Fields:
    body = dict(fields.body)
    for stem in stems:
        if body.get(stem):
            body[stem] -= 1
    return Fields({term: count for term, count in body.items() if count}, fields.path, fields.title)


def _statistics(fields: Mapping[int, Fields]) -> scoring.Statistics:
    counted: dict[str, int] = {}
    for one in fields.values():
        for term in {*one.body, *one.path, *one.title}:
            counted[term] = counted.get(term, 0) + 1
    return scoring.Statistics(len(fields), counted, sum(one.length for one in fields.values()) / (len(fields) or 1))
