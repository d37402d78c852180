"""Watching over documents that do not move and vectors that got lost."""

import contextlib
from datetime import timedelta

import structlog
from sqlalchemy import select

from appliance.core.box import Box
from appliance.core.crypto import KeyUnreadable
from appliance.core.errors import DomainError, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.tenancy import TenantKey, tenant_of
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import documents, indexing, pieces
from appliance.domains.knowledge.errors import UploadNotFound
from appliance.domains.knowledge.events import VectorsLost
from appliance.inference.types import Inference, VectorIndex

STUCK_AFTER = timedelta(hours=6)
log = structlog.get_logger()


def fail_stuck_documents(box: Box) -> None:
    """A step that died for good must not leave a document "processing" for ever."""
    with box.whole_box("stuck documents", read_only=True) as uow:
        stuck = [(version.tenant_id, version.id) for version in queries.list_stuck(uow, older_than=STUCK_AFTER)]
    for tenant_id, version_id in stuck:
        with box.unit(tenant_id) as uow:
            indexing.fail_version(uow, version_id, _("Reading this document stopped half way. Start it again."))


def delete_expired(box: Box) -> None:
    """Documents that were to be kept until a day that has come."""
    with box.whole_box("expired documents", read_only=True) as uow:
        expired = [(document.tenant_id, document.id) for document in queries.list_expired(uow)]
    for tenant_id, document_id in expired:
        with box.unit(tenant_id) as uow:
            documents.delete_document(uow, document_id)


def forget_uploads(box: Box) -> None:
    """Uploads in pieces that nobody went on with; one that was whole becomes a document after all. One that cannot keeps no other here."""
    with box.whole_box("forgotten uploads", read_only=True) as uow:
        forgotten = pieces.list_forgotten(uow)
    for tenant_id, upload_id in forgotten:
        try:
            pieces.finish_upload(box, tenant_id, upload_id)
        except Unavailable as err:
            log.warning("upload_not_finished", upload=str(upload_id), error=type(err).__name__)
            continue
        except (DomainError, KeyUnreadable) as err:
            log.warning("upload_given_up", upload=str(upload_id), error=type(err).__name__)
        with contextlib.suppress(UploadNotFound):
            pieces.drop_upload(box, tenant_id, upload_id)


def drop_ownerless_vectors(box: Box) -> None:
    """Of organisations that were erased while the database of the vectors was away, or somebody wrote to it."""
    index = box.part(VectorIndex)
    try:
        kept = index.index_namespaces()  # before the keys are read: nobody without a key makes an index
    except Unavailable as err:
        log.warning("ownerless_vectors_not_dropped", error=type(err).__name__)
        return
    with box.whole_box("vectors of nobody", read_only=True) as uow:
        owners = set(uow.session.scalars(select(TenantKey.tenant_id)))
    for namespace in kept:
        try:
            if tenant_of(namespace) not in owners:
                index.index_drop(namespace)
                log.info("ownerless_vectors_dropped")
        except (ValueError, DomainError) as err:  # a name that tells of no organisation is not the box's
            log.warning("ownerless_vectors_not_dropped", error=type(err).__name__)


def check_vectors(box: Box) -> None:
    """A lost index is found even when nobody asks. A server that does not answer is asked the next time: others wait for this worker."""
    if not box.part(Inference).ready().ready:
        log.info("vectors_not_checked", reason="not_ready")
        return
    with box.whole_box("vector indexes", read_only=True) as uow:
        tenants = queries.list_tenants(uow)
    for tenant_id in tenants:
        try:
            sound = queries.vectors_are_sound(box, tenant_id)
        except Unavailable as err:
            log.info("vectors_not_checked", error=type(err).__name__)
            return
        if not sound:
            with box.unit(tenant_id) as uow:
                uow.emit(VectorsLost("watch"))
