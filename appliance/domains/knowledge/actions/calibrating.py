"""Writing down what a corpus taught about itself."""

from collections.abc import Mapping

from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.actions.documents import touch_corpus
from appliance.domains.knowledge.events import CorpusMeasured


def record_threshold(uow: UnitOfWork, threshold: float) -> None:
    """Of the first document, before it answers; it is measured again with the weight of vectors."""
    touch_corpus(uow).threshold = threshold


def record_calibration(uow: UnitOfWork, *, measured_version: int, threshold: float, dense_weights: Mapping[str, float]) -> None:
    """The corpus moves on by one, so that every process takes the new figures; a change during measuring is measured again."""
    corpus = touch_corpus(uow)
    unchanged = corpus.version == measured_version + 1
    corpus.threshold = threshold
    corpus.dense_weights = dict(dense_weights)
    corpus.calibrated_version = corpus.version if unchanged else measured_version
    uow.emit(CorpusMeasured(corpus.calibrated_version))
