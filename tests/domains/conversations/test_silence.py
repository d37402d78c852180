"""Who asks to be written to no more hears one word of it, and nothing else before they write again."""

import pytest
from sqlalchemy import update

from appliance.core.ids import new_id
from appliance.domains.contacts import actions as people
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, Objection, Purpose
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.actions import service_levels, surveys
from appliance.domains.conversations.schemas import SlaPolicyIn, SurveySettingIn
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import (
    AgentReply,
    Arrival,
    Incoming,
    MessageKind,
    MessageStatus,
    Person,
    Route,
    Sender,
)

CONFIRMED = "Pronto: não vamos mais escrever para você. Se precisar, é só mandar uma mensagem aqui."


@pytest.fixture
def do(box, tenant_id):
    def act(action, *given, **named):
        with box.unit(tenant_id) as uow:
            return action(uow, *given, **named)

    return act


@pytest.fixture
def thread(box, tenant_id):
    def read(conversation_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return [(one.sender, one.content.get("text"), one.status) for one in queries.list_messages(uow, conversation_id)]

    return read


@pytest.fixture
def answer(do):
    def write(conversation_id, text="Promoção só hoje!"):
        return do(actions.reply, conversation_id, user_id=new_id(), content={"text": text})

    return write


def refused(answer, conversation_id):
    with pytest.raises(ConsentRefused) as told:
        answer(conversation_id)
    return told.value.objection


def test_a_person_cannot_answer_after_a_stop_before_the_customer_writes_again(says, answer, thread):
    conversation_id = says("oi")
    answer(conversation_id, "Bom dia!")
    says("PARAR")
    assert refused(answer, conversation_id) is Objection.SILENCED
    assert [said for _, said, _ in thread(conversation_id)] == ["oi", "Bom dia!", "PARAR", CONFIRMED]
    says("voltei, vocês abrem hoje?")
    assert answer(conversation_id, "Abrimos.").status is MessageStatus.QUEUED
    says("SAIR")
    assert refused(answer, conversation_id) is Objection.SILENCED
    assert [said for _, said, _ in thread(conversation_id)].count(CONFIRMED) == 2


def test_the_api_says_why(client, says, do):
    conversation_id = says("PARAR")
    answered = client.post(f"/api/v1/conversations/{conversation_id}/reply", json={"text": "Promoção só hoje!"})
    assert answered.status_code == 422
    said = "This person asked not to be written to any more on this channel. You can answer as soon as they write again."
    assert answered.json["detail"] == said


def test_the_ledger_tells_when_an_answer_was_allowed_again(box, tenant_id, says):
    conversation_id = says("PARAR")
    says("oi")
    with box.unit(tenant_id, read_only=True) as uow:
        contact_id = queries.get_conversation(uow, conversation_id).contact_id
        ledger = [one for one in contacts.list_consents(uow, contact_id) if one.purpose is Purpose.REPLY]
        words = {str(one.id): one.content["text"] for one in queries.list_messages(uow, conversation_id)}
    assert [(one.mode, words[one.evidence["message_id"]]) for one in ledger] == [(ConsentMode.OPT_IN, "oi"), (ConsentMode.OPT_OUT, "PARAR")]


def test_who_asks_something_along_with_the_stop_is_answered(says, answer):
    conversation_id = says("parem de me mandar promoções! e cadê o meu pedido, que não chegou até hoje?")
    assert answer(conversation_id, "Sai hoje.").status is MessageStatus.QUEUED


def test_what_comes_together_is_read_in_its_order(box, tenant_id, simulator, says, answer):
    begun = says("oi")

    def write(*texts):
        with box.unit(tenant_id) as uow:
            route = Route(simulator, "simulator", Medium.SIMULATOR, queries.get_conversation(uow, begun).address)
            said = tuple(Incoming(new_id().hex, MessageKind.TEXT, {"text": text}, uow.now) for text in texts)
            return actions.receive_messages(uow, [Arrival(route, Person(()), said)])[0].conversation_id

    conversation_id = write("PARAR", "aliás, me ajuda?")
    assert answer(conversation_id).status is MessageStatus.QUEUED
    write("oi", "PARAR")
    assert refused(answer, conversation_id) is Objection.SILENCED


def test_a_reaction_and_an_automatic_mail_are_no_writing(box, tenant_id, simulator, says, answer):
    conversation_id = says("PARAR", visitor="bia")
    with box.unit(tenant_id) as uow:
        found = queries.get_conversation(uow, conversation_id)
        route = Route(simulator, "simulator", Medium.SIMULATOR, found.address)
        still = (
            Incoming("r1", MessageKind.REACTION, {"emoji": "👍"}, uow.now),
            Incoming("r2", MessageKind.TEXT, {"text": "Estou de férias.", "mail": {"automatic": True}}, uow.now),
        )
        stored = actions.receive_messages(uow, [Arrival(route, Person(()), still)])
        assert {one.conversation_id for one in stored} == {conversation_id}
    assert refused(answer, conversation_id) is Objection.SILENCED


def test_what_waited_to_be_sent_is_withdrawn_and_the_one_word_is_not(says, answer, thread):
    conversation_id = says("oi")
    answer(conversation_id, "Promoção só hoje!")
    says("PARAR")
    says("sair")
    assert [(said, status) for sender, said, status in thread(conversation_id) if sender is not Sender.CONTACT] == [
        ("Promoção só hoje!", MessageStatus.CANCELLED), (CONFIRMED, MessageStatus.QUEUED),
    ]  # fmt: skip


def test_what_was_on_its_way_is_not_tried_again(says, answer, do):
    conversation_id = says("oi")
    message_id = answer(conversation_id).id
    assert do(actions.begin_sending, message_id) is not None
    says("PARAR")
    do(actions.give_back, message_id, error="away")
    assert do(actions.begin_sending, message_id) is None
    assert do(queries.get_message, message_id).status is MessageStatus.CANCELLED


def test_a_failed_message_is_not_sent_again(says, answer, do):
    conversation_id = says("oi")
    message_id = answer(conversation_id).id
    do(actions.begin_sending, message_id)
    do(actions.mark_failed, message_id, code="x", error="no")
    says("PARAR")
    with pytest.raises(ConsentRefused):
        do(actions.retry_message, message_id)


def test_agents_and_the_box_stay_silent_too(box, tenant_id, simulator, says, do, answer):
    conversation_id = says("oi")
    answer(conversation_id)
    says("PARAR")
    with pytest.raises(ConsentRefused), box.unit(tenant_id) as uow:
        uow.session.get(Conversation, conversation_id).handling = "bot"
        actions.queue_agent_reply(uow, conversation_id, AgentReply("Posso ajudar?", 99))
    assert do(actions.queue_notice, conversation_id, "Vou chamar uma pessoa.") is None
    assert do(actions.say_expected, conversation_id, "Abrimos amanhã.", "pt", is_open=False) is None
    do(surveys.set_survey, simulator, SurveySettingIn(active=True))
    do(actions.resolve, conversation_id)
    assert do(actions.ask, conversation_id) is None


def test_no_other_message_is_begun_either(box, tenant_id, simulator, says):
    conversation_id = says("PARAR")
    with box.unit(tenant_id) as uow:
        found = queries.get_conversation(uow, conversation_id)
        route = Route(simulator, "simulator", Medium.SIMULATOR, found.address)
        assert queries.refusal_to_begin(uow, found, MessageKind.TEXT)
        with pytest.raises(ConsentRefused):
            actions.write_first(uow, route, Person(()), user_id=new_id(), content={"text": "Promoção"})


def test_a_stop_counts_in_every_thread_with_the_person(box, tenant_id, says, answer, do, run_deliveries):
    one, other = says("oi", visitor="ana"), says("oi", visitor="bia")
    waiting = answer(other)
    with box.unit(tenant_id) as uow:
        kept, gone = (queries.get_conversation(uow, talk).contact_id for talk in (one, other))
        merge = people.merge_contacts(uow, kept, gone)
        actions.move_conversations(uow, merge_id=merge.id, from_id=gone, to_id=kept)
    says("PARAR", visitor="ana")
    run_deliveries()
    assert (refused(answer, one), refused(answer, other)) == (Objection.SILENCED, Objection.SILENCED)
    assert do(queries.get_message, waiting.id).status is MessageStatus.CANCELLED
    says("oi de novo", visitor="bia")
    assert answer(one).status is MessageStatus.QUEUED


def test_nobody_silences_a_group(box, tenant_id, says, answer):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Conversation).values(is_group=True))
    says("PARAR")
    assert answer(conversation_id).status is MessageStatus.QUEUED


def test_no_answer_is_owed_that_nobody_may_give(box, tenant_id, says, do):
    with box.unit(tenant_id) as uow:
        service_levels.create_policy(uow, SlaPolicyIn(name="Padrão", targets={"normal": {"first_reply": 15}}))
    conversation_id = says("quero falar com alguém")
    do(actions.hand_off, conversation_id, reason="wants_person")
    assert do(queries.get_conversation, conversation_id).sla_due_at is not None
    says("PARAR")
    assert do(queries.get_conversation, conversation_id).sla_due_at is None
