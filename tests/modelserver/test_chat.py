"""Chat with a real (tiny, random) GGUF model, the same for every engine that is installed."""

import importlib.util
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import jsonschema
import openai
import pytest

from modelserver import problems
from modelserver.hub import open_chat
from modelserver.llm import constrained
from modelserver.llm.engine import ChatEngine, ChatRequest
from modelserver.options import Options
from modelserver.shelf import Installed
from tests.modelserver import tiny_gguf
from tests.modelserver.running import Running

USER = [{"role": "user", "content": "Oi"}]
SCHEMA = {
    "type": "object", "properties": {"intent": {"enum": ["buy", "ask", "leave"]}, "sure": {"type": "boolean"}},
    "required": ["intent", "sure"], "additionalProperties": False,
}
CHAT = "/v1/chat/completions"
PACKAGES = {"xllamacpp": "xllamacpp", "llama-cpp-python": "llama_cpp"}


@pytest.fixture(scope="module", params=list(PACKAGES))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ChatEngine:
    if importlib.util.find_spec(PACKAGES[request.param]) is None:
        pytest.skip(f"the package {request.param} is not installed here")
    folder = tmp_path_factory.mktemp("gguf")
    model = Installed("tiny", "chat", "gguf", tiny_gguf.write(folder / "tiny.gguf"), 0)
    return open_chat(model, Options(folder, folder, chat_engine=request.param, threads=1, context_tokens=1024))


def test_an_engine_counts_what_it_read_and_wrote(engine: ChatEngine) -> None:
    pieces: list[str] = []
    usage = engine.chat(ChatRequest(USER, max_tokens=12, temperature=1.0, seed=1), pieces.append, threading.Event())
    assert pieces
    assert usage.prompt_tokens > 5
    assert 0 < usage.completion_tokens <= 12


def test_an_engine_stops_when_told(engine: ChatEngine) -> None:
    stopped, pieces = threading.Event(), []

    def take(text: str) -> None:
        pieces.append(text)
        if len(pieces) == 3:
            stopped.set()

    engine.chat(ChatRequest(USER, max_tokens=900, temperature=1.0, seed=2), take, stopped)
    assert len(pieces) <= 6


def test_an_engine_refuses_a_conversation_it_cannot_hold(engine: ChatEngine) -> None:
    with pytest.raises(problems.Problem) as caught:
        engine.chat(ChatRequest([{"role": "user", "content": "word " * 4000}], max_tokens=4), list[str]().append, threading.Event())
    assert caught.value.code == "prompt_too_long"


@pytest.mark.parametrize("seed", range(8))
def test_random_weights_still_obey_the_schema(engine: ChatEngine, seed: int) -> None:
    asked = ChatRequest(USER, max_tokens=400, temperature=1.0, seed=seed, schema=SCHEMA)
    text, _ = constrained.answer(engine, asked, threading.Event())
    jsonschema.validate(json.loads(text), SCHEMA)


def test_an_answer_that_cannot_fit_the_schema_is_an_error_not_a_guess(engine: ChatEngine) -> None:
    asked = ChatRequest(USER, max_tokens=1, temperature=1.0, seed=0, schema=SCHEMA)
    with pytest.raises(problems.Problem) as caught:
        constrained.answer(engine, asked, threading.Event())
    assert caught.value.code == "schema_not_met"


def test_the_openai_client_chats_streams_and_gets_json(server: Running) -> None:
    with server.client() as http:
        api = openai.OpenAI(base_url="http://models/v1", api_key="none", http_client=http)
        whole = api.chat.completions.create(model="tiny", messages=USER, max_tokens=8)
        assert whole.choices[0].message.content is not None
        assert whole.usage is not None
        assert whole.usage.completion_tokens <= 8
        stream = api.chat.completions.create(model="tiny", messages=USER, max_tokens=8, stream=True)
        chunks = list(stream)
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[-1].choices[0].finish_reason in {"stop", "length"}
        wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
        held = api.chat.completions.create(model="tiny", messages=USER, max_tokens=400, response_format=wanted)
        jsonschema.validate(json.loads(held.choices[0].message.content), SCHEMA)


