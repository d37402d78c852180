"""Groups over a linked number: off until somebody switches them on; then people answer there, and no agent."""

import pytest
from sqlalchemy import select, update

from appliance.core.errors import Conflict
from appliance.core.ids import new_id
from appliance.core.outbox import OutboxRow
from appliance.core.web import PageQuery
from appliance.domains.agents.events import AgentWriting
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.channels.tables import Channel, WhatsappGroup
from appliance.domains.contacts import actions as people
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.errors import MergeRefused
from appliance.domains.contacts.queries.duplicates import list_names_after
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.tables import Consent
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.queries.searching import search_messages
from appliance.domains.conversations.schemas import MessageOut, SlaPolicyIn
from appliance.domains.conversations.tables import Conversation, Message, SlaPromise
from appliance.domains.conversations.types import Handling, MessageStatus
from appliance.domains.feeds import queries as feeds
from appliance.domains.feeds.rules import baileys
from tests.domains.channels.qr.conftest import ANA, said
from webui.inbox.presenting import bubbles

pytestmark = pytest.mark.only_database("sqlite")
GROUP = "120363000000000001@g.us"
DAVI, EVA = "5531999990001@s.whatsapp.net", "5531999990002@s.whatsapp.net"


def in_group(text, wamid, *, by=DAVI, name="Davi", mentions=(), **key):
    return wire.Message(
        wire.Key(GROUP, wamid, participant=by, **key), name, 1795287776, "text", {"text": text}, group=True, mentions=mentions
    )


@pytest.fixture
def takes_groups(box, tenant_id, number):
    """The number has an agent, too, which is not to answer them, and the company promises answers."""
    with box.unit(tenant_id, ANA) as uow:
        actions.change_channel(uow, number, ChannelPatch(config={"takes_groups": True}))
        uow.session.execute(update(Channel).values(agent_id=new_id()))
        conversations.create_policy(uow, SlaPolicyIn(name="Geral", targets={"normal": {"first_reply": 30}}))


@pytest.fixture
def rows(box, tenant_id, run_deliveries):
    """All of a table, once there are as many."""

    def read(table, count, phones):
        def found():
            run_deliveries()
            with box.unit(tenant_id, read_only=True) as uow:
                return uow.session.scalars(select(table).order_by(table.id)).all()

        phones.await_(lambda: len(found()) >= count)
        return found()

    return read


def test_off_they_are_left_out_and_counted(opened, phones, rows, box, tenant_id, number):
    phones.say(in_group("Bom dia", "G1"))
    phones.say(wire.Deleted(wire.Key(GROUP, "G2", participant=DAVI), 1, "G1"))
    phones.say(said("eu"))
    assert [row.content for row in rows(Message, 1, phones)] == [{"text": "eu"}]
    opened.stop()

    def week():
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.get_meter(uow, number).week

    phones.await_(lambda: week().left_out == 1)
    assert week().received == 1


@pytest.mark.usefixtures("takes_groups")
def test_a_group_is_one_conversation_for_people_and_binds_nobody(opened, phones, rows, box, tenant_id, number, run_deliveries):
    phones.say(in_group("Quem traz o cabo?", "G1"))
    phones.say(in_group("SAIR", "G2", by=EVA, name="Eva"))
    asked, stop = rows(Message, 2, phones)
    assert asked.content["author"] == {"name": "Davi", "phone": "5531999990001", "jid": DAVI}
    assert stop.content["author"]["name"] == "Eva"
    phones.say(said("Só para vocês", "3A01"))
    [group, private] = rows(Conversation, 2, phones)
    assert (group.is_group, group.handling, group.agent_id, group.waiting_since) == (True, Handling.HUMAN, None, None)
    assert (private.is_group, private.contact_id == group.contact_id) == (False, False)

    def named():
        with box.unit(tenant_id, read_only=True) as uow:
            return contacts.get_contact(uow, group.contact_id).name == "Obra da Vila"

    phones.await_(named)
    with box.unit(tenant_id, read_only=True) as uow:
        assert [(one.kind, one.value) for one in contacts.list_identities(uow, group.contact_id)] == [
            (IdentityKind.WHATSAPP_GROUP, "120363000000000001")
        ]
        assert contacts.find_owners(uow, [Identity(IdentityKind.WHATSAPP, "5531999990002")]) == {}  # Eva wrote to the group, not to us
        assert not uow.session.scalars(select(Consent)).all()
        assert queries.get_meter(uow, number).week.received == 1
        answered = uow.session.scalars(select(OutboxRow.payload).where(OutboxRow.name.in_(("answer.due", "handoff.requested")))).all()
        assert str(group.id) not in str(answered)
        assert not uow.session.scalars(select(SlaPromise).where(SlaPromise.conversation_id == group.id)).all()
        assert [card.id for card in list_names_after(uow, None, limit=9)] == [private.contact_id]
        key = baileys.events_of(feeds.said_of(uow, asked.id))["messages.upsert"]["messages"][0]
    assert (key["key"]["remoteJid"], key["key"]["participant"], key["pushName"]) == (GROUP, DAVI, "Davi")
    with box.unit(tenant_id, ANA) as uow, pytest.raises(MergeRefused):
        people.merge_contacts(uow, private.contact_id, group.contact_id)
    with box.unit(tenant_id, ANA) as uow, pytest.raises(Conflict):
        conversations.hand_back(uow, group.id)
    with box.unit(tenant_id, ANA) as uow:
        answer = conversations.reply(uow, group.id, user_id=ANA.id, content={"text": "Eu trago"}, reply_to_id=asked.id)
    run_deliveries()
    phones.await_(lambda: phones.sent)
    [sent] = phones.sent
    assert (sent["to"], sent["content"], sent["send"]) == (GROUP, {"text": "Eu trago"}, str(answer.id))
    assert sent["quoted"] == {"id": "G1", "from_me": False, "participant": DAVI, "text": "Quem traz o cabo?"}
    assert [row.status for row in rows(Message, 4, phones)][-1] in {MessageStatus.SENDING, MessageStatus.SENT}


