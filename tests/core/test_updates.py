"""Where a box's releases lie, for a program that was reached in one way or another."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import pytest

from appliance.core.updates import Journal, Releases, Step
from appliance.entrypoints.updating import updater
from tests.architecture.house import ROOT

NAME = "9.1-0123456789ab"
SAYS = """
import json
from appliance.core import updates
here = updates.releases()
print(json.dumps([str(here.root), here.is_installed, here.is_own(here.now), updates.doors_are_closed(), here.is_halted]))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """As an installation lays it down: a release with its virtual environment, and `current` pointing at it."""
    venv = tmp_path / "opt" / NAME / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "--symlinks", venv], check=True)
    (site,) = venv.glob("lib/python3*/site-packages")
    (site / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
    (tmp_path / "opt/current").symlink_to(NAME)
    return tmp_path / "opt"


@pytest.mark.parametrize("way", ["current", NAME])
def test_a_process_finds_the_journal_whichever_way_it_was_started(root: Path, way: str, tmp_path: Path) -> None:
    Releases(root).write(Journal(Step.GATE, "9.0", "9.1", "9.0-aaaaaaaaaaaa", NAME, "2026-01-01T00:00:00+00:00", halted=True))
    own = os.environ | {"SALESEDGE_HOME": str(tmp_path / "home"), "PYTHONSAFEPATH": "1"}
    command = [root / way / "venv/bin/python", "-c", SAYS]
    said = subprocess.run(command, env=own, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == [str(root), True, True, True, True]


def test_a_journal_that_another_release_wrote_is_read(tmp_path: Path) -> None:
    here = Releases(tmp_path)
    written = here.write(Journal(Step.DONE, "9.0", "9.1", "", NAME, "2026-01-01T00:00:00+00:00"))
    path = tmp_path / "update.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"of_a_later_day": [1]}))
    assert here.read() == written


def test_what_is_only_advice_undoes_no_update(tmp_path: Path) -> None:
    told = {
        "queue": {"ok": False, "needed": True}, "language model": {"ok": False, "needed": False}, "database": {"ok": True, "needed": True},
    }
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n", encoding="utf-8")
    python.chmod(0o755)
    going = SimpleNamespace(settings=SimpleNamespace(home=tmp_path))
    assert updater._Going._failures(going, python) == {"queue": True, "language model": False, "database": False}
