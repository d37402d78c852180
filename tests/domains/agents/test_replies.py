import io
import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from appliance.core import clock
from appliance.core.dispatch import LIVE_CHANNEL
from appliance.core.errors import Unavailable
from appliance.core.ids import new_id
from appliance.core.jobs import Step
from appliance.core.outbox import Delivery, OutboxRow
from appliance.domains.agents import actions as agents
from appliance.domains.agents import queries, subscribers
from appliance.domains.agents.schemas import AgentPatch
from appliance.domains.agents.types import Found, Outcome
from appliance.domains.contacts import actions as contacts
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as conversation_queries
from appliance.domains.conversations.types import Handling, Revision, Sender
from appliance.domains.identity import actions as identity
from appliance.domains.identity import queries as organisation
from appliance.domains.identity.schemas import HoursIn
from appliance.domains.knowledge import actions as knowledge
from tests.draining import due_for
from tests.statements import statements_of

POLICY = """# Política de trocas

O prazo para troca por arrependimento é de 7 dias corridos após o recebimento.

# Frete

O frete para Betim custa R$ 49,00 e leva 3 dias úteis.
"""


@pytest.fixture
def documents(box, tenant_id, run_deliveries):
    knowledge.upload_document(box, tenant_id, "politica.md", io.BytesIO(POLICY.encode()))
    run_deliveries()


@pytest.fixture
def hurry(box, run_deliveries):
    """Let every wait be over, then run what is due."""

    def run():
        run_deliveries()
        with box.whole_box("test") as uow:
            uow.session.execute(update(Delivery).where(Delivery.state == "pending").values(next_at=uow.now))
        run_deliveries()

    return run


def test_a_greeting_is_greeted(make_agent, says, thread, run_deliveries):
    conversation_id = says(make_agent(greeting="Oi! Sou a Aurora."), "bom dia")
    run_deliveries()
    assert thread(conversation_id) == [(Sender.CONTACT, "bom dia"), (Sender.AGENT_AI, "Oi! Sou a Aurora.")]


def test_an_agent_without_hours_of_its_own_tells_when_the_company_opens_next(box, tenant_id, make_agent, says, thread, run_deliveries):
    with box.unit(tenant_id) as uow:
        opens = clock.now().astimezone(organisation.get_zone(uow)) + timedelta(days=3)
        day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[opens.weekday()]
        identity.set_hours(uow, HoursIn.model_validate({"spans": [{"day": day, "opens": "07:40", "closes": "09:00"}]}))
    conversation_id = says(make_agent(), "quero falar com um atendente")
    run_deliveries()
    assert "às 7:40" in thread(conversation_id)[-1][1]


@pytest.mark.parametrize("said", [("qual o prazo?",), ("bom dia", "qual o prazo?")])
def test_what_was_taken_back_before_the_agent_spoke_is_passed_over(box, tenant_id, make_agent, says, thread, run_deliveries, said):
    conversation_id = says(make_agent(greeting="Oi! Sou a Aurora."), *said)
    with box.unit(tenant_id) as uow:
        last = conversation_queries.list_messages(uow, conversation_id)[-1]
        conversations.revise(uow, last.id, Revision("", uow.now, by_contact=True, text=None))
    run_deliveries()
    assert [text for sender, text in thread(conversation_id) if sender is not Sender.CONTACT] == ["Oi! Sou a Aurora."][: len(said) - 1]


def test_a_question_is_answered_from_the_documents_with_its_sources(box, tenant_id, make_agent, says, run_deliveries, documents, thread):
    conversation_id = says(make_agent(knowledge="all"), "qual o prazo para troca?")
    run_deliveries()
    sender, text = thread(conversation_id)[-1]
    assert sender is Sender.AGENT_AI
    assert "7 dias" in text
    with box.unit(tenant_id, read_only=True) as uow:
        [run] = queries.list_runs(uow, conversation_id)
        names = [step.name for step in queries.list_steps(uow, [run.id])]
        assert (run.outcome, names) == (Outcome.SEND, ["gate", "intent", "handoff_rules", "documents", "confidence", "decision"])
        assert queries.find_run(uow, run.reply_id).id == run.id
        assert conversation_queries.get_message(uow, run.reply_id).sources[0]["document_name"] == "politica.md"


