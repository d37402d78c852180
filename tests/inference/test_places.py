"""A chat model that is slow holds some threads of a process, never all."""

import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from appliance.core.config import ModelSettings, ServerSettings, Settings
from appliance.core.errors import Unavailable
from appliance.core.places import asking
from appliance.inference import http
from appliance.inference.types import ChatResult
from tests.inference.peers import Scripted, serving
from tests.inference.test_broken_streams import LINES
from tests.inference.test_engines import ASK, EVENTS

THREADS = 10
PLACES = ServerSettings(threads=THREADS).slow_places


@pytest.fixture
def inference(go_on: threading.Event, tmp_path: Path) -> Iterator[http.HttpInference]:
    def pieces() -> Iterator[bytes]:
        yield LINES["ollama"]("A")
        go_on.wait(60)

    with serving(Scripted(lambda *_: (200, pieces(), EVENTS)).kind()) as address:
        models = ModelSettings(chat_engine="ollama", chat_url=address, chat_model="m", timeout_s=60)
        yield http.connect(Settings(home=tmp_path, models=models, server=ServerSettings(threads=THREADS)))


@pytest.fixture
def ask(inference: http.HttpInference) -> Iterator[Callable[[str], Generator[str | ChatResult]]]:
    """Begins a chat of this person and waits for its first word."""
    begun: list[Generator[str | ChatResult]] = []

    def begin(who: str) -> Generator[str | ChatResult]:
        asking.set(who)
        begun.append(inference.chat_stream(ASK))
        assert next(begun[-1]) == "A"
        return begun[-1]

    yield begin
    asking.set("")
    for one in begun:
        one.close()


def test_who_finds_the_model_busy_with_others_is_told_so_at_once(
    inference: http.HttpInference, ask: Callable[[str], Generator[str | ChatResult]]
) -> None:
    first, *_others = [ask(f"person {number}") for number in range(PLACES)]
    with pytest.raises(Unavailable):
        ask("somebody")
    with pytest.raises(Unavailable):
        inference.chat(ASK)
    first.close()
    ask("somebody")  # a place that is left is another's


def test_one_person_may_hold_half_of_the_places(ask: Callable[[str], Generator[str | ChatResult]]) -> None:
    first, *_others = [ask("ana") for _ in range(PLACES // 2)]
    with pytest.raises(Unavailable):
        ask("ana")
    ask("bruno")
    first.close()
    ask("ana")


@pytest.mark.parametrize("threads", range(3, 40))
def test_models_and_files_together_leave_a_thread_free(threads: int) -> None:
    assert 2 * ServerSettings(threads=threads).slow_places < threads
