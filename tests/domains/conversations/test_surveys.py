"""Customers are asked how it was, and what they answer is no question to the bot."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import Conflict, NotFound
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.core.web import PageQuery
from appliance.domains.agents.queries import list_lines
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.types import Channel, Purpose
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.queries import surveys as known
from appliance.domains.conversations.rules import surveys
from appliance.domains.conversations.schemas import SurveySettingIn
from appliance.domains.conversations.types import ConversationStatus, MessageKind

# what is Python is told on one database, what is SQL on both
pytestmark = pytest.mark.only_database("sqlite")
on_both = pytest.mark.only_database("sqlite", "postgresql")

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
TITLES = ("Péssimo", "Ruim", "Regular", "Bom", "Excelente")


@pytest.mark.parametrize(
    ("text", "score", "comment"),
    [
        ("5", 5, ""), (" 4 ", 4, ""), ("nota 3", 3, ""), ("5/5", 5, ""), ("4 estrelas", 4, ""), ("⭐⭐⭐", 3, ""), ("★ ★", 2, ""),
        ("5. Atendimento ótimo!", 5, "Atendimento ótimo!"),
        ("2 - demorou\nmuito", 2, "demorou\nmuito"), ("excelente", 5, ""), ("PESSIMO!", 1, ""),
    ],
)  # fmt: skip
def test_what_is_an_answer(text, score, comment):
    assert surveys.written_score(text, TITLES) == (score, comment)


@pytest.mark.parametrize(
    "text",
    ["5 caixas de porcelanato, por favor", "55", "6", "0", "quanto custa?", "tenho 3 dúvidas",
     "", "⭐⭐⭐⭐⭐⭐", "1o andar", "4x sem juros"],
)
def test_what_is_none(text):
    assert surveys.written_score(text, TITLES) is None


@given(st.integers(1, 5))
def test_who_taps_gives_the_score_that_stands_there_and_no_other_question_is_answered_by_it(score):
    rows = surveys.choices("ab12", TITLES)
    tapped = {"choice": rows[score - 1]}
    assert (surveys.chosen_score(tapped, "ab12"), surveys.chosen_score(tapped, "cd34")) == (score, None)
    assert all(len(row["title"]) <= 24 for row in rows)
    assert surveys.chosen_score({"text": "5"}, "ab12") is None


def test_nobody_is_asked_again_too_soon_nor_about_nothing():
    month = timedelta(days=30)
    assert surveys.may_ask(now=NOW, was_answered=True, last_asked_at=None, rest=month)
    assert surveys.may_ask(now=NOW, was_answered=True, last_asked_at=NOW - month, rest=month)
    assert not surveys.may_ask(now=NOW, was_answered=True, last_asked_at=NOW - timedelta(days=29), rest=month)
    assert not surveys.may_ask(now=NOW, was_answered=False, last_asked_at=None, rest=month)


@pytest.fixture
def switched_on(box, tenant_id, simulator):
    with box.unit(tenant_id) as uow:
        actions.set_survey(uow, simulator, SurveySettingIn())


@pytest.fixture
def resolved(box, tenant_id, says, bruno, switched_on):
    """Bruno answered Ana and it is done."""
    conversation_id = says("oi")
    with box.unit(tenant_id, Actor("user", bruno, "Bruno")) as uow:
        actions.reply(uow, conversation_id, user_id=bruno, content={"text": "Oi, Ana!"})
        actions.resolve(uow, conversation_id)
    return conversation_id


def ask(box, tenant_id, conversation_id):
    with box.unit(tenant_id) as uow:
        return actions.ask(uow, conversation_id)


def talk(box, tenant_id, conversation_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return queries.get_conversation(uow, conversation_id), queries.list_messages(uow, conversation_id)


def test_a_minute_after_it_is_resolved_the_customer_is_asked_once(box, tenant_id, resolved, run_deliveries, time_machine_now):
    run_deliveries()
    assert len(talk(box, tenant_id, resolved)[1]) == 2
    time_machine_now(minutes=2)
    run_deliveries()
    conversation, messages = talk(box, tenant_id, resolved)
    assert (messages[-1].kind, len(messages[-1].content["list"]["rows"])) == (MessageKind.LIST, 5)
    assert conversation.status is ConversationStatus.RESOLVED
    assert ask(box, tenant_id, resolved) is None


def test_what_was_resolved_more_than_a_day_ago_asks_nothing_any_more(box, tenant_id, resolved):
    with box.unit(tenant_id) as uow:
        queries.lock_conversation(uow, resolved).resolved_at = uow.now - timedelta(hours=25)
    assert ask(box, tenant_id, resolved) is None


def test_a_group_is_asked_nothing(box, tenant_id, resolved):
    with box.unit(tenant_id) as uow:
        queries.lock_conversation(uow, resolved).is_group = True
    assert ask(box, tenant_id, resolved) is None


@on_both
def test_a_number_is_the_answer_it_opens_nothing_and_the_bot_leaves_it(box, tenant_id, resolved, says, run_deliveries):
    survey = ask(box, tenant_id, resolved)
    says("4 - foi rápido")
    run_deliveries()
    conversation, messages = talk(box, tenant_id, resolved)
    assert (conversation.status, conversation.unread_count, conversation.waiting_since) == (ConversationStatus.RESOLVED, 0, None)
    with box.unit(tenant_id, read_only=True) as uow:
        kept = known.get_survey(uow, survey.id)
        story = people.list_timeline(uow, conversation.contact_id, PageQuery())
        assert (kept.score, kept.comment) == (4, "foi rápido")
        assert [one["score"] for one in queries.export_contact(uow, conversation.contact_id)["surveys"]] == [4]
        assert "4 - foi rápido" not in [line.text for line in list_lines(uow, resolved)[1]]
    assert [row.content.get("event") for row in messages if "event" in row.content] == ["rated"]
    assert messages[-1].sender == "system"
    assert "★★★★☆ foi rápido" in [entry.summary for entry in story.items]
    says("e o boleto?")
    assert talk(box, tenant_id, resolved)[0].status is ConversationStatus.OPEN


def test_words_that_are_no_score_are_a_question_like_any_other(box, tenant_id, resolved, says):
    ask(box, tenant_id, resolved)
    says("5 caixas, por favor")
    assert talk(box, tenant_id, resolved)[0].status is ConversationStatus.OPEN
    says("5")
    with box.unit(tenant_id, read_only=True) as uow:
        assert [one.score for one in queries.list_surveys(uow, resolved)] == [None]


def test_who_said_stop_or_was_not_answered_or_is_talked_to_again_is_not_asked(box, tenant_id, resolved, says, switched_on, bruno):
    with box.unit(tenant_id) as uow:
        contact_id = queries.get_conversation(uow, resolved).contact_id
        contacts.opt_out(uow, contact_id, queries.get_conversation(uow, resolved).medium, source="test", evidence={})
    assert ask(box, tenant_id, resolved) is None
    unanswered = says("oi", visitor="beto")
    assert ask(box, tenant_id, unanswered) is None
    with box.unit(tenant_id) as uow:
        actions.resolve(uow, unanswered)
    assert ask(box, tenant_id, unanswered) is None


def test_a_channel_that_is_switched_off_asks_nothing(box, tenant_id, resolved, simulator):
    with box.unit(tenant_id) as uow:
        actions.set_survey(uow, simulator, SurveySettingIn(active=False))
    assert ask(box, tenant_id, resolved) is None


def test_outside_the_window_nothing_is_asked(box, tenant_id, resolved, time_machine_now):
    with box.unit(tenant_id) as uow:
        queries.lock_conversation(uow, resolved).window_hours = 24
    time_machine_now(hours=25)
    assert ask(box, tenant_id, resolved) is None


@on_both
def test_a_link_is_good_once_and_only_the_one_we_made(box, tenant_id, resolved):
    survey = ask(box, tenant_id, resolved)
    with box.unit(tenant_id, read_only=True) as uow:
        token = known.token_of(uow, survey.id)
    assert queries.check_rater(box, survey.id, token) == (tenant_id, True)
    for wrong in ((survey.id, "x" * 40), (new_id(), token)):
        with pytest.raises(NotFound):
            queries.check_rater(box, *wrong)
    actions.rate(box, survey.id, token, score=5, comment="ótimo")
    with pytest.raises(Conflict):
        actions.rate(box, survey.id, token, score=1, comment="")
    assert queries.check_rater(box, survey.id, token) == (tenant_id, False)


def test_by_mail_the_question_brings_its_links(box, tenant_id, resolved):
    with box.unit(tenant_id) as uow:
        queries.lock_conversation(uow, resolved).medium = Channel.EMAIL
    server = box.settings.server.model_copy(update={"public_url": "https://box.example"})
    box.settings = box.settings.model_copy(update={"server": server})
    survey = ask(box, tenant_id, resolved)
    text = talk(box, tenant_id, resolved)[1][-1].content["text"]
    assert [f"https://box.example/rate/{survey.id}/" in text, text.count("?score=")] == [True, 5]


@on_both
def test_satisfaction_over_the_api(client, box, tenant_id, resolved, says, simulator):
    wanted = {"channel_id": str(simulator), "question": "Como foi?", "rest_days": 7}
    assert client.put("/api/v1/survey-settings", json=wanted).json["active"]
    assert client.get("/api/v1/survey-settings").json[0]["question"] == "Como foi?"
    ask(box, tenant_id, resolved)
    says("5")
    measured = client.get("/api/v1/satisfaction").json
    assert measured == {"asked": 1, "answered": 1, "average": 5.0, "scores": [0, 0, 0, 0, 1]}
    assert [one["score"] for one in client.get("/api/v1/surveys").json] == [5]
    assert client.get(f"/api/v1/conversations/{resolved}/surveys").json[0]["comment"] == ""
    assert client.get(f"/api/v1/conversations/{new_id()}/surveys").status_code == 404


def test_who_wants_no_notices_any_more_is_not_asked_what_was_queued(box, tenant_id, resolved):
    survey = ask(box, tenant_id, resolved)
    with box.unit(tenant_id) as uow:
        talk = queries.get_conversation(uow, resolved)
        contacts.opt_out(uow, talk.contact_id, talk.medium, source="test", evidence={})
    with box.unit(tenant_id) as uow:
        assert actions.begin_sending(uow, survey.message_id) is None
        message = queries.get_message(uow, survey.message_id)
        assert (message.purpose, message.error_code) == (Purpose.SERVICE, "opted_out")