def test_the_runs_of_a_conversation_cost_the_same_number_of_queries_however_many(box, client, make_agent, says, run_deliveries):
    agent_id = make_agent()

    def cost(text):
        conversation_id = says(agent_id, text)
        run_deliveries()
        with statements_of(box) as statements:
            runs = client.get(f"/api/v1/conversations/{conversation_id}/runs").json
        assert all([step["name"] for step in run["steps"]][:2] == ["gate", "intent"] for run in runs)
        return len(runs), len(statements)

    (one, costs), (two, costs_of_two) = cost("oi"), cost("bom dia")
    assert (one, two, costs_of_two) == (1, 2, costs)


def test_three_messages_in_a_row_get_one_answer(make_agent, says, thread, hurry):
    conversation_id = says(make_agent(debounce_ms=3000), "oi", "tudo bem?", "bom dia")
    hurry()
    assert [sender for sender, _ in thread(conversation_id)] == [Sender.CONTACT] * 3 + [Sender.AGENT_AI]


def test_nothing_is_answered_before_the_contact_has_finished(make_agent, says, thread, run_deliveries):
    conversation_id = says(make_agent(debounce_ms=30_000), "oi")
    run_deliveries()
    assert len(thread(conversation_id)) == 1


def test_who_asks_for_a_person_is_told_and_somebody_is_called(box, tenant_id, make_agent, says, thread, conversation, run_deliveries):
    conversation_id = says(make_agent(handoff_notice="Já chamo a Bia."), "quero falar com um atendente")
    run_deliveries()
    assert thread(conversation_id)[-1] == (Sender.SYSTEM, "Já chamo a Bia.")
    found = conversation(conversation_id)
    assert (found.handling, found.handoff_reason, found.waiting_since is not None) == (Handling.HUMAN, "wants_person", True)
    with box.unit(tenant_id, read_only=True) as uow:
        assert len(uow.session.scalars(select(OutboxRow).where(OutboxRow.name == "handoff.requested")).all()) == 1


def test_after_a_hand_off_the_bot_stays_silent_whatever_is_written(make_agent, says, thread, run_deliveries):
    agent_id = make_agent()
    conversation_id = says(agent_id, "atendente")
    run_deliveries()
    says(agent_id, "oi?", "atendente!!", "alguém?")
    run_deliveries()
    assert [sender for sender, _ in thread(conversation_id)].count(Sender.SYSTEM) == 1
    assert Sender.AGENT_AI not in [sender for sender, _ in thread(conversation_id)]


def test_two_questions_without_an_answer_lead_to_a_person(make_agent, says, thread, conversation, run_deliveries):
    agent_id = make_agent()
    conversation_id = says(agent_id, "vocês vendem foguetes?")
    run_deliveries()
    assert [sender for sender, _ in thread(conversation_id)] == [Sender.CONTACT, Sender.AGENT_AI]
    says(agent_id, "e submarinos?")
    run_deliveries()
    assert conversation(conversation_id).handoff_reason == "low_confidence"


def test_a_sleeping_agent_leaves_the_contact_to_people(box, tenant_id, make_agent, says, conversation, run_deliveries):
    agent_id = make_agent()
    with box.unit(tenant_id) as uow:
        agents.change_agent(uow, agent_id, AgentPatch(active=False))
    conversation_id = says(agent_id, "oi")
    run_deliveries()
    assert conversation(conversation_id).handoff_reason == "no_agent"


def test_a_thumbs_up_needs_no_answer(make_agent, says, thread, run_deliveries):
    conversation_id = says(make_agent(), "👍")
    run_deliveries()
    assert len(thread(conversation_id)) == 1


@pytest.mark.parametrize(("text", "told"), [("Oi", [True]), ("👍", [True, False])])
def test_that_it_makes_up_an_answer_is_whispered_and_taken_back_when_there_is_none(box, make_agent, says, run_deliveries, text, told):
    with box.redis.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(LIVE_CHANNEL)
        heard.get_message(timeout=60)
        says(make_agent(), text)
        run_deliveries()
        box.redis.publish(LIVE_CHANNEL, "null")  # nothing comes behind it
        notes = list(iter(lambda: json.loads(heard.get_message(timeout=60)["data"]), None))
    assert [note["ids"]["writes"] for note in notes if note["event"] == "agent.writing"] == told


