"""Who is in a group, as the box keeps it."""

import pytest
from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.domains.channels import actions
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.queries import get_channel
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import Change, Member, Spoken
from appliance.domains.contacts.tables import ContactIdentity
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import Incoming, MessageKind, Outgoing, Person
from tests.statements import statements_of

pytestmark = pytest.mark.only_database("sqlite")
CHAT = "120363000000000001@g.us"


@pytest.fixture
def channel(box, tenant_id):
    """A number in a group where eight people who are not known yet are named in as many messages."""
    with box.unit(tenant_id) as uow:
        channel = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
        content = [{"text": f"@90{number} confere?", "mentions": [{"jid": f"90{number}@lid"}]} for number in range(8)]
        said = tuple(Incoming(f"G{number}", MessageKind.TEXT, one, uow.now) for number, one in enumerate(content))
        group = Person((Identity(IdentityKind.WHATSAPP_GROUP, "120363000000000001"),), "Obra")
        actions.receive_changes(uow, get_channel(uow, channel.id), [Change((Spoken(group, CHAT, said),))])
        return channel


def told(box, tenant_id, channel, names):
    """What WhatsApp tells of the group; returns how much it asked the database."""
    with statements_of(box) as heard, box.unit(tenant_id) as uow:
        actions.note_group(uow, channel.id, CHAT, "Obra", [Member("", f"90{number}", name) for number, name in enumerate(names)])
    return len(heard)


def test_who_is_known_now_is_named_in_the_last_messages_and_where_nothing_is_new_none_of_them_is_held(box, tenant_id, channel):
    names = [f"Pessoa {number}" for number in range(8)]
    first, again = told(box, tenant_id, channel, names), told(box, tenant_id, channel, names)
    with box.unit(tenant_id, read_only=True) as uow:
        said = [message.content["text"] for message in uow.session.scalars(select(Message).order_by(Message.number))]
    assert said == [f"@{name} confere?" for name in names]
    assert again <= 20 < first


def answered(box, tenant_id, text):
    with box.unit(tenant_id) as uow:
        thread_id = uow.session.scalars(select(Conversation.id)).one()
        return conversations.reply(uow, thread_id, user_id=new_id(), content={"text": text}).id


def test_an_answer_that_names_nobody_looks_nobody_up(box, tenant_id, channel):
    told(box, tenant_id, channel, [f"Pessoa {number}" for number in range(8)])
    plain, naming = (answered(box, tenant_id, text) for text in ("Já vai, escreva a ana@loja.example", "Já vai, @pessoa 7"))
    with statements_of(box) as heard, box.unit(tenant_id) as uow:
        plain, naming = threads.get_message(uow, plain), threads.get_message(uow, naming)
        assert [actions.may_name_members(uow, one) for one in (plain, naming)] == [False, True]
        conversation = uow.session.get(Conversation, naming.conversation_id)
        for kind in ("email", "whatsapp_cloud", "simulator"):  # no such groups there, whatever the address looks like
            conversation.channel_kind = kind
            assert not actions.may_name_members(uow, naming)
        conversation.channel_kind = "whatsapp_qr"
        naming = naming.id
    assert not [statement for statement, _ in heard if "whatsapp_groups" in statement]
    with box.unit(tenant_id, read_only=True) as uow:
        named = actions.find_mentioned(uow, naming)
    assert named == [{"jid": "907@lid", "name": "pessoa 7"}]
    naming = Outgoing(new_id(), new_id(), channel.id, "k", CHAT, MessageKind.TEXT, {"text": "Já vai, @pessoa 7"}, quoted=None, attempt=1)
    assert actions.number_members(naming, named).content["text"] == "Já vai, @907"


@pytest.mark.parametrize("names", [[], ["Pessoa 0"]])
def test_what_is_told_of_a_group_whose_channel_was_deleted_meanwhile_leaves_nothing(box, tenant_id, names):
    with box.unit(tenant_id) as uow:
        channel = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
    with box.unit(tenant_id) as uow:
        actions.delete_channel(uow, channel.id)
    with pytest.raises(ChannelNotFound):
        told(box, tenant_id, channel, names)
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(ContactIdentity)).all() == []
