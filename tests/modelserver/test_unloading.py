"""Models are let go when nobody uses them, and never under somebody's hands."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from modelserver.hub import Hub, Loaded
from modelserver.options import Options
from modelserver.problems import Problem
from modelserver.shelf import Installed
from tests.loops import Hurrying, run_async


class Engine:
    """Closes only when told it may."""

    def __init__(self) -> None:
        self.may_close = threading.Event()
        self.may_close.set()
        self.closing = threading.Event()
        self.closed = False

    def close(self) -> None:
        self.closing.set()
        assert self.may_close.wait(60)
        self.closed = True


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(Options(tmp_path, tmp_path, idle_unload_s=0.01))


def loaded(hub: Hub, name: str) -> Engine:
    engine = Engine()
    hub.loaded[name] = Loaded(Installed(name, "chat", "gguf", hub.options.models, 0), engine, 0, 0.0)
    hub.lane(name).last_used = time.monotonic() - 1
    return engine


def test_an_idle_model_is_let_go_and_its_engine_closed(hub: Hub) -> None:
    engine = loaded(hub, "a")
    assert run_async(hub.unload_idle()) == ["a"]
    assert (engine.closed, hub.loaded) == (True, {})


def test_a_model_in_use_stays(hub: Hub) -> None:
    engine = loaded(hub, "a")
    with hub.lane("a").admit():
        assert run_async(hub.unload_idle()) == []
    assert not engine.closed


def test_a_model_that_came_into_use_while_another_was_closing_stays(hub: Hub) -> None:
    first, second = loaded(hub, "a"), loaded(hub, "b")
    hub.lane("b").last_used = time.monotonic() + 1
    first.may_close.clear()

    async def meanwhile() -> None:
        unloading = asyncio.create_task(hub.unload_idle())
        await asyncio.to_thread(first.closing.wait, 60)
        hub.lane("b").last_used = time.monotonic() - 1  # idle just before somebody comes
        with hub.lane("b").admit():
            first.may_close.set()
            await unloading
            assert not second.closed
            assert hub.loaded["b"].engine is second

    run_async(meanwhile())


def test_everything_that_is_let_go_at_once_is_out_of_reach_before_the_first_is_closed(hub: Hub) -> None:
    first, second = loaded(hub, "a"), loaded(hub, "b")
    first.may_close.clear()

    async def meanwhile() -> None:
        unloading = asyncio.create_task(hub.unload_idle())
        await asyncio.to_thread(first.closing.wait, 60)
        assert hub.loaded == {}, "a request that comes now would be handed an engine about to close"
        first.may_close.set()
        await unloading
        assert second.closed

    run_async(meanwhile())


def test_a_job_that_outlived_its_request_keeps_the_model(hub: Hub) -> None:
    engine, may_end, begun = loaded(hub, "a"), threading.Event(), threading.Event()

    async def abandoned() -> None:
        lane, loop = hub.lane("a"), asyncio.get_running_loop()
        assert isinstance(loop, Hurrying)

        def job() -> None:
            begun.set()
            loop.hurry(120)
            may_end.wait(60)

        with lane.admit(), pytest.raises(Problem):
            await lane.run(job, timeout_s=120)
        assert begun.is_set()
        lane.last_used = time.monotonic() - 1
        assert await hub.unload_idle() == []
        may_end.set()
        while not lane.idle:
            await asyncio.to_thread(time.sleep, 0.01)
        assert await hub.unload_idle() == ["a"]

    run_async(abandoned())
    assert engine.closed
