"""A chat model that is slow holds some threads of a process, never all."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.core.config import ModelSettings, ServerSettings, Settings
from appliance.core.errors import Unavailable
from appliance.inference import http
from tests.inference.peers import Scripted, serving
from tests.inference.test_broken_streams import LINES
from tests.inference.test_engines import ASK, EVENTS

THREADS = 6


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    found = threading.Event()
    yield found
    found.set()


@pytest.fixture
def inference(go_on: threading.Event, tmp_path: Path) -> Iterator[http.HttpInference]:
    def pieces() -> Iterator[bytes]:
        yield LINES["ollama"]("A")
        go_on.wait(20)

    with serving(Scripted(lambda *_: (200, pieces(), EVENTS)).kind()) as address:
        models = ModelSettings(chat_engine="ollama", chat_url=address, chat_model="m", timeout_s=5)
        yield http.connect(Settings(home=tmp_path, models=models, server=ServerSettings(threads=THREADS)))


def test_who_finds_the_model_busy_with_others_is_told_so_at_once(inference: http.HttpInference) -> None:
    places = ServerSettings(threads=THREADS).slow_places
    waiting = [inference.chat_stream(ASK) for _ in range(places)]
    assert [next(one) for one in waiting] == ["A"] * places
    with pytest.raises(Unavailable):
        next(inference.chat_stream(ASK))
    with pytest.raises(Unavailable):
        inference.chat(ASK)
    waiting[0].close()
    again = inference.chat_stream(ASK)
    assert next(again) == "A", "a place that is left is another's"
    for one in (again, *waiting):
        one.close()


@pytest.mark.parametrize("threads", range(3, 40))
def test_models_and_files_together_leave_a_thread_free(threads: int) -> None:
    assert 2 * ServerSettings(threads=threads).slow_places < threads
