"""From a stored file to a document that answers, one resumable step an event; and the tidying afterwards."""

from appliance.domains.knowledge.subscribers.calibrating import (
    calibrate_corpus,
    calibrate_vectors,
    settle_deleted,
    settle_failed,
    settle_indexed,
)
from appliance.domains.knowledge.subscribers.cleaning import forget_document, retire_version
from appliance.domains.knowledge.subscribers.indexing import chunk_document, embed_document, extract_document, index_document
from appliance.domains.knowledge.subscribers.rebuilding import rebuild_vectors
from appliance.domains.knowledge.subscribers.rereading import reindex_documents

__all__ = [
    "calibrate_corpus",
    "calibrate_vectors",
    "chunk_document",
    "embed_document",
    "extract_document",
    "forget_document",
    "index_document",
    "rebuild_vectors",
    "reindex_documents",
    "retire_version",
    "settle_deleted",
    "settle_failed",
    "settle_indexed",
]
