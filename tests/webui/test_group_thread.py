"""A group's conversation as people see it, with what was changed and deleted in it."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions
from appliance.domains.channels.actions.receive import receive_changes
from appliance.domains.channels.queries import get_channel
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import Change, Revised, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import queries
from appliance.domains.conversations.types import Incoming, MessageKind, MessageStatus, Person, Revision, StatusReport
from tests.webui.conftest import ANA
from tests.webui.looking import look
from tests.webui.sending import send

pytestmark = pytest.mark.only_database("sqlite")
GROUP = "120363000000000001"
DAVI = {"name": "Davi", "phone": "5531999990001", "jid": "5531999990001@s.whatsapp.net"}


@pytest.fixture
def group(box, ana):
    """Davi and somebody without a name wrote in it."""
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        channel = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
        said = [
            Incoming(f"G{number}", MessageKind.TEXT, {"text": text, "author": author}, uow.now)
            for number, (text, author) in enumerate([("Quem traz o cabo?", DAVI), ("Eu não posso", {"jid": "900@lid"})])
        ]
        person = Person((Identity(IdentityKind.WHATSAPP_GROUP, GROUP),), "Obra da Vila")
        receive_changes(uow, get_channel(uow, channel.id), [Change((Spoken(person, f"{GROUP}@g.us", tuple(said)),))])
        ours = {"text": "@5531999990001 deixa comigo", "mentions": [{"jid": DAVI["jid"]}]}
        answer = Incoming("E1", MessageKind.TEXT, ours, uow.now)
        read = StatusReport(MessageStatus.READ, uow.now, provider_id="E1")
        receive_changes(uow, get_channel(uow, channel.id), [
            Change(echoes=(Spoken(person, f"{GROUP}@g.us", (answer,)),)), Change(reports=(read,)),
        ])  # fmt: skip
        there = Spoken(person, f"{GROUP}@g.us", ())
        later = uow.now + timedelta(minutes=1)
        changed = [
            Revised(Revision("G0", later, by_contact=True, text="Quem traz os cabos?", author=DAVI["jid"]), {}, there),
            Revised(Revision("G1", later, by_contact=True, author="900@lid"), {}, there),
        ]
        receive_changes(uow, get_channel(uow, channel.id), [Change(revisions=tuple(changed))])
        return channel.id, queries.get_thread(uow, channel.id, f"{GROUP}@g.us")


@pytest.mark.browser
def test_each_message_says_who_wrote_it_and_the_head_who_reads(group, ana, new_context):
    channel_id, conversation_id = group
    page = new_context(ana).new_page()
    page.goto(f"/inbox/{conversation_id}")
    expect(page.locator(".msg.in .who")).to_have_text(["Davi · +55 31 99999-0001", "Alguém do grupo"])
    page.get_by_placeholder("Escreva para o grupo: todos nele leem").wait_for()
    expect(page.locator(".conv .badge", has_text="Grupo")).to_have_count(1)
    expect(page.locator(".msg.out .mention")).to_have_text("@Davi")
    expect(page.locator(".msg.out").get_by_role("img", name="Lida por pelo menos um membro")).to_be_visible()
    first, second = page.locator(".msg.in").all()
    expect(first).to_contain_text("Quem traz os cabos?")
    expect(second.get_by_text("Eu não posso")).to_be_hidden()
    first.get_by_text("editada").click()
    first.get_by_text("Quem traz o cabo?").wait_for()
    second.get_by_text("Apagada por quem escreveu").wait_for()
    second.get_by_text("O que foi apagado").click()
    second.get_by_text("Eu não posso").wait_for()
    look(page, "group")
    page.goto(f"/channels/{channel_id}")
    switch = page.get_by_label("Receber mensagens de grupos")
    expect(switch).not_to_be_checked()
    switch.scroll_into_view_if_needed()
    look(page, "switch")
    switch.check()
    send(page.get_by_role("button", name="Salvar").last)
    page.goto(f"/channels/{channel_id}")
    expect(page.get_by_label("Receber mensagens de grupos")).to_be_checked()
