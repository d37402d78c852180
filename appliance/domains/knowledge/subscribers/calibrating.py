"""After the corpus changed: where "I do not know" begins, and how much vectors count."""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import select

from appliance.core.errors import Unavailable
from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import calibrating
from appliance.domains.knowledge.events import CorpusSettled, DocumentDeleted, DocumentFailed, DocumentIndexed, VectorsRebuilt
from appliance.domains.knowledge.tables import DocumentVersion

MOVING = timedelta(minutes=10)  # a document that has not moved for longer is not waited for
log = structlog.get_logger()


def settle_indexed(uow: UnitOfWork, event: DocumentIndexed) -> None:
    """Many documents arriving together are measured once, after the last of them."""
    newest = select(DocumentVersion.id).where(DocumentVersion.activated_at.is_not(None))
    if uow.session.scalar(newest.order_by(DocumentVersion.activated_at.desc(), DocumentVersion.id.desc()).limit(1)) == event.version_id:
        _settle(uow, event.document_id)


def settle_failed(uow: UnitOfWork, event: DocumentFailed) -> None:
    _settle(uow, event.document_id)


def settle_deleted(uow: UnitOfWork, event: DocumentDeleted) -> None:
    """Those that were there already waited for this one."""
    if event.was_waited_for:
        _settle(uow, event.document_id)


def _settle(uow: UnitOfWork, document_id: UUID) -> None:
    on_their_way = [version for version in queries.list_unfinished(uow) if version.updated_at > uow.now - MOVING]
    if not on_their_way:
        uow.emit(CorpusSettled(document_id))


def calibrate_corpus(step: Step, event: CorpusSettled) -> None:
    """A run that finds nothing changed since the last one measures nothing."""
    del event
    _measure(step)


def calibrate_vectors(step: Step, event: VectorsRebuilt) -> None:
    del event
    _measure(step)


def _measure(step: Step) -> None:
    with step.read() as uow:
        snapshot = queries.get_snapshot(uow)
        corpus = queries.find_corpus(uow)
    if corpus is None or not snapshot.members or corpus.calibrated_version >= snapshot.version:
        return
    threshold = queries.measure_threshold(step.box, step.tenant_id, snapshot)
    try:
        weights = queries.measure_dense_weights(step.box, step.tenant_id, snapshot)
    except Unavailable as err:
        log.info("vectors_not_measured", reason=str(err))
        weights = dict(snapshot.dense_weights)
    with step.finish() as uow:
        calibrating.record_calibration(uow, measured_version=snapshot.version, threshold=threshold, dense_weights=weights)
