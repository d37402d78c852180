"""What goes wrong around an update: folders that are not ours, people who press keys, machines that lose their power."""

import os
import select as waiting
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from appliance.core.box import Box
from tests.architecture.house import ROOT

pytestmark = pytest.mark.only_database("sqlite")
NAME = "99.1-0123456789ab"


def test_the_release_in_use_imports_nothing_from_where_it_is_called(tmp_path: Path) -> None:
    """Called in a checkout, or where anybody may write."""
    venv = tmp_path / "home/releases" / NAME / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    (site,) = venv.glob("lib/python3*/site-packages")
    (site / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    (tmp_path / "home/releases/current").symlink_to(NAME)
    planted = tmp_path / "here/appliance"
    planted.mkdir(parents=True)
    (planted / "__init__.py").write_text("raise SystemExit('planted')\n")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("SALESEDGE", "COV", "PYTHON"))}
    own |= {"SALESEDGE_HOME": str(tmp_path / "home"), "LANG": "en"}
    command = [sys.executable, "-P", "-m", "appliance.entrypoints.cli", "release", "--help"]
    done = subprocess.run(command, cwd=planted.parent, env=own, capture_output=True, text=True, check=False)
    assert (done.returncode, "Usage:" in done.stdout) == (0, True), done.stderr


def test_a_disk_that_fills_up_keeps_no_part_of_a_copy(box: Box) -> None:
    script = f"""
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from pathlib import Path
from appliance.entrypoints.updating import copies
try:
    copies.copy_whole(Path({str(box.settings.home / "salesedge.db")!r}), Path({str(box.settings.home / "part/salesedge.db")!r}))
except OSError:
    sys.exit(3)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 3
    assert not (box.settings.home / "part").exists()


def test_what_an_update_started_ends_with_it(tmp_path: Path) -> None:
    """Killed, nobody goes on with the data that are about to be put back."""
    said = tmp_path / "pid"
    script = f"""
from appliance.core.config import Settings
from pathlib import Path
from appliance.entrypoints.updating import running
running.call(Settings(home=Path({str(tmp_path)!r})), ["sh", "-c", "echo $$ > {said}.new; mv {said}.new {said}; exec sleep 600"], 600)
"""
    with subprocess.Popen([sys.executable, "-c", script]) as updater:
        ends = time.monotonic() + 240
        while not said.exists() and time.monotonic() < ends:
            time.sleep(0.1)
        child = os.pidfd_open(int(said.read_text()))
        os.kill(updater.pid, signal.SIGKILL)
    assert waiting.select([child], [], [], 60)[0]
