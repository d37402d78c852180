"""One language model on several machines: who is asked, and what becomes of a question when a machine is away."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from appliance.core.breaker import OPEN_FOR_S
from appliance.core.config import ModelSettings, NetworkMode, NetworkSettings, Settings
from appliance.core.errors import Refused, Unavailable
from appliance.inference import hosts, http
from appliance.inference.errors import ModelRefused, NoModel, SchemaNotMet
from appliance.inference.types import ChatHost, ChatResult
from tests.inference.peers import Answer, Scripted, serving
from tests.inference.test_broken_streams import CUT, LINES, TROUBLE, slowly
from tests.inference.test_engines import ASK, EVENTS, PEERS, PLAIN, SCHEMA

MODEL = "llama3:8b"
DEAD = "http://127.0.0.1:9"
PATIENCE_S = 60.0
WITHIN_S = 8.0
SHARED_S = 16.0  # half of it is enough for an answer, also on a loaded machine

Ask = Callable[[http.HttpInference], str]


def by_stream(inference: http.HttpInference) -> str:
    *_pieces, whole = inference.chat_stream(ASK, within_s=PATIENCE_S)
    assert isinstance(whole, ChatResult)
    return whole.text


def at_once(inference: http.HttpInference) -> str:
    return inference.chat(ASK).text


WAYS: dict[str, Ask] = {"stream": by_stream, "whole": at_once}


def connected(kind: str, addresses: Sequence[str], home: Path, model: str = MODEL) -> http.HttpInference:
    models = ModelSettings(chat_engine=kind, chat_url=[one + PEERS[kind][1] for one in addresses], chat_model=model, timeout_s=PATIENCE_S)
    return http.connect(Settings(home=home, models=models, network=NetworkSettings(mode=NetworkMode.SEALED)))


@contextmanager
def engines_with(kind: str, *answers: Answer, home: Path) -> Iterator[tuple[http.HttpInference, list[Scripted]]]:
    """In the order in which they are asked."""
    peers = [Scripted(one) for one in answers]
    with ExitStack() as stack:
        yield connected(kind, [stack.enter_context(serving(one.kind())) for one in peers], home), peers


def asked(peers: Sequence[Scripted]) -> list[int]:
    return [len(one.seen) for one in peers]


def fails(status: int, body: bytes = b'{"error": "no"}') -> Answer:
    return lambda _path, _body: (status, [body], PLAIN)


@pytest.fixture
def silent(go_on: threading.Event) -> Answer:
    """Takes what it is asked and says nothing."""

    def answer(_path: str, _body: dict[str, object]) -> tuple[int, list[bytes], str]:
        go_on.wait(5 * PATIENCE_S)
        return 200, [], EVENTS

    return answer


class Clock:
    """Of the module that is measured, `ahead` of everybody's."""

    ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(hosts, "time", found)
    return found


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)
def test_questions_go_to_the_hosts_in_turn(kind: str, ask: Ask, tmp_path: Path) -> None:
    well = PEERS[kind][0]("Olá")
    with engines_with(kind, well, well, well, home=tmp_path) as (inference, peers):
        assert {ask(inference) for _ in range(6)} == {"Olá"}
        assert asked(peers) == [2, 2, 2]


def test_a_question_goes_to_the_host_with_the_fewest_under_way(tmp_path: Path) -> None:
    def endless(_path: str, _body: dict[str, object]) -> tuple[int, Iterator[bytes], str]:
        return 200, slowly(LINES["ollama"]("A"), 0.02), EVENTS

    with engines_with("ollama", endless, PEERS["ollama"][0]("Olá"), home=tmp_path) as (inference, peers):
        long = inference.chat_stream(ASK, within_s=PATIENCE_S)
        assert next(long) == "A"
        assert [by_stream(inference) for _ in range(3)] == ["Olá"] * 3
        assert asked(peers) == [1, 3]
        long.close()
        assert next(inference.chat_stream(ASK)) == "A", "one that was left is free again"


