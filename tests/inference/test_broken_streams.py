"""Engines that break off, dawdle or babble in the middle of an answer. The peers are shaped like Ollama and like OpenAI's API."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.core.breaker import FAILURES_TO_OPEN
from appliance.core.errors import Unavailable
from appliance.inference import http
from appliance.inference.types import ChatResult
from tests.inference.peers import Answer
from tests.inference.test_engines import ASK, EVENTS, PEERS, as_json, engine_with

LINES: dict[str, Callable[[str], bytes]] = {
    "ollama": lambda text: as_json({"message": {"role": "assistant", "content": text}, "done": False}) + b"\n",
    "openai": lambda text: b"data: " + as_json({"choices": [{"delta": {"content": text}, "finish_reason": None}]}) + b"\n\n",
}
TROUBLE = {
    "ollama": as_json({"error": "the model runner has unexpectedly stopped"}) + b"\n",
    "openai": b"data: " + as_json({"error": {"message": "out of memory", "code": 500}}) + b"\n\n",
}
CUT = {
    "ollama": as_json({"message": {"content": ""}, "done": True, "done_reason": "length"}) + b"\n",
    "openai": b"data: " + as_json({"choices": [{"delta": {}, "finish_reason": "length"}]}) + b"\n\ndata: [DONE]\n\n",
}


SOON_S = 30  # far from a minute, and more than a loaded machine adds


def streams(*pieces: bytes) -> Answer:
    return lambda _path, _body: (200, pieces, EVENTS)


def slowly(piece: bytes, every_s: float) -> Iterator[bytes]:
    while True:
        yield piece
        time.sleep(every_s)


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("end", ["nothing", "half a line", "an error"])
def test_a_stream_that_breaks_off_gives_what_came_and_says_so(kind: str, end: str, tmp_path: Path) -> None:
    last = {"nothing": b"", "half a line": LINES[kind]("B")[:12], "an error": TROUBLE[kind]}[end]
    with engine_with(kind, streams(LINES[kind]("A"), last), tmp_path) as (inference, _peer):
        pieces = inference.chat_stream(ASK)
        assert next(pieces) == "A"
        with pytest.raises(Unavailable):
            list(pieces)


@pytest.mark.parametrize("kind", PEERS)
def test_an_answer_cut_by_its_length_is_not_called_complete(kind: str, tmp_path: Path) -> None:
    with engine_with(kind, streams(LINES[kind]("A"), CUT[kind]), tmp_path) as (inference, _peer):
        *pieces, whole = inference.chat_stream(ASK)
    assert pieces == ["A"]
    assert isinstance(whole, ChatResult)
    assert not whole.complete


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("babble", [b"<html>\n", b'{"choices": "x"}\n', b"data: [1, 2]\n\n", b"\xff\xfe\x00\n", b"data: {\n\n"])
def test_babble_is_no_answer(kind: str, babble: bytes, tmp_path: Path) -> None:
    with engine_with(kind, streams(babble), tmp_path) as (inference, _peer), pytest.raises(Unavailable):
        list(inference.chat_stream(ASK))


def test_a_body_that_is_not_packed_as_it_says_is_no_answer(tmp_path: Path) -> None:
    def packed(_path: str, _body: dict[str, object]) -> tuple[int, list[bytes], str]:
        return 200, [b"not gzip at all"], "text/event-stream\r\nContent-Encoding: gzip"

    with engine_with("openai", packed, tmp_path) as (inference, _peer), pytest.raises(Unavailable):
        list(inference.chat_stream(ASK))


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("trickle", ["words", "signs of life", "bytes without end of line"])
def test_an_engine_that_dawdles_is_left_when_its_time_is_over(kind: str, trickle: str, tmp_path: Path) -> None:
    piece = {"words": LINES[kind]("A "), "signs of life": b": ping\n\n" if kind == "openai" else b"\n", "bytes without end of line": b" "}
    with engine_with(kind, lambda *_: (200, slowly(piece[trickle], 0.05), EVENTS), tmp_path) as (inference, peer):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            list(inference.chat_stream(ASK, within_s=0.5))
        assert time.monotonic() - began < SOON_S
        assert peer.left.wait(60), "the engine is told by the closed connection"


@pytest.mark.parametrize("kind", PEERS)
def test_an_engine_that_says_nothing_is_left_when_its_time_is_over(kind: str, tmp_path: Path) -> None:
    over = threading.Event()

    def silent(_path: str, _body: dict[str, object]) -> tuple[int, list[bytes], str]:
        over.wait(60)
        return 200, [], EVENTS

    with engine_with(kind, silent, tmp_path) as (inference, _peer):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            list(inference.chat_stream(ASK, within_s=0.5))
        over.set()
        assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize("kind", PEERS)
def test_leaving_closes_the_connection_so_that_the_engine_stops(kind: str, tmp_path: Path) -> None:
    with engine_with(kind, lambda *_: (200, slowly(LINES[kind]("A"), 0.02), EVENTS), tmp_path) as (inference, peer):
        pieces = inference.chat_stream(ASK)
        assert next(pieces) == "A"
        pieces.close()
        assert peer.left.wait(60)


@pytest.mark.parametrize("kind", PEERS)
def test_nobody_waits_for_an_engine_that_keeps_failing_slowly(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SLOW_FAILURE_S", 0.1)
    with engine_with(kind, lambda *_: (200, slowly(b"\n", 0.05), EVENTS), tmp_path) as (inference, peer):
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(Unavailable):
                list(inference.chat_stream(ASK, within_s=0.2))
        with pytest.raises(Unavailable, match="failed repeatedly"):
            list(inference.chat_stream(ASK, within_s=10))
        assert len(peer.seen) <= FAILURES_TO_OPEN, "it was not asked again"
