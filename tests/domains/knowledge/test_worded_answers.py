"""Answers that a language model words: streamed as they are checked, in time, and never without the documents behind them."""

import json
from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from appliance.core.box import Box
from appliance.core.errors import Refused, Unavailable
from appliance.domains.knowledge import actions
from appliance.domains.knowledge.types import Answer, Engine
from appliance.inference.errors import ModelRefused
from appliance.inference.fake import FakeInference
from appliance.inference.types import ChatMessage, ChatResult, Inference
from tests.domains.knowledge.conftest import Put

RULES = "# Trocas\n\nA troca de produto sem defeito é aceita em até 30 dias corridos.\n\n# Frete\n\nO frete para Itu custa R$ 31,50.\n"
ASKED = "quanto custa o frete para itu?"
TRUE, FALSE = "O frete para Itu custa R$ 31,50 [1].", "O frete para Itu custa R$ 99,00 [1]."
Step = str | Exception


class Writing(FakeInference):
    """Writes these pieces one by one and remembers how far it came."""

    def __init__(self, *steps: Step, complete: bool = True) -> None:
        super().__init__(lambda _messages: "")
        self._steps, self._complete = steps, complete
        self.written = 0
        self.closed = False
        self.asked_within: list[float] = []

    def chat_stream(self, messages: Sequence[ChatMessage], *, within_s: float = 0, **_options: object) -> Generator[str | ChatResult]:
        self.asked_within.append(within_s)
        try:
            for step in self._steps:
                self.written += 1
                if isinstance(step, Exception):
                    raise step
                yield step
            yield ChatResult("".join(map(str, self._steps)), "writer", 10, self.written, self._complete)
        finally:
            self.closed = True


@pytest.fixture
def writes(box: Box, put: Put, models: FakeInference) -> Callable[..., Writing]:
    put("politica.md", RULES)

    def provide(*steps: Step, complete: bool = True) -> Writing:
        writing = Writing(*steps, complete=complete)
        writing._spaces, writing._versions = models._spaces, models._versions
        box.provide(Inference, writing)
        return writing

    return provide


def grown(box: Box, tenant_id: UUID, question: str = ASKED) -> list[Answer]:
    return list(actions.stream_answer(box, tenant_id, question))


def test_sentences_are_shown_while_the_model_still_writes(box: Box, tenant_id: UUID, writes: Callable[..., Writing]) -> None:
    writing = writes(TRUE, " A", " troca", " de produto sem defeito é aceita em até 30 dias corridos [1].")
    growing = actions.stream_answer(box, tenant_id, ASKED)
    first = next(growing)
    assert (first.text, writing.written) == (TRUE, 2)
    *_middle, last = growing
    assert (last.engine, last.model, last.grounded, last.tokens_used) == (Engine.CHAT, "writer", True, 14)
    assert last.text.startswith(TRUE)
    assert last.text.endswith("corridos [1].")


def test_what_is_shown_never_changes_afterwards(box: Box, tenant_id: UUID, writes: Callable[..., Writing]) -> None:
    writes(TRUE + " ", FALSE, " A troca de produto sem defeito é aceita em até 30 dias corridos [1].")
    texts = [answer.text for answer in grown(box, tenant_id)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert "99,00" not in texts[-1]


def test_leaving_stops_the_model(box: Box, tenant_id: UUID, writes: Callable[..., Writing]) -> None:
    writing = writes(TRUE, " A", *[" e assim por diante"] * 50)
    growing = actions.stream_answer(box, tenant_id, ASKED)
    next(growing)
    growing.close()
    assert writing.closed
    assert writing.written < 5


@pytest.mark.parametrize("failure", [Unavailable("away"), ModelRefused("too long"), Refused("sealed")])
def test_without_the_model_the_quotes_are_the_answer(
    box: Box, tenant_id: UUID, writes: Callable[..., Writing], failure: Exception,
) -> None:
    writes(failure)
    answer = grown(box, tenant_id)[-1]
    assert (answer.engine, answer.answered) == (Engine.EXTRACTIVE, True)
    assert "31,50" in answer.text


def test_a_model_that_breaks_off_leaves_what_was_shown_and_no_half_sentence(
    box: Box, tenant_id: UUID, writes: Callable[..., Writing],
) -> None:
    writes(TRUE, " A troca de produto sem defeito é aceita em até 3", Unavailable("broke off"))
    answer = grown(box, tenant_id)[-1]
    assert (answer.engine, answer.text) == (Engine.CHAT, TRUE)


def test_a_sentence_cut_by_the_length_allowed_is_not_shown(box: Box, tenant_id: UUID, writes: Callable[..., Writing]) -> None:
    writes(TRUE, " A troca de produto sem defeito é aceita", complete=False)
    assert grown(box, tenant_id)[-1].text == TRUE


def test_garbage_is_stopped_early_and_the_quotes_stand(box: Box, tenant_id: UUID, writes: Callable[..., Writing]) -> None:
    writing = writes(*(f"Q{n}çz vkpo jjwq ãx{n} [{n % 7}]. " for n in range(400)))
    answer = grown(box, tenant_id)[-1]
    assert (answer.engine, "31,50" in answer.text) == (Engine.EXTRACTIVE, True)
    assert writing.written < 10


def test_an_answer_made_while_the_model_was_away_is_not_kept_for_later(box: Box, tenant_id: UUID, writes: Callable[..., Writing]) -> None:
    writes(Unavailable("away"))
    assert grown(box, tenant_id)[-1].engine is Engine.EXTRACTIVE
    writes(TRUE)
    assert grown(box, tenant_id)[-1].engine is Engine.CHAT
    again = writes(Unavailable("away"))
    assert grown(box, tenant_id)[-1].engine is Engine.CHAT, "this one is kept"
    assert again.written == 0


def test_the_model_gets_the_time_the_operator_allows(box: Box, tenant_id: UUID, writes: Callable[..., Writing]) -> None:
    writing = writes(TRUE)
    grown(box, tenant_id)
    assert writing.asked_within == [box.settings.models.answer_timeout_s]


def test_the_stream_of_the_api_carries_sentences_then_the_whole_with_its_sources(
    client: FlaskClient, writes: Callable[..., Writing],
) -> None:
    writes(TRUE, " A troca de produto sem defeito é aceita em até 30 dias corridos [1].")
    sent = client.post("/api/v1/rag/query", json={"query": ASKED, "stream": True}).get_data(as_text=True)
    events = [block.split("\n") for block in sent.strip().split("\n\n") if block.startswith("event:")]
    names = [event[0].removeprefix("event: ") for event in events]
    bodies = [json.loads(event[1].removeprefix("data: ")) for event in events]
    assert names == ["delta", "delta", "done"]
    assert "".join(body["text"] for body in bodies[:-1]) == bodies[-1]["answer"]
    assert bodies[-1]["sources"]
    assert bodies[-1]["grounded"]
    assert client.get(f"/api/v1/rag/sources/{bodies[-1]['query_id']}").status_code == 200
