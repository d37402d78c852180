import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from appliance.core import deliveries, jobs, rows
from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.core.jobs import Step
from appliance.core.outbox import Delivery
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries, subscribers
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.rules import pacing
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.channels.tables import Channel
from appliance.domains.channels.types import ChannelStatus
from appliance.domains.conversations import actions
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.errors import WindowClosed
from appliance.domains.conversations.events import MessageQueued
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import AgentReply, MessageKind, MessageStatus
from tests.draining import due_for
from tests.peers.graph import Misbehaviour, text_webhook


def open_transport(box, account):
    return gateway_of(account.kind).open(box, account)


@pytest.fixture
def status_of(box, tenant_id):
    def read(message_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return conversations.get_message(uow, message_id).status

    return read


@pytest.fixture
def make_due(box):
    """Let the waiting of every postponed delivery and message be over."""

    def run():
        with box.whole_box("test") as uow:
            uow.session.execute(update(Delivery).where(Delivery.state == "pending").values(next_at=uow.now))
            uow.session.execute(update(Channel).values(paused_until=None))

    return run


def test_a_reply_goes_out_once_with_our_id_in_it(reply, run_deliveries, graph, status_of):
    message_id = reply("Olá! Temos sim.")
    run_deliveries()
    [(_, payload)] = graph.accepted
    assert payload == {
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "5531999990001", "type": "text",
        "text": {"preview_url": False, "body": "Olá! Temos sim."}, "biz_opaque_callback_data": str(message_id),
    }
    assert status_of(message_id) is MessageStatus.SENT


def test_what_the_provider_said_outlives_a_moment_in_which_nothing_can_be_written(reply, run_deliveries, graph, status_of, monkeypatch):
    refusals, confirm = [OperationalError("COMMIT", None, TimeoutError())], subscribers._confirm

    def confirm_later(*arguments):
        if refusals:
            raise refusals.pop()
        confirm(*arguments)

    monkeypatch.setattr(subscribers, "_confirm", confirm_later)
    monkeypatch.setattr(rows, "AGAIN_S", 0)
    message_id = reply("Olá! Temos sim.")
    run_deliveries()
    assert (status_of(message_id), len(graph.accepted), refusals) == (MessageStatus.SENT, 1, [])


@pytest.mark.parametrize("order", [
    ("sent", "delivered", "read"), ("read", "delivered", "sent"), ("delivered", "sent", "delivered", "read"),
])
def test_statuses_may_come_in_any_order_and_twice(reply, run_deliveries, graph, status_of, post, order):
    message_id = reply()
    run_deliveries()
    for status in order:
        assert post(graph.status_webhook(graph.accepted[0][0], status)).status_code == 200
    assert status_of(message_id) is MessageStatus.READ


def test_a_message_that_arrived_cannot_fail_afterwards(reply, run_deliveries, graph, status_of, post):
    message_id = reply()
    run_deliveries()
    post(graph.status_webhook(graph.accepted[0][0], "delivered"))
    post(graph.status_webhook(graph.accepted[0][0], "failed", errors=[{"code": 131026, "title": "Undeliverable"}]))
    assert status_of(message_id) is MessageStatus.DELIVERED


def test_a_failure_told_later_is_shown_with_its_reason(reply, run_deliveries, graph, box, tenant_id, post):
    message_id = reply()
    run_deliveries()
    errors = [{"code": 131026, "title": "Message undeliverable", "error_data": {"details": "Not on WhatsApp"}}]
    post(graph.status_webhook(graph.accepted[0][0], "failed", errors=errors))
    with box.unit(tenant_id, read_only=True) as uow:
        message = conversations.get_message(uow, message_id)
        assert (message.status, message.error_code, message.error) == (MessageStatus.FAILED, "131026", "Not on WhatsApp")


@pytest.mark.parametrize("trick", [Misbehaviour(429, 130429, {"Retry-After": "7"}), Misbehaviour(503), Misbehaviour(400, 131056)])
def test_later_means_later(reply, run_deliveries, graph, status_of, make_due, trick):
    graph.misbehave.append(trick)
    message_id = reply()
    run_deliveries()
    assert (status_of(message_id), graph.accepted) == (MessageStatus.QUEUED, [])
    make_due()
    run_deliveries()
    assert status_of(message_id) is MessageStatus.SENT
    assert len(graph.accepted) == 1


def test_retry_after_is_honoured(reply, run_deliveries, graph, box):
    graph.misbehave.append(Misbehaviour(429, 130429, {"Retry-After": "120"}))
    reply()
    run_deliveries()
    with box.whole_box("test") as uow:
        wait = uow.session.query(Delivery).filter(Delivery.subscriber == "channels.send_message").one().next_at - uow.now
    assert timedelta(seconds=110) < wait <= timedelta(seconds=120)


@pytest.mark.parametrize(("trick", "sentence"), [
    (Misbehaviour(400, 131047), "24"), (Misbehaviour(401, 190), "token"), (Misbehaviour(400, 100), "100"),
])
def test_a_refusal_is_final_and_says_why(reply, run_deliveries, graph, box, tenant_id, trick, sentence):
    graph.misbehave.append(trick)
    message_id = reply()
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        message = conversations.get_message(uow, message_id)
        assert message.status is MessageStatus.FAILED
        assert sentence in message.error
    assert graph.requests == 1


def test_no_answer_is_never_followed_by_a_blind_resend(reply, run_deliveries, graph, status_of, make_due, post):
    graph.misbehave.append(Misbehaviour(drop_after_accepting=True))
    message_id = reply()
    run_deliveries()
    assert status_of(message_id) is MessageStatus.UNCONFIRMED
    make_due()
    run_deliveries()
    assert len(graph.accepted) == 1
    post(graph.status_webhook(graph.accepted[0][0], "delivered"))
    assert status_of(message_id) is MessageStatus.DELIVERED


def owed_to_sender(box):
    return due_for(box, "channels.send_message")[0]


def test_a_crash_between_call_and_commit_sends_exactly_once(reply, graph, box, tenant_id, status_of, post, conversation_id):
    """The provider has it, we died before saying so: the next worker must not send it again."""
    message_id = reply()
    owed = owed_to_sender(box)
    with Step.claimed(box, tenant_id, owed.delivery_id) as step:
        _, claimed = subscribers._claim(step, MessageQueued(conversation_id, message_id))
        open_transport(box, claimed[1]).send(claimed[0])
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).where(Delivery.id == owed.delivery_id).values(lease_until=uow.now - timedelta(seconds=1)))
    jobs.deliver(box, tenant_id, owed.delivery_id)
    assert status_of(message_id) is MessageStatus.UNCONFIRMED
    assert len(graph.accepted) == 1
    post(graph.status_webhook(graph.accepted[0][0], "sent"))
    assert status_of(message_id) is MessageStatus.SENT


