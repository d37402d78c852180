"""From a stored file to a document that answers. Each stage is written down, so what died in the middle goes on where it stood."""

import io
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy import select

from appliance.core import files
from appliance.core.deliveries import LeaseLost
from appliance.core.errors import Conflict, NotFound
from appliance.core.ids import new_id
from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import calibrating, indexing
from appliance.domains.knowledge.actions.indexing import Prepared
from appliance.domains.knowledge.events import DocumentStored, VectorsLost
from appliance.domains.knowledge.gateways.extraction import wire
from appliance.domains.knowledge.gateways.extraction.failures import SENTENCES, ExtractionError
from appliance.domains.knowledge.gateways.extraction.launcher import run_extraction
from appliance.domains.knowledge.gateways.extraction.limits import MIB, Limits
from appliance.domains.knowledge.rules import digest
from appliance.domains.knowledge.rules.digest import Digest
from appliance.domains.knowledge.subscribers import cleaning
from appliance.domains.knowledge.tables import Chunk, DocumentVersion
from appliance.domains.knowledge.types import Extraction, ExtractionFailure
from appliance.domains.knowledge.types import Step as Stage
from appliance.inference.errors import IndexMismatch, IndexMissing
from appliance.inference.types import Inference, VectorIndex

EMBED_BATCH = 32
IN_FLIGHT = 2
KEPT_FROM_S = 1.0  # what was read quicker than this is read again sooner than it is looked up
Batch = list[tuple[UUID, str]]
Made = dict[UUID, bytes]
Row = tuple[int, bytes]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ready:
    """A version that is written down. `begins`: no document has vectors yet; `is_first`: what chance scores is not known."""

    version: DocumentVersion
    embedded: Sequence[Row]
    begins: bool
    is_first: bool


def index_document(step: Step, event: DocumentStored) -> None:
    with step.progress() as uow:
        begun = indexing.begin_processing(uow, event.version_id)
    if begun is None:
        return
    ready = _going_on(step, begun[0]) if begun[0].step in {Stage.CHUNKED, Stage.EMBEDDED} else _begin(step, *begun)
    if ready is not None:
        _activate(step, ready)


def _begin(step: Step, version: DocumentVersion, filename: str) -> Ready | None:
    read = _extract(step, version, filename) if version.extraction_blob_id is None else _kept(step, version.extraction_blob_id)
    return None if read is None else _chunk(step, version, filename, read)


def _going_on(step: Step, version: DocumentVersion) -> Ready:
    """What is written down is not made again."""
    if version.step is Stage.CHUNKED:
        with step.read() as uow:
            missing = queries.count_unembedded(uow, version.id)
        with _embedding(step, _unembedded(step, version.id)) as vectors:
            _write_down(step, version.id, vectors, missing, version.last_number - version.first_number + 1)
    return _read_back(step, version.id)


def _extract(step: Step, version: DocumentVersion, filename: str) -> Extraction | None:
    """None: it cannot be read, and that is said."""
    began, content = time.monotonic(), step.box.blobs.read_all(step.tenant_id, version.blob_id)
    try:
        found = run_extraction(content, filename, _limits(step), _reporter(step, version.id))
    except ExtractionError as err:
        log.info("document_unreadable", failure=err.failure.value)
        _fail(step, version.id, err)
        return None
    if time.monotonic() - began >= KEPT_FROM_S:
        _keep(step, version.id, found)
    return found


def _keep(step: Step, version_id: UUID, found: Extraction) -> None:
    """What was read of a document that was deleted meanwhile goes at once."""
    content = io.BytesIO("\n".join(wire.extraction(found)).encode())
    blob = files.put(step.box, step.tenant_id, content, files.Origin.ARRIVED)
    try:
        with step.progress() as uow:
            indexing.record_extraction(uow, version_id, found, blob.id)
    except (NotFound, LeaseLost):
        files.give_up(step.box, step.tenant_id, blob.id)
        raise


def _kept(step: Step, blob_id: UUID) -> Extraction:
    *blocks, end = map(json.loads, step.box.blobs.read_all(step.tenant_id, blob_id).decode().splitlines())
    return wire.read_extraction(end["done"], (wire.read_block(one["block"]) for one in blocks))


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


def _chunk(step: Step, version: DocumentVersion, filename: str, read: Extraction) -> Ready | None:
    """None: nothing is said in it. The models begin as soon as it is cut: stems are found and rows written meanwhile."""
    title = indexing.title_of(read)
    found = digest.digest(read.blocks, name=filename, title=title, uploaded=version.created_at.isoformat())
    if not found.units:
        _fail(step, version.id, SENTENCES[ExtractionFailure.NO_TEXT])
        return None
    for cut in found.removed:
        log.warning("orders_removed_from_document", document=version.document_id.hex, sentences=cut.last - cut.first + 1)
    chosen = step.box.settings.knowledge
    packed = digest.chunks(found.units, _counter(step), target=chosen.chunk_tokens, overlap=chosen.chunk_overlap)
    wanted = [(new_id(), digest.embedded(title, chunk.text)) for chunk in packed]
    with _embedding(step, (wanted[start:start + EMBED_BATCH] for start in range(0, len(wanted), EMBED_BATCH))) as vectors:
        prepared = indexing.prepare_chunks(
            found, packed, [chunk_id for chunk_id, _ in wanted], title=digest.title_stems(filename, title, found.language)
        )
        if len(wanted) <= EMBED_BATCH:
            return _write_whole(step, version.id, read, found, prepared, vectors)
        with step.progress() as uow:
            indexing.record_chunks(uow, version.id, read, found, prepared)
            indexing.note_progress(uow, version.id, indexing.CHUNK_SHARE)
        _write_down(step, version.id, vectors, len(wanted), len(wanted))
    return _read_back(step, version.id)


