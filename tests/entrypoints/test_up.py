import signal
import time
from pathlib import Path

import pytest

from appliance.core import crypto
from appliance.core.config import ServerSettings, Settings
from appliance.entrypoints.children import Child, Forked
from appliance.entrypoints.up import PASSING, Supervisor


def test_a_child_that_cannot_start_is_told_without_the_probe_before_it(tmp_path):
    def refuse():
        raise BlockingIOError("no more processes")

    settings = Settings(home=tmp_path, server=ServerSettings(port=1))  # nobody listens there
    supervisor = Supervisor(settings, say=print, children=[Child("web", refuse)])
    with pytest.raises(BlockingIOError) as told:
        supervisor.await_ready()
    assert told.value.__context__ is None


def test_a_part_that_cannot_be_started_again_ends_nobody_else_and_comes_back_by_itself(tmp_path: Path) -> None:
    key, said = tmp_path / "key", []

    def start() -> Forked:
        crypto.read_master_key(key)
        return Forked("models", signal.pause)

    others = Child("web", lambda: Forked("web", signal.pause))
    models = Child("models", start)
    supervisor = Supervisor(Settings(home=tmp_path), say=said.append, children=[models, others])
    supervisor.tend(PASSING)
    assert (models.running, len(said)) == (None, 1)
    assert "cannot be read" in said[0]
    assert others.running is not None
    crypto.create_master_key(key)
    ends = time.monotonic() + 60
    while models.running is None and time.monotonic() < ends:
        supervisor.tend(PASSING)
    assert models.running is not None
    assert models.running.alive()
    assert others.running.alive()
    supervisor.stop()