def test_a_slow_sender_that_lost_its_lease_still_tells_what_it_knows(reply, graph, box, tenant_id, status_of, conversation_id):
    message_id = reply()
    owed = owed_to_sender(box)

    class Stolen:
        def __init__(self, account):
            self._real = open_transport(box, account)

        def send(self, outgoing):
            result = self._real.send(outgoing)
            with box.whole_box("test") as uow:
                uow.session.execute(update(Delivery).where(Delivery.id == owed.delivery_id).values(lease_token=new_id()))
            return result

    with Step.claimed(box, tenant_id, owed.delivery_id) as step:
        _, (outgoing, account) = subscribers._claim(step, MessageQueued(conversation_id, message_id))
        with pytest.raises(deliveries.LeaseLost):
            subscribers._taken(step, outgoing, Stolen(account).send(outgoing))
    assert status_of(message_id) is MessageStatus.SENT


def test_a_status_that_overtakes_our_own_commit_is_kept(reply, graph, box, tenant_id, status_of, post, conversation_id):
    message_id = reply()
    with box.unit(tenant_id) as uow:
        outgoing = actions.begin_sending(uow, message_id)
        account = queries.get_account(uow, outgoing.channel_id)
    sent = open_transport(box, account).send(outgoing)
    post(graph.status_webhook(sent.provider_id, "delivered"))
    with box.unit(tenant_id) as uow:
        actions.confirm_sent(uow, message_id, sent.provider_id)
    assert status_of(message_id) is MessageStatus.DELIVERED


def test_order_holds_while_the_first_message_waits(reply, run_deliveries, graph, make_due):
    graph.misbehave.append(Misbehaviour(503))
    for number in range(3):
        reply(str(number))
    run_deliveries()
    assert graph.accepted == []
    make_due()
    run_deliveries()
    assert graph.bodies() == ["0", "1", "2"]


def test_a_message_given_up_makes_room_for_the_next(reply, run_deliveries, graph, status_of, make_due, monkeypatch):
    monkeypatch.setattr(pacing, "GIVE_UP_AFTER", timedelta(0))
    graph.misbehave.extend(Misbehaviour(503) for _ in range(pacing.MAX_ATTEMPTS))
    first, second = reply("a"), reply("b")
    for _ in range(pacing.MAX_ATTEMPTS + 1):
        run_deliveries()
        make_due()
    assert status_of(first) is MessageStatus.FAILED
    assert status_of(second) is MessageStatus.SENT


def test_a_channel_that_keeps_failing_rests(reply, run_deliveries, graph, box, tenant_id, cloud):
    graph.misbehave.extend(Misbehaviour(500) for _ in range(50))
    reply()
    for _ in range(pacing.FAILURES_TO_PAUSE):
        run_deliveries()
        with box.whole_box("test") as uow:
            uow.session.execute(update(Delivery).where(Delivery.state == "pending").values(next_at=uow.now))
    asked = graph.requests
    run_deliveries()
    assert graph.requests == asked
    with box.unit(tenant_id, read_only=True) as uow:
        channel = queries.get_channel(uow, cloud)
        assert (channel.status, channel.failures) == (ChannelStatus.FAILING, pacing.FAILURES_TO_PAUSE)
        assert channel.paused_until > uow.now


