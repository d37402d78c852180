"""A WhatsApp conversation that we begin: with whom, by which number, with what, and only once."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from appliance.core import clock
from appliance.core.ids import new_id
from appliance.domains.channels import actions
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch, TemplateIn
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import ConsentIn, ContactFields, ContactsQuery
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, Purpose
from appliance.domains.conversations.tables import Conversation
from tests.peers.graph import text_webhook

pytestmark = pytest.mark.only_database("sqlite")
BODY = {"body": "Olá {{1}}, sua visita é em {{2}}.", "variables": [
    {"name": "1", "source": "contact.first_name", "example": "Bia"}, {"name": "2", "example": "12/12"},
]}  # fmt: skip


@pytest.fixture
def lead(box, tenant_id):
    """A contact with a phone, who never wrote; `purpose` is what they agreed to."""

    def make(phone="+5511987654321", purpose=Purpose.SERVICE, mode=ConsentMode.OPT_IN, name="Bia Reis"):
        with box.unit(tenant_id) as uow:
            found = contacts.create_contact(uow, ContactFields(name=name, phone=phone)).id
            if purpose is not None:
                said = ConsentIn(channel=Medium.WHATSAPP, purpose=purpose, mode=mode, source="form", evidence={})
                contacts.record_consent(uow, found, said)
        return str(found)

    return make


@pytest.fixture
def template(box, tenant_id, waba, approved):
    with box.unit(tenant_id) as uow:
        given = {"kind": "whatsapp", "name": "lembrete", "parts": BODY, "channel_id": waba}
        made = actions.create_template(uow, TemplateIn.model_validate(given)).id
    return str(approved(made))


@pytest.fixture
def write(client, run_deliveries):
    def post(headers=None, **asked):
        said = client.post("/api/v1/messages/whatsapp", json=asked, headers=headers or {})
        run_deliveries()
        return said

    return post


@pytest.fixture
def write_later(box, tenant_id, waba, write):
    """A day after everybody wrote last."""
    assert waba

    def post(**asked):
        with box.unit(tenant_id) as uow:
            uow.session.execute(update(Conversation).values(last_inbound_at=clock.now() - timedelta(hours=25)))
        return write(**asked)

    return post


def test_a_lead_is_written_to_first_with_an_approved_template(write, lead, template, graph, inbox):
    graph.enforce_window = True
    bia = lead()
    said = write(contact_id=bia, template_id=template, values={"2": "10/12"})
    assert said.status_code == 201, said.json
    [(_, sent)] = graph.accepted
    assert (sent["to"], sent["type"], sent["template"]["name"]) == ("5511987654321", "template", "lembrete")
    [(conversation, [message])] = inbox()
    assert (str(conversation.id), str(conversation.contact_id)) == (said.json["conversation_id"], bia)
    assert (message.status, message.content["text"]) == ("sent", "Olá Bia, sua visita é em 10/12.")


def test_the_answer_of_who_was_written_to_joins_the_conversation(write, lead, template, post, inbox):
    begun = write(contact_id=lead(), template_id=template, values={"2": "10/12"}).json
    post(text_webhook("Pode ser", wa_id="551187654321", name="Bia"))  # the account is older than the ninth digit
    [(conversation, messages)] = inbox()
    assert (str(conversation.id), len(messages)) == (begun["conversation_id"], 2)


def test_the_same_key_again_writes_once(write, lead, template, graph):
    asked = {"contact_id": lead(), "template_id": template, "values": {"2": "10/12"}, "headers": {"Idempotency-Key": "pedido-1"}}
    assert write(**asked).json["id"] == write(**asked).json["id"]
    assert len(graph.accepted) == 1


@pytest.mark.parametrize(("purpose", "mode"), [(None, None), (Purpose.SERVICE, ConsentMode.OPT_OUT)])
def test_nobody_is_written_to_who_did_not_agree_and_nothing_is_left_behind(purpose, mode, write, lead, template, graph, inbox):
    said = write(contact_id=lead(purpose=purpose, mode=mode), template_id=template, values={"2": "10/12"})
    assert (said.status_code, graph.accepted, inbox()) == (422, [], [])


def test_words_of_ones_own_begin_nothing_over_the_cloud_but_go_on_in_an_open_window(write, lead, post, graph, inbox, write_later):
    assert write(contact_id=lead(), text="Oi, Bia!").status_code == 422
    assert inbox() == []
    post(text_webhook("oi", wa_id="5511987654321"))
    [(conversation, _)] = inbox()
    said = write(to="+5511987654321", text="Oi, Bia!")
    assert (said.status_code, said.json["conversation_id"]) == (201, str(conversation.id))
    assert graph.accepted[-1][1]["text"]["body"] == "Oi, Bia!"
    assert write_later(to="5511987654321", text="E agora?").status_code == 422


def test_it_goes_on_under_the_address_that_whatsapp_knows(write, lead, post, graph, waba, inbox):
    assert waba
    bia = lead()
    post(text_webhook("oi", wa_id="551187654321"))
    assert write(contact_id=bia, text="Oi!").status_code == 201
    assert (graph.accepted[-1][1]["to"], len(inbox())) == ("551187654321", 1)


def test_a_number_that_nobody_has_becomes_no_contact_by_being_refused(write, template, box, tenant_id):
    assert write(to="5531988887777", template_id=template, values={"2": "10/12"}).status_code == 422
    with box.unit(tenant_id, read_only=True) as uow:
        assert not people.list_contacts(uow, ContactsQuery()).items


def test_a_linked_number_takes_words(write, lead, box, tenant_id, inbox):
    with box.unit(tenant_id) as uow:
        number = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja")).id
    said = write(contact_id=lead(), text="Oi, Bia!")  # it waits until the number is open
    assert (said.status_code, said.json["status"]) == (201, "queued")
    assert inbox()[0][0].channel_id == number
    assert write(contact_id=lead("+5531977776666", purpose=None), text="Oi").status_code == 422


def test_what_is_wrong_is_told_at_its_field(write, lead, template, box, tenant_id, waba, client):
    bia = lead()
    missing = write(contact_id=bia, template_id=template)
    assert (missing.status_code, list(missing.json["fields"])) == (422, ["values.2"])
    assert list(write(contact_id=lead(None), template_id=template).json["fields"]) == ["contact_id"]
    for wrong in ({"contact_id": bia}, {"contact_id": bia, "to": "5511987654321", "text": "Oi"}, {"text": "Oi"}, {"to": "x", "text": "Oi"}):
        assert write(**wrong).status_code == 422
    assert write(contact_id=str(new_id()), text="Oi").status_code == 404
    assert write(contact_id=bia, template_id=str(new_id())).status_code == 404
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, waba, ChannelPatch(active=False))
    assert list(write(contact_id=bia, template_id=template, values={"2": "1"}).json["fields"]) == ["channel_id"]


def test_who_may_only_read_writes_to_nobody(write, lead, somebody):
    bia = lead()
    somebody.may("conversations:read")
    assert write(contact_id=bia, text="Oi").status_code == 403
