"""The simulator offers what the documents say; a gap shows what it was asked after."""

import io

import pytest

from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.knowledge import actions

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]
GUIDE = "# Guia\n\n## Banho e tosa\n\nO banho custa R$ 62,00.\n\n## De quanto em quanto tempo se faz a tosa completa?\n\nA cada 40 dias.\n"


def test_the_simulator_suggests_from_the_documents(box, new_context, ana, run_deliveries):
    with box.unit(ana.tenant_id) as uow:
        channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão"))
    page = new_context(ana).new_page()
    page.goto("/simulator")
    page.get_by_text("perguntas tiradas deles aparecem aqui").wait_for()
    actions.upload_document(box, ana.tenant_id, "guia.md", io.BytesIO(GUIDE.encode()))
    run_deliveries()
    page.reload()
    page.get_by_role("button", name="Banho e tosa?").wait_for()
    side, longest = page.locator(".sim-side").bounding_box(), page.get_by_role("button", name="De quanto em quanto").bounding_box()
    assert longest["x"] + longest["width"] <= side["x"] + side["width"]


def test_a_gap_shows_what_it_was_asked_after(box, new_context, ana):
    context = [actions.Turn("user", "quanto é a consulta?")]
    assert not actions.answer_question(box, ana.tenant_id, "e de madrugada?", context=context).answered
    page = new_context(ana, viewport={"width": 390, "height": 844}).new_page()
    page.goto("/knowledge/gaps")
    page.get_by_role("heading", name="e de madrugada?").wait_for()
    page.get_by_text("Depois de: quanto é a consulta?").wait_for()
    assert page.evaluate("[...document.querySelectorAll('.card')].filter((one) => one.scrollWidth > one.clientWidth).length") == 0
