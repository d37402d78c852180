"""Double opt-in as a visitor meets it: the form, the mail, the page behind its link, the ledger."""

import re
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from sqlalchemy import delete, select, update

from appliance.core.errors import Conflict, Refused
from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.web import Authenticator, create_app
from appliance.domains.channels import actions
from appliance.domains.channels import queries as channels
from appliance.domains.channels.actions.receive import route_of
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.rules import confirming
from appliance.domains.contacts.tables import AwaitedConsent
from appliance.domains.contacts.types import Channel, ConsentMode, Identity, IdentityKind, Purpose
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.actions import begin_sending, retry_message, write_from_box
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import ConversationStatus, MessageStatus, Person
from appliance.domains.leads import actions as leads
from appliance.domains.leads import queries as captured
from appliance.domains.leads.schemas import LeadsQuery, SourceIn, SourcePatch
from appliance.entrypoints.boot import BoxAuthenticator
from tests.factories.leads import make_source
from tests.suspending import resume, suspend
from webui import branding, shell

pytestmark = pytest.mark.only_database("sqlite")
WORDS = "Aceito receber ofertas da Solara."
TYPED = {"name": "Compre já http://spam.example", "email": "Bia@Cliente.example", "phone": "11 98000-1234", "consent": "yes"}
PAGE = {"Accept": "text/html", "Accept-Language": "pt-BR", "User-Agent": "Firefox"}


@pytest.fixture
def source_id(box, tenant_id, channel_id):
    with box.unit(tenant_id) as uow:
        return make_source(uow, kind="form", name="Site", form={"consent_text": WORDS}, confirm_by=channel_id).id


@pytest.fixture
def visitor(box):
    branding.forget_all()
    box.provide(Authenticator, BoxAuthenticator())
    return create_app(box, register=shell.register, error_page=shell.error_page).test_client()


@pytest.fixture
def fill_in(visitor, source_id, run_deliveries):
    def send(**more):
        headers = {**PAGE, "Referer": "https://solara.example/"}
        assert visitor.post(f"/forms/{source_id}", data=TYPED | more, headers=headers).status_code == 303
        run_deliveries()

    return send


@pytest.fixture
def ledger(box, tenant_id):
    """What stands there about marketing by e-mail, newest first."""

    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            [lead] = captured.list_leads(uow, LeadsQuery()).items
            return [row for row in people.list_consents(uow, lead.contact_id) if row.channel is Channel.EMAIL]

    return read


def link_in(taken):
    mail = message_from_bytes(taken.content, policy=policy.default)
    return mail, re.search(r"https?://[^/]+(/confirm/\S+)", mail.get_body(("plain",)).get_content())[1]


def press(visitor, address):
    token = re.search(r'name="csrf-token" content="([^"]+)"', visitor.get(address, headers=PAGE).text)[1]
    return visitor.post(f"{address}/yes", data={"csrf_token": token}, headers=PAGE)


def test_a_yes_in_a_form_counts_once_its_owner_presses_the_button(box, tenant_id, visitor, fill_in, ledger, post_office):
    fill_in()
    [taken] = post_office.taken
    mail, address = link_in(taken)
    assert taken.recipients == ["bia@cliente.example"]
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("Confirme que podemos escrever para você", "auto-replied")
    text = mail.get_body(("plain",)).get_content()
    assert WORDS in text
    assert "spam" not in text  # a stranger may have filled it in
    assert ledger() == []
    shown = visitor.get(address, headers=PAGE)
    assert "Sim, fui eu" in shown.text
    assert WORDS in shown.text
    assert ledger() == []  # a scanner of mail looked
    assert visitor.post(f"{address}/yes", headers=PAGE).status_code == 403
    assert "Obrigado, está confirmado" in press(visitor, address).text
    [said] = ledger()
    assert said.mode is ConsentMode.DOUBLE_OPT_IN
    proof = {"text": WORDS, "ip": "127.0.0.1", "page": "https://solara.example/", "confirmed_ip": "127.0.0.1", "confirmed_with": "Firefox"}
    assert proof.items() <= said.evidence.items()
    with box.unit(tenant_id, read_only=True) as uow:
        people.check_may_send(uow, said.contact_id, Channel.EMAIL, Purpose.MARKETING)
        [message] = uow.session.scalars(select(Message))
        assert conversations.get_conversation(uow, message.conversation_id).status is ConversationStatus.RESOLVED  # it waits for nobody
    assert said.evidence["message_id"] == str(message.id)
    assert "Você já confirmou" in visitor.get(address, headers=PAGE).text
    assert len(ledger()) == 1


