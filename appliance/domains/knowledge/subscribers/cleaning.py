"""After a switch or a deletion: rows, vectors and files that answer nothing any more."""

import structlog

from appliance.core.errors import Conflict, NotFound
from appliance.core.jobs import Step
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import documents, indexing
from appliance.domains.knowledge.events import DocumentDeleted, VersionReplaced
from appliance.inference.types import VectorIndex

log = structlog.get_logger()


def retire_version(step: Step, event: VersionReplaced) -> None:
    """It keeps its file, loses its chunks."""
    with step.read() as uow:
        old = queries.find_version(uow, event.version_id)
    if old is None:
        return
    remove_vectors(step, old.first_number, old.last_number)
    with step.finish() as uow:
        documents.remove_rows(uow, [old.id])


def forget_document(step: Step, event: DocumentDeleted) -> None:
    remove_vectors(step, event.first_number, event.last_number)


def remove_vectors(step: Step, first: int, last: int) -> None:
    if last < first:
        return
    place = None
    try:
        place = step.box.part(VectorIndex).index_remove(queries.vector_namespace(step.tenant_id), range(first, last + 1)).place
    except (NotFound, Conflict) as err:
        log.info("no_vectors_to_remove", reason=type(err).__name__)
    with step.read() as uow:
        corpus = queries.find_corpus(uow)
    if corpus is not None and corpus.vectors_in != place:
        with step.progress() as uow:
            indexing.note_vectors_in(uow, place)
