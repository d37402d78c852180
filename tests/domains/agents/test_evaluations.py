import io

import pytest
from sqlalchemy import update

from appliance.core import deliveries, jobs
from appliance.core.errors import Unavailable
from appliance.core.outbox import Delivery
from appliance.domains.agents import actions as agents
from appliance.domains.agents import queries, subscribers
from appliance.domains.agents.errors import EvaluationUnderWay
from appliance.domains.agents.schemas import AgentPatch, AgentSettings, QuestionIn
from appliance.domains.knowledge import actions as knowledge
from appliance.domains.knowledge import queries as documents
from tests.draining import list_due

POLICY = "# Trocas\n\nO prazo para troca por arrependimento é de 7 dias corridos após o recebimento.\n"


@pytest.fixture
def policy(box, tenant_id, run_deliveries):
    knowledge.upload_document(box, tenant_id, "politica.md", io.BytesIO(POLICY.encode()))
    run_deliveries()


@pytest.fixture
def agent(client):
    made = client.post("/api/v1/agents", json={"name": "Aurora", "settings": {"greeting": "Oi! Sou a Aurora."}}).json["id"]
    assert client.post(f"/api/v1/agents/{made}/publish", json={}).status_code == 200
    return made


@pytest.fixture
def ask(client, agent):
    def add(question, **wanted):
        answer = client.post(f"/api/v1/agents/{agent}/questions", json={"question": question, **wanted})
        assert answer.status_code == 201, answer.json
        return answer.json["id"]

    return add


@pytest.fixture
def evaluate(client, agent, run_deliveries):
    def run():
        begun = client.post(f"/api/v1/agents/{agent}/evaluations")
        assert begun.status_code == 202, begun.json
        run_deliveries()
        return client.get(f"/api/v1/evaluations/{begun.json['id']}").json

    return run


def change(client, agent, **settings):
    assert client.patch(f"/api/v1/agents/{agent}", json={"settings": settings}).status_code == 200


def test_each_question_passes_or_says_what_is_missing(policy, ask, evaluate):
    ask("qual o prazo para troca?", facts=["7 dias"])
    ask("qual o prazo para troca?", facts=["30 dias"], forbidden=["corridos"])
    ask("quem descobriu o Brasil?", expected="unknown")
    ask("quero falar com um atendente", expected="person")
    done = evaluate()
    assert (done["state"], done["total"], done["done"], done["passed"], done["regressed"]) == ("finished", 4, 4, 3, 0)
    wrong = next(result for result in done["results"] if not result["passed"])
    assert (wrong["missing"], wrong["said"], wrong["outcome"]) == (["30 dias"], ["corridos"], "send")


def test_a_trial_leaves_no_gap_and_no_record(box, tenant_id, policy, ask, evaluate):
    ask("quem descobriu o Brasil?", expected="unknown")
    evaluate()
    with box.unit(tenant_id, read_only=True) as uow:
        assert documents.list_gaps(uow).total == 0


def test_what_passed_before_and_fails_now_is_a_regression(client, agent, ask, evaluate):
    ask("bom dia", facts=["Sou a Aurora"])
    ask("boa tarde", facts=["Sou a Lia"])
    first = evaluate()
    assert (first["passed"], first["regressed"], first["baseline_id"]) == (1, 0, None)
    change(client, agent, greeting="Olá, sou a Lia.")
    second = evaluate()
    assert (second["passed"], second["regressed"], second["baseline_id"]) == (1, 1, first["id"])
    assert [result["regressed"] for result in second["results"]] == [True, False]


def test_a_draft_is_compared_with_what_answers_customers_now(client, agent, ask, evaluate):
    ask("bom dia", facts=["Sou a Aurora"])
    live = evaluate()
    change(client, agent, greeting="Olá, sou a Lia.")
    evaluate()
    assert evaluate()["baseline_id"] == live["id"]