def test_no_colleague_finds_the_link_in_what_is_kept_of_the_mail(box, tenant_id, channel_id, fill_in, post_office):
    fill_in()
    _mail, address = link_in(post_office.taken[0])
    _confirm, awaited_id, proof = address.strip("/").split("/")
    with box.unit(tenant_id) as uow:
        [message] = uow.session.scalars(select(Message))
        assert proof not in str(message.content)
        assert "O link só está no próprio e-mail" in message.content["text"]
        route = route_of(channels.get_mailbox(uow, channel_id), "colleague@solara.example")
        person = Person((Identity(IdentityKind.EMAIL, "colleague@solara.example"),))
        other = write_from_box(uow, route, person, {"text": "olá", "confirms": awaited_id})  # who names it in a mail of their own gets none
        outgoing = begin_sending(uow, other.id)
        assert actions.put_link_in(uow, outgoing) == outgoing


def test_a_form_filled_in_again_and_again_writes_one_mail(fill_in, post_office):
    for number in range(4):
        fill_in(message=f"{number}")
    assert len(post_office.taken) == 1


def test_of_a_flood_of_strangers_only_some_are_written_to_within_the_hour(box, fill_in, post_office, monkeypatch):
    monkeypatch.setattr(confirming, "MOST_AN_HOUR", 2)
    for number in range(4):
        fill_in(name=f"V {number}", email=f"victim+{number}@cliente.example", phone=f"11 98000-{2000 + number}")
    assert len(post_office.taken) == 2
    with box.whole_box("test") as uow:
        waiting = uow.session.scalars(select(Delivery.next_at).where(Delivery.state == DeliveryState.PENDING)).all()
        assert [round((moment - uow.now) / timedelta(hours=1), 1) for moment in waiting] == [1, 1]


def test_who_is_erased_before_their_turn_leaves_nothing_to_look_at(box, tenant_id, fill_in, post_office, run_deliveries, monkeypatch):
    monkeypatch.setattr(confirming, "MOST_AN_HOUR", 1)
    for number in range(2):
        fill_in(name=f"V {number}", email=f"victim+{number}@cliente.example", phone=f"11 98000-{2000 + number}")
    with box.whole_box("test") as uow:
        uow.session.execute(delete(AwaitedConsent))
        uow.session.execute(update(Delivery).where(Delivery.state == DeliveryState.PENDING).values(next_at=uow.now))
    run_deliveries()
    assert len(post_office.taken) == 1
    with box.whole_box("test", read_only=True) as uow:
        assert set(uow.session.scalars(select(Delivery.state))) == {DeliveryState.DONE}


def test_a_link_that_was_made_up_or_is_too_old_is_told_in_a_sentence(box, tenant_id, visitor, fill_in, ledger, post_office):
    fill_in()
    _mail, address = link_in(post_office.taken[0])
    forged = visitor.get(f"{address[:-1]}{'1' if address[-1] == '0' else '0'}", headers=PAGE)
    assert (forged.status_code, "Este link não é nosso" in forged.text) == (404, True)
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(AwaitedConsent).values(expires_at=uow.now))
    old = visitor.get(address, headers={**PAGE, "Accept-Language": "en"})
    assert "This link is too old" in old.text
    assert press(visitor, address).status_code == 409
    assert ledger() == []


