"""Figures of processes that come and go: nothing is counted twice, nothing is forgotten, and files do not pile up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, os, sys
from pathlib import Path
from appliance.core import metrics

metrics.share(Path(sys.argv[1]))

def work(times):
    pid = os.fork()
    if pid == 0:
        for _ in range(times):
            metrics.OUTCOMES.labels("a", "slow", "done").inc()
            metrics.JOBS.labels("a", "slow").observe(0.2)
        metrics.STREAMS.labels().inc()
        os._exit(0)
    os.waitpid(pid, 0)

def told():
    wanted = ("salesedge_jobs_total{", "salesedge_job_duration_seconds_count{", "salesedge_live_connections")
    return sorted(line for line in metrics.exposition().decode().splitlines() if line.startswith(wanted))

metrics.OUTCOMES.labels("a", "slow", "done").inc()
for _ in range(5):
    work(3)
before = told()
gone = metrics.put_together()
after = told()
work(2)
metrics.put_together()
files = sorted(os.listdir(sys.argv[1]))
print(json.dumps({"before": before, "gone": gone, "after": after, "again": told(), "files": files, "pid": os.getpid()}))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("figures")
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(folder)], capture_output=True, text=True, check=True, env=dict(os.environ))
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_what_the_dead_counted_stays_when_their_files_go(said: dict[str, object]) -> None:
    jobs = 'salesedge_jobs_total{job_name="a",outcome="done",queue="slow"}'
    timed = 'salesedge_job_duration_seconds_count{job_name="a",queue="slow"}'
    assert said["gone"] == 15  # a counter's, a histogram's and a gauge's of each of five
    assert f"{jobs} 16.0" in said["before"]
    assert f"{jobs} 16.0" in said["after"]
    assert f"{jobs} 18.0" in said["again"]
    assert f"{timed} 17.0" in said["again"]


def test_a_dead_process_holds_no_stream(said: dict[str, object]) -> None:
    assert not [line for line in said["after"] if line.startswith("salesedge_live_connections") and not line.endswith(" 0.0")]


def test_files_do_not_pile_up(said: dict[str, object]) -> None:
    assert said["files"] == [f"counter_{said['pid']}.db", "counter_gone.db", "histogram_gone.db", "turn"]


UNSEEN = """
import os, socket, sys
from pathlib import Path
from appliance.core import dispatch, metrics

me, parent = os.getpid(), os.getppid()
assert not os.listdir("/proc")
metrics.share(Path(sys.argv[1]))
metrics.OUTCOMES.labels("a", "slow", "done").inc()
(Path(sys.argv[1]) / f"counter_{me}.db").rename(Path(sys.argv[1]) / f"counter_{parent}.db")
print(metrics.put_together(), dispatch._is_alive(socket.gethostname(), str(parent)))
"""


def test_who_is_hidden_from_proc_as_under_the_units_still_lives(tmp_path: Path) -> None:
    hidden = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"]
    command = [*hidden, sys.executable, "-c", UNSEEN, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    assert done.stdout.split() == ["0", "True"]
