"""Opens the box for a process: settings, logs, domains, the model client, sign-in."""

from __future__ import annotations

import gc
from contextlib import suppress
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from appliance import __version__
from appliance.core import faults, memory, metrics, telemetry, tracing
from appliance.core.box import Box, open_box
from appliance.core.config import Settings, load_settings
from appliance.core.receivers import PROTOBUF, Receiver
from appliance.core.tenancy import tenant_of
from appliance.core.web import Authenticator
from appliance.domains.identity.api.authentication import BoxAuthenticator
from appliance.entrypoints.domains import MANIFESTS
from appliance.inference.http import HttpInference, connect
from appliance.inference.types import Inference, VectorIndex

WAITED_FOR = {"web", "live"}


def boot(process: str, settings: Settings | None = None) -> Box:
    """Raises pydantic.ValidationError for a wrong setting and crypto.KeyUnreadable for a wrong key."""
    settings = settings or load_settings()
    telemetry.configure_logs(settings.logs, process)
    metrics.share(memory.metrics_folder(settings.home, settings.run_dir))
    box = open_box(settings, MANIFESTS)
    with suppress(SQLAlchemyError), box.database.read_only.connect():
        pass  # a key of another box shows here, before anything is written
    models = connect(settings, share_of=lambda namespace: box.keys.index_share(tenant_of(namespace)))
    box.provide(Inference, models)
    box.provide(VectorIndex, vector_index(box, models))
    box.provide(Authenticator, BoxAuthenticator())
    _let_watch(process, box)
    box.blobs.store.drop_old_copy()
    if process in WAITED_FOR:
        box.database.come_first()
    freeze_what_is_loaded()
    return box


def vector_index(box: Box, models: HttpInference) -> VectorIndex:
    if not box.settings.knowledge.vectors_url:
        return models
    from appliance.inference.pgvector import PgVectors
    from appliance.inference.vector_database import VectorDatabase

    vectors = PgVectors(
        VectorDatabase(box.settings.knowledge.vectors_url, box.settings.network, box.keys.pseudonym), models,
        embedding_model=box.settings.models.embedding_model,
        share_of=lambda namespace: box.keys.index_share(tenant_of(namespace)), share_now=partial(_share_now, box),
    )
    box.close_too(vectors.close)
    return vectors


def _share_now(box: Box, namespace: str) -> bytes:
    """As the database has it: another process may have destroyed it a moment ago."""
    box.keys.forget(tenant_of(namespace))
    return box.keys.index_share(tenant_of(namespace))


def _let_watch(process: str, box: Box) -> None:
    """Where the operator names receivers: nothing of it is imported elsewhere."""
    told, network = box.settings.telemetry, box.settings.network
    named = {"service.name": f"salesedge-{process}", "service.namespace": "salesedge", "service.version": __version__}
    if told.otlp_endpoint:
        tracing.start(named, told.trace_ratio, Receiver("traces", f"{told.otlp_endpoint.rstrip('/')}/v1/traces", network, PROTOBUF))
    if told.logs_endpoint:
        from appliance.core.otlp_lines import Lines

        receiver = Receiver("logs", f"{told.logs_endpoint.rstrip('/')}/v1/logs", network, PROTOBUF)
        telemetry.pass_on_to(Lines(named, receiver).tell)
    if told.sentry_dsn_file:
        faults.start(process, told.sentry_dsn, network, box.redis)


def freeze_what_is_loaded() -> None:
    """What is loaded stays: collections, which stop every thread of a process for as long as they look, pass over it."""
    gc.collect()
    gc.freeze()
