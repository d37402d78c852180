import threading

import httpx
import openai
import pytest
from werkzeug.serving import make_server

from appliance.domains.knowledge import queries as documents


@pytest.fixture
def agent(client):
    made = client.post("/api/v1/agents", json={"name": "Aurora", "settings": {"greeting": "Oi! Sou a Aurora."}})
    assert made.status_code == 201, made.json
    return made.json["id"]


@pytest.fixture
def openai_client(box, client):
    """OpenAI's own client against a real socket."""
    server = make_server("127.0.0.1", 0, client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    with httpx.Client(trust_env=False) as http:
        yield openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="key", http_client=http, max_retries=0)
    server.shutdown()
    thread.join()


def test_an_agent_answers_nobody_until_it_is_published(client, agent):
    shown = client.get(f"/api/v1/agents/{agent}").json
    assert (shown["published"], shown["draft"]["number"]) == (None, 1)
    assert client.post(f"/api/v1/agents/{agent}/publish", json={}).json["state"] == "published"
    assert client.post(f"/api/v1/agents/{agent}/publish", json={}).status_code == 409


def test_versions_can_be_compared_and_brought_back(client, agent):
    client.post(f"/api/v1/agents/{agent}/publish", json={"note": "primeira"})
    client.patch(f"/api/v1/agents/{agent}", json={"settings": {"greeting": "Olá!", "debounce_ms": 0}})
    assert client.get(f"/api/v1/agents/{agent}").json["published"]["settings"]["greeting"] == "Oi! Sou a Aurora."
    client.post(f"/api/v1/agents/{agent}/publish", json={})
    changes = client.get(f"/api/v1/agents/{agent}/diff?before=1&after=2").json
    assert {change["field"] for change in changes} == {"greeting", "debounce_ms"}
    back = client.post(f"/api/v1/agents/{agent}/rollback", json={"number": 1}).json
    assert (back["number"], back["settings"]["greeting"]) == (3, "Oi! Sou a Aurora.")
    assert [row["state"] for row in client.get(f"/api/v1/agents/{agent}/versions").json] == ["published", "archived", "archived"]


def test_settings_that_make_no_sense_are_refused_with_the_field(client):
    answer = client.post("/api/v1/agents", json={"name": "A", "settings": {"hours": {"timezone": "Mars/Olympus"}, "temperature": 9}})
    assert answer.status_code == 422
    assert set(answer.json["fields"]) == {"settings.hours.timezone", "settings.temperature"}


def test_the_bench_shows_every_step_and_sends_nothing(client, agent):
    answer = client.post(f"/api/v1/agents/{agent}/test", json={"question": "quero falar com um humano"}).json
    assert (answer["outcome"], answer["reason"]) == ("hand_off", "wants_person")
    assert [step["name"] for step in answer["steps"]] == ["gate", "intent", "handoff_rules", "decision"]
    assert client.get("/api/v1/conversations").json["total"] == 0


def test_the_bench_leaves_neither_a_question_nor_a_gap_behind(client, box, agent, tenant_id):
    answer = client.post(f"/api/v1/agents/{agent}/test", json={"question": "quem descobriu o Brasil?"}).json
    assert answer["outcome"] == "fallback"
    with box.unit(tenant_id, read_only=True) as uow:
        assert documents.list_gaps(uow).total == 0


def test_another_tenants_agent_is_not_there(client, agent, somebody, other_tenant_id):
    from dataclasses import replace

    somebody.principal = replace(somebody.principal, tenant_id=other_tenant_id)
    assert client.get(f"/api/v1/agents/{agent}").status_code == 404
    assert client.post(f"/api/v1/agents/{agent}/test", json={"question": "oi"}).status_code == 404


def test_openais_own_client_talks_to_an_agent(openai_client, client, agent):
    client.post(f"/api/v1/agents/{agent}/publish", json={})
    for model in (agent, "aurora"):
        said = openai_client.chat.completions.create(model=model, messages=[{"role": "user", "content": "bom dia"}])
        assert said.choices[0].message.content == "Oi! Sou a Aurora."
    assert agent in [model.id for model in openai_client.models.list()]
    assert openai_client.models.retrieve(agent).id == agent


def test_openais_own_client_reads_a_stream(openai_client, client, agent):
    client.post(f"/api/v1/agents/{agent}/publish", json={})
    stream = openai_client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "bom dia"}], stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert "".join(pieces) == "Oi! Sou a Aurora."


def test_openais_own_client_gets_embeddings(openai_client):
    answer = openai_client.embeddings.create(model="", input=["um", "dois"])
    assert len(answer.data) == 2
    assert len(answer.data[0].embedding) == len(answer.data[1].embedding) > 0


@pytest.mark.parametrize("given", [["um"] * 65, ["um", "x" * 8001], "x" * 8001, []])
def test_more_text_than_the_models_should_read_at_once_is_refused(client, given):
    answer = client.post("/v1/embeddings", json={"input": given})
    assert answer.status_code == 422


def test_a_number_no_version_can_have_is_refused(client, agent):
    address = f"/api/v1/agents/{agent}"
    assert client.get(f"{address}/diff?before=1&after={2**31}").status_code == 422
    assert client.post(f"{address}/rollback", json={"number": 2**63}).status_code == 422


def test_an_unknown_model_is_not_found(openai_client):
    with pytest.raises(openai.NotFoundError):
        openai_client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "oi"}])


def test_a_stranger_is_not_served(openai_client, somebody):
    somebody.principal = None
    with pytest.raises(openai.AuthenticationError):
        openai_client.models.list()
