"""Whole answers through the engines a company may have: Ollama and OpenAI-compatible servers, well and ill. Peers on real sockets."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from appliance.core.box import Box
from appliance.core.config import ModelSettings, Settings
from appliance.domains.knowledge import actions
from appliance.domains.knowledge.types import Engine
from appliance.inference import http, wire
from appliance.inference.fake import FakeInference
from appliance.inference.places import Limited
from appliance.inference.types import ChatMessage, Inference
from tests.domains.knowledge.conftest import Put
from tests.inference.peers import Answer, Scripted, serving

RULES = "# Trocas\n\nA troca de produto sem defeito é aceita em até 30 dias corridos.\n\n# Frete\n\nO frete para Itu custa R$ 31,50.\n"
ASKED = "quanto custa o frete para itu?"
TRUE, FALSE = "O frete para Itu custa R$ 31,50 [1].", "O frete para Itu custa R$ 99,00 [1]."
PATIENCE_S = 60.0
SOON_S = 3.0

pytestmark = pytest.mark.only_database("sqlite")


def ollama(text: str) -> bytes:
    return json.dumps({"message": {"content": text}, "done": False}).encode() + b"\n"


def openai(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


ENDS = {
    "ollama": json.dumps({"model": "m", "message": {"content": ""}, "done": True, "done_reason": "stop"}).encode() + b"\n",
    "openai": b'data: {"model": "m", "choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n',
}
SAYS: dict[str, Callable[[str], bytes]] = {"ollama": ollama, "openai": openai}


@pytest.fixture
def patience_s() -> float:
    return PATIENCE_S


@pytest.fixture
def settings(settings: Settings, patience_s: float) -> Settings:
    return settings.model_copy(update={"models": ModelSettings(answer_timeout_s=patience_s)})


@contextmanager
def engine(box: Box, models: FakeInference, kind: str, answer: Answer, *others: str) -> Iterator[Scripted]:
    """Vectors stay with the fake; only what writes is the peer, or one of the `others` at their addresses."""
    peer = Scripted(answer)
    with serving(peer.kind()) as address:
        given = ModelSettings(chat_engine=kind, chat_url=[address, *others], chat_model="m")
        server = wire.ModelServer(box.settings.home / "none.sock", timeout_s=1)
        writer = http.HttpInference(given, server, Limited(http.chat_engine(given, box.settings.network, server), places=1))
        models.chat_stream = writer.chat_stream
        box.provide(Inference, models)
        yield peer


@pytest.mark.parametrize("kind", SAYS)
def test_an_engine_that_tells_the_truth_writes_the_answer(
    box: Box, tenant_id: UUID, put: Put, models: FakeInference, kind: str,
) -> None:
    put("politica.md", RULES)
    pieces = [SAYS[kind](word + " ") for word in TRUE.split()]
    with engine(box, models, kind, lambda *_: (200, [*pieces, ENDS[kind]], "text/event-stream")):
        answer = actions.answer_question(box, tenant_id, ASKED)
    assert (answer.text, answer.engine, answer.model, answer.grounded) == (TRUE, Engine.CHAT, "m", True)


def drip(kind: str) -> Iterator[bytes]:
    while True:
        yield SAYS[kind]("hum ")
        time.sleep(0.05)


ILL: dict[str, Callable[[str], Answer]] = {
    "lies": lambda kind: lambda *_: (200, [SAYS[kind](FALSE), ENDS[kind]], "text/event-stream"),
    "does not know": lambda kind: lambda *_: (200, [SAYS[kind]("NAO_SEI"), ENDS[kind]], "text/event-stream"),
    "is broken": lambda _kind: lambda *_: (500, [b"boom"], "text/plain"),
    "is full": lambda _kind: lambda *_: (503, [b"{}"], "application/json"),
    "lost its model": lambda _kind: lambda *_: (404, [b'{"error": "model not found"}'], "application/json"),
    "finds it too long": lambda _kind: lambda *_: (400, [b'{"error": "context length"}'], "application/json"),
    "breaks off at once": lambda kind: lambda *_: (200, [SAYS[kind]("O frete para")], "text/event-stream"),
    "babbles": lambda _kind: lambda *_: (200, [b"<html>\xff"], "text/html"),
    "never ends": lambda kind: lambda *_: (200, drip(kind), "text/event-stream"),
}


@pytest.mark.parametrize("kind", SAYS)
@pytest.mark.parametrize(("how", "patience_s"), [(how, SOON_S if how == "never ends" else PATIENCE_S) for how in ILL])
def test_whatever_ails_the_engine_the_customer_is_answered_well_and_in_time(
    box: Box, tenant_id: UUID, put: Put, models: FakeInference, kind: str, how: str,
) -> None:
    put("politica.md", RULES)
    with engine(box, models, kind, ILL[how](kind)) as peer:
        began = time.monotonic()
        answer = actions.answer_question(box, tenant_id, ASKED)
        took = time.monotonic() - began
    assert peer.seen, "the engine was asked"
    assert (answer.engine, answer.answered, "31,50" in answer.text) == (Engine.EXTRACTIVE, True, True)
    assert took < PATIENCE_S / 2, "the time allowed at most, and what a loaded machine adds"


@pytest.mark.parametrize("kind", SAYS)
@pytest.mark.parametrize("how", ["is broken", "is full", "lost its model", "babbles"])
def test_another_engine_writes_the_answer_when_one_is_ill(
    box: Box, tenant_id: UUID, put: Put, models: FakeInference, kind: str, how: str,
) -> None:
    put("politica.md", RULES)
    well = Scripted(lambda *_: (200, [SAYS[kind](TRUE), ENDS[kind]], "text/event-stream"))
    with serving(well.kind()) as address, engine(box, models, kind, ILL[how](kind), address) as peer:
        answer = actions.answer_question(box, tenant_id, ASKED)
    assert (len(peer.seen), len(well.seen)) == (1, 1)
    assert (answer.text, answer.engine) == (TRUE, Engine.CHAT)


@pytest.mark.parametrize("kind", SAYS)
def test_when_every_engine_is_ill_the_customer_gets_the_quotes(
    box: Box, tenant_id: UUID, put: Put, models: FakeInference, kind: str,
) -> None:
    put("politica.md", RULES)
    broken = Scripted(ILL["is broken"](kind))
    with serving(broken.kind()) as address, engine(box, models, kind, ILL["lost its model"](kind), address) as peer:
        answer = actions.answer_question(box, tenant_id, ASKED)
    assert (len(peer.seen), len(broken.seen)) == (1, 1)
    assert (answer.engine, answer.answered, "31,50" in answer.text) == (Engine.EXTRACTIVE, True, True)


def test_who_asks_while_the_model_is_busy_with_others_gets_quotes_at_once_and_words_later(
    box: Box, tenant_id: UUID, put: Put, models: FakeInference,
) -> None:
    put("politica.md", RULES)
    with engine(box, models, "ollama", lambda *_: (200, [ollama(TRUE), ENDS["ollama"]], "text/event-stream")) as peer:
        other = models.chat_stream([ChatMessage("user", "Oi")])
        next(other)
        quoted = actions.answer_question(box, tenant_id, ASKED)
        assert len(peer.seen) == 1, "nobody waited for the model's only place"
        other.close()
        worded = actions.answer_question(box, tenant_id, ASKED)
    assert (quoted.engine, quoted.answered, "31,50" in quoted.text) == (Engine.EXTRACTIVE, True, True)
    assert (worded.engine, worded.text) == (Engine.CHAT, TRUE), "the quotes were not kept as the answer"
