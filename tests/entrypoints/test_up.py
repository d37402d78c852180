import pytest

from appliance.core.config import ServerSettings, Settings
from appliance.entrypoints.children import Child
from appliance.entrypoints.up import Supervisor


def test_a_child_that_cannot_start_is_told_without_the_probe_before_it(tmp_path):
    def refuse():
        raise BlockingIOError("no more processes")

    settings = Settings(home=tmp_path, server=ServerSettings(port=1))  # nobody listens there
    supervisor = Supervisor(settings, say=print, children=[Child("web", refuse)])
    with pytest.raises(BlockingIOError) as told:
        supervisor.await_ready()
    assert told.value.__context__ is None
