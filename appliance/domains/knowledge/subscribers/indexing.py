"""From a stored file to a document that answers. Each stage is written down, so what died in the middle goes on where it stood."""

import io
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy import select

from appliance.core.errors import Conflict, NotFound
from appliance.core.jobs import Step
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import calibrating, indexing
from appliance.domains.knowledge.events import DocumentStored, VectorsLost
from appliance.domains.knowledge.gateways.extraction import wire
from appliance.domains.knowledge.gateways.extraction.failures import SENTENCES, ExtractionError
from appliance.domains.knowledge.gateways.extraction.launcher import run_extraction
from appliance.domains.knowledge.gateways.extraction.limits import MIB, Limits
from appliance.domains.knowledge.rules import digest, postings
from appliance.domains.knowledge.rules.postings import Entries
from appliance.domains.knowledge.subscribers import cleaning
from appliance.domains.knowledge.tables import Chunk, DocumentVersion
from appliance.domains.knowledge.types import Block, ExtractionFailure
from appliance.domains.knowledge.types import Step as Stage
from appliance.inference.errors import IndexMismatch, IndexMissing
from appliance.inference.types import Inference

EMBED_BATCH = 32
IN_FLIGHT = 2
Batch = list[tuple[UUID, str]]
Row = tuple[int, list[dict[str, Any]], bytes | None]
log = structlog.get_logger()


def index_document(step: Step, event: DocumentStored) -> None:
    for stage, carry_on in ((Stage.STORED, _extract), (Stage.EXTRACTED, _chunk), (Stage.CHUNKED, _embed), (Stage.EMBEDDED, _activate)):
        version = _at(step, event.version_id, stage)
        if version is not None:
            carry_on(step, version)


def _extract(step: Step, version: DocumentVersion) -> None:
    with step.progress() as uow:
        indexing.begin_processing(uow, version.id)
        filename = queries.get_document(uow, version.document_id).filename
    try:
        found = run_extraction(
            step.box.blobs.read_all(step.tenant_id, version.blob_id), filename, _limits(step), _reporter(step, version.id)
        )
    except ExtractionError as err:
        log.info("document_unreadable", failure=err.failure.value, detail=err.detail)
        _fail(step, version.id, str(err))
        return
    blob = step.box.blobs.put(step.tenant_id, io.BytesIO("\n".join(wire.extraction(found)).encode()))
    try:
        with step.progress() as uow:
            indexing.record_extraction(uow, version.id, found, blob.id)
    except NotFound:
        step.box.blobs.delete(step.tenant_id, blob.id)
        raise


def _limits(step: Step) -> Limits:
    chosen = step.box.settings.knowledge
    return Limits(
        file_bytes=chosen.max_file_mb * MIB, memory_bytes=chosen.extraction_memory_mb * MIB, wall_seconds=chosen.extraction_timeout_s,
        cpu_seconds=chosen.extraction_timeout_s,
    )


def _reporter(step: Step, version_id: UUID) -> Callable[[int, int | None], None]:
    """Progress is written a tenth at a time."""
    shown = 0

    def report(page: int, pages: int | None) -> None:
        nonlocal shown
        reached = indexing.READ_SHARE * page // pages // 10 * 10 if pages else 0
        if reached > shown:
            shown = reached
            with step.progress() as uow:
                indexing.note_progress(uow, version_id, reached)

    return report


def _chunk(step: Step, version: DocumentVersion) -> None:
    assert version.extraction_blob_id is not None
    with step.read() as uow:
        filename = queries.get_document(uow, version.document_id).filename
    blocks = _read_blocks(step, version.extraction_blob_id)
    found = digest.digest(blocks, name=filename, title=version.title, uploaded=version.created_at.isoformat())
    if not found.units:
        _fail(step, version.id, str(SENTENCES[ExtractionFailure.NO_TEXT]))
        return
    for cut in found.removed:
        log.warning("orders_removed_from_document", document=version.document_id.hex, sentences=cut.last - cut.first + 1)
    chosen = step.box.settings.knowledge
    packed = digest.chunks(found.units, _counter(step), target=chosen.chunk_tokens, overlap=chosen.chunk_overlap)
    prepared = indexing.prepare_chunks(found, packed, title=digest.title_stems(filename, version.title, found.language))
    with step.progress() as uow:
        indexing.record_chunks(uow, version.id, found, prepared)


def _read_blocks(step: Step, blob_id: UUID) -> list[Block]:
    lines = step.box.blobs.read_all(step.tenant_id, blob_id).decode().splitlines()
    said = (json.loads(line) for line in lines)
    return [wire.read_block(one["block"]) for one in said if "block" in one]


def _counter(step: Step) -> Callable[[Sequence[str]], list[int]]:
    """By the embedder's tokenizer; by words where no embedder is installed."""
    def count(texts: Sequence[str]) -> list[int]:
        try:
            return [tokens.count for tokens in _models(step).count_tokens(texts)]
        except Conflict:
            return [len(text.split()) for text in texts]

    return count


