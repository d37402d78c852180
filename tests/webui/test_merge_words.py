"""Who was merged with whom: named before, after, and after the undoing."""

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.contacts import actions
from appliance.domains.conversations import queries
from tests.webui.conftest import ANA
from tests.webui.looking import look
from tests.webui.sending import send

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def two(box, ana):
    """Contacts of one person, each with a thread."""
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        channel = channels.create_channel(uow, ChannelIn(kind="simulator", name="Site")).id
        found = {}
        for name in ("Beatriz Nogueira", "Bia"):
            thread = channels.receive_simulated(uow, channel, visitor=name, name=name, text=f"Aqui é {name}")
            found[name] = (queries.get_conversation(uow, thread).contact_id, thread)
    return found


def test_both_are_named_before_the_merge_after_it_and_after_its_undoing(box, ana, two, new_context, run_deliveries):
    (kept, hers), (gone, other) = two["Beatriz Nogueira"], two["Bia"]
    run_deliveries()
    page = new_context(ana).new_page()
    page.goto(f"/contacts/{kept}/merge?q=Bia")
    page.locator("main li", has_text="Bia").get_by_role("button").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_have_accessible_name("Juntar Bia a Beatriz Nogueira?")
    look(page, "merge-dialog")
    send(asked.get_by_role("button", name="Juntar"))
    expect(page.get_by_role("status").filter(has_text="Bia agora faz parte de Beatriz Nogueira.")).to_be_visible()
    expect(page.locator("form.banner")).to_contain_text("Bia passou a fazer parte deste contato.")
    run_deliveries()
    undo = page.url
    for thread in (hers, other):
        page.goto(f"/inbox/{thread}")
        expect(page.get_by_role("log")).to_contain_text("Bia passou a fazer parte de Beatriz Nogueira")
    look(page, "merge-thread")
    page.goto(undo)
    send(page.locator("form.banner button"))
    expect(page.get_by_role("status").filter(has_text="Bia e Beatriz Nogueira são dois contatos de novo.")).to_be_visible()
    run_deliveries()
    for thread in (hers, other):
        page.goto(f"/inbox/{thread}")
        expect(page.get_by_role("log")).to_contain_text("Bia e Beatriz Nogueira são dois contatos de novo")

    with box.unit(ana.tenant_id) as uow:
        actions.erase_contact(uow, gone)
    page.goto(f"/inbox/{hers}")
    expect(page.get_by_role("log")).to_contain_text("Contato removido e Beatriz Nogueira são dois contatos de novo")
