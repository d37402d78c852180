"""What keeps a whole channel from sending, and what reached us too late to be answered."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.core import clock, timekeeping
from appliance.core.config import NetworkSettings
from appliance.core.outbound import Outbound
from appliance.core.web import PageQuery
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.channels.types import ChannelStatus
from appliance.domains.conversations import queries as conversations
from tests.peers.graph import TOKEN, Misbehaviour, text_webhook


def channel_of(box, tenant_id, cloud):
    with box.unit(tenant_id, read_only=True) as uow:
        return queries.get_channel(uow, cloud)


def test_a_refused_token_shows_on_the_channel_until_something_leaves(reply, run_deliveries, graph, box, tenant_id, cloud):
    graph.misbehave.append(Misbehaviour(401, 190))
    reply()
    run_deliveries()
    failing = channel_of(box, tenant_id, cloud)
    assert (failing.status, failing.paused_until) == (ChannelStatus.FAILING, None)
    assert "token" in failing.status_detail
    reply()
    run_deliveries()
    mended = channel_of(box, tenant_id, cloud)
    assert (mended.status, mended.status_detail) == (ChannelStatus.CONNECTED, "")


def test_a_sealed_box_shows_on_the_channel_why_nothing_leaves(reply, run_deliveries, graph, box, tenant_id, cloud, monkeypatch):
    monkeypatch.setattr(box, "outbound", Outbound(NetworkSettings()))
    reply()
    run_deliveries()
    failing = channel_of(box, tenant_id, cloud)
    assert (failing.status, graph.requests) == (ChannelStatus.FAILING, 0)
    assert "network.mode" in failing.status_detail


def test_a_message_that_is_refused_for_itself_says_nothing_of_the_channel(reply, run_deliveries, graph, box, tenant_id, cloud):
    graph.misbehave.append(Misbehaviour(400, 100))
    before = channel_of(box, tenant_id, cloud).status
    reply()
    run_deliveries()
    assert channel_of(box, tenant_id, cloud).status is before


def test_new_keys_take_away_what_was_said_of_the_old(reply, run_deliveries, graph, box, tenant_id, cloud):
    graph.misbehave.append(Misbehaviour(401, 190))
    reply()
    run_deliveries()
    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, cloud, ChannelPatch(secrets={"access_token": TOKEN}, active=True))
    mended = channel_of(box, tenant_id, cloud)
    assert (mended.status, mended.status_detail) == (ChannelStatus.NEW, "")


def test_saving_the_form_of_a_failing_channel_mends_nothing(reply, run_deliveries, graph, box, tenant_id, cloud):
    graph.misbehave.append(Misbehaviour(401, 190))
    reply()
    run_deliveries()
    for given in (ChannelPatch(name="Loja", active=True), ChannelPatch(active=False), ChannelPatch(active=True)):
        with box.unit(tenant_id) as uow:
            channels.change_channel(uow, cloud, given)
    saved = channel_of(box, tenant_id, cloud)
    assert (saved.status, "token" in saved.status_detail) == (ChannelStatus.FAILING, True)


def test_saving_the_form_of_a_channel_that_never_worked_does_not_connect_it(box, tenant_id, cloud):
    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, cloud, ChannelPatch(name="Loja", active=True))
    assert channel_of(box, tenant_id, cloud).status is ChannelStatus.NEW


def test_the_window_counts_from_when_the_customer_wrote(post, inbox, box, tenant_id):
    now = int(clock.now().timestamp())
    post(text_webhook("ainda há?", timestamp=now - 3600))
    [(conversation, _)] = inbox()
    assert conversation.last_inbound_at == datetime.fromtimestamp(now - 3600, UTC)
    post(text_webhook("de ontem", timestamp=now - 90_000, first_id="wamid.LATE"))
    assert inbox()[0][0].last_inbound_at == datetime.fromtimestamp(now - 3600, UTC)
    post(text_webhook("do fim dos tempos", timestamp=253_402_300_799, first_id="wamid.AHEAD"))
    assert inbox()[0][0].last_inbound_at < clock.now() + timedelta(days=3)


def test_what_was_written_by_a_clock_that_had_leapt_does_not_stay_ahead(box, tenant_id, cloud, post, inbox, monkeypatch):
    now, leap = clock.now, timedelta(days=700)
    with monkeypatch.context() as ahead:
        ahead.setattr(clock, "now", lambda: now() + leap)
        post(text_webhook("amanhã?", timestamp=int(clock.now().timestamp())))
    assert inbox()[0][0].last_inbound_at > now() + leap / 2
    timekeeping.heed_put_back(box, leap)
    assert inbox()[0][0].last_inbound_at <= now()
    with box.unit(tenant_id) as uow:
        found = conversations.lock_conversation(uow, inbox()[0][0].id)
        found.last_inbound_at = now() + timedelta(days=1)  # less than is put right at once
    post(text_webhook("e hoje?", timestamp=int(now().timestamp()), first_id="wamid.NOW"))
    assert inbox()[0][0].last_inbound_at <= now()


@pytest.fixture
def lia_answers(box, tenant_id, cloud):
    with box.unit(tenant_id) as uow:
        settings = AgentSettings(debounce_ms=0, handoff_notice="Já chamo a Bia.")
        agent_id = agents.create_agent(uow, AgentIn(name="Lia", settings=settings), publish_now=True).id
        channels.change_channel(uow, cloud, ChannelPatch(agent_id=agent_id))


@pytest.mark.usefixtures("lia_answers")
@pytest.mark.parametrize("text", ["bom dia", "quero falar com um atendente", "👍"])
def test_what_was_written_too_long_ago_goes_to_a_person_and_unanswered(post, inbox, run_deliveries, graph, text):
    post(text_webhook(text, timestamp=int(clock.now().timestamp()) - 90_000))
    run_deliveries()
    [(conversation, messages)] = inbox()
    assert [message.content["text"] for message in messages] == [text]
    assert graph.requests == 0
    if text != "👍":
        assert conversation.waiting_since is not None


@pytest.mark.usefixtures("lia_answers")
def test_what_was_written_while_the_clock_was_a_day_behind_is_answered_once_it_is_right(post, inbox, run_deliveries, graph, monkeypatch):
    now = clock.now
    with monkeypatch.context() as behind:
        behind.setattr(clock, "now", lambda: now() - timedelta(days=1))
        post(text_webhook("bom dia"))
    run_deliveries()
    assert len(inbox()[0][1]) == 2
    assert len(graph.accepted) == 1


def test_a_stop_written_too_long_ago_is_obeyed_without_a_word(post, inbox, run_deliveries, graph):
    post(text_webhook("SAIR", timestamp=int(clock.now().timestamp()) - 90_000))
    run_deliveries()
    assert [message.content["text"] for message in inbox()[0][1]] == ["SAIR"]
    assert graph.requests == 0


def test_the_inbox_knows_where_the_last_word_was_not_sent(reply, run_deliveries, graph, box, tenant_id, conversation_id):
    def unsent():
        with box.unit(tenant_id, read_only=True) as uow:
            shown = conversations.list_conversations(uow, conversations.InboxFilter(unsent=True), PageQuery()).items
            assert [row.id for row in shown] == list(conversations.find_unsent(uow, [conversation_id]))
            return conversations.count_unsent(uow)

    assert unsent() == 0
    graph.misbehave.append(Misbehaviour(400, 100))
    reply()
    run_deliveries()
    assert unsent() == 1
    reply()
    run_deliveries()
    assert unsent() == 0
