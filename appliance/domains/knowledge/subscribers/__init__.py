# ruff: noqa: E501
"""From a stored file to a document that answers, one resumable step an event; and the tidying afterwards."""

from appliance.domains.knowledge.subscribers.calibrating import calibrate_corpus
from appliance.domains.knowledge.subscribers.cleaning import forget_document, retire_version
from appliance.domains.knowledge.subscribers.indexing import chunk_document, embed_document, extract_document, index_document

__all__ = ["calibrate_corpus", "chunk_document", "embed_document", "extract_document", "forget_document", "index_document", "retire_version"]
