"""`python -m tests.processes worker|relay MODULE`: the real processes, on the settings in the environment and a module's MANIFESTS."""

import importlib
import sys
import time

from rq import Queue, SimpleWorker
from sqlalchemy.exc import DBAPIError

from appliance.core import jobs, telemetry
from appliance.core.box import open_box
from appliance.core.config import load_settings


def main() -> None:
    role, module = sys.argv[1:]
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


if __name__ == "__main__":
    main()
