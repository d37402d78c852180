"""Many chunks of text that people wrote: sentences of FaQuAD and Cranfield, recombined into documents.

Each sentence is read, stemmed and embedded once, by the code of the box. A chunk's vector is the mean of its sentences' vectors.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from appliance.core.ids import new_id
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import calibrating, indexing
from appliance.domains.knowledge.rules import digest, units
from appliance.domains.knowledge.rules.chunking import Chunk as Packed
from appliance.domains.knowledge.tables import Document, DocumentVersion
from appliance.domains.knowledge.types import Block, BlockKind, DocumentStatus
from appliance.inference.types import Inference, Vectors
from tests.bench import judged
from tests.bench.judged import Collection
from tests.bench.knowledge_box import READ, KnowledgeBox

CHUNKS_A_DOCUMENT = 50
SENTENCES = 5
MEASURED_WEIGHTS = {"pt": 0.2, "en": 0.5}  # what calibration finds on the two collections themselves


@dataclass(frozen=True)
class Source:
    language: str
    sentences: tuple[dict[str, Any], ...]
    vectors: Vectors


def fill(filled: KnowledgeBox, models: Inference, folder: Path, chunks: int) -> None:
    sources = [_source(one, models) for one in (judged.faquad(folder), judged.cranfield(folder))]
    chance = random.Random(7)
    for number in range(chunks // CHUNKS_A_DOCUMENT):
        _add_document(filled, number, sources[number % 2], chance)
    stored = queries.read_vectors(lambda: filled.box.unit(filled.tenant_id, read_only=True))
    models.index_rebuild(queries.vector_namespace(filled.tenant_id), stored)
    with filled.box.unit(filled.tenant_id) as uow:
        version = queries.get_snapshot(uow).version
        calibrating.record_calibration(uow, measured_version=version, threshold=1.0, dense_weights=MEASURED_WEIGHTS)


def _source(collection: Collection, models: Inference) -> Source:
    said = [one for passage in collection.passages for one in re.split(r"(?<=[.!?]) +", passage.text) if 5 <= len(one.split()) <= 60]
    said = list(dict.fromkeys(said))
    blocks = [Block(BlockKind.PARAGRAPH, one, paragraph=number) for number, one in enumerate(said)]
    packed = [Packed(tuple(units.split([block])), (), len(block.text.split())) for block in blocks]
    stored = tuple(digest.stored_units(one, 0, collection.language)[0] for one in packed)
    return Source(collection.language, stored, models.embed([one["text"] for one in stored]))


def _add_document(filled: KnowledgeBox, number: int, source: Source, chance: random.Random) -> None:
    picked = [chance.sample(range(len(source.sentences)), SENTENCES) for _ in range(CHUNKS_A_DOCUMENT)]
    rows = tuple(_row(position, [source.sentences[one] for one in chosen], number) for position, chosen in enumerate(picked))
    means = np.stack([source.vectors[chosen].mean(axis=0) for chosen in picked])
    vectors: dict[UUID, bytes] = {}
    for row, mean in zip(rows, means / np.linalg.norm(means, axis=1, keepdims=True), strict=True):
        vectors[row["id"]] = mean.astype(np.float16).tobytes()
    prepared = indexing.prepare_rows(rows, title={})
    found = digest.Digest((), source.language, (), digest.digest([], name="x", title="").claims, {})
    with filled.box.unit(filled.tenant_id) as uow:
        name, quarter = f"documento {number}.txt", str(number // 2 % 4)
        document = Document(filename=name, agents=[], tags=[quarter], details={}, version=1, status=DocumentStatus.PROCESSED)
        uow.session.add(document)
        uow.session.flush()
        version = DocumentVersion(document_id=document.id, number=1, blob_id=new_id(), size=1, sha256="")
        uow.session.add(version)
        uow.session.flush()
        indexing.record_chunks(uow, version.id, READ, found, prepared, vectors=vectors)
        indexing.activate_version(uow, version.id)


def _row(position: int, said: Sequence[dict[str, Any]], number: int) -> dict[str, Any]:
    """Every tenth sentence names an article of its own, so that rare words exist too."""
    code = f"art{number:04d}x{position:02d}"
    stored = [{**unit, "order": position * SENTENCES + place, "paragraph": position} for place, unit in enumerate(said)]
    if position % 2:
        stored[0] = {**stored[0], "text": f"{stored[0]['text']} {code}", "stems": f"{stored[0]['stems']} {code}"}
    text = " ".join(unit["text"] for unit in stored)
    return {
        "id": new_id(), "position": position, "text": text, "heading_path": [], "page_from": None, "page_to": None,
        "token_count": len(text.split()), "char_start": 0, "char_end": len(text), "units": stored,
    }


def questions(folder: Path) -> Iterator[str]:
    """Of both collections, mixed, each once."""
    asked = [one.question for collection in (judged.faquad(folder), judged.cranfield(folder)) for one in collection.questions]
    yield from random.Random(11).sample(list(dict.fromkeys(asked)), len(set(asked)))
