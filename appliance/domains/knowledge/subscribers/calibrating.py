"""After the corpus changed: where "I do not know" begins, and how much vectors count."""

import structlog

from appliance.core.errors import Unavailable
from appliance.core.jobs import Step
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import calibrating
from appliance.domains.knowledge.events import CorpusSettled, VectorsRebuilt

log = structlog.get_logger()


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
        log.info("vectors_not_measured", error=type(err).__name__)
        weights = dict(snapshot.dense_weights)
    with step.finish() as uow:
        calibrating.record_calibration(uow, measured_version=snapshot.version, threshold=threshold, dense_weights=weights)
