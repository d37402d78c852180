"""Documents, questions and gaps as the box would hold them."""

from uuid import UUID

from appliance.core.blobs import BlobRef
from appliance.core.files import FileState, Origin, StoredFile
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.actions.asked import note_gap
from appliance.domains.knowledge.actions.documents import add_version
from appliance.domains.knowledge.actions.pieces import begin_upload
from appliance.domains.knowledge.queries import sealed_sources
from appliance.domains.knowledge.tables import Query
from appliance.domains.knowledge.types import Engine


def make_document(uow: UnitOfWork) -> UUID:
    """Just uploaded; nothing of it was read yet."""
    file = StoredFile(id=new_id(), origin=Origin.ARRIVED, state=FileState.FRESH, put_by_kind=uow.actor.kind, size=3, created_at=uow.now)
    uow.session.add(file)
    uow.session.flush()
    return add_version(uow, f"tabela-{new_id().hex[-8:]}.pdf", BlobRef(file.id, 3, "0" * 64), None).id


def make_gap(uow: UnitOfWork) -> UUID:
    gap = note_gap(uow, f"Vocês entregam em {new_id().hex[-8:]}?", "pt", None)
    uow.session.flush()
    return gap.id


def make_query(uow: UnitOfWork) -> UUID:
    query = Query(
        id=new_id(), fingerprint=new_id().hex, question="Quanto custa?", answer="R$ 10.", answered=True, confident=True,
        sources=sealed_sources((), uow.actor, "Quanto custa?"), grounded=True, confidence=0.9, engine=next(iter(Engine)), language="pt",
        processing_time_ms=3, created_at=uow.now,
    )  # fmt: skip
    uow.session.add(query)
    uow.session.flush()
    return query.id


def make_upload(uow: UnitOfWork) -> UUID:
    return begin_upload(uow, "tabela.pdf", 10).id


PATH_PARAMETERS = {"document_id": make_document, "gap_id": make_gap, "query_id": make_query, "upload_id": make_upload}