def test_a_person_who_claims_while_the_agent_thinks_is_not_talked_over(box, tenant_id, make_agent, says, thread, run_deliveries):
    """The hardest moment: the documents are being asked when a person takes over."""
    conversation_id = says(make_agent(), "qual o prazo?")
    with box.unit(tenant_id, read_only=True) as uow:
        situation = queries.read_situation(uow, conversation_id, due=1)

    def ask(question, _situation):
        with box.unit(tenant_id) as uow:
            conversations.take_over(uow, conversation_id, user_id=new_id())
        return Found("7 dias", True, True, 0.9)

    composed = agents.compose(situation, ask)
    with box.unit(tenant_id) as uow:
        run = agents.carry_out(uow, situation, composed, took_ms=1)
        assert (run.outcome, run.reply_id) == (Outcome.SILENCE, None)
    run_deliveries()
    assert len(thread(conversation_id)) == 1


def test_a_message_that_comes_while_the_agent_thinks_gets_its_own_answer(box, tenant_id, make_agent, says, thread, run_deliveries):
    agent_id = make_agent()
    conversation_id = says(agent_id, "primeira pergunta?")
    with box.unit(tenant_id, read_only=True) as uow:
        situation = queries.read_situation(uow, conversation_id, due=1)
    composed = agents.compose(situation, lambda *_: says(agent_id, "bom dia") and Found("um", True, True, 0.9))
    with box.unit(tenant_id) as uow:
        agents.carry_out(uow, situation, composed, took_ms=1)
    run_deliveries()
    assert [text for sender, text in thread(conversation_id) if sender is Sender.AGENT_AI] == ["um", "Olá! Como posso ajudar?"]


def test_a_turn_taken_twice_answers_once(box, tenant_id, make_agent, says, thread):
    conversation_id = says(make_agent(), "bom dia")
    with box.unit(tenant_id, read_only=True) as uow:
        situation = queries.read_situation(uow, conversation_id, due=1)
    composed = agents.compose(situation, lambda *_: None)
    errors = []

    def act():
        try:
            with box.unit(tenant_id) as uow:
                agents.carry_out(uow, situation, composed, took_ms=1)
        except Exception as err:  # noqa: BLE001
            errors.append(err)

    threads = [threading.Thread(target=act) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []
    assert len(thread(conversation_id)) == 2


def test_without_models_a_person_is_called_after_a_little_patience(box, tenant_id, make_agent, says, conversation):
    conversation_id = says(make_agent(), "qual o prazo para troca?")
    [due] = due_for(box, "agents.begin_turn")
    with box.unit(tenant_id, read_only=True) as uow:
        situation = queries.read_situation(uow, conversation_id, due=1)
    with Step.claimed(box, tenant_id, due.delivery_id) as step:
        with pytest.raises(Unavailable):
            subscribers.without_models(step, situation, Unavailable("away"))
        with box.whole_box("test") as uow:
            uow.session.execute(update(Delivery).values(attempts=subscribers.PATIENCE))
        composed = subscribers.without_models(step, situation, Unavailable("away"))
    with box.unit(tenant_id) as uow:
        agents.carry_out(uow, situation, composed, took_ms=1)
    assert conversation(conversation_id).handoff_reason == "models_away"


def test_stop_is_obeyed_before_any_agent_speaks(make_agent, says, thread, run_deliveries):
    conversation_id = says(make_agent(), "SAIR")
    run_deliveries()
    assert [sender for sender, _ in thread(conversation_id)] == [Sender.CONTACT, Sender.SYSTEM]


@pytest.mark.parametrize("text", ["qual o prazo?", "quero falar com um atendente"])
def test_who_asks_for_silence_elsewhere_while_the_agent_thinks_stays_with_it(box, tenant_id, make_agent, says, thread, conversation, text):
    conversation_id = says(make_agent(), text)
    with box.unit(tenant_id, read_only=True) as uow:
        situation = queries.read_situation(uow, conversation_id, due=1)
    composed = agents.compose(situation, lambda _question, _situation: Found("7 dias", True, True, 0.9))
    found = conversation(conversation_id)
    with box.unit(tenant_id) as uow:
        contacts.opt_out(uow, found.contact_id, found.medium, source="test", evidence={}, silent_from=uow.now)
    with box.unit(tenant_id) as uow:
        run = agents.carry_out(uow, situation, composed, took_ms=1)
        assert (run.outcome, run.reply_id) == (Outcome.SILENCE, None)
    found = conversation(conversation_id)
    assert (found.handling, found.waiting_since, found.answered_number) == (Handling.BOT, None, 1)
    assert len(thread(conversation_id)) == 1
