"""Labels, dates, days until which a document is kept, and what people say of an answer."""

import io
import json
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from appliance.core.ids import NIL, new_id
from appliance.domains.knowledge import actions, jobs, queries
from appliance.domains.knowledge.actions import Ask, Filing, Scope
from appliance.domains.knowledge.tables import Document
from tests.domains.knowledge.conftest import COMPANY

RETURNS = "# Trocas\n\nO prazo para troca por arrependimento é de 7 dias corridos após o recebimento.\n"
ASKED = "qual o prazo para troca por arrependimento?"


def test_labels_come_with_the_upload_and_stay_with_the_next_version(client, put, run_deliveries):
    for body in (RETURNS, RETURNS + "\nNovo."):
        form = {"file": (io.BytesIO(body.encode()), "trocas.md"), **({"tag": ["loja", "loja", "2026"]} if body == RETURNS else {})}
        made = client.post("/api/v1/documents/upload", data=form, content_type="multipart/form-data")
        assert made.status_code == 201, made.json
        run_deliveries()
    assert client.get(f"/api/v1/documents/{made.json['id']}").json["tags"] == ["loja", "2026"]


def test_a_question_may_ask_only_what_was_read_since_a_moment(client, put, box, tenant_id):
    put("trocas.md", RETURNS)
    with box.unit(tenant_id, read_only=True) as uow:
        before, after = uow.now - timedelta(hours=1), uow.now + timedelta(hours=1)
    answered = [client.post("/api/v1/rag/query", json={"query": ASKED, "since": moment.isoformat()}).json for moment in (before, after)]
    assert [answer["answered"] for answer in answered] == [True, False]
    assert client.post("/api/v1/rag/query", json={"query": ASKED, "since": "2026-01-01T00:00:00"}).status_code == 422


def test_a_question_to_an_agent_nobody_has_leaves_no_gap_that_nobody_can_fill(client, box, tenant_id):
    asked = client.post("/api/v1/rag/query", json={"query": "vocês alugam bicicleta?", "agent_id": str(new_id())})
    assert asked.status_code == 422
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.list_gaps(uow).items == []


def test_a_document_is_deleted_once_its_time_is_over(client, put, box, tenant_id):
    kept, gone = put("fica.md", RETURNS), put("sai.md", "# Frete\n\nO frete para Betim custa R$ 49,00.\n")
    with box.unit(tenant_id) as uow:
        now = uow.now
        actions.file_document(uow, gone, Filing(keep_until=now - timedelta(minutes=1)))
        actions.file_document(uow, kept, Filing(keep_until=now + timedelta(days=1)))
    jobs.delete_expired(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(Document.id)).all() == [kept]
    assert client.get(f"/api/v1/documents/{kept}").json["keep_until"] is not None


def test_a_wrong_answer_waits_for_a_better_one(client, put, box, tenant_id):
    put("trocas.md", RETURNS)
    query_id = client.post("/api/v1/rag/query", json={"query": ASKED}).json["query_id"]
    address = f"/api/v1/rag/queries/{query_id}/feedback"
    assert client.post(address, json={"feedback": "right"}).status_code == 204
    assert client.get("/api/v1/rag/gaps").json["total"] == 0
    for _twice in range(2):
        client.post(address, json={"feedback": "wrong"})
    (gap,) = client.get("/api/v1/rag/gaps").json["items"]
    assert (gap["question"], gap["times"]) == (ASKED, 1)
    assert client.post(address, json={"feedback": "maybe"}).status_code == 422
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_query(uow, UUID(query_id)).feedback == "wrong"


def test_where_an_answer_came_from_is_for_who_asked_and_who_may_read_the_documents(client, put, somebody):
    put("trocas.md", RETURNS)
    somebody.may("knowledge:ask")
    query_id = client.post("/api/v1/rag/query", json={"query": ASKED}).json["query_id"]
    address = f"/api/v1/rag/sources/{query_id}"
    assert [source["document_name"] for source in client.get(address).json["sources"]] == ["trocas.md"]
    somebody.principal = replace(somebody.principal, user_id=new_id())
    assert client.get(address).status_code == 404
    somebody.may("knowledge:ask", "knowledge:read")
    assert len(client.get(address).json["sources"]) == 1


