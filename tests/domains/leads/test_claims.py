"""A form is filled in by anybody: what they say of themselves leads nobody else's words to them."""

from sqlalchemy import select

from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import Change, Spoken
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import Incoming, MessageKind, Person
from tests.factories.leads import make_source

MAILBOX = {
    "address": "loja@loja.example", "from_name": "Loja", "signature": "", "imap_host": "127.0.0.1", "imap_port": 1,
    "imap_security": "none", "smtp_host": "127.0.0.1", "smtp_port": 2, "smtp_security": "none",
}  # fmt: skip


def mails(box, tenant_id, channel_id, address, text):
    with box.unit(tenant_id) as uow:
        said = Incoming(f"{text}@x", MessageKind.TEXT, {"text": text}, uow.now)
        spoken = Spoken(Person((Identity(IdentityKind.EMAIL, address),)), address, (said,))
        channels.receive_changes(uow, queries.get_channel(uow, channel_id), [Change((spoken,))])


def test_who_types_the_phone_of_somebody_else_does_not_get_their_conversation(box, tenant_id, client, somebody):
    with box.unit(tenant_id) as uow:
        given = ChannelIn(kind="email", name="Loja", config=MAILBOX, secrets={"user": "u", "password": "p"})
        channel_id, form_id = channels.create_channel(uow, given).id, make_source(uow, kind="form").id
    somebody.principal = None
    client.post(f"/forms/{form_id}", json={"name": "Ana", "email": "ana@x.example", "phone": "11 98000-1234"})
    mails(box, tenant_id, channel_id, "ana@x.example", "onde está meu pedido?")
    client.post(f"/forms/{form_id}", json={"name": "z", "email": "evil@evil.example", "phone": "11 98000-1234", "consent": "yes"})
    mails(box, tenant_id, channel_id, "evil@evil.example", "o que eu pedi?")
    with box.unit(tenant_id, read_only=True) as uow:
        ana, stranger = uow.session.scalars(select(Conversation).order_by(Conversation.opened_at)).all()
        assert (ana.address, ana.last_number) == ("ana@x.example", 1)
        assert stranger.contact_id != ana.contact_id
        assert {row.channel for row in people.list_consents(uow, ana.contact_id)} <= {"whatsapp"}