ILL: dict[str, Callable[[str], Answer]] = {
    "busy": lambda _kind: fails(429),
    "broken": lambda _kind: fails(500),
    "full": lambda _kind: fails(503),
    "without the model": lambda _kind: fails(404),
    "babbling": lambda _kind: lambda *_: (200, [b"<html>\n"], "text/html"),
    "ending at once": lambda _kind: lambda *_: (200, [], EVENTS),
    "stopping at once": lambda kind: lambda *_: (200, [TROUBLE[kind]], EVENTS),
    "answering nothing": lambda kind: lambda *_: (200, [CUT[kind]], EVENTS),
    "done at once": lambda kind: lambda *_: (200, [b"data: [DONE]\n\n" if kind == "openai" else b'{"done": true}\n'], EVENTS),
    "refusing the key": lambda _kind: fails(401),
}


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("how", ILL)
def test_a_host_that_is_ill_is_passed_over(kind: str, ask: Ask, how: str, tmp_path: Path) -> None:
    with engines_with(kind, ILL[how](kind), PEERS[kind][0]("Olá"), home=tmp_path) as (inference, peers):
        assert ask(inference) == "Olá"
        assert asked(peers) == [1, 1]


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)
def test_a_host_that_is_off_is_passed_over_however_often(kind: str, ask: Ask, tmp_path: Path) -> None:
    with serving(Scripted(PEERS[kind][0]("Olá")).kind()) as address:
        inference = connected(kind, [DEAD, address], tmp_path)
        assert {ask(inference) for _ in range(8)} == {"Olá"}


@pytest.mark.parametrize("ask", [lambda models: list(models.chat_stream(ASK, within_s=SHARED_S))[-1].text, at_once], ids=WAYS)
def test_a_host_that_hangs_leaves_time_for_the_next_and_then_rests(
    ask: Ask, silent: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engines_with("openai", silent, PEERS["openai"][0]("Olá"), home=tmp_path) as (inference, peers):
        monkeypatch.setattr(inference._engine._engine, "_chat_s", SHARED_S)
        began = time.monotonic()
        assert [ask(inference) for _ in range(4)] == ["Olá"] * 4
        assert asked(peers) == [1, 4], "who hung is not asked again soon"
        assert time.monotonic() - began < PATIENCE_S


def test_a_host_that_rested_is_tried_by_one_question_and_comes_back(tmp_path: Path, clock: Clock) -> None:
    is_well = threading.Event()

    def mended(path: str, body: dict[str, object]) -> tuple[int, list[bytes], str]:
        return PEERS["ollama"][0]("Oi")(path, body) if is_well.is_set() else fails(503)(path, body)

    with engines_with("ollama", mended, PEERS["ollama"][0]("Olá"), home=tmp_path) as (inference, peers):
        assert by_stream(inference) == by_stream(inference) == "Olá"
        assert asked(peers) == [1, 2]
        clock.ahead += OPEN_FOR_S
        assert by_stream(inference) == by_stream(inference) == "Olá"
        assert asked(peers) == [2, 4], "one tried it"
        clock.ahead += OPEN_FOR_S
        assert by_stream(inference) == "Olá"
        assert asked(peers) == [2, 5], "who failed again rests longer"
        is_well.set()
        clock.ahead += OPEN_FOR_S
        assert sorted(by_stream(inference) for _ in range(4)) == ["Oi", "Oi", "Olá", "Olá"]


def test_after_an_outage_of_all_each_is_back_soon(tmp_path: Path, clock: Clock) -> None:
    def away(path: str, body: dict[str, object]) -> tuple[int, Iterable[bytes], str]:
        return PEERS["ollama"][0]("Olá")(path, body) if clock.ahead else fails(503)(path, body)

    with engines_with("ollama", away, away, home=tmp_path) as (inference, peers):
        for _ in range(6):
            with pytest.raises(Unavailable):
                by_stream(inference)
        assert asked(peers) == [6, 6], "who rests is asked when there is nobody else"
        clock.ahead += OPEN_FOR_S
        assert {by_stream(inference) for _ in range(4)} == {"Olá"}
        assert asked(peers) == [8, 8]


def test_after_an_outage_in_which_nobody_listened_each_is_back_soon(tmp_path: Path, clock: Clock) -> None:
    ports = closed_ports()
    inference = connected("ollama", [f"http://127.0.0.1:{one}" for one in ports], tmp_path)
    for _ in range(6):
        with pytest.raises(Unavailable):
            by_stream(inference)
    clock.ahead += OPEN_FOR_S
    back = Scripted(PEERS["ollama"][0]("Olá"))
    with serving(back.kind(), ports[0]):
        assert {by_stream(inference) for _ in range(4)} == {"Olá"}
        assert asked([back]) == [4]
        clock.ahead += OPEN_FOR_S
        assert by_stream(inference) == "Olá"


def closed_ports() -> list[int]:
    with ExitStack() as stack:
        lines = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in lines:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in lines]


