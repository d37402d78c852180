"""The agent's page: nothing it saves with covers what one edits; time zones are found by typing a city."""

import pytest
from playwright.sync_api import expect

from appliance.core.uow import Actor
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentPatch, AgentSettings
from tests.webui.conftest import ANA
from tests.webui.sending import send

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


@pytest.fixture
def lia(box, ana):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        return agents.create_agent(uow, AgentIn(name="Lia"), publish_now=True).id


@pytest.fixture
def page(ana, lia, new_context):
    opened = new_context(ana, viewport={"width": 1440, "height": 900}).new_page()
    opened.goto(f"/agents/{lia}")
    return opened


def test_nothing_lies_over_a_field_one_tabs_to(page):
    bar = page.locator(".save-bar")
    for field in page.locator("#agent-form").locator("input[type=checkbox], textarea, select").all():
        field.focus()
        box = field.bounding_box()
        assert box["y"] + min(box["height"], 20) <= bar.bounding_box()["y"] + 1, field.get_attribute("name")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_does_not_scroll_away_under_its_panes(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight)(document.querySelector('main'))") <= 1


def test_no_choice_is_cut(page):
    cut = page.evaluate(
        """() => [...document.querySelectorAll('#agent-form select')].filter((list) => {
          const said = document.createElement('span');
          said.style.cssText = 'position:absolute;visibility:hidden;white-space:nowrap';
          said.style.font = getComputedStyle(list).font;
          said.textContent = list.selectedOptions[0].text;
          document.body.append(said);
          const wide = said.offsetWidth;
          said.remove();
          return wide > list.clientWidth - 43;
        }).map((list) => list.name)"""
    )
    assert cut == []


def test_seconds_are_saved_as_said(page, box, ana, lia):
    page.get_by_label("Espera por mais mensagens, em segundos").fill("2,5")
    send(page.get_by_role("button", name="Salvar o rascunho"))
    expect(page.get_by_label("Espera por mais mensagens, em segundos")).to_have_value("2,5")
    assert page.request.get(f"/api/v1/agents/{lia}/versions").json()[0]["settings"]["debounce_ms"] == 2500


def test_model_temperature_and_length_are_the_agents_own(page, lia):
    page.get_by_label("Modelo").fill("qwen-local")
    page.get_by_label("Temperatura").fill("0,7")
    page.get_by_label("Resposta mais longa, em tokens").fill("180")
    send(page.get_by_role("button", name="Salvar o rascunho"))
    expect(page.get_by_label("Temperatura")).to_have_value("0,7")
    settings = page.request.get(f"/api/v1/agents/{lia}/versions").json()[0]["settings"]
    assert (settings["model"], settings["temperature"], settings["max_tokens"]) == ("qwen-local", 0.7, 180)
    page.get_by_label("Temperatura").fill("quente")
    page.get_by_role("button", name="Salvar o rascunho").click()
    page.get_by_text("Nada foi salvo").wait_for()
    expect(page.get_by_label("Temperatura")).to_have_value("quente")


def test_a_time_zone_is_found_by_its_city_without_accents(page):
    page.get_by_text("Outros horários para a equipe deste agente").click()
    page.get_by_label("Buscar o fuso pela cidade").fill("maceio")
    expect(page.get_by_label("Fuso horário")).to_have_value("America/Maceio")
    expect(page.locator("#f-timezone option:not([hidden])")).to_have_count(1)
    page.get_by_label("Buscar o fuso pela cidade").fill("")
    expect(page.get_by_label("Fuso horário")).to_have_value("America/Maceio")


def test_a_second_tab_does_not_replace_what_the_first_saved(page, lia):
    second = page.context.new_page()
    second.goto(f"/agents/{lia}")
    for tab, said in ((page, "Olá da primeira"), (second, "Olá da segunda")):
        tab.get_by_label("Saudação").fill(said)
        send(tab.get_by_role("button", name="Salvar o rascunho"))
    second.get_by_role("alert").filter(has_text="Alguém mudou este agente").wait_for()
    expect(second.get_by_label("Saudação")).to_have_value("Olá da segunda")
    page.reload()
    expect(page.get_by_label("Saudação")).to_have_value("Olá da primeira")
    send(second.get_by_role("button", name="Salvar o rascunho"))
    page.reload()
    expect(page.get_by_label("Saudação")).to_have_value("Olá da segunda")


def test_on_a_phone_nothing_of_the_page_is_cut(page, ana, lia, new_context, box):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        agents.change_agent(uow, lia, AgentPatch(settings=AgentSettings(greeting="Olá")))
    small = new_context(ana, viewport={"width": 390, "height": 844}).new_page()
    small.goto(f"/agents/{lia}")
    publish = small.get_by_role("button", name="Publicar").bounding_box()
    assert publish["x"] + publish["width"] <= 390
    wide = "[...document.querySelectorAll('main, .agent, .agent-in')].filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    assert small.evaluate(wide) == 0


def test_a_simulator_without_an_agent_leads_to_one(ana, new_context):
    small = new_context(ana).new_page()
    small.goto("/simulator")
    small.get_by_role("link", name="Criar um agente").click()
    small.wait_for_url("**/agents")