def _embed(step: Step, version: DocumentVersion) -> None:
    """Chunks that have their vector are left alone."""
    model = step.box.settings.models.embedding_model
    total = version.last_number - version.first_number + 1
    with step.read() as uow:
        missing = queries.count_unembedded(uow, version.id)
    try:
        for packed in _vectors(step, version.id):
            missing = max(missing - len(packed), 0)
            with step.progress() as uow:
                indexing.record_embeddings(uow, version.id, packed, 1 - missing / total)
    except Conflict:
        model = ""
    with step.progress() as uow:
        indexing.finish_embedding(uow, version.id, model)


def _vectors(step: Step, version_id: UUID) -> Iterator[dict[UUID, bytes]]:
    """A batch at a time. While one is written down the models work on the next, and another already waits for them."""
    with ThreadPoolExecutor(IN_FLIGHT, "embedding") as models:
        asked: deque[Future[dict[UUID, bytes]]] = deque()
        for batch in _unembedded(step, version_id):
            asked.append(models.submit(_batch, step, batch))
            if len(asked) > IN_FLIGHT:
                yield asked.popleft().result()
        while asked:
            yield asked.popleft().result()


def _batch(step: Step, batch: Batch) -> dict[UUID, bytes]:
    vectors = _models(step).embed([text for _, text in batch])
    return {chunk_id: row.astype(np.float16).tobytes() for (chunk_id, _), row in zip(batch, vectors, strict=True)}


def _unembedded(step: Step, version_id: UUID) -> Iterator[Batch]:
    last: UUID | None = None
    while True:
        with step.read() as uow:
            queries.get_version(uow, version_id)
            batch = queries.list_unembedded(uow, version_id, EMBED_BATCH, after=last)
        if not batch:
            return
        last = batch[-1][0]
        yield batch


def _activate(step: Step, version: DocumentVersion) -> None:
    with step.read() as uow:
        wanted = select(Chunk.number, Chunk.units, Chunk.embedding).where(Chunk.version_id == version.id).order_by(Chunk.number)
        chunks: list[Row] = [(number, units, embedding) for number, units, embedding in uow.session.execute(wanted)]
        filename = queries.get_document(uow, version.document_id).filename
    title = digest.title_stems(filename, version.title, version.language)
    listed = postings.listings(digest.piece(number, units, title) for number, units, _ in chunks)
    lost = not _add_vectors(step, chunks)
    try:
        threshold = _first_threshold(step, version, listed)
        with step.finish() as uow:
            if threshold is not None:
                calibrating.record_threshold(uow, threshold)
            indexing.activate_version(uow, version.id, listed)
            if lost:
                uow.emit(VectorsLost("document"))
    except NotFound:
        cleaning.remove_vectors(step, version.first_number, version.last_number)
        raise


def _first_threshold(step: Step, version: DocumentVersion, listed: Mapping[str, Entries]) -> float | None:
    """Measured before the first document is announced, or the first question to it would be held to a stranger's measure."""
    with step.read() as uow:
        corpus = queries.find_corpus(uow)
        answering = queries.get_document(uow, version.document_id).active_version_id
        if (corpus is not None and corpus.threshold is not None) or answering not in {None, version.id}:
            return None
    with step.progress() as uow:
        indexing.open_version(uow, version.id, listed)
    with step.read() as uow:
        snapshot = queries.get_snapshot(uow)
    return queries.measure_threshold(step.box, step.tenant_id, snapshot)


def _add_vectors(step: Step, chunks: Sequence[Row]) -> bool:
    """Vectors may lie in the index before the switch: a search is limited to the numbers of active versions.

    False: the index that others' vectors should be in is missing or of another model. It is never begun anew with this document alone.
    """
    embedded = [(number, np.frombuffer(embedding, np.float16)) for number, _, embedding in chunks if embedding]
    if not embedded:
        return True
    with step.read() as uow:
        first = not queries.has_vectors(uow)
    numbers, rows = [number for number, _ in embedded], np.stack([row for _, row in embedded])
    try:
        _models(step).index_add(queries.vector_namespace(step.tenant_id), numbers, vectors=rows, create=first)
    except (IndexMissing, IndexMismatch) as err:
        log.warning("vectors_lost", reason=type(err).__name__)
        return False
    return True


def _at(step: Step, version_id: UUID, stage: Stage) -> DocumentVersion | None:
    """The version, if it still waits for this stage."""
    with step.read() as uow:
        version = queries.find_version(uow, version_id)
        return version if version is not None and version.step is stage and version.error is None else None


def _fail(step: Step, version_id: UUID, sentence: str) -> None:
    with step.finish() as uow:
        indexing.fail_version(uow, version_id, sentence)


def _models(step: Step) -> Inference:
    return step.box.part(Inference)