def test_a_draft_is_published_only_when_it_passes_or_somebody_insists(client, agent, ask, evaluate):
    ask("bom dia", facts=["Sou a Aurora"])
    address = f"/api/v1/agents/{agent}/publish"
    change(client, agent, greeting="Olá, sou a Lia.")
    assert "not been asked" in client.post(address, json={}).json["detail"]
    evaluate()
    assert "does not pass" in client.post(address, json={}).json["detail"]
    change(client, agent, greeting="Oi, sou a Aurora.")
    assert client.post(address, json={}).status_code == 409, "what was asked is not what would be published"
    evaluate()
    assert client.post(address, json={}).status_code == 200
    change(client, agent, greeting="Olá, sou a Lia.")
    assert client.post(address, json={"anyway": True}).status_code == 200
    assert client.post(f"/api/v1/agents/{agent}/rollback", json={"number": 1}).status_code == 200


def test_a_question_added_or_changed_since_has_to_be_asked_and_one_removed_is_not_missed(client, agent, ask, evaluate):
    change(client, agent, greeting="Oi, sou a Aurora.")
    wrong = ask("bom dia", facts=["Sou a Lia"])
    evaluate()
    address = f"/api/v1/agents/{agent}/publish"
    client.put(f"/api/v1/questions/{wrong}", json={"question": "bom dia", "facts": ["Sou a Aurora"]})
    assert client.post(address, json={}).status_code == 409
    evaluate()
    other = ask("boa tarde", facts=["Sou a Lia"])
    assert client.post(address, json={}).status_code == 409
    client.delete(f"/api/v1/questions/{other}")
    assert client.post(address, json={}).status_code == 200


def test_without_a_question_there_is_nothing_to_run_and_one_run_is_enough(client, agent, ask):
    address = f"/api/v1/agents/{agent}/evaluations"
    assert client.post(address).status_code == 422
    ask("bom dia")
    assert client.post(address).status_code == 202
    assert client.post(address).status_code == 409
    assert [one["state"] for one in client.get(address).json] == ["running"]


def test_questions_are_changed_and_removed(client, agent, ask, evaluate):
    first, second = ask("bom dia", facts=["Sou a Lia"]), ask("tchau")
    assert client.put(f"/api/v1/questions/{first}", json={"question": "boa noite", "facts": ["Sou a Aurora"]}).status_code == 200
    assert client.delete(f"/api/v1/questions/{second}").status_code == 204
    assert [row["question"] for row in client.get(f"/api/v1/agents/{agent}/questions").json] == ["boa noite"]
    assert evaluate()["passed"] == 1
    assert client.delete(f"/api/v1/questions/{second}").status_code == 404


def test_a_follow_up_is_asked_with_what_was_said_before(policy, ask, evaluate):
    ask("e em quantos dias?", context=[{"role": "contact", "text": "posso trocar por arrependimento?"}], facts=["7 dias"])
    assert evaluate()["passed"] == 1


def test_a_full_set_takes_no_more(client, agent, ask, monkeypatch):
    monkeypatch.setattr(queries, "MAX_QUESTIONS", 1)
    ask("bom dia")
    assert client.post(f"/api/v1/agents/{agent}/questions", json={"question": "oi"}).status_code == 422


def test_whoever_takes_over_a_run_asks_only_what_has_no_result(box, tenant_id, make_agent, run_deliveries, monkeypatch):
    """The models go away after the first slice; the second try ends what the first began."""
    agent_id = make_agent(greeting="Oi!")
    with box.unit(tenant_id) as uow:
        for number in range(7):
            agents.add_question(uow, agent_id, QuestionIn(question=f"bom dia{'!' * number}", facts=["Oi"]))
        evaluation_id = agents.start_evaluation(uow, agent_id).id
    asked, whole = [], agents.ask_question

    def fragile(*given, **more):
        asked.append(given[3].id)
        if len(asked) == 6:
            raise Unavailable("away", retry_after=0)
        return whole(*given, **more)

    monkeypatch.setattr(subscribers.actions, "ask_question", fragile)
    monkeypatch.setattr(subscribers, "QUESTIONS_A_SLICE", 5)
    run_deliveries()
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).where(Delivery.state == "pending").values(next_at=uow.now))
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        found = queries.get_evaluation(uow, evaluation_id)
        assert (found.done, found.passed, found.state) == (7, 7, "finished")
    assert len(asked) == 8


