"""What is known of a host of a language model: its name in the network, its models, what is told and logged of it."""

import json
import socket
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.core.errors import Refused, Unavailable
from appliance.inference.types import ChatResult
from tests.inference.peers import Answer, Scripted, serving
from tests.inference.test_broken_streams import slowly
from tests.inference.test_engines import ASK, EVENTS, PEERS, PLAIN
from tests.inference.test_hosts import MODEL, SHARED_S, asked, by_stream, connected, engines_with, fails

LACKS = "{} does not list the model {}."


def test_a_host_whose_name_was_not_found_at_start_is_asked_once_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find, is_known = socket.getaddrinfo, threading.Event()

    def look(host: str, *given: object, **named: object) -> object:
        if host != "gpu.lan":
            return find(host, *given, **named)
        if not is_known.is_set():
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return find("127.0.0.1", *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look)
    peer = Scripted(PEERS["ollama"][0]("Olá"))
    with serving(peer.kind()) as address:
        inference = connected("ollama", [address.replace("127.0.0.1", "gpu.lan")], tmp_path)
        with pytest.raises((Unavailable, Refused)):
            by_stream(inference)
        is_known.set()
        assert by_stream(inference) == "Olá"
        assert [one.reason for one in inference.chat_hosts()] == [""]


def test_that_a_host_lacks_a_model_is_logged_once_until_that_changes(tmp_path: Path) -> None:
    has_it = threading.Event()

    def filled(path: str, body: dict[str, object]) -> tuple[int, Iterable[bytes], str]:
        return (PEERS["ollama"][0]("Oi") if has_it.is_set() else fails(404))(path, body)

    with engines_with("ollama", filled, PEERS["ollama"][0]("Olá"), home=tmp_path) as (inference, _peers), capture_logs() as logs:
        for told in (1, 2):
            has_it.clear()
            for _ in range(4):
                by_stream(inference)
            passed = [one for one in logs if one["event"] == "chat_host_passed_over"]
            assert [one["error"] for one in passed] == ["NoModel"] * told
            has_it.set()
            assert "Oi" in {by_stream(inference) for _ in range(4)}


def lists(kind: str, *names: str) -> Answer:
    told = {"models": [{"name": one} for one in names]} if kind == "ollama" else {"data": [{"id": one} for one in names]}
    return lambda _path, _body: (200, [json.dumps(told).encode()], PLAIN)


@pytest.mark.parametrize(
    ("kind", "wanted", "listed", "reason"),
    [
        ("ollama", MODEL, ["llama3:8b"], ""),
        ("ollama", MODEL, ["llama3:latest", "qwen3:8b"], LACKS),
        ("ollama", "llama3", ["llama3:latest"], ""),
        ("ollama", "llama3:latest", ["llama3"], ""),
        ("ollama", "gpu:5000/llama3", ["gpu:5000/llama3:latest"], ""),
        ("ollama", "llama3", [], LACKS),
        ("ollama", "", ["llama3:latest"], ""),
        ("openai", "llama3", ["llama3"], ""),
        ("openai", "llama3", ["llama3:latest"], LACKS),
        ("openai", "llama3", [], ""),
    ],
)
def test_a_host_that_does_not_list_the_model_is_not_said_to_answer(
    kind: str, wanted: str, listed: list[str], reason: str, tmp_path: Path
) -> None:
    with serving(Scripted(lists(kind, *listed)).kind()) as one, serving(Scripted(lists(kind, *listed)).kind()) as other:
        for addresses in ([one], [one, other]):
            found = connected(kind, addresses, tmp_path, model=wanted).chat_hosts()
            assert [host.reason for host in found] == [reason.format(host.name, wanted) for host in found]


def test_one_host_alone_is_named_too_without_its_password(tmp_path: Path) -> None:
    assert [one.name for one in connected("ollama", ["http://ana:secret@127.0.0.1:9"], tmp_path).chat_hosts()] == ["127.0.0.1:9"]


def test_who_has_no_list_of_models_answers_all_the_same(tmp_path: Path) -> None:
    with engines_with("openai", fails(404), home=tmp_path) as (inference, _peers):
        assert [one.reason for one in inference.chat_hosts()] == [""]


@pytest.mark.parametrize(("kind", "kept_open"), [("openai", b": keep-alive\n\n"), ("ollama", b"\n")])
def test_a_host_that_only_keeps_its_line_open_is_one_that_hangs(kind: str, kept_open: bytes, tmp_path: Path) -> None:
    stuck: Answer = lambda *_: (200, slowly(kept_open, 0.05), EVENTS)
    with engines_with(kind, stuck, PEERS[kind][0]("Olá"), home=tmp_path) as (inference, peers):
        *_pieces, whole = inference.chat_stream(ASK, within_s=SHARED_S)
        assert isinstance(whole, ChatResult)
        assert (whole.text, asked(peers)) == ("Olá", [1, 1])


def test_a_model_without_a_name_in_a_hosts_list_is_left_out(tmp_path: Path) -> None:
    listed: Answer = lambda *_: (200, [b'{"models": [{"model": "x"}, {"name": "y"}]}'], PLAIN)
    with engines_with("ollama", listed, home=tmp_path) as (inference, _peers):
        assert [one.name for one in inference._engine.models()] == ["y"]