def test_a_schema_that_is_none_is_refused(client: httpx.Client) -> None:
    body = {"messages": USER, "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "nonsense"}}}}
    response = client.post(CHAT, json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "bad_schema")


def test_a_long_conversation_has_a_status_even_when_streamed(client: httpx.Client) -> None:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "word " * 40000}], "stream": True}
    response = client.post(CHAT, json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "prompt_too_long")


def _cpu_seconds(client: httpx.Client) -> float:
    line = next(line for line in client.get("/metrics").text.splitlines() if line.startswith("modelserver_process_cpu_seconds_total"))
    return float(line.split()[1])


def _works_on(client: httpx.Client) -> bool:
    """Whether the server is still computing, judged by its processor time."""
    before = _cpu_seconds(client)
    time.sleep(0.5)
    return _cpu_seconds(client) - before > 0.06


def _becomes(true: Callable[[], bool]) -> bool:
    """The server gets round to it when the machine lets it."""
    until = time.monotonic() + 60
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_leaving_a_stream_stops_the_model(server: Running, client: httpx.Client) -> None:
    body = {"model": "endless", "messages": USER, "max_tokens": 30_000, "stream": True}
    with server.client() as leaving, leaving.stream("POST", CHAT, json=body) as response:
        lines = response.iter_lines()
        next(lines)
        assert _becomes(lambda: _works_on(client))
    assert _becomes(lambda: not _works_on(client))


def test_leaving_before_a_whole_answer_stops_the_model(server: Running, client: httpx.Client) -> None:
    with server.client(timeout=1) as hasty, pytest.raises(httpx.TimeoutException):
        hasty.post(CHAT, json={"model": "endless", "messages": USER, "max_tokens": 30_000})
    assert _becomes(lambda: not _works_on(client))


def test_leaving_the_queue_before_the_first_word_gives_the_place_up(server: Running, client: httpx.Client) -> None:
    body = {"model": "endless", "messages": USER, "max_tokens": 30_000, "stream": True}
    with ExitStack() as talking:
        heard = [talking.enter_context(talking.enter_context(server.client()).stream("POST", CHAT, json=body)) for _ in range(2)]
        lines = [response.iter_lines() for response in heard]  # as many as are answered at once
        assert all(next(one) for one in lines)
        with server.client(timeout=0.3) as hasty, suppress(httpx.TimeoutException):
            hasty.post(CHAT, json=body)
        assert _becomes(lambda: _inside(client, "endless") == 2)
    assert _becomes(lambda: _inside(client, "endless") == 0)


def _inside(client: httpx.Client, name: str) -> int:
    return next((int(one["inside"]) for one in client.get("/v1/memory").json()["queues"] if one["name"] == name), 0)


def test_a_full_queue_sheds_with_a_time_to_come_back(server: Running, client: httpx.Client) -> None:
    body = {"model": "endless", "messages": USER, "max_tokens": 1500}

    def ask(_number: int) -> httpx.Response:
        with server.client(timeout=300) as mine:
            return mine.post(CHAT, json=body)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(ask, range(20)))
    shed = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in shed)
    assert {answer.json()["error"]["code"] for answer in shed} == {"busy"}
    assert 'modelserver_shed_total{queue="endless"}' in client.get("/metrics").text


def test_a_chat_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    running = Running(tmp_path, ("--timeout", "0.5", "--context-tokens", "32768"))
    tiny_gguf.write(running.models / "endless.gguf", endless=True)
    running.start()
    try:
        with running.client() as client:
            answer = client.post(CHAT, json={"model": "endless", "messages": USER, "max_tokens": 30_000})
            assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")
            assert _becomes(lambda: not _works_on(client))
    finally:
        running.stop()
