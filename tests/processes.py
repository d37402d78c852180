"""The real processes, on the settings in the environment and a module's MANIFESTS."""

import importlib
import multiprocessing
import os
import time
from collections.abc import Mapping

from rq import Queue, SimpleWorker
from sqlalchemy.exc import DBAPIError

from appliance.core import jobs, telemetry
from appliance.core.box import open_box
from appliance.core.config import load_settings

# What is forked from here has imported what they need, which takes longer than most of them live, and nothing that tests grow by.
FRESH = multiprocessing.get_context("forkserver")
FRESH.set_forkserver_preload(["appliance.entrypoints.domains", "appliance.entrypoints.worker", __name__])


def run(role: str, module: str, environment: Mapping[str, str]) -> None:
    """A worker or a relay, until it is killed."""
    os.environ.update(environment)
    settings = load_settings()
    telemetry.configure_logs(settings.logs.model_copy(update={"level": "error"}), "test")
    box = open_box(settings, importlib.import_module(module).MANIFESTS)
    if role == "worker":
        jobs.bind(box)
        queues = [Queue(name, connection=box.redis) for name in ("fast", "default")]
        SimpleWorker(queues, connection=box.redis).work(logging_level="ERROR")
        return
    while True:
        try:
            jobs.sweep(box)
        except DBAPIError:
            time.sleep(0.5)
        time.sleep(0.3)