def test_a_run_that_was_given_up_does_not_keep_the_next_one_from_starting(box, tenant_id, make_agent, run_deliveries, monkeypatch):
    agent_id = make_agent(greeting="Oi!")
    with box.unit(tenant_id) as uow:
        agents.add_question(uow, agent_id, QuestionIn(question="bom dia", facts=["Oi"]))
        agents.start_evaluation(uow, agent_id)
        with pytest.raises(EvaluationUnderWay):
            agents.start_evaluation(uow, agent_id)
    with monkeypatch.context() as patched:
        patched.setattr(subscribers.actions, "ask_question", lambda *_given, **_more: 1 / 0)
        run_deliveries()
    with box.unit(tenant_id) as uow:
        again = agents.start_evaluation(uow, agent_id).id
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert (queries.get_evaluation(uow, again).passed, queries.find_running(uow, agent_id)) == (1, None)


def test_an_evaluation_with_a_draft_that_changes_meanwhile_keeps_its_settings(box, tenant_id, make_agent, run_deliveries):
    agent_id = make_agent(greeting="Oi!")
    with box.unit(tenant_id) as uow:
        agents.add_question(uow, agent_id, QuestionIn(question="bom dia", facts=["Oi"]))
        evaluation_id = agents.start_evaluation(uow, agent_id).id
        agents.change_agent(uow, agent_id, AgentPatch(settings=AgentSettings(greeting="Nada.")))
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_evaluation(uow, evaluation_id).passed == 1
        assert queries.find_proof(uow, agent_id) is None


@pytest.fixture
def start_run(box, tenant_id, make_agent):
    def start(questions):
        agent_id = make_agent(greeting="Oi!")
        with box.unit(tenant_id) as uow:
            for number in range(questions):
                agents.add_question(uow, agent_id, QuestionIn(question=f"bom dia{'!' * number}", facts=["Oi"]))
            return agents.start_evaluation(uow, agent_id).id

    return start


def deliver_one(box):
    (due,) = list_due(box)
    jobs.deliver(box, due.tenant_id, due.delivery_id)
    with box.whole_box("test", read_only=True) as uow:
        assert deliveries.get_delivery(uow, due.delivery_id).state == "done"


def test_one_delivery_asks_one_slice_and_what_waits_comes_between(box, tenant_id, start_run, monkeypatch):
    monkeypatch.setattr(subscribers, "QUESTIONS_A_SLICE", 3)
    evaluation_id = start_run(questions=7)
    seen = []
    for _slice in range(3):
        deliver_one(box)
        with box.unit(tenant_id, read_only=True) as uow:
            found = queries.get_evaluation(uow, evaluation_id)
            seen.append((found.done, found.passed, found.state))
    assert seen == [(3, 3, "running"), (6, 6, "running"), (7, 7, "finished")]
    assert list_due(box) == []


def test_slow_questions_end_a_slice_before_it_is_full(box, tenant_id, start_run, monkeypatch):
    monkeypatch.setattr(subscribers, "SECONDS_A_SLICE", 0.0)
    evaluation_id = start_run(questions=3)
    deliver_one(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_evaluation(uow, evaluation_id).done == 1


def test_questions_changed_or_added_between_slices_leave_the_count_true(box, tenant_id, start_run, run_deliveries, monkeypatch):
    monkeypatch.setattr(subscribers, "QUESTIONS_A_SLICE", 2)
    evaluation_id = start_run(questions=3)
    deliver_one(box)
    with box.unit(tenant_id) as uow:
        run = queries.get_evaluation(uow, evaluation_id)
        first = queries.list_questions(uow, run.agent_id)[0]
        agents.change_question(uow, first.id, QuestionIn(question="boa noite", facts=["Oi"]))
        agents.add_question(uow, run.agent_id, QuestionIn(question="boa tarde", facts=["Oi"]))
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        run = queries.get_evaluation(uow, evaluation_id)
        assert (run.state, run.total, run.done, run.passed) == ("finished", 3, 3, 3)
