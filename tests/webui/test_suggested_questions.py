"""The simulator offers what the documents say; a gap shows what it was asked after."""

import io

import pytest
from playwright.sync_api import expect

from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.knowledge import actions

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
GUIDE = "# Guia\n\n## À vista\n\nHá abatimento.\n\n## Banho e tosa\n\nO banho custa R$ 62,00.\n\n"
GUIDE += "## De quanto em quanto tempo se faz a tosa completa?\n\nA cada 40 dias.\n"


def test_the_simulator_suggests_what_its_agent_answers(box, new_context, ana, run_deliveries):
    with box.unit(ana.tenant_id) as uow:
        agent = agents.create_agent(uow, AgentIn(name="Aurora"), publish_now=True)
        uow.session.flush()
        channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão", agent_id=agent.id))
    page = new_context(ana).new_page()
    page.goto("/simulator")
    page.get_by_text("perguntas que ele responde por eles aparecem aqui").wait_for()
    actions.upload_document(box, ana.tenant_id, "guia.md", io.BytesIO(GUIDE.encode()))
    run_deliveries()
    page.reload()
    asked = page.get_by_role("button", name="Pode me falar sobre banho e tosa?")
    asked.wait_for()
    expect(page.get_by_role("button", name="À vista")).to_have_count(0)
    side, longest = page.locator(".sim-side").bounding_box(), page.get_by_role("button", name="De quanto em quanto").bounding_box()
    assert longest["x"] + longest["width"] <= side["x"] + side["width"]
    asked.click()
    expect(page.locator("[data-phone-log]")).to_contain_text("Pode me falar sobre banho e tosa?")


def test_a_gap_shows_what_it_was_asked_after(box, new_context, ana):
    context = [actions.Turn("user", "quanto é a consulta?")]
    assert not actions.answer_question(box, ana.tenant_id, "e de madrugada?", context=context).answered
    page = new_context(ana, viewport={"width": 390, "height": 844}).new_page()
    page.goto("/knowledge/gaps")
    page.get_by_role("heading", name="e de madrugada?").wait_for()
    page.get_by_text("Depois de: quanto é a consulta?").wait_for()
    assert page.evaluate("[...document.querySelectorAll('.card')].filter((one) => one.scrollWidth > one.clientWidth).length") == 0
