"""An agent whose words come from a real GGUF model in a real model server. Random weights: what they write is never true."""

import io
import json
import threading
import time
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from appliance.core.config import ModelSettings
from appliance.core.errors import Unavailable
from appliance.domains.agents import queries
from appliance.domains.conversations.types import Sender
from appliance.domains.knowledge import actions as knowledge
from appliance.entrypoints import cli_models
from appliance.inference import http, wire
from appliance.inference.types import ChatMessage, Inference
from tests.modelserver import tiny_gguf
from tests.modelserver.running import Running

POLICY = """# Política de trocas

O prazo para troca por arrependimento é de 7 dias corridos após o recebimento.

# Frete

O frete para Betim custa R$ 49,00 e leva 3 dias úteis.
"""
PATIENCE_S = 2.0
BUSY_S = 60  # what a machine with much else to do may add; nobody who waits for the model itself is done by then
ASKED = "quanto custa o frete para Betim?"
ASKED_MODEL, SHED = 'modelserver_requests_total{route="/v1/chat/completions"', 'modelserver_shed_total{queue="endless"}'

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("own"), ("--max-waiting", "2", "--parallel-chats", "1", "--context-tokens", "32768"))
    running.start()
    yield running
    running.kill()


@pytest.fixture
def patience_s():
    """How long a customer waits for the model."""
    return PATIENCE_S


@pytest.fixture
def settings(settings, patience_s):
    return settings.model_copy(update={"models": ModelSettings(chat_engine="modelserver", answer_timeout_s=patience_s)})


@pytest.fixture
def inference(box, running):
    server = wire.ModelServer(running.socket, timeout_s=60)
    models = box.settings.models
    found = http.HttpInference(models, server, http.chat_engine(models, box.settings.network, server))
    box.provide(Inference, found)
    yield found
    server.close()


@pytest.fixture
def installed(running, monkeypatch):
    """The model, put on the box as an operator without a network does it, while the server runs."""
    monkeypatch.setenv("SALESEDGE_HOME", str(running.home))
    source = tiny_gguf.write(running.home / "endless.gguf", endless=True)
    done = CliRunner().invoke(cli_models.models, ["import", str(source), "--json"])
    assert json.loads(done.output) == {"name": "endless"}
    if running.process.poll() is not None:
        running.start()


@pytest.fixture
def documents(box, tenant_id, inference, run_deliveries):
    knowledge.upload_document(box, tenant_id, "politica.md", io.BytesIO(POLICY.encode()))
    run_deliveries()


@contextmanager
def occupied(running, *, chats=1):
    """Somebody else's long chats hold the model's only place, and the places to wait."""
    body = {"model": "endless", "messages": [{"role": "user", "content": "Oi"}], "max_tokens": 30_000, "stream": True}
    leave, begun = threading.Event(), threading.Semaphore(0)

    def talk():
        with running.client() as client:
            try:
                with client.stream("POST", "/v1/chat/completions", json=body) as response:
                    for _line in response.iter_lines():
                        begun.release()
                        if leave.is_set():
                            return
            except wire.httpx.HTTPError:
                begun.release()

    talking = [threading.Thread(target=talk, daemon=True) for _ in range(chats)]
    for thread in talking:
        thread.start()
    assert begun.acquire(timeout=60)
    inside(running, chats)
    try:
        yield
    finally:
        leave.set()
        for thread in talking:
            thread.join(60)


def memory(running):
    with running.client() as client:
        return client.get("/v1/memory").json()


def inside(running, count):
    until(lambda: sum(lane["inside"] for lane in memory(running)["queues"] if lane["name"] == "endless") >= count)


def until(true):
    ends = time.monotonic() + 60
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


def counted(running, name):
    """What the server has counted of this so far."""
    with running.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


