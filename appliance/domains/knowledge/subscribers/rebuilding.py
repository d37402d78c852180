"""A vector index that was lost, is short or came from another model is made again; meanwhile words answer."""

import numpy as np
import structlog

from appliance.core.errors import Conflict
from appliance.core.jobs import Step
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import indexing
from appliance.domains.knowledge.events import VectorsLost
from appliance.inference.types import Inference, VectorIndex

EMBED_BATCH = 32
ROUNDS = 3
log = structlog.get_logger()


def rebuild_vectors(step: Step, event: VectorsLost) -> None:
    """From the stored embeddings; chunks without one, or with another model's, are embedded first. Resumes where it was.

    A document that came or went during a round makes another round.
    """
    del event
    if queries.vectors_are_sound(step.box, step.tenant_id):
        return
    _embed_again(step)
    with step.read() as uow:
        if not queries.has_vectors(uow):
            return
    for _ in range(ROUNDS):
        stats = step.box.part(VectorIndex).index_rebuild(queries.vector_namespace(step.tenant_id), queries.read_vectors(step.read))
        log.info("vectors_rebuilt", count=stats.count)
        if queries.vectors_are_all_there(step.box, step.tenant_id):
            break
    with step.finish() as uow:
        indexing.record_vectors_in(uow, stats.place)
        indexing.record_rebuilt(uow, step.box.settings.models.embedding_model)


def _embed_again(step: Step) -> None:
    """Nothing stored is given up before the embedder has shown that it answers."""
    models, model = step.box.part(Inference), step.box.settings.models.embedding_model
    try:
        models.embed(["."])
    except Conflict:
        return
    with step.read() as uow:
        foreign = queries.list_foreign_versions(uow, model)
    for version_id in foreign:
        with step.progress() as uow:
            indexing.forget_embeddings(uow, version_id, model)
    while True:
        with step.read() as uow:
            batch = queries.list_unembedded(uow, None, EMBED_BATCH)
        if not batch:
            return
        vectors = models.embed([text for _, text in batch])
        with step.progress() as uow:
            indexing.store_embeddings(uow, {one: row.astype(np.float16).tobytes() for (one, _), row in zip(batch, vectors, strict=True)})