def test_who_refuses_the_question_that_tries_it_is_well(tmp_path: Path, clock: Clock) -> None:
    def refuses_later(path: str, body: dict[str, object]) -> tuple[int, Iterable[bytes], str]:
        return fails(400 if clock.ahead else 503)(path, body)

    with engines_with("openai", refuses_later, PEERS["openai"][0]("Olá"), home=tmp_path) as (inference, peers):
        assert by_stream(inference) == "Olá"
        clock.ahead += OPEN_FOR_S
        refused = sum(is_refused(inference) for _ in range(4))
        assert (refused, asked(peers)) == (2, [3, 3]), "one that refuses takes its turns"


def is_refused(inference: http.HttpInference) -> bool:
    try:
        by_stream(inference)
    except ModelRefused:
        return True
    return False


def test_while_one_question_tries_a_host_the_others_go_elsewhere(tmp_path: Path, clock: Clock, go_on: threading.Event) -> None:
    is_tried = threading.Event()

    def hesitates(path: str, body: dict[str, object]) -> tuple[int, Iterable[bytes], str]:
        if not clock.ahead:
            return fails(503)(path, body)
        is_tried.set()
        go_on.wait(PATIENCE_S)
        return PEERS["ollama"][0]("Oi")(path, body)

    with engines_with("ollama", hesitates, PEERS["ollama"][0]("Olá"), home=tmp_path) as (inference, peers):
        assert by_stream(inference) == "Olá"
        clock.ahead += OPEN_FOR_S
        with ThreadPoolExecutor(1) as beside:
            tried = beside.submit(by_stream, inference)
            assert is_tried.wait(PATIENCE_S)
            assert [by_stream(inference) for _ in range(3)] == ["Olá"] * 3
            go_on.set()
            assert tried.result(PATIENCE_S) == "Oi"
        assert asked(peers) == [2, 4]


def test_who_rests_is_asked_when_the_others_fail(tmp_path: Path) -> None:
    def one_after_another(*answers: Answer) -> Answer:
        coming = iter(answers)

        def answer(path: str, body: dict[str, object]) -> tuple[int, Iterable[bytes], str]:
            return next(coming)(path, body)

        return answer

    first = one_after_another(fails(500), PEERS["ollama"][0]("Oi"))
    second = one_after_another(PEERS["ollama"][0]("Olá"), fails(500))
    with engines_with("ollama", first, second, home=tmp_path) as (inference, peers):
        assert [by_stream(inference), by_stream(inference)] == ["Olá", "Oi"]
        assert asked(peers) == [2, 2]


@pytest.mark.parametrize("kind", PEERS)
def test_an_answer_that_breaks_in_the_middle_is_not_begun_elsewhere(kind: str, tmp_path: Path) -> None:
    def breaks(_path: str, _body: dict[str, object]) -> tuple[int, list[bytes], str]:
        return 200, [LINES[kind]("A")], EVENTS

    with engines_with(kind, breaks, PEERS[kind][0]("Olá"), home=tmp_path) as (inference, peers):
        pieces = inference.chat_stream(ASK)
        assert next(pieces) == "A"
        with pytest.raises(Unavailable):
            list(pieces)
        assert asked(peers) == [1, 0]
        assert [by_stream(inference), by_stream(inference)] == ["Olá", "Olá"], "it rests"


@pytest.mark.parametrize("kind", PEERS)
def test_a_question_that_is_refused_is_not_asked_elsewhere(kind: str, tmp_path: Path) -> None:
    with engines_with(kind, fails(400), PEERS[kind][0]("Olá"), home=tmp_path) as (inference, peers):
        with pytest.raises(ModelRefused):
            by_stream(inference)
        assert asked(peers) == [1, 0]


@pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    ("statuses", "error"),
    [((500, 503), Unavailable), ((404, 404), NoModel), ((404, 500), Unavailable), ((500, 404), Unavailable)],
)
def test_when_all_fail_each_was_asked_once_and_the_last_ones_error_is_told(
    ask: Ask, statuses: Sequence[int], error: type[Exception], tmp_path: Path
) -> None:
    with engines_with("openai", *map(fails, statuses), home=tmp_path) as (inference, peers):
        with pytest.raises(error):
            ask(inference)
        assert asked(peers) == [1, 1]


