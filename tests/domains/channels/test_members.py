"""Who is in a group, as the box keeps it."""

import pytest
from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.domains.channels import actions
from appliance.domains.channels.queries import get_channel
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import Change, Member, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations.tables import Message
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


def test_an_answer_that_names_nobody_looks_nobody_up(box, tenant_id, channel):
    told(box, tenant_id, channel, [f"Pessoa {number}" for number in range(8)])
    plain, naming = (
        Outgoing(new_id(), new_id(), channel.id, "k", CHAT, MessageKind.TEXT, {"text": text}, quoted=None, attempt=1)
        for text in ("Já vai", "Já vai, @pessoa 7")
    )
    with statements_of(box) as heard, box.unit(tenant_id, read_only=True) as uow:
        assert actions.number_members(uow, plain) == plain
    asked = len(heard)
    with box.unit(tenant_id, read_only=True) as uow:
        assert actions.number_members(uow, naming).content["text"] == "Já vai, @907"
    assert asked == 0
