"""`python -m tests.core.processes worker|relay HOME REDIS KEY DATABASE`: the real processes on the ledger's tiny domain."""

import os
import sys
import time
from pathlib import Path

from rq import Queue, SimpleWorker
from sqlalchemy.exc import DBAPIError

from appliance.core import jobs
from appliance.core.box import Box, open_box
from appliance.core.config import Settings
from tests.core import ledger


def opened(home: str, redis: str, key: str, database: str) -> Box:
    os.environ["SALESEDGE__KEYS__MASTER_KEY_FILE"] = key
    os.environ["SALESEDGE__REDIS__URL"] = redis
    if database:
        os.environ["SALESEDGE__DATABASE__URL"] = database
    return open_box(Settings(home=Path(home)), (ledger.MANIFEST,))


def main() -> None:
    role, home, redis, key, database = sys.argv[1:]
    box = opened(home, redis, key, database)
    if role == "worker":
        jobs.bind(box)
        SimpleWorker([Queue("default", connection=box.redis)], connection=box.redis).work(logging_level="ERROR")
        return
    while True:
        try:
            jobs.sweep(box)
        except DBAPIError:
            time.sleep(0.5)
        time.sleep(0.3)


if __name__ == "__main__":
    main()