def test_without_a_mailbox_that_sends_it_cannot_be_switched_on(box, tenant_id, channel_id, source_id, fill_in, asked, post_office):
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(active=False))
    with box.unit(tenant_id) as uow, pytest.raises(Refused) as refused:
        leads.create_source(uow, SourceIn(name="Outro", confirm_by=channel_id))
    assert list(refused.value.fields) == ["confirm_by"]
    with box.unit(tenant_id) as uow:  # whoever saves something else is not stopped by it
        leads.change_source(uow, source_id, SourcePatch(name="Loja", confirm_by=channel_id))
    fill_in()
    assert post_office.taken == []
    assert "caixa postal" in asked()[1]
    with box.whole_box("test", read_only=True) as uow:  # nothing is left to be tried again elsewhere
        assert set(uow.session.scalars(select(Delivery.state))) == {DeliveryState.DONE}


@pytest.fixture
def asked(box, tenant_id):
    """The newest yes that waits, and why its owner was not asked."""

    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            newest = uow.session.scalars(select(AwaitedConsent).order_by(AwaitedConsent.asked_at.desc())).first()
            return newest, channels.get_awaited(uow, newest.id).unsent or ""

    return read


@pytest.fixture
def ask_again(box, tenant_id, asked, run_deliveries):
    def ask():
        with box.unit(tenant_id) as uow:
            actions.ask_again(uow, asked()[0].id)
        run_deliveries()

    return ask


@pytest.fixture
def switch(box, tenant_id, channel_id):
    def switch(*, on):
        with box.unit(tenant_id) as uow:
            actions.change_channel(uow, channel_id, ChannelPatch(active=on))

    return switch


def test_what_a_mailbox_did_not_send_shows_and_is_sent_once_however_often_it_is_tried_again(
    box, tenant_id, switch, fill_in, asked, ask_again, post_office
):
    switch(on=False)
    fill_in()
    assert "caixa postal" in asked()[1]
    with pytest.raises(Refused):
        ask_again()
    assert "caixa postal" in asked()[1]
    switch(on=True)
    ask_again()
    assert asked()[1] == ""
    with pytest.raises(Conflict, match="a caminho"):
        ask_again()
    assert len(post_office.taken) == 1


def test_a_yes_whose_mailbox_was_removed_says_so(box, tenant_id, channel_id, source_id, fill_in, asked):
    with box.unit(tenant_id) as uow:
        assert captured.get_source(uow, source_id).confirm_by == channel_id
        actions.delete_channel(uow, channel_id)
    fill_in()
    assert "removida" in asked()[1]


def test_of_who_asked_for_silence_it_shows_that_they_were_not_asked(box, tenant_id, fill_in, asked, ask_again, post_office):
    fill_in()
    contact_id = asked()[0].contact_id
    with box.unit(tenant_id) as uow:
        uow.session.execute(delete(AwaitedConsent))
        contacts.opt_out(uow, contact_id, Channel.EMAIL, source="mail", evidence={}, silent_from=uow.now)
    fill_in(message="Sou eu de novo.")
    awaited, why = asked()
    assert (len(post_office.taken), awaited.message_id, "pediu para" in why) == (1, None, True)
    ask_again()
    assert asked()[1] == why
    with box.whole_box("test", read_only=True) as uow:
        assert set(uow.session.scalars(select(Delivery.state))) == {DeliveryState.DONE}
    with box.unit(tenant_id) as uow:
        contacts.hear_again(uow, contact_id, Channel.EMAIL, evidence={})
    ask_again()
    assert (len(post_office.taken), asked()[1]) == (2, "")


@pytest.fixture
def refused(box, tenant_id, fill_in, post_office):
    """The mail that asks, which their server did not take."""
    post_office.answer("RCPT", "550 5.1.1 No such user")
    fill_in()
    with box.unit(tenant_id, read_only=True) as uow:
        return uow.session.scalar(select(Message.id))