def test_after_24_hours_only_a_template_goes(reply, box, tenant_id, conversation_id, graph, run_deliveries):
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Conversation).values(last_inbound_at=uow.now - timedelta(hours=25)))
    with pytest.raises(WindowClosed):
        reply("oi de novo")
    template = {"name": "lembrete", "language": "pt_BR", "components": []}
    reply("", kind=MessageKind.TEMPLATE, content={"template": template})
    run_deliveries()
    assert graph.accepted[0][1]["template"] == {"name": "lembrete", "language": {"code": "pt_BR"}}


def test_buttons_lists_and_quotes_take_metas_shape(reply, run_deliveries, graph, inbox):
    quoted = inbox()[0][1][0]
    reply("Escolha", kind=MessageKind.BUTTONS, content={"buttons": [{"id": "s", "title": "Sim"}]}, reply_to_id=quoted.id)
    reply("Escolha", kind=MessageKind.LIST, content={"list": {"button": "Ver", "rows": [{"id": "1", "title": "Um", "description": ""}]}})
    run_deliveries()
    (_, buttons), (_, choices) = graph.accepted
    assert buttons["context"] == {"message_id": quoted.provider_message_id}
    assert buttons["interactive"]["action"]["buttons"] == [{"type": "reply", "reply": {"id": "s", "title": "Sim"}}]
    assert choices["interactive"]["action"] == {"button": "Ver", "sections": [{"rows": [{"id": "1", "title": "Um"}]}]}


def test_the_text_beneath_a_file_is_refused_where_it_would_be_cut(reply, run_deliveries, graph, keep_file):
    picture = {"media": {"blob_id": str(keep_file(b"\x89PNG\r\n\x1a\n").id), "mime_type": "image/png", "filename": "f.png"}}
    with pytest.raises(Refused, match="1024"):
        reply("x" * 1025, kind=MessageKind.IMAGE, content=picture)
    reply("x" * 1024, kind=MessageKind.IMAGE, content=picture)
    run_deliveries()
    assert graph.accepted[0][1]["image"]["caption"] == "x" * 1024


def test_media_goes_up_first_and_comes_home_sealed(reply, run_deliveries, graph, box, tenant_id, keep_file, post, inbox):  # noqa: PLR0917
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 5000
    ref = keep_file(png)
    reply("a foto", kind=MessageKind.IMAGE, content={"media": {"blob_id": str(ref.id), "mime_type": "image/png", "filename": "f.png"}})
    run_deliveries()
    assert graph.media[graph.accepted[0][1]["image"]["id"]] == (png, "image/png")

    media_id = graph.put_media(png, "image/jpeg")
    payload = text_webhook("x", first_id="wamid.M")
    payload["entry"][0]["changes"][0]["value"]["messages"][0].update(type="image", image={"id": media_id, "mime_type": "image/jpeg"})
    post(payload)
    run_deliveries()
    media = inbox()[0][1][-1].content["media"]
    assert box.blobs.read_all(tenant_id, UUID(media["blob_id"])) == png
    assert (media["size"], media["true_type"]) == (len(png), "image/png")


def test_media_that_is_gone_says_so_in_its_place(run_deliveries, post, inbox):
    payload = text_webhook("x", first_id="wamid.M")
    payload["entry"][0]["changes"][0]["value"]["messages"][0].update(type="image", image={"id": "404404", "mime_type": "image/jpeg"})
    post(payload)
    run_deliveries()
    assert "404" in inbox()[0][1][-1].content["media"]["error"]


def test_a_person_who_takes_over_silences_the_bot_even_in_a_race(box, tenant_id, conversation_id, graph, run_deliveries):
    """One thread takes over while another lets the bot answer: whichever is first, nothing of the bot leaves afterwards."""
    taken = []

    def take():
        with box.unit(tenant_id) as uow:
            actions.take_over(uow, conversation_id, user_id=new_id())
            taken.append(len(graph.accepted))

    def speak():
        with box.unit(tenant_id) as uow:
            found = conversations.get_conversation(uow, conversation_id)
            actions.queue_agent_reply(uow, conversation_id, AgentReply("bot", found.last_number + 1))

    with box.unit(tenant_id) as uow:
        actions.queue_agent_reply(uow, conversation_id, AgentReply("bot", 1))
    threads = [threading.Thread(target=take), threading.Thread(target=speak)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_deliveries()
    assert len(graph.accepted) == taken[0] == 0


def test_a_slow_channel_spaces_its_messages(box, tenant_id, cloud):
    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, cloud, ChannelPatch(per_second=2))
    with box.unit(tenant_id) as uow:
        turns = [channels.take_turn(uow, cloud) for _ in range(4)]
        assert [turn - turns[0] for turn in turns] == [timedelta(seconds=0.5 * number) for number in range(4)]


def test_words_beside_a_recording_are_refused_where_they_would_not_arrive(reply, keep_file):
    spoken = {"media": {"blob_id": str(keep_file(b"OggS").id), "mime_type": "audio/ogg", "filename": "v.ogg"}}
    with pytest.raises(Refused, match="by themselves"):
        reply("ouça até o fim", kind=MessageKind.AUDIO, content=spoken)
    assert reply("", kind=MessageKind.AUDIO, content=spoken) is not None
