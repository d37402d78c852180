from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.ids import new_id
from appliance.core.outbox import OutboxRow
from appliance.core.web import PageQuery
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.errors import HeldBySomebody
from appliance.domains.conversations.queries import InboxFilter
from appliance.domains.conversations.rules import delivery, wording
from appliance.domains.conversations.types import AgentReply, ConversationStatus, Handling, MessageStatus, Sender
from tests.factories.contacts import may_send


def thread(box, tenant_id, conversation_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return queries.list_messages(uow, conversation_id)


def conversation(box, tenant_id, conversation_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return queries.get_conversation(uow, conversation_id)


def events(box, tenant_id, name):
    with box.unit(tenant_id, read_only=True) as uow:
        return uow.session.scalars(select(OutboxRow).where(OutboxRow.name == name)).all()


def test_the_same_message_twice_is_stored_once(box, tenant_id, says):
    first = says("olá", client_id="a")
    assert says("olá", client_id="a") == first
    assert [message.content for message in thread(box, tenant_id, first)] == [{"text": "olá"}]
    assert len(events(box, tenant_id, "message.received")) == 1


def test_messages_of_one_person_form_one_conversation_in_order(box, tenant_id, says):
    ids = {says(str(number)) for number in range(5)}
    assert len(ids) == 1
    messages = thread(box, tenant_id, ids.pop())
    assert [(message.number, message.content["text"]) for message in messages] == [(n + 1, str(n)) for n in range(5)]


def test_what_was_said_is_not_readable_in_the_database(box, tenant_id, says):
    conversation_id = says("meu segredo")
    with box.unit(tenant_id) as uow:
        raw = uow.session.connection().exec_driver_sql("SELECT content FROM messages").scalar()
        address = uow.session.connection().exec_driver_sql("SELECT address, preview, thread_key FROM conversations").one()
    assert b"segredo" not in bytes(raw)
    assert all(b"ana" not in bytes(value) for value in address[:2])
    assert "ana" not in address[2]
    assert thread(box, tenant_id, conversation_id)[0].content["text"] == "meu segredo"


def test_another_tenant_sees_nothing(box, other_tenant_id, tenant_id, says):
    says("olá")
    with box.unit(other_tenant_id, read_only=True) as uow:
        assert queries.list_conversations(uow, InboxFilter(), PageQuery()).total == 0


def test_a_persons_reply_takes_the_conversation_from_the_bot(box, tenant_id, says):
    conversation_id, bruno = says("oi"), new_id()
    with box.unit(tenant_id) as uow:
        message = actions.reply(uow, conversation_id, user_id=bruno, content={"text": "Olá!"})
    assert message.status is MessageStatus.QUEUED
    found = conversation(box, tenant_id, conversation_id)
    assert (found.handling, found.assignee_id, found.unread_count) == (Handling.HUMAN, bruno, 0)
    assert found.first_response_at is not None


def test_a_queued_reply_reaches_the_simulator(box, tenant_id, says, run_deliveries):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        actions.reply(uow, conversation_id, user_id=new_id(), content={"text": "Olá!"})
    run_deliveries()
    assert [message.status for message in thread(box, tenant_id, conversation_id)] == [MessageStatus.RECEIVED, MessageStatus.DELIVERED]


def test_the_bot_never_speaks_while_a_person_holds_the_conversation(box, tenant_id, says):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        actions.take_over(uow, conversation_id, user_id=new_id())
    with box.unit(tenant_id) as uow:
        assert actions.queue_agent_reply(uow, conversation_id, AgentReply("Posso ajudar?", 1)) is None
    assert len(thread(box, tenant_id, conversation_id)) == 1


def test_what_the_bot_had_queued_is_withdrawn_when_a_person_takes_over(box, tenant_id, says, run_deliveries):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        actions.queue_agent_reply(uow, conversation_id, AgentReply("Posso ajudar?", 1))
    with box.unit(tenant_id) as uow:
        actions.take_over(uow, conversation_id, user_id=new_id())
    run_deliveries()
    assert thread(box, tenant_id, conversation_id)[-1].status is MessageStatus.CANCELLED


def test_messages_answered_once_are_not_answered_again(box, tenant_id, says):
    conversation_id = says("oi")
    says("tem sofá?")
    with box.unit(tenant_id) as uow:
        assert actions.queue_agent_reply(uow, conversation_id, AgentReply("Temos.", 2)) is not None
        assert actions.queue_agent_reply(uow, conversation_id, AgentReply("Temos.", 1)) is None


def test_a_colleagues_conversation_is_only_taken_on_purpose(box, tenant_id, says):
    conversation_id, bruno, ana = says("oi"), new_id(), new_id()
    with box.unit(tenant_id) as uow:
        actions.take_over(uow, conversation_id, user_id=bruno)
    with pytest.raises(HeldBySomebody), box.unit(tenant_id) as uow:
        actions.take_over(uow, conversation_id, user_id=ana)
    with box.unit(tenant_id) as uow:
        assert actions.take_over(uow, conversation_id, user_id=ana, forced=True).assignee_id == ana


def test_a_conversation_is_handed_off_once_and_somebody_is_told(box, tenant_id, says):
    conversation_id = says("quero falar com alguém")
    with box.unit(tenant_id) as uow:
        assert actions.hand_off(uow, conversation_id, reason="wants_person")
        assert not actions.hand_off(uow, conversation_id, reason="wants_person")
    assert len(events(box, tenant_id, "handoff.requested")) == 1
    assert conversation(box, tenant_id, conversation_id).waiting_since is not None


def test_the_box_counts_who_has_the_word(box, tenant_id, says):
    handed, taken, _bot = says("a"), says("b", visitor="bia"), says("c", visitor="caio")
    with box.unit(tenant_id) as uow:
        actions.hand_off(uow, handed, reason="asked")
        actions.take_over(uow, taken, user_id=new_id())
    with box.whole_box("test", read_only=True) as uow:
        assert queries.count_holders(uow) == {"bot": 1, "waiting": 1, "person": 1}


def test_a_contact_left_waiting_is_brought_up_again(box, tenant_id, says, time_machine_now):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        actions.hand_off(uow, conversation_id, reason="wants_person")
        assert actions.remind_of_waiting(uow) == 0
    time_machine_now(minutes=11)
    with box.unit(tenant_id) as uow:
        assert actions.remind_of_waiting(uow) == 1
        assert actions.remind_of_waiting(uow) == 0
    assert len(events(box, tenant_id, "handoff.overdue")) == 1


def test_after_hand_back_the_bot_leaves_old_messages_alone(box, tenant_id, says):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        actions.take_over(uow, conversation_id, user_id=new_id())
        found = actions.hand_back(uow, conversation_id)
        assert found.handling is Handling.BOT
        assert queries.list_unanswered(uow, found) == []
    says("e agora?")
    with box.unit(tenant_id) as uow:
        found = queries.get_conversation(uow, conversation_id)
        assert [message.content["text"] for message in queries.list_unanswered(uow, found)] == ["e agora?"]


def test_a_resolved_conversation_starts_afresh_when_the_contact_writes(box, tenant_id, says):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        actions.take_over(uow, conversation_id, user_id=new_id())
        assert actions.resolve(uow, conversation_id).status is ConversationStatus.RESOLVED
    assert says("voltei") == conversation_id
    found = conversation(box, tenant_id, conversation_id)
    assert (found.status, found.handling, found.assignee_id) == (ConversationStatus.OPEN, Handling.BOT, None)


def test_without_an_agent_the_first_message_asks_for_a_person(box, tenant_id, says, simulator):
    from appliance.domains.channels import actions as channels
    from appliance.domains.channels.schemas import ChannelPatch

    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, simulator, ChannelPatch(agent_id=None))
    found = conversation(box, tenant_id, says("oi"))
    assert (found.handling, found.handoff_reason) == (Handling.HUMAN, "no_agent")
    with box.unit(tenant_id) as uow, pytest.raises(Conflict):
        actions.hand_back(uow, found.id)


def test_stop_opts_out_is_confirmed_once_and_goes_unanswered(box, tenant_id, says):
    conversation_id = says("SAIR")
    says("sair")
    messages = thread(box, tenant_id, conversation_id)
    assert [message.sender for message in messages] == [Sender.CONTACT, Sender.SYSTEM, Sender.CONTACT]
    with box.unit(tenant_id) as uow:
        found = queries.get_conversation(uow, conversation_id)
        assert queries.list_unanswered(uow, found) == []
        assert not may_send(uow, found.contact_id, "simulator", "marketing")


def test_filters_and_counts_agree(box, tenant_id, says):
    mine, bots = says("a", visitor="um"), says("b", visitor="dois")
    bruno = new_id()
    with box.unit(tenant_id) as uow:
        actions.take_over(uow, mine, user_id=bruno)
        counts = queries.count_inbox(uow, user_id=bruno)
        listed = {name: [row.id for row in queries.list_conversations(uow, wanted, PageQuery()).items] for name, wanted in {
            "mine": InboxFilter(assignee_id=bruno), "bot": InboxFilter(handling=Handling.BOT), "all": InboxFilter(),
        }.items()}
    assert (counts.all, counts.mine, counts.bot, counts.waiting, counts.unread) == (2, 1, 1, 0, 2)
    assert listed == {"mine": [mine], "bot": [bots], "all": [bots, mine]}


def test_a_note_is_seen_by_colleagues_and_never_sent(box, tenant_id, says, run_deliveries):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        note = actions.add_note(uow, conversation_id, user_id=new_id(), text="cliente antigo")
    run_deliveries()
    with box.unit(tenant_id) as uow:
        assert queries.get_message(uow, note.id).status is MessageStatus.RECEIVED
        assert queries.get_conversation(uow, conversation_id).preview == "oi"


def test_erasing_a_contact_erases_what_was_said(box, tenant_id, says):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        contact_id = queries.get_conversation(uow, conversation_id).contact_id
        assert len(queries.export_contact(uow, contact_id)["messages"]) == 1
        assert actions.erase_contact(uow, contact_id) == 2
        assert not any(queries.export_contact(uow, contact_id).values())


def test_erasing_a_contact_erases_the_files_they_sent(box, tenant_id, says, keep_file, run_deliveries):
    conversation_id = says("segue a foto")
    kept = keep_file(b"uma foto")
    with box.unit(tenant_id) as uow:
        (message,) = queries.list_messages(uow, conversation_id)
        actions.attach_media(uow, message.id, {"blob_id": str(kept.id)})
        actions.erase_contact(uow, queries.get_conversation(uow, conversation_id).contact_id)
    run_deliveries()
    with pytest.raises(NotFound):
        box.blobs.read_all(tenant_id, kept.id)


def test_only_failed_or_unconfirmed_messages_are_sent_again(box, tenant_id, says, run_deliveries):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        message = actions.reply(uow, conversation_id, user_id=new_id(), content={"text": "Olá"})
    run_deliveries()
    with box.unit(tenant_id) as uow, pytest.raises(Conflict):
        actions.retry_message(uow, message.id)


def test_somebody_who_stopped_is_only_answered(box, tenant_id, says, time_machine_now):
    conversation_id = says("sair")
    says("o meu pedido chegou?")
    with box.unit(tenant_id) as uow:
        actions.reply(uow, conversation_id, user_id=new_id(), content={"text": "Certo"})
    time_machine_now(hours=25)
    with box.unit(tenant_id) as uow, pytest.raises(Refused):
        actions.reply(uow, conversation_id, user_id=new_id(), content={"text": "Promoção"})


def test_what_a_message_uses_is_its_file_and_the_whole_mail_that_it_was():
    file, mail = new_id(), new_id()
    media = {"media": {"blob_id": str(file)}}
    contents = (media, {**media, "mail": {"original": str(mail)}}, {"media": {"id": "7"}, "mail": {}}, {"text": "oi"})
    assert [wording.files_of(content) for content in contents] == [[file], [file, mail], [], []]


def test_a_window_is_open_until_the_moment_that_people_are_told():
    window = {"last_inbound_at": datetime(2026, 11, 20, 12, tzinfo=UTC), "window_hours": 24}
    closes_at = delivery.window_closes_at(**window)
    assert closes_at == datetime(2026, 11, 21, 12, tzinfo=UTC)
    moments = (closes_at - timedelta(seconds=1), closes_at)
    assert [delivery.is_window_open(**window, now=now) for now in moments] == [True, False]
    assert delivery.window_closes_at(last_inbound_at=None, window_hours=24) is None