def test_when_all_are_off_the_engine_is_unavailable(tmp_path: Path) -> None:
    inference = connected("ollama", [DEAD, "http://127.0.0.1:7"], tmp_path)
    for _ in range(8):
        with pytest.raises(Unavailable):
            by_stream(inference)


def test_the_time_for_an_answer_is_that_of_all_hosts_together(silent: Answer, tmp_path: Path) -> None:
    with engines_with("ollama", silent, silent, silent, home=tmp_path) as (inference, peers):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            list(inference.chat_stream(ASK, within_s=WITHIN_S))
        assert time.monotonic() - began < 1.6 * WITHIN_S
        assert asked(peers) == [1, 1, 1]


def test_an_engine_that_says_something_late_and_then_nothing_has_no_more_time(go_on: threading.Event, tmp_path: Path) -> None:
    def falls_silent() -> Iterator[bytes]:
        go_on.wait(0.9 * WITHIN_S)
        yield b": ping\n\n"
        go_on.wait(PATIENCE_S)

    with engines_with("openai", lambda *_: (200, falls_silent(), EVENTS), home=tmp_path) as (inference, _peers):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            list(inference.chat_stream(ASK, within_s=WITHIN_S))
        assert time.monotonic() - began < 1.7 * WITHIN_S


def test_who_speaks_for_too_long_is_well(tmp_path: Path) -> None:
    def endless(_path: str, _body: dict[str, object]) -> tuple[int, Iterator[bytes], str]:
        return 200, slowly(LINES["ollama"]("A"), 0.02), EVENTS

    with engines_with("ollama", endless, PEERS["ollama"][0]("Olá"), home=tmp_path) as (inference, peers):
        for _ in range(2):
            with pytest.raises(Unavailable):
                list(inference.chat_stream(ASK, within_s=1))
            assert by_stream(inference) == "Olá"
        assert asked(peers) == [2, 2]


def test_each_attempt_at_json_is_a_question(tmp_path: Path) -> None:
    unsure, sure = PEERS["ollama"][0]('{"sure": "maybe"}'), PEERS["ollama"][0]('{"sure": true}')
    with engines_with("ollama", unsure, sure, home=tmp_path) as (inference, peers):
        assert inference.chat(ASK, schema=SCHEMA).text == '{"sure": true}'
        assert asked(peers) == [1, 1]
        assert all("format" in body for peer in peers for _path, body, _key in peer.seen)
    with engines_with("ollama", unsure, unsure, home=tmp_path) as (inference, peers), pytest.raises(SchemaNotMet):
        inference.chat(ASK, schema=SCHEMA)


def test_a_public_host_is_not_called_from_a_sealed_box_and_the_private_one_is(tmp_path: Path) -> None:
    public = "https://8.8.8.8"
    with serving(Scripted(PEERS["openai"][0]("Olá")).kind()) as address:
        inference = connected("openai", [public, address], tmp_path)
        assert [by_stream(inference), by_stream(inference)] == ["Olá", "Olá"]
        away, well = inference.chat_hosts()
    assert (away.name, "sealed" in away.reason) == ("8.8.8.8/v1", True)
    assert not well.reason
    with pytest.raises(Refused, match="sealed"):
        by_stream(connected("openai", [public, "https://8.8.4.4"], tmp_path))


@pytest.mark.parametrize("kind", PEERS)
def test_a_model_is_listed_once_and_who_is_away_is_named(kind: str, tmp_path: Path) -> None:
    well = PEERS[kind][0]("Olá")
    with engines_with(kind, well, well, home=tmp_path) as (inference, peers):
        assert [one.name for one in inference._engine.models()] == [MODEL]
        assert [one.reason for one in inference.chat_hosts()] == ["", ""]
        assert asked(peers) == [2, 2]
    with serving(Scripted(well).kind()) as address:
        inference = connected(kind, [DEAD, address], tmp_path)
        assert [one.name for one in inference._engine.models()] == [MODEL]
        away, other = inference.chat_hosts()
    assert (away.name, away.reason) == ("127.0.0.1:9" + PEERS[kind][1], "127.0.0.1 does not answer.")
    assert other == ChatHost(address.removeprefix("http://") + PEERS[kind][1])
    with pytest.raises(Unavailable):
        inference._engine.models()
