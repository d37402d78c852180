"""A reply suggested to the person who has the conversation."""

import io
import json

import pytest

from appliance.domains.agents import queries
from appliance.domains.conversations import actions as conversations
from appliance.domains.knowledge import actions as knowledge
from tests import cast as people


@pytest.fixture
def talk(box, tenant_id, make_agent, says, run_deliveries):
    knowledge.upload_document(box, tenant_id, "garantia.md", io.BytesIO("# Garantia\n\nA garantia do inversor é de 10 anos.\n".encode()))
    run_deliveries()
    return says(make_agent(), "Qual a garantia do inversor?")


def test_what_the_documents_say_is_suggested_and_nothing_is_sent(client, talk, thread):
    found = client.post(f"/api/v1/conversations/{talk}/suggest").json
    assert "10 anos" in found["text"]
    assert [source["document_name"] for source in found["sources"]] == ["garantia.md"]
    assert len(thread(talk)) == 1


@pytest.mark.only_database("sqlite")
def test_a_suggestion_that_grows_ends_with_the_whole_of_it(client, talk):
    answer = client.post(f"/api/v1/conversations/{talk}/suggest", json={"stream": True})
    told = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert (answer.mimetype, told[-1]["done"], "10 anos" in told[-1]["text"]) == ("text/event-stream", True, True)
    assert all(not one["done"] and told[-1]["text"].startswith(one["text"]) for one in told[:-1])


def test_a_person_who_has_the_word_is_helped_with_what_was_said_last(box, tenant_id, talk):
    bruno = people.with_role(box, tenant_id, "agent").user_id
    with box.unit(tenant_id) as uow:
        conversations.reply(uow, talk, user_id=bruno, content={"text": "Um momento."})
    with box.unit(tenant_id, read_only=True) as uow:
        situation = queries.read_open_question(uow, talk)
    assert [said.text for said in situation.unanswered] == ["Qual a garantia do inversor?"]


def test_without_a_question_there_is_nothing_to_suggest(client, make_agent, says):
    conversation_id = says(make_agent(), " ")
    answer = client.post(f"/api/v1/conversations/{conversation_id}/suggest")
    assert (answer.status_code, "asked nothing" in answer.json["detail"]) == (422, True)
