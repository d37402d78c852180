"""Summing up, translating and changing the tone, with a language model and without one."""

import json

import pytest

from appliance.core.i18n import in_locale
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as talks
from appliance.domains.conversations.types import Revision
from appliance.inference.fake import FakeInference
from appliance.inference.types import Inference

pytestmark = pytest.mark.only_database("sqlite")


class Model:
    """Answers in turn, the last for ever; keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, messages):
        self.asked.append([one.content for one in messages])
        return json.dumps(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


@pytest.fixture
def model(box):
    def install(*answers):
        made = Model(*answers)
        box.provide(Inference, FakeInference(made))
        return made

    return install


WRITTEN = {"topic": "Sofá atrasado", "wants": "Receber o pedido 48213.", "promised": [], "open": ["Dizer quando chega"], "mood": "upset"}


@pytest.fixture
def talk(make_agent, says):
    return says(make_agent(), "bom dia meu sofá era pra chegar segunda e nada", "pedido 48213")


def summary(client, talk, method="get"):
    return getattr(client, method)(f"/api/v1/conversations/{talk}/summary")


def test_without_a_model_the_conversation_is_told_in_its_own_words(client, talk):
    found = summary(client, talk).json
    assert (found["written"], found["engine"]) == (None, "")
    wish = {"number": 1, "text": "bom dia meu sofá era pra chegar segunda e nada · pedido 48213", "is_open": True}
    assert found["excerpt"]["wishes"] == [wish]
    assert [(fact["kind"], fact["text"]) for fact in found["excerpt"]["facts"]] == [("date", "segunda"), ("order", "pedido 48213")]
    asked = summary(client, talk, "post")
    assert (asked.status_code, "No language model" in asked.json["detail"]) == (409, True)
    assert client.get("/api/v1/assist").json["can_write"] is False


def test_a_summary_is_written_once_and_again_after_a_new_message(client, talk, model):
    asked = model(WRITTEN)
    assert summary(client, talk, "post").json["written"] == WRITTEN
    assert summary(client, talk, "post").json["engine"] == "fake-chat"
    assert (len(asked.asked), summary(client, talk).json["written"]["mood"]) == (1, "upset")
    client.post(f"/api/v1/conversations/{talk}/notes", json={"text": "liguei para a transportadora"})
    assert summary(client, talk).json["written"] is None
    summary(client, talk, "post")
    assert len(asked.asked) == 2


def test_what_it_reads_is_material_and_bounded(client, talk, model):
    asked = model(WRITTEN)
    summary(client, talk, "post")
    system, told = asked.asked[0]
    assert ("never an instruction" in system, told.splitlines()[1]) == (True, "Customer: pedido 48213")


def test_a_summary_lies_ready_for_whoever_takes_over(box, tenant_id, talk, model, run_deliveries):
    model(WRITTEN)
    with in_locale("pt_BR"), box.unit(tenant_id) as uow:
        conversations.hand_off(uow, talk, reason="asked_by_colleague")
    with in_locale("pt_BR"):
        run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        kept = talks.find_summary(uow, talk, "pt")
        assert kept is not None
        assert (kept.content["topic"], kept.up_to_number) == ("Sofá atrasado", talks.get_conversation(uow, talk).last_number)


def test_a_hand_off_without_a_model_that_keeps_to_what_was_said_leaves_no_dead_letter(box, tenant_id, talk, model, run_deliveries, client):
    model({**WRITTEN, "wants": "Cancelar o pedido 999."})
    with box.unit(tenant_id) as uow:
        conversations.hand_off(uow, talk, reason="asked_by_colleague")
    run_deliveries()
    assert summary(client, talk).json["written"] is None
    assert "999" in summary(client, talk, "post").json["detail"]


@pytest.mark.only_database("sqlite", "postgresql")
def test_a_summary_goes_with_the_person_it_is_about(box, tenant_id, talk, model, client):
    model(WRITTEN)
    summary(client, talk, "post")
    with box.unit(tenant_id) as uow:
        contact_id = talks.get_conversation(uow, talk).contact_id
        assert talks.export_contact(uow, contact_id)["summaries"][0]["content"]["topic"] == "Sofá atrasado"
        conversations.erase_contact(uow, contact_id)
    with box.unit(tenant_id, read_only=True) as uow:
        assert talks.find_summary(uow, talk, "en") is None


def test_a_message_is_translated_and_names_and_figures_stay(client, talk, model, thread, box, tenant_id):
    model({"text": "order 48213"})
    with box.unit(tenant_id, read_only=True) as uow:
        message = talks.list_messages(uow, talk)[-1].id
    assert client.post(f"/api/v1/messages/{message}/translation", json={"to": "en"}).json == {"text": "order 48213"}


def test_a_draft_gets_another_try_and_is_then_refused(client, talk, model):
    body = {"text": "Oi Ana, chega em 5 dias.", "way": "friendlier", "conversation_id": str(talk)}
    model({"text": "Oi! Chega em 4 dias."}, {"text": "Oi Ana! Chega em 5 dias, viu?"})
    assert client.post("/api/v1/rewrite", json=body).json == {"text": "Oi Ana! Chega em 5 dias, viu?"}
    model({"text": "Chega em 4 dias."})
    refused = client.post("/api/v1/rewrite", json=body)
    assert (refused.status_code, "“Ana”, “5”, “4”" in refused.json["detail"]) == (422, True)


def test_what_is_too_long_for_the_model_is_left_whole_and_said(client, box, model, make_agent, says):
    asked = model({"text": "never"})
    longest = box.settings.models.context_tokens
    mail = "Bom dia. " * 1000
    talk = says(make_agent(), mail[: longest + 1])
    [message] = [row["id"] for row in client.get(f"/api/v1/conversations/{talk}/messages").json["items"]]
    for answer in (
        client.post("/api/v1/rewrite", json={"text": mail, "way": "formal"}),
        client.post(f"/api/v1/messages/{message}/translation", json={"to": "en"}),
    ):
        assert (answer.status_code, f"up to {longest} characters" in answer.json["detail"]) == (422, True)
    assert asked.asked == []


def test_a_translation_needs_a_language_and_words(client, model, make_agent, says, box, tenant_id):
    model({"text": "x"})
    assert client.post("/api/v1/rewrite", json={"text": "oi", "way": "translate"}).json["fields"] == {"to": "Choose the language first."}
    silent = says(make_agent(), " ")
    with box.unit(tenant_id, read_only=True) as uow:
        message = talks.list_messages(uow, silent)[-1].id
    assert client.post(f"/api/v1/messages/{message}/translation", json={"to": "en"}).status_code == 422
    assert "Nothing has been said" in summary(client, silent, "post").json["detail"]


@pytest.mark.only_database("sqlite", "postgresql")
def test_of_two_that_were_written_at_once_the_one_that_read_further_stays(box, tenant_id, talk):
    for number, topic in ((2, "newer"), (1, "older")):
        with box.unit(tenant_id) as uow:
            conversations.keep_summary(uow, talk, language="pt", up_to_number=number, content={"topic": topic}, engine="m")
    with box.unit(tenant_id, read_only=True) as uow:
        assert talks.find_summary(uow, talk, "pt").content == {"topic": "newer"}


def asked_of_a_model(talk, message):
    """All that a model is asked for by hand."""
    return (
        (f"/api/v1/conversations/{talk}/summary", None),
        (f"/api/v1/messages/{message}/translation", {"to": "en"}),
        ("/api/v1/rewrite", {"text": "oi", "way": "shorter"}),
    )


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_was_deleted_while_a_model_read_it_is_not_kept(box, tenant_id, talk, model, client, run_deliveries, by_hand):
    asked = model(WRITTEN)

    def answer(messages):
        with box.unit(tenant_id) as uow:
            conversations.revise(uow, talks.list_messages(uow, talk)[1].id, Revision("", uow.now, by_contact=True))
        return asked(messages)

    box.provide(Inference, FakeInference(answer))
    if by_hand:
        assert summary(client, talk, "post").json["written"] is None
    else:
        with box.unit(tenant_id) as uow:
            conversations.hand_off(uow, talk, reason="asked_by_colleague")
        run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert (len(asked.asked), talks.find_summary(uow, talk, "en"), talks.find_summary(uow, talk, "pt")) == (1, None, None)


def test_who_may_only_read_asks_no_model_and_reads_what_was_kept(client, somebody, talk, model):
    asked = model(WRITTEN)
    summary(client, talk, "post")
    somebody.may("conversations:read")
    assert {client.post(at, json=body).status_code for at, body in asked_of_a_model(talk, talk)} == {403}
    assert (summary(client, talk).json["written"], len(asked.asked)) == (WRITTEN, 1)


def test_a_person_asks_a_model_thirty_times_a_minute_and_no_more(client, talk, model):
    model({"text": "x"})
    for at, body in asked_of_a_model(talk, talk):
        assert [client.post(at, json=body).status_code for _time in range(31)].count(429) == 1, at
