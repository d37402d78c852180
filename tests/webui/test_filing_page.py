"""Where a document belongs, and whether an answer was right, as people say it."""

import io
from uuid import UUID

import pytest
from playwright.sync_api import expect

from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.knowledge import actions, queries
from tests.webui.sending import send

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


def test_a_document_gets_an_agent_labels_and_a_last_day(box, new_context, site, ana, run_deliveries):
    with box.unit(ana.tenant_id) as uow:
        lia = agents.create_agent(uow, AgentIn(name="Lia")).id
        agents.create_agent(uow, AgentIn(name="Beto"))
    document_id = actions.upload_document(box, ana.tenant_id, "trocas.md", io.BytesIO(b"# Trocas\n\nO prazo para troca e de 7 dias.\n"))
    run_deliveries()
    page = new_context(ana).new_page()
    page.goto(f"/knowledge/{document_id}")
    send(page.get_by_role("link", name="Quem responde com ele"))
    page.get_by_label("Lia").check()
    page.get_by_label("Etiquetas").fill("loja, 2026")
    page.get_by_label("Guardar até").fill("2030-12-31")
    send(page.get_by_role("button", name="Salvar"))
    page.get_by_text("loja", exact=True).wait_for()
    with box.unit(ana.tenant_id, read_only=True) as uow:
        shown = queries.view_document(uow, document_id)
    assert (shown.agents, shown.tags, f"{shown.keep_until:%Y-%m-%d}") == ([str(lia)], ["loja", "2026"], "2031-01-01")
    page.goto(f"/knowledge/{document_id}/filing")
    expect(page.get_by_label("Guardar até")).to_have_value("2030-12-31")


def test_an_answer_called_wrong_waits_among_the_gaps(box, new_context, site, ana, run_deliveries):
    actions.upload_document(box, ana.tenant_id, "trocas.md", io.BytesIO(b"# Trocas\n\nO prazo para troca e de 7 dias.\n"))
    run_deliveries()
    page = new_context(ana).new_page()
    page.goto("/knowledge")
    page.get_by_label("Pergunta", exact=True).fill("qual o prazo para troca?")
    page.get_by_role("button", name="Perguntar").click()
    page.get_by_role("button", name="Errada").click()
    page.get_by_text("Fica entre as perguntas sem resposta").wait_for()
    with box.unit(ana.tenant_id, read_only=True) as uow:
        (gap,) = queries.list_gaps(uow).items
    assert isinstance(gap.id, UUID)
    assert gap.question == "qual o prazo para troca?"
