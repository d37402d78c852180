"""From a stored file to a document that answers; and the tidying afterwards."""

from appliance.domains.knowledge.subscribers.calibrating import calibrate_corpus, calibrate_vectors
from appliance.domains.knowledge.subscribers.cleaning import forget_document, retire_version
from appliance.domains.knowledge.subscribers.indexing import index_document
from appliance.domains.knowledge.subscribers.reasking import reask_gaps
from appliance.domains.knowledge.subscribers.rebuilding import rebuild_vectors
from appliance.domains.knowledge.subscribers.rereading import reindex_documents

__all__ = [
    "calibrate_corpus",
    "calibrate_vectors",
    "forget_document",
    "index_document",
    "reask_gaps",
    "rebuild_vectors",
    "reindex_documents",
    "retire_version",
]
