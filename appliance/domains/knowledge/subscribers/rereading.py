"""All documents read again, a few to a transaction, so that writers never wait long."""

from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.actions import documents
from appliance.domains.knowledge.events import ReindexRequested


def reindex_documents(uow: UnitOfWork, event: ReindexRequested) -> None:
    documents.reindex_slice(uow, event.after_document, event.until_document)
