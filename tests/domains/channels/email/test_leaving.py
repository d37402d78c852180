"""Who wants no more notices presses one button, in the mail program or on a page; answers still come."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from appliance.domains.channels.gateways.email import leaving
from appliance.domains.contacts import actions as people
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.schemas import ConsentIn
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, Identity, IdentityKind, Purpose
from appliance.domains.conversations.tables import Conversation
from tests.domains.channels.email.conftest import mail
from tests.domains.channels.email.test_sending import answer, arrive, parsed  # noqa: F401 - fixtures

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def settings(settings):
    server = settings.server.model_copy(update={"public_url": "https://caixa.solara.example"})
    return settings.model_copy(update={"server": server})


@pytest.fixture
def silent(box, tenant_id, arrive):  # noqa: F811
    """A customer who wrote two days ago."""
    conversation_id = arrive(mail())
    with box.unit(tenant_id) as uow:
        past = {"last_inbound_at": uow.now - timedelta(days=2)}
        uow.session.execute(update(Conversation).where(Conversation.id == conversation_id).values(**past))
        return uow.session.get(Conversation, conversation_id)


def may_send(box, tenant_id, contact_id, purpose):
    with box.unit(tenant_id, read_only=True) as uow:
        try:
            contacts.check_may_send(uow, contact_id, Medium.EMAIL, purpose)
        except ConsentRefused:
            return False
        return True


def test_an_answer_has_no_way_out_and_needs_none(arrive, answer, post_office):  # noqa: F811
    answer(arrive(mail()))
    assert parsed(post_office.taken[0])["List-Unsubscribe"] is None


def test_a_notice_can_be_ended_with_one_click_and_no_cookie(silent, answer, post_office, client, box, tenant_id):  # noqa: F811
    answer(silent.id)
    sent = parsed(post_office.taken[0])
    address = sent["List-Unsubscribe"].strip("<>").removeprefix("https://caixa.solara.example")
    assert f"List-Unsubscribe: {sent['List-Unsubscribe']}\r\n".encode() in post_office.taken[0].content  # an encoded word nobody clicks
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for _again in range(2):
        assert client.post(address, data={"List-Unsubscribe": "One-Click"}).status_code in {200, 204}
    assert not may_send(box, tenant_id, silent.contact_id, Purpose.SERVICE)
    assert may_send(box, tenant_id, silent.contact_id, Purpose.REPLY)


def test_who_gets_a_copy_cannot_end_it_for_another(client, channel_id, run_deliveries, post_office, box, tenant_id):
    with box.unit(tenant_id) as uow:
        found = people.upsert_contact(uow, (Identity(IdentityKind.EMAIL, "caio@cliente.example"),), one_person=True).id
        said = ConsentIn(channel=Medium.EMAIL, purpose=Purpose.SERVICE, mode=ConsentMode.OPT_IN, source="form", evidence={})
        people.record_consent(uow, found, said)
    asked = {"channel_id": str(channel_id), "to": "caio@cliente.example", "subject": "Proposta", "text": "Segue."}
    for copies in ([], ["chefe@cliente.example"]):
        assert client.post("/api/v1/mails", json={**asked, "cc": copies}).status_code == 201
    run_deliveries()
    assert [parsed(taken)["List-Unsubscribe"] is None for taken in post_office.taken] == [False, True]


def test_an_address_nobody_gave_out_ends_nothing(silent, client, box, tenant_id, channel_id):
    token = leaving.token_of(box, tenant_id, channel_id, silent.contact_id)
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    assert client.post(f"/unsubscribe/{channel_id}/{forged}").status_code == 404
    assert may_send(box, tenant_id, silent.contact_id, Purpose.SERVICE)
