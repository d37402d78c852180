"""`python -m tests.domains.channels.processes worker|relay`: the real processes, on the settings in the environment."""

import sys
import time

from rq import Queue, SimpleWorker
from sqlalchemy.exc import DBAPIError

from appliance.core import jobs, telemetry
from appliance.core.box import open_box
from appliance.core.config import load_settings
from appliance.entrypoints.domains import MANIFESTS


def main() -> None:
    settings = load_settings()
    telemetry.configure_logs(settings.logs.model_copy(update={"level": "error"}), "test")
    box = open_box(settings, MANIFESTS)
    if sys.argv[1] == "worker":
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