@pytest.fixture
def asks(request, box, tenant_id, make_agent, says, run_deliveries, thread):
    """A visitor asks the agent: the reply, the engine its trace names, and how long the turn took."""
    for needed in ("installed", "documents"):
        request.getfixturevalue(needed)
    agent_id = make_agent(knowledge="all")

    def ask(question, visitor="ana"):
        conversation_id = says(agent_id, question, visitor=visitor)
        run_deliveries()
        sender, text = thread(conversation_id)[-1]
        assert sender is Sender.AGENT_AI
        with box.unit(tenant_id, read_only=True) as uow:
            [run] = queries.list_runs(uow, conversation_id)
            return text, run.engine, run.took_ms / 1000

    return ask


def test_an_imported_model_is_loaded_by_the_first_question_and_its_nonsense_is_not_sent(running, asks):
    assert "endless" not in {one["name"] for one in memory(running)["models"]}
    text, engine, took_s = asks(ASKED)
    assert ("49,00" in text, engine) == (True, "extractive")
    assert took_s < 2 * PATIENCE_S + BUSY_S, "loading included"
    told = memory(running)
    assert [one["memory_bytes"] >= 0 and one["file_bytes"] > 0 for one in told["models"] if one["name"] == "endless"] == [True]
    assert told["rss_bytes"] > 0
    until(lambda: counted(running, ASKED_MODEL) >= 1)


def test_a_model_that_is_busy_for_too_long_costs_the_customer_no_more_than_the_time_allowed(running, asks):
    with occupied(running):
        text, engine, took_s = asks(ASKED)
    assert ("49,00" in text, engine) == (True, "extractive")
    assert PATIENCE_S * 0.9 < took_s < PATIENCE_S + BUSY_S


def test_a_full_queue_sheds_and_the_customer_is_answered_at_once(running, asks):
    with occupied(running, chats=2), running.client() as client:
        shed = client.post("/v1/chat/completions", json={"model": "endless", "messages": [{"role": "user", "content": "Oi"}]})
        assert (shed.status_code, int(shed.headers["retry-after"]) >= 1) == (503, True)
        before = counted(running, SHED)
        text, engine, took_s = asks(ASKED)
        assert counted(running, SHED) > before, "the customer did not wait in the queue"
    assert ("49,00" in text, engine) == (True, "extractive")
    assert took_s < PATIENCE_S + BUSY_S


@pytest.mark.parametrize("patience_s", [10 * BUSY_S])
def test_killing_the_model_server_under_a_chat_neither_loses_the_reply_nor_the_box(running, asks):
    with occupied(running):

        def kill_when_asked():
            inside(running, 2)
            running.kill()

        killer = threading.Thread(target=kill_when_asked)
        killer.start()
        text, engine, took_s = asks(ASKED)
        killer.join()
    assert ("49,00" in text, engine) == (True, "extractive")
    assert took_s < BUSY_S
    assert "7 dias" in asks("qual o prazo para troca?", visitor="bia")[0], "while it is down"
    running.start()
    assert "3 dias" in asks("o frete para Betim leva quantos dias?", visitor="caio")[0], "when it is back"
    assert counted(running, ASKED_MODEL) >= 1, "the model is asked again"


def test_a_stream_that_dies_under_its_reader_says_so(running, installed, inference):
    pieces = inference.chat_stream([ChatMessage("user", "Oi")], model="endless", max_tokens=20_000, within_s=30)
    assert [next(pieces) for _ in range(3)]
    running.kill()
    with pytest.raises(Unavailable):
        list(pieces)
    running.start()


def test_the_agents_openai_stream_carries_the_quotes_when_the_model_writes_nonsense(
    installed, documents, client, make_agent
):
    body = {"model": str(make_agent(knowledge="all")), "messages": [{"role": "user", "content": ASKED}], "stream": True}
    answer = client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200
    events = [json.loads(line[6:]) for line in answer.get_data(as_text=True).splitlines() if line.startswith("data: {")]
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert "49,00" in text
    last = events[-1]
    assert (last["choices"][0]["finish_reason"], last["salesedge"]["outcome"]) == ("stop", "send")
    assert last["salesedge"]["sources"]
