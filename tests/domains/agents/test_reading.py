"""What the box understands of a contact's message, and where people see it."""

import json
from pathlib import Path

import pytest

from appliance.core.web import PageQuery
from appliance.domains.agents.rules import reading
from appliance.domains.contacts.rules import stopping
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries
from appliance.domains.conversations.queries import InboxFilter
from appliance.domains.conversations.types import Signal, Topic
from appliance.domains.knowledge import queries as knowledge

TEXTS = Path(__file__).parents[3] / "models" / "evals" / "routing" / "other_trades.jsonl"
LEAST = 0.9


def follow(messages):
    """What is made of each message of a conversation, as `actions.read_message` goes through it."""
    before, known = None, frozenset()
    for text in messages:
        if stopping.find_stop(text):
            yield Topic.OPT_OUT, frozenset({"opt_out"})
            continue
        found = reading.read(text, before=before, known=known, is_danger=knowledge.find_emergency(text) is not None)
        before = before if before and reading.outlives(found.topic) else found.topic
        known |= found.signals
        yield found.topic, frozenset(found.signals)


def test_conversations_of_other_trades_are_understood():
    talks = [json.loads(line) for line in TEXTS.read_text(encoding="utf-8").splitlines()]
    read = [
        (message, *found)
        for talk in talks
        for message, found in zip(talk["messages"], follow(one["text"] for one in talk["messages"]), strict=True)
    ]
    right = sum(topic in message["topics"] for message, topic, _signals in read)
    assert right / len(read) >= LEAST, [(message["text"], topic) for message, topic, _ in read if topic not in message["topics"]]
    for signal in ("urgent", "complaint", "purchase", "opt_out"):
        meant = [(signal in message["says"], signal in signals) for message, _topic, signals in read]
        found, wrong = meant.count((True, True)), meant.count((False, True))
        assert found / sum(said for said, _ in meant) >= 0.85, signal
        assert wrong <= 4, signal


def test_a_message_that_says_nothing_of_its_own_goes_on_with_the_subject():
    assert reading.read("48213", before=Topic.ORDER_STATUS).topic is Topic.ORDER_STATUS
    assert reading.read("obrigada!", before=Topic.ORDER_STATUS).topic is Topic.FAREWELL


def test_what_went_wrong_stays_the_subject_while_its_price_is_spoken_of():
    assert reading.read("e quanto custa a coleta?", before=Topic.RETURNS).topic is Topic.RETURNS
    assert reading.read("e quanto custa?", before=Topic.AVAILABILITY).topic is Topic.PRICE


def test_praise_of_something_bad_is_no_praise():
    assert reading.read("parabéns, terceiro atraso seguido", before=None).topic is Topic.COMPLAINT
    assert reading.read("parabéns pelo atendimento", before=None).topic is Topic.PRAISE


def test_what_was_bought_is_no_intent_to_buy():
    assert Signal.PURCHASE in reading.read("aceita pix?", before=None).signals
    assert Signal.PURCHASE not in reading.read("cobraram duas vezes no pix", before=None).signals
    assert Signal.PURCHASE not in reading.read("aceita pix?", before=Topic.RETURNS).signals


@pytest.fixture
def inbox(box, tenant_id):
    def find(**wanted):
        with box.unit(tenant_id, read_only=True) as uow:
            return [row.id for row in queries.list_conversations(uow, InboxFilter(**wanted), PageQuery()).items]

    return find


def test_subject_and_signals_stand_in_the_list_and_can_be_asked_for(make_agent, says, run_deliveries, conversation, inbox):
    talk = says(make_agent(), "quanto custa a consulta?")
    run_deliveries()
    assert (conversation(talk).topic, conversation(talk).signals) == (Topic.PRICE, ["purchase"])
    says(make_agent(), "oi", visitor="bia")
    run_deliveries()
    assert inbox(topic=Topic.PRICE) == inbox(signal=Signal.PURCHASE) == [talk]
    assert inbox(signal=Signal.COMPLAINT) == []


@pytest.mark.only_database("sqlite")
def test_signals_gather_and_a_greeting_changes_no_subject(make_agent, says, run_deliveries, conversation):
    agent = make_agent()
    talk = says(agent, "quanto custa a consulta?", "já pedi isso cinco vezes e ninguém responde", "obrigado")
    run_deliveries()
    found = conversation(talk)
    assert (found.topic, found.signals) == (Topic.COMPLAINT, ["complaint", "purchase"])


@pytest.mark.only_database("sqlite")
def test_a_closed_conversation_starts_with_nothing_known(make_agent, says, run_deliveries, conversation, box, tenant_id):
    agent = make_agent()
    talk = says(agent, "isso é um absurdo")
    run_deliveries()
    with box.unit(tenant_id) as uow:
        conversations.resolve(uow, talk)
    says(agent, "bom dia")
    run_deliveries()
    assert (conversation(talk).topic, conversation(talk).signals) == (Topic.GREETING, [])


@pytest.mark.only_database("sqlite")
def test_a_stop_in_their_own_words_opts_out_and_what_else_was_asked_is_answered(make_agent, says, run_deliveries, thread, conversation):
    agent = make_agent()
    talk = says(agent, "para de me mandar promoção")
    run_deliveries()
    assert len(thread(talk)) == 2  # theirs and the confirmation: no agent answers
    says(agent, "não me mandem mais propaganda. e qual o horário de vocês?")
    run_deliveries()
    assert thread(talk)[-1][0] != "contact"
    assert conversation(talk).answered_number >= 3
