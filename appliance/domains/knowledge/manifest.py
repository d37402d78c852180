"""What knowledge offers to the house."""

from datetime import timedelta

from appliance.core.box import Box
from appliance.core.i18n import gettext as _
from appliance.core.manifest import Check, CheckResult, Cron, Manifest, Subscription
from appliance.domains.knowledge import actions, events, jobs, subscribers
from appliance.domains.knowledge.api import APIS
from appliance.inference.types import Inference, VectorIndex

_EVERYBODY = ("owner", "admin", "manager", "rep", "agent", "read_only")
_SEEN_WITH = "knowledge:read"


def _models_answer(box: Box) -> CheckResult:
    state = box.part(Inference).ready()
    model, engine = state.embedding_model or "-", state.chat_engine
    if engine == "none":
        detail = _("Searches with %(model)s; answers are passages of your documents.", model=model)
    else:
        detail = _("Searches with %(model)s; %(engine)s writes the answers.", model=model, engine=engine)
    return CheckResult(state.ready, f"{detail} {state.reason}" if state.ready and state.reason else detail, state.reason)


def _hosts_answer(box: Box) -> CheckResult:
    """Advice, also where all are away: the box quotes without them."""
    hosts = box.part(Inference).chat_hosts()
    away = [one for one in hosts if one.reason]
    if not hosts:
        return CheckResult(ok=True, detail="-")
    detail = _("%(well)s of %(all)s answer", well=len(hosts) - len(away), all=len(hosts))
    if not away:
        return CheckResult(ok=True, detail=detail)
    told = " ".join(one.reason if one.name in one.reason else f"{one.name}: {one.reason}" for one in away)
    advice = _("Start it or give it models.chat_model, or take it out of models.chat_url. Where none answers, the box quotes.")
    return CheckResult(ok=False, detail=detail, fix=f"{told} {advice}", needed=False)


def _vectors_answer(box: Box) -> CheckResult:
    """Where they lie at the model server, that has a line of its own."""
    store = box.part(VectorIndex).index_store()
    if store is None:
        return CheckResult(ok=True, detail="-")
    advice = _("Look at knowledge.vectors_url and its server. Until it answers the box searches by words alone, and documents wait.")
    return CheckResult(not store.reason, store.name, f"{store.reason.rstrip('.')}. {advice}" if store.reason else "")


MANIFEST = Manifest(
    "knowledge",
    apis=APIS,
    subscriptions=(
        Subscription(events.DocumentStored, subscribers.index_document, queue="slow", mode="staged"),
        Subscription(events.VersionReplaced, subscribers.retire_version, mode="staged"),
        Subscription(events.CorpusSettled, subscribers.calibrate_corpus, queue="slow", mode="staged"),
        Subscription(events.CorpusMeasured, subscribers.reask_gaps, queue="slow", mode="staged"),
        Subscription(events.VectorsLost, subscribers.rebuild_vectors, queue="slow", mode="staged"),
        Subscription(events.VectorsRebuilt, subscribers.calibrate_vectors, queue="slow", mode="staged"),
        Subscription(events.ReindexRequested, subscribers.reindex_documents),
        Subscription(events.DocumentDeleted, subscribers.forget_document, mode="staged"),
    ),
    cron=(
        Cron("fail_stuck_documents", jobs.fail_stuck_documents, every=timedelta(minutes=15)),
        Cron("delete_expired_documents", jobs.delete_expired, every=timedelta(hours=1)),
        Cron("forget_uploads", jobs.forget_uploads, every=timedelta(hours=1)),
        Cron("check_vectors", jobs.check_vectors, every=timedelta(minutes=10), queue="slow"),  # a server that hangs is waited for
        Cron("drop_ownerless_vectors", jobs.drop_ownerless_vectors, every=timedelta(days=1), queue="slow"),
    ),
    permissions={
        "knowledge:read": _EVERYBODY,
        "knowledge:ask": _EVERYBODY,
        "knowledge:write": ("owner", "admin", "manager"),
        "knowledge:operate": ("owner", "admin"),
    },
    live={
        events.DocumentStored: _SEEN_WITH,
        events.DocumentProgressed: _SEEN_WITH,
        events.DocumentIndexed: _SEEN_WITH,
        events.DocumentFailed: _SEEN_WITH,
        events.DocumentDeleted: _SEEN_WITH,
        events.AnswerGapFound: _SEEN_WITH,
        events.AnswerGapFilled: _SEEN_WITH,
    },
    checks=(
        Check("knowledge models", _models_answer), Check("language model", _hosts_answer, thorough=True),
        Check("vectors", _vectors_answer, thorough=True),
    ),
    resuming=(actions.go_on_waiting,),
    figures=(lambda box: box.part(Inference).figures(),),
)
