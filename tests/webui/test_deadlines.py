"""Time left and urgency as attendants see them, and the page where service times are kept."""

import re
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import expect

from appliance.core import clock
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.conversations import actions, jobs
from appliance.domains.conversations.actions import service_levels
from appliance.domains.conversations.schemas import SlaPolicyIn, TeamIn
from tests.webui.conftest import ANA
from tests.webui.sending import send
from tests.webui.watch import Watch

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def waiting(box, ana):
    """Beatriz waits for a person; an answer was promised within half an hour."""
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
        targets = {"normal": {"first_reply": 30}, "urgent": {"first_reply": 5}}
        service_levels.create_policy(uow, SlaPolicyIn(name="Padrão", targets=targets))
        conversation_id = channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira", text="Alguém aí?")
        actions.hand_off(uow, conversation_id, reason="wants_person")
    return conversation_id


@pytest.fixture
def page(ana, site, new_context):
    opened = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    opened.watch = Watch(opened, site.url)
    return opened


def test_the_list_and_the_head_say_how_long_is_left_and_the_bell_what_was_missed(box, ana, page, waiting):
    page.goto(f"/inbox/{waiting}")
    row, head = page.locator(f'[data-conversation="{waiting}"]'), page.locator("[data-part=head]")
    row.get_by_text("vence em").wait_for()
    expect(head).to_contain_text("vence em")
    page.get_by_label("Prioridade").select_option(label="Urgente")
    row.get_by_text("Urgente").wait_for()
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=True):
        jobs.tell_of_deadlines(box)
        page.goto(f"/inbox/{waiting}")
        row.locator(".badge.bad", has_text="venceu").wait_for()
        expect(head).to_contain_text("venceu")
        page.get_by_role("button", name="Avisos, 1 novo").click()
        page.get_by_role("link", name="Há uma resposta atrasada").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Outras vistas e etiquetas").click()
        page.get_by_role("link", name="Atrasadas 1").click()
        page.get_by_role("link", name="Atrasadas Tirar este filtro").wait_for()
        expect(page).to_have_url(re.compile("deadline=missed"))
        expect(page).to_have_url(re.compile("order=due"))
        row.wait_for()
    assert page.watch.complaints == []


def test_a_macro_gives_to_a_team_and_makes_urgent(box, ana, page, waiting):
    with box.unit(ana.tenant_id) as uow:
        actions.create_team(uow, TeamIn(name="Suporte", deals=False))
    page.goto("/inbox/settings?tab=macros")
    page.get_by_label("Nome").fill("Escalar")
    page.get_by_label("Responsável").select_option(label="Time: Suporte")
    page.get_by_label("Prioridade").select_option(label="Urgente")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("prioridade: Urgente · time: Suporte").wait_for()
    page.get_by_role("link", name="Alterar Escalar").click()
    page.get_by_label("Responsável").locator("option:checked", has_text="Time: Suporte").wait_for(state="attached")
    page.goto(f"/inbox/{waiting}")
    page.get_by_role("button", name="Macros").first.click()
    page.get_by_role("button", name="Escalar").click()
    page.locator(".kv dd", has_text="Suporte").wait_for()
    page.locator(f'[data-conversation="{waiting}"]').get_by_text("Urgente").wait_for()
    assert page.watch.complaints == []


def test_service_times_lead_to_the_hours_they_count_by(page, waiting):
    page.goto("/inbox/settings?tab=labels")
    page.get_by_role("link", name="Prazos", exact=True).click()
    page.get_by_role("link", name="Alterar Padrão").click()
    page.get_by_label("Normal: Primeira resposta").fill("muito")
    send(page.get_by_role("button", name="Salvar", exact=True))
    expect(page.get_by_label("Normal: Primeira resposta")).to_have_value("muito")
    page.get_by_label("Normal: Primeira resposta").fill("20")
    page.get_by_role("button", name="Salvar", exact=True).click()
    page.get_by_text("Salvo.").wait_for()
    page.get_by_label("Nome").fill("Balcão primeiro")
    page.get_by_label("Para", exact=True).select_option(label="Canal: Balcão")
    page.get_by_role("button", name="Salvar", exact=True).click()
    page.get_by_text("Canal: Balcão").first.wait_for()
    page.get_by_role("button", name="Excluir Balcão primeiro").click()
    page.get_by_role("button", name="Excluir", exact=True).click()
    page.get_by_text("Excluída.").wait_for()
    page.locator(".card").get_by_role("link", name="Horários e feriados").click()
    page.get_by_label("Segunda-feira abre", exact=True).fill("08:00")
    page.get_by_label("Segunda-feira fecha", exact=True).fill("12:00")
    page.get_by_label("Segunda-feira reabre").wait_for(state="hidden")
    page.get_by_role("group", name="Segunda-feira").get_by_text("Adicionar intervalo").click()
    page.get_by_label("Segunda-feira reabre").fill("13:00")
    page.get_by_label("Segunda-feira volta a fechar").fill("18:00")
    page.get_by_label("Feriados", exact=True).select_option(label="Brasil, SP")
    page.get_by_label("Outros dias de folga").fill("24/12/2026 Véspera de Natal\nontem")
    send(page.get_by_role("button", name="Salvar"))
    expect(page.get_by_label("Outros dias de folga")).to_have_value(re.compile("ontem"))
    page.get_by_label("Outros dias de folga").fill("24/12/2026 Véspera de Natal")
    page.get_by_role("button", name="Salvar").click()
    page.get_by_text("Salvo.").wait_for()
    expect(page.get_by_label("Outros dias de folga")).to_have_value("24/12/2026 Véspera de Natal")
    expect(page.get_by_label("Segunda-feira reabre")).to_have_value("13:00")
    assert [one for one in page.watch.complaints if "422" not in str(one)] == []