@pytest.mark.usefixtures("takes_groups")
def test_what_is_written_to_the_group_on_the_phone_itself_is_seen(opened, phones, rows):
    phones.say(in_group("Chego às 8", "G1", by="5511955550101@s.whatsapp.net", from_me=True))
    [echo] = rows(Message, 1, phones)
    assert (echo.status, echo.content) == (MessageStatus.SENT, {"text": "Chego às 8"})
    [group] = rows(Conversation, 1, phones)
    assert group.is_group


@pytest.mark.usefixtures("takes_groups")
def test_what_is_read_in_a_group_is_marked_to_none_of_its_authors(opened, phones, rows, box, tenant_id):
    phones.say(in_group("Bom dia", "G1"))
    [message] = rows(Message, 1, phones)
    with box.unit(tenant_id, ANA) as uow:
        conversations.mark_read(uow, message.conversation_id)
    with box.unit(tenant_id) as uow:
        uow.whisper(AgentWriting(message.conversation_id, writes=True))
    phones.await_(lambda: any("writes" in one for one in phones.asked))
    assert not [one for one in phones.asked if "read" in one]


@pytest.mark.usefixtures("takes_groups")
def test_who_is_named_in_a_group_is_read_found_and_answered_by_name(opened, phones, rows, box, tenant_id, number, run_deliveries):
    with box.unit(tenant_id, ANA) as uow:
        people.create_contact(uow, ContactFields(name="Davi Souza", phone="+5531999990001"))
    phones.say(in_group("@222333444555666 confere com @5531999990001, @900 e @333444555666777?", "G1", mentions=(
        "222333444555666@lid", DAVI, "900@lid", "333444555666777@lid",
    )))  # fmt: skip
    shown = "@Eva Reis confere com @Davi Souza, @Loja e @333444555666777?"

    def asked():
        run_deliveries()
        with box.unit(tenant_id, read_only=True) as uow:
            return uow.session.scalars(select(Message).where(Message.provider_message_id == "G1")).first()

    phones.await_(lambda: (found := asked()) is not None and (found.content["text"] == shown))
    message = asked()
    with box.unit(tenant_id, read_only=True) as uow:
        thread = threads.get_conversation(uow, message.conversation_id)
        assert (thread.preview, message.edited_at, message.earlier) == (shown, None, None)
        assert [one.message.id for one in search_messages(uow, '"eva reis confere"', PageQuery()).items] == [message.id]
        [told] = baileys.events_of(feeds.said_of(uow, message.id))["messages.upsert"]["messages"]
        assert told["message"]["extendedTextMessage"]["text"].startswith("@222333444555666 confere com @5531999990001")
        assert told["message"]["extendedTextMessage"]["contextInfo"]["mentionedJid"][:2] == ["222333444555666@lid", DAVI]
        [bubble] = bubbles(uow, [MessageOut.model_validate(message)], contact_name="Obra da Vila")
        assert bubble.html.count('<span class="mention">') == 4
    phones.say(wire.Edited(
        wire.Key(GROUP, "G2", participant=DAVI), 1795287780, "G1", "text", {"text": "@222333444555666 viu?"}, ("222333444555666@lid",),
    ))  # fmt: skip
    phones.await_(lambda: asked().content["text"] == "@Eva Reis viu?")
    with box.unit(tenant_id, ANA) as uow:
        words = {"text": "@eva reis e @davi, já vai"}
        conversations.reply(uow, message.conversation_id, user_id=ANA.id, content=words, reply_to_id=message.id)
    run_deliveries()
    phones.await_(lambda: phones.sent)
    [sent] = phones.sent
    assert (sent["content"]["text"], sent["mentions"]) == ("@222333444555666 e @5531999990001, já vai", ["222333444555666@lid", DAVI])
    assert sent["quoted"]["text"] == "@222333444555666 viu?", "what we call our contacts stays in the house"
    with box.unit(tenant_id, ANA) as uow:
        eva = people.create_contact(uow, ContactFields(phone="+5531999990002"))
        assert actions.erase_contact(uow, eva.id) == 1
        assert "Eva" not in str(uow.session.scalars(select(WhatsappGroup)).one().members)
