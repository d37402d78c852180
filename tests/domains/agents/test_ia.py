import io

import pytest

from appliance.domains.knowledge import actions as knowledge

POLICY = "# Trocas\n\nO prazo para troca por arrependimento é de 7 dias corridos após o recebimento.\n"


@pytest.fixture
def agent(client):
    made = client.post("/api/v1/agents", json={"name": "Aurora", "settings": {"greeting": "Oi!", "hours": {"timezone": "UTC"}}})
    return made.json["id"]


@pytest.fixture
def published(client, agent):
    assert client.post(f"/api/v1/agents/{agent}/publish", json={}).status_code == 200
    return agent


def test_a_program_asks_an_agent(box, tenant_id, client, published, run_deliveries):
    knowledge.upload_document(box, tenant_id, "politica.md", io.BytesIO(POLICY.encode()))
    run_deliveries()
    said = client.post("/api/v1/ia/ask-to-agent", json={"agent_id": published, "question": "qual o prazo para troca?"}).json
    assert "7 dias" in said["answer"]
    assert (said["outcome"], said["version"], said["sources"][0]["document_name"]) == ("send", 1, "politica.md")
    person = client.post("/api/v1/ia/ask-to-agent", json={"agent_id": published, "question": "quero falar com um humano"}).json
    assert (person["outcome"], person["reason"]) == ("hand_off", "wants_person")


def test_an_agent_that_answers_nobody_says_so(client, agent):
    answer = client.post("/api/v1/ia/ask-to-agent", json={"agent_id": agent, "question": "oi"})
    assert (answer.status_code, "published" in answer.json["detail"]) == (409, True)


def test_settings_are_changed_one_by_one_in_the_draft(client, published):
    address = f"/api/v1/settings/{published}"
    assert client.patch(address, json={"greeting": "Olá!"}).json["hours"]["timezone"] == "UTC"
    shown = client.get(address).json
    assert (shown["greeting"], shown["hours"]["timezone"]) == ("Olá!", "UTC")
    assert client.get(f"/api/v1/agents/{published}").json["published"]["settings"]["greeting"] == "Oi!"
    assert client.patch(address, json={"temperature": 9}).status_code == 422


def test_what_an_agent_did_is_listed_and_counted(client, make_agent, says, run_deliveries):
    agent_id = make_agent()
    says(agent_id, "bom dia")
    says(agent_id, "quero falar com um humano", visitor="bia")
    run_deliveries()
    log = client.get(f"/api/v1/logs?agent_id={agent_id}").json
    assert (log["total"], {run["outcome"] for run in log["items"]}) == (2, {"send", "hand_off"})
    figures = client.get(f"/api/v1/agents/{agent_id}/metrics").json
    assert (figures["conversations"], figures["turns"], figures["deflection"]) == (2, 2, 0.5)
    assert (figures["sent"], figures["hand_offs"], figures["reasons"]) == (1, 1, {"wants_person": 1})
    assert figures["p95_ms"] >= figures["mean_ms"] >= 0


def test_an_agent_without_a_turn_has_no_figures(client, agent):
    figures = client.get(f"/api/v1/agents/{agent}/metrics").json
    assert (figures["turns"], figures["deflection"], figures["mean_ms"], figures["p95_ms"]) == (0, None, 0, 0)


def test_status_says_whether_it_can_answer_and_from_what(box, tenant_id, client, agent, run_deliveries):
    knowledge.upload_document(box, tenant_id, "politica.md", io.BytesIO(POLICY.encode()))
    run_deliveries()
    status = client.get(f"/api/v1/debug/agents/{agent}/status").json
    assert (status["answers"], status["published_number"], status["draft_number"], status["documents"]) == (False, None, 1, 1)
    assert (status["turns_today"], status["last_outcome"]) == (0, None)
    client.post(f"/api/v1/agents/{agent}/publish", json={})
    assert client.get(f"/api/v1/debug/agents/{agent}/status").json["answers"] is True
