"""The engines that write text, against peers shaped like the real ones."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.core.config import ModelSettings, NetworkMode, NetworkSettings
from appliance.core.errors import Refused, Unavailable
from appliance.domains.agents.rules import assisting
from appliance.inference import engines, http, wire
from appliance.inference.errors import ModelRefused, NoModel, SchemaNotMet
from appliance.inference.types import ChatMessage, ChatResult
from tests.inference.peers import Answer, Scripted, serving
from tests.modelserver import tiny_gguf
from tests.modelserver.running import Running

ASK = [ChatMessage("system", "Be brief."), ChatMessage("user", "Oi")]
SCHEMA = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"], "additionalProperties": False}
PLAIN, EVENTS = "application/json", "text/event-stream"


def as_json(body: object) -> bytes:
    return json.dumps(body).encode()


def ollama(text: str) -> Answer:
    """https://github.com/ollama/ollama/blob/main/docs/api.md"""

    def answer(path: str, body: dict[str, object]) -> tuple[int, list[bytes], str]:
        if path == "/api/tags":
            return 200, [as_json({"models": [{"name": "llama3:8b", "size": 5}]})], PLAIN
        if body.get("model") != "llama3:8b":
            return 404, [as_json({"error": "model not found, try pulling it first"})], PLAIN
        if not body["stream"]:
            told = {"model": "llama3:8b", "message": {"role": "assistant", "content": text}, "done": True}
            return 200, [as_json({**told, "prompt_eval_count": 11, "eval_count": 3})], PLAIN
        parts = [as_json({"message": {"content": piece}, "done": False}) + b"\n" for piece in text]
        end = {"model": "llama3:8b", "message": {"content": ""}, "done": True, "done_reason": "stop"}
        return 200, [*parts, as_json({**end, "prompt_eval_count": 11, "eval_count": 3}) + b"\n"], "application/x-ndjson"

    return answer


def openai(text: str) -> Answer:
    def answer(path: str, body: dict[str, object]) -> tuple[int, list[bytes], str]:
        if path == "/v1/models":
            return 200, [as_json({"data": [{"id": "llama3:8b"}]})], PLAIN
        if body.get("model") != "llama3:8b":
            return 404, [as_json({"error": {"message": "no such model"}})], PLAIN
        if not body.get("stream"):
            usage = {"prompt_tokens": 11, "completion_tokens": 3}
            return 200, [as_json({"model": "llama3:8b", "choices": [{"message": {"content": text}}], "usage": usage})], PLAIN
        parts = [b"data: " + as_json({"choices": [{"delta": {"content": piece}}]}) + b"\n\n" for piece in text]
        end = {"model": "llama3:8b", "choices": [{"delta": {}, "finish_reason": "stop"}]}
        used = {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3}}
        return 200, [b": ping\n\n", *parts, *(b"data: " + as_json(one) + b"\n\n" for one in (end, used)), b"data: [DONE]\n\n"], EVENTS

    return answer


PEERS = {"ollama": (ollama, ""), "openai": (openai, "/v1")}


@contextmanager
def engine_with(
    kind: str, answer: Answer, tmp_path: Path, network: NetworkSettings | None = None
) -> Iterator[tuple[http.HttpInference, Scripted]]:
    peer = Scripted(answer)
    (tmp_path / "key").write_text("secret\n")
    with serving(peer.kind()) as address:
        models = ModelSettings(
            chat_engine=kind, chat_url=address + PEERS[kind][1], chat_model="llama3:8b", chat_api_key_file=tmp_path / "key", timeout_s=60
        )
        server = wire.ModelServer(tmp_path / "none.sock", timeout_s=1)
        yield http.HttpInference(models, server, http.chat_engine(models, network or NetworkSettings(), server)), peer


@pytest.mark.parametrize("kind", PEERS)
def test_an_engine_of_the_operator_answers_even_on_a_sealed_box(kind: str, tmp_path: Path) -> None:
    with engine_with(kind, PEERS[kind][0]("Olá"), tmp_path, NetworkSettings(mode=NetworkMode.SEALED)) as (inference, peer):
        result = inference.chat(ASK, max_tokens=7)
    assert (result.text, result.model, result.prompt_tokens, result.completion_tokens) == ("Olá", "llama3:8b", 11, 3)
    _path, body, authorisation = peer.seen[0]
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert authorisation == "Bearer secret"


@pytest.mark.parametrize("kind", PEERS)
def test_an_engine_streams_its_pieces(kind: str, tmp_path: Path) -> None:
    with engine_with(kind, PEERS[kind][0]("Olá!"), tmp_path) as (inference, _peer):
        *pieces, whole = inference.chat_stream(ASK)
    assert pieces == ["O", "l", "á", "!"]
    assert whole == ChatResult("Olá!", "llama3:8b", 11, 3)