def test_changing_ones_mind_about_an_answer_counts_its_question_once(client, put):
    put("trocas.md", RETURNS)
    query_id = client.post("/api/v1/rag/query", json={"query": ASKED}).json["query_id"]
    for said in ("wrong", "right") * 3:
        assert client.post(f"/api/v1/rag/queries/{query_id}/feedback", json={"feedback": said}).status_code == 204
    assert [gap["times"] for gap in client.get("/api/v1/rag/gaps").json["items"]] == [1]


def test_an_unanswered_question_that_is_called_wrong_as_well_counts_once(client, put):
    put("trocas.md", RETURNS)
    asked = client.post("/api/v1/rag/query", json={"query": "vocês alugam bicicleta?"}).json
    assert not asked["answered"]
    client.post(f"/api/v1/rag/queries/{asked['query_id']}/feedback", json={"feedback": "wrong"})
    assert [gap["times"] for gap in client.get("/api/v1/rag/gaps").json["items"]] == [1]


def test_what_was_put_aside_stays_so_until_it_is_asked_anew(client, put):
    put("trocas.md", RETURNS)
    older, old, unsaid = (client.post("/api/v1/rag/query", json={"query": ASKED}).json["query_id"] for _ in range(3))

    def say(query_id, said):
        client.post(f"/api/v1/rag/queries/{query_id}/feedback", json={"feedback": said})
        return [gap["times"] for gap in client.get("/api/v1/rag/gaps").json["items"]]

    assert say(unsaid, "right") == []
    assert say(old, "wrong") == [1]
    (gap,) = client.get("/api/v1/rag/gaps").json["items"]
    assert client.delete(f"/api/v1/rag/gaps/{gap['id']}").status_code == 204
    assert [say(old, "right"), say(old, "wrong"), say(older, "wrong")] == [[], [], []]
    anew = client.post("/api/v1/rag/query", json={"query": ASKED}).json["query_id"]
    assert say(anew, "wrong") == [3]


def test_a_trial_is_answered_from_what_was_answered_before_and_keeps_nothing(box, tenant_id, put):
    put("trocas.md", RETURNS)
    for question in (ASKED, "vocês vendem piscinas aquecidas?"):
        assert actions.answer_question(box, tenant_id, question, ask=Ask(keep=False, scope=Scope())).query_id != NIL
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.list_gaps(uow).total == 0


@pytest.mark.only_database("sqlite")
def test_what_the_whole_company_answers_surely_one_label_answers_too(client, put, box, tenant_id, run_deliveries):
    """How sure an answer is was measured on all documents; counted inside one of them every word would look common."""
    ids = {path.name: put(path.name, path.read_bytes(), run=False) for path in sorted((COMPANY / "docs").iterdir())}
    run_deliveries()
    with box.unit(tenant_id) as uow:
        for name, document_id in ids.items():
            actions.file_document(uow, document_id, Filing(tags=(name,)))
    lines = (json.loads(line) for line in (COMPANY / "questions.jsonl").read_text().splitlines())
    asked = [line for line in lines if len(line["documents"]) == 1 and not line["context"]]
    kept, lost = 0, []
    for line in asked:
        if client.post("/api/v1/rag/query", json={"query": line["question"]}).json["answered"]:
            kept += 1
            if not client.post("/api/v1/rag/query", json={"query": line["question"], "tags": line["documents"]}).json["answered"]:
                lost.append(line["question"])
    assert kept > len(asked) // 2
    assert len(lost) <= 1, lost


def test_an_agent_s_documents_are_counted_and_paged_with_those_for_everybody(box, tenant_id, put):
    one, other = new_id(), new_id()
    for name, agents in (("todos.md", ()), ("um.md", (one,)), ("ambos.md", (one, other)), ("outro.md", (other,))):
        put(name, RETURNS.replace("Troca", name), agents=agents, run=False)
    with box.unit(tenant_id, read_only=True) as uow:
        pages = [queries.list_documents(uow, agent_id=one, limit=2, page=page) for page in (1, 2)]
        assert queries.list_documents(uow, limit=1, agent_id=new_id()).total == 1
    assert [[view.filename for view in page.items] for page in pages] == [["ambos.md", "um.md"], ["todos.md"]]
    assert {page.total for page in pages} == {3}