def _counter(step: Step) -> Callable[[Sequence[str]], list[int]]:
    """By the embedder's tokenizer; by words where no embedder is installed."""
    def count(texts: Sequence[str]) -> list[int]:
        try:
            return [tokens.count for tokens in _models(step).count_tokens(texts)]
        except Conflict:
            return [len(text.split()) for text in texts]

    return count


def _write_whole(step: Step, version_id: UUID, read: Extraction, found: Digest, prepared: Prepared, vectors: Iterator[Made]) -> Ready:
    """A short document is written with its vectors, at once, and not read back."""
    try:
        made = next(vectors)
    except Conflict:
        made = {}
    with step.progress() as uow:
        version = indexing.record_chunks(uow, version_id, read, found, prepared, vectors=made)
        indexing.finish_embedding(uow, version_id, step.box.settings.models.embedding_model if made else "")
        embedded = [(version.first_number + row["position"], made[row["id"]]) for row in prepared.rows if made]
        return _ready(uow, version, embedded)


def _write_down(step: Step, version_id: UUID, vectors: Iterator[Made], missing: int, total: int) -> None:
    """A batch at a time: what is written is not embedded again."""
    model = step.box.settings.models.embedding_model
    try:
        for made in vectors:
            missing = max(missing - len(made), 0)
            with step.progress() as uow:
                indexing.record_embeddings(uow, version_id, made, 1 - missing / total)
    except Conflict:
        model = ""
    with step.progress() as uow:
        indexing.finish_embedding(uow, version_id, model)


@contextmanager
def _embedding(step: Step, batches: Iterator[Batch]) -> Iterator[Iterator[Made]]:
    """The models begin at once. While one batch is written down they work on the next, and another already waits for them."""
    with ThreadPoolExecutor(IN_FLIGHT, "embedding") as models:
        asked = deque(models.submit(_batch, step, batch) for batch in islice(batches, IN_FLIGHT + 1))

        def made() -> Iterator[Made]:
            while asked:
                found = asked.popleft().result()
                asked.extend(models.submit(_batch, step, batch) for batch in islice(batches, 1))
                yield found

        yield made()


def _batch(step: Step, batch: Batch) -> Made:
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


def _read_back(step: Step, version_id: UUID) -> Ready:
    with step.read() as uow:
        wanted = select(Chunk.number, Chunk.embedding).where(Chunk.version_id == version_id, Chunk.embedding.is_not(None))
        embedded = [(number, embedding or b"") for number, embedding in uow.session.execute(wanted)]
        return _ready(uow, queries.get_version(uow, version_id), embedded)


def _ready(uow: UnitOfWork, version: DocumentVersion, embedded: Sequence[Row]) -> Ready:
    return Ready(version, embedded, not queries.has_vectors(uow), indexing.is_first(uow, version))


def _activate(step: Step, ready: Ready) -> None:
    version = ready.version
    place = _add_vectors(step, ready.embedded, create=ready.begins)
    try:
        threshold = _first_threshold(step, version.id) if ready.is_first else None
        with step.finish() as uow:
            if threshold is not None:
                calibrating.record_threshold(uow, threshold)
            indexing.activate_version(uow, version.id)
            if place is not None and ready.begins and ready.embedded:
                indexing.record_vectors_in(uow, place)
            elif ready.embedded:
                indexing.note_vectors_in(uow, place)
            if place is None:
                uow.emit(VectorsLost("document"))
    except NotFound:
        cleaning.remove_vectors(step, version.first_number, version.last_number)
        raise


def _first_threshold(step: Step, version_id: UUID) -> float:
    """Measured before the first document is announced, or the first question to it would be held to a stranger's measure."""
    with step.progress() as uow:
        indexing.open_version(uow, version_id)
    with step.read() as uow:
        snapshot = queries.get_snapshot(uow)
    return queries.measure_threshold(step.box, step.tenant_id, snapshot)


def _add_vectors(step: Step, embedded: Sequence[Row], *, create: bool) -> str | None:
    """Where they are now. They may lie in the index before the switch: a search is limited to the numbers of active versions.

    None: the index that others' vectors should be in is missing or of another model. It is never begun anew with this document alone.
    """
    if not embedded:
        return ""
    numbers, rows = [number for number, _ in embedded], np.stack([np.frombuffer(embedding, np.float16) for _, embedding in embedded])
    try:
        namespace = queries.vector_namespace(step.tenant_id)
        return step.box.part(VectorIndex).index_add(namespace, numbers, vectors=rows, create=create).place
    except (IndexMissing, IndexMismatch) as err:
        log.warning("vectors_lost", reason=type(err).__name__)
        return None


def _fail(step: Step, version_id: UUID, sentence: object) -> None:
    with step.finish() as uow:
        indexing.fail_version(uow, version_id, sentence)


def _models(step: Step) -> Inference:
    return step.box.part(Inference)