@pytest.mark.parametrize("kind", PEERS)
def test_an_answer_that_breaks_the_schema_is_asked_again_then_refused(kind: str, tmp_path: Path) -> None:
    with engine_with(kind, PEERS[kind][0]('{"sure": "maybe"}'), tmp_path) as (inference, peer):
        with pytest.raises(SchemaNotMet):
            inference.chat(ASK, schema=SCHEMA)
        assert len(peer.seen) == 3
    with engine_with(kind, PEERS[kind][0]('{"sure": true}'), tmp_path) as (inference, peer):
        assert json.loads(inference.chat(ASK, schema=SCHEMA).text) == {"sure": True}
        assert ("format" in peer.seen[0][1]) is (kind == "ollama")
        assert ("response_format" in peer.seen[0][1]) is (kind == "openai")


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize(
    ("status", "error"), [(404, NoModel), (400, ModelRefused), (500, Unavailable), (429, Unavailable), (503, Unavailable)]
)
def test_refusals_are_told_apart_from_being_away(kind: str, status: int, error: type[Exception], tmp_path: Path) -> None:
    with engine_with(kind, lambda _path, _body: (status, [b'{"error": "no"}'], PLAIN), tmp_path) as (inference, _peer):
        with pytest.raises(error):
            inference.chat(ASK)
        with pytest.raises(error):
            list(inference.chat_stream(ASK))


@pytest.mark.parametrize("kind", PEERS)
def test_an_engine_that_is_off_is_unavailable(kind: str, tmp_path: Path) -> None:
    models = ModelSettings(chat_engine=kind, chat_url="http://127.0.0.1:9", chat_model="x")
    engine = http.chat_engine(models, NetworkSettings(), wire.ModelServer(tmp_path / "none", timeout_s=1))
    with pytest.raises(Unavailable):
        engine.chat(engines.Asked(ASK, "x", 0.1, 5))


@pytest.mark.parametrize("kind", PEERS)
def test_nonsense_is_not_an_answer(kind: str, tmp_path: Path) -> None:
    with engine_with(kind, lambda *_: (200, [b"<html>"], "text/html"), tmp_path) as (inference, _), pytest.raises(Unavailable):
        inference.chat(ASK)


def test_the_models_of_an_engine_are_listed(tmp_path: Path) -> None:
    for kind, (answer, _base) in PEERS.items():
        with engine_with(kind, answer("x"), tmp_path) as (inference, _peer):
            assert [model.name for model in inference._engine.models()] == ["llama3:8b"]


def test_a_public_engine_needs_the_operator_to_open_the_network(tmp_path: Path) -> None:
    models = ModelSettings(chat_engine="openai", chat_url="https://8.8.8.8/v1", chat_model="x")
    engine = http.chat_engine(models, NetworkSettings(mode=NetworkMode.SEALED), wire.ModelServer(tmp_path / "none", timeout_s=1))
    with pytest.raises(Refused, match="sealed"):
        engine.chat(engines.Asked(ASK, "x", 0.1, 5))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[http.HttpInference]:
    running = Running(tmp_path_factory.mktemp("own"))
    tiny_gguf.write(running.models / "tiny.gguf")
    running.start()
    models = ModelSettings(chat_engine="modelserver", chat_model="tiny")
    server = wire.ModelServer(running.socket, timeout_s=60)
    yield http.HttpInference(models, server, http.chat_engine(models, NetworkSettings(), server))
    server.close()
    running.stop()


def test_our_own_model_server_chats_streams_and_obeys_a_schema(own: http.HttpInference) -> None:
    assert own.chat(ASK, max_tokens=6, temperature=1).model == "tiny"
    *pieces, whole = own.chat_stream(ASK, max_tokens=6, temperature=1)
    assert isinstance(whole, ChatResult)
    assert (whole.text, whole.model) == ("".join(str(piece) for piece in pieces), "tiny")
    assert whole.completion_tokens > 0
    assert set(json.loads(own.chat(ASK, max_tokens=200, temperature=1, schema=SCHEMA).text)) == {"sure"}
    assert own.ready().chat_engine == "modelserver"


def test_our_own_model_server_fills_in_the_forms_of_the_inbox(own: http.HttpInference) -> None:
    for form in (assisting.SUMMARY, assisting.TEXT):
        said = json.loads(own.chat(ASK, max_tokens=2500, temperature=1, schema=form).text)
        assert set(said) == set(form["required"])  # type: ignore[call-overload]


def test_a_chat_model_that_is_not_installed_is_said_and_answers_are_quoted(own: http.HttpInference) -> None:
    wanting = http.HttpInference(ModelSettings(chat_engine="modelserver", chat_model="absent"), own._server, own._engine)
    state = wanting.ready()
    assert (state.ready, state.chat_engine) == (True, "none")
    assert "not installed" in state.reason
    with pytest.raises(NoModel):
        list(wanting.chat_stream(ASK))


def test_a_conversation_too_long_is_a_refusal_not_an_outage(own: http.HttpInference) -> None:
    with pytest.raises(ModelRefused):
        own.chat([ChatMessage("user", "word " * 9000)])
    with pytest.raises(ModelRefused):
        list(own.chat_stream([ChatMessage("user", "word " * 9000)]))


def test_a_restarted_model_server_is_found_again(tmp_path: Path) -> None:
    running = Running(tmp_path).start()
    server = wire.ModelServer(running.socket, timeout_s=60)
    inference = http.HttpInference(ModelSettings(), server, engines.NoEngine())
    inference.index_add("t:a", [1], texts=["x"], create=True)
    running.kill()
    with pytest.raises(Unavailable):
        inference.index_stats("t:a")
    running.start()
    try:
        assert inference.index_stats("t:a").count == 1
    finally:
        server.close()
        running.stop()
