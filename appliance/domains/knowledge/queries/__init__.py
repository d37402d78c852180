"""Reads: documents, chunks, questions and gaps; `retrieve` finds what may answer."""

from appliance.domains.knowledge.queries.asked import answer_of, find_answered, find_gap, get_gap, get_query, list_gaps, sources_of
from appliance.domains.knowledge.queries.calibration import measure_dense_weights, measure_threshold
from appliance.domains.knowledge.queries.corpus import Scope, Snapshot, find_corpus, get_snapshot
from appliance.domains.knowledge.queries.documents import (
    DocumentView,
    find_document_by_name,
    find_version,
    get_document,
    get_version,
    list_chunks,
    list_documents,
    list_jobs,
    list_unfinished,
    list_versions,
    newest_version,
    view_document,
)
from appliance.domains.knowledge.queries.retrieval import Place, Retrieval, retrieve, varied, vector_namespace
from appliance.domains.knowledge.queries.vectors import (
    count_unembedded,
    has_vectors,
    list_foreign_versions,
    list_tenants,
    list_unembedded,
    read_vectors,
    vectors_are_sound,
)

__all__ = [
    "DocumentView",
    "Place",
    "Retrieval",
    "Scope",
    "Snapshot",
    "answer_of",
    "count_unembedded",
    "find_answered",
    "find_corpus",
    "find_document_by_name",
    "find_gap",
    "find_version",
    "get_document",
    "get_gap",
    "get_query",
    "get_snapshot",
    "get_version",
    "has_vectors",
    "list_chunks",
    "list_documents",
    "list_foreign_versions",
    "list_gaps",
    "list_jobs",
    "list_tenants",
    "list_unembedded",
    "list_unfinished",
    "list_versions",
    "measure_dense_weights",
    "measure_threshold",
    "newest_version",
    "read_vectors",
    "retrieve",
    "sources_of",
    "varied",
    "vector_namespace",
    "vectors_are_sound",
    "view_document",
]