@pytest.fixture
def wait_an_hour(box, tenant_id):
    def wait():
        with box.unit(tenant_id) as uow:
            for awaited in uow.session.scalars(select(AwaitedConsent)):
                awaited.asked_at -= confirming.PAUSE

    return wait


def test_a_mail_that_their_server_refused_is_written_once_more(
    visitor, refused, asked, ask_again, ledger, post_office, wait_an_hour
):
    assert "5.1.1" in asked()[1]
    with pytest.raises(Conflict, match="há pouco"):
        ask_again()
    assert "5.1.1" in asked()[1]
    wait_an_hour()
    ask_again()
    assert (asked()[1], asked()[0].message_id == refused) == ("", False)
    [taken] = post_office.taken
    press(visitor, link_in(taken)[1])
    assert [said.mode for said in ledger()] == [ConsentMode.DOUBLE_OPT_IN]


def test_a_mail_that_another_one_replaced_is_not_sent(box, tenant_id, refused, wait_an_hour, ask_again, post_office, run_deliveries):
    wait_an_hour()
    ask_again()
    with box.unit(tenant_id) as uow:
        retry_message(uow, refused)
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        old = conversations.get_message(uow, refused)
    assert (old.status, len(post_office.taken)) == (MessageStatus.CANCELLED, 1)


@pytest.mark.usefixtures("refused")
def test_who_asks_again_and_again_writes_three_mails_a_day(asked, ask_again, post_office, wait_an_hour):
    for _ in range(2):
        wait_an_hour()
        post_office.answer("RCPT", "550 5.1.1 No such user")
        ask_again()
        assert "5.1.1" in asked()[1]
    wait_an_hour()
    with pytest.raises(Conflict, match="há pouco"):
        ask_again()


@pytest.mark.usefixtures("refused")
def test_who_asks_again_waits_for_the_turn_of_the_mailbox(box, tenant_id, fill_in, asked, post_office, monkeypatch, wait_an_hour):
    wait_an_hour()
    awaited_id = asked()[0].id
    fill_in(name="V", email="v@cliente.example", phone="11 98000-2000")
    monkeypatch.setattr(confirming, "MOST_AN_HOUR", 1)
    with box.unit(tenant_id) as uow:
        actions.ask_again(uow, awaited_id)
    with box.whole_box("test", read_only=True) as uow:
        [turn] = uow.session.scalars(select(Delivery.next_at).where(Delivery.state == DeliveryState.PENDING))
        assert timedelta(minutes=50) < turn - uow.now <= timedelta(hours=1)
    with box.unit(tenant_id) as uow, pytest.raises(Conflict, match="a caminho"):
        actions.ask_again(uow, awaited_id)
    assert [taken.recipients for taken in post_office.taken] == [["v@cliente.example"]]


@pytest.mark.usefixtures("refused")
def test_why_the_mail_did_not_go_is_told_by_the_api_too(asked, client):
    [listed] = client.get(f"/api/v1/contacts/{asked()[0].contact_id}/consents/awaited").json
    assert (listed["address"], listed["confirmed_at"], "5.1.1" in listed["unsent"]) == ("bia@cliente.example", None, True)
    refused_too = client.post(f"/api/v1/consents/awaited/{listed['id']}/ask")
    assert (refused_too.status_code, "a short while ago" in refused_too.json["detail"]) == (409, True)


def test_a_mail_that_could_not_ask_for_a_day_waits_for_a_person(box, tenant_id, fill_in, post_office, asked, run_deliveries):
    suspend(box, tenant_id)
    fill_in()
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(AwaitedConsent).values(asked_at=uow.now - timedelta(hours=25)))
    resume(box, tenant_id)
    run_deliveries()
    assert (post_office.taken, "mais de um dia" in asked()[1]) == ([], True)
