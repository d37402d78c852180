"""The first page: today, the last two weeks, and who waits."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import expect

from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.rules.linking import SENTENCES
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.types import Ending
from appliance.domains.conversations import actions as conversations
from tests.routes import objects
from tests.webui.conftest import ANA
from webui.home import charts
from webui.home.figures import Day, said_of

columns = st.lists(st.lists(st.integers(0, 100_000), min_size=3, max_size=3), min_size=1, max_size=31)


@given(columns)
def test_bars_stay_between_the_axis_and_the_top(found):
    chart = charts.stacked(found)
    assert len(chart.bars) == len(found)
    assert all(part.y >= charts.TOP - 0.1 and part.y + part.height <= charts.BASE + 0.2 for bar in chart.bars for part in bar.segments)
    assert chart.bars[0].x >= 0
    assert chart.bars[-1].x + chart.bar_width <= charts.WIDTH


@given(columns)
def test_few_lines_at_round_numbers_reach_over_the_tallest_bar(found):
    values = [value for value, _y in charts.stacked(found).lines]
    assert values[0] == 0
    assert 2 <= len(values) <= 6
    assert values[-1] >= max(sum(column) for column in found)


def test_the_chart_is_told_in_one_sentence():
    days = [Day(date(2026, 11, 19), 3, 2, 0, 0), Day(date(2026, 11, 20), 9, 6, 1, 1)]
    assert said_of(days).startswith("9 ")


@pytest.mark.only_database("sqlite")
@pytest.mark.browser
def test_home_shows_today_and_who_waits_and_follows_what_happens(box, ana, new_context):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        phone = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    page = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    page.goto("/")
    expect(page.locator("#today")).to_contain_text("Ninguém está esperando.")
    expect(page.locator(".page h2").first).to_have_text("Primeiros passos")
    expect(page.locator("#h-days")).to_have_count(0)
    with box.unit(ana.tenant_id) as uow:
        found = channels.receive_simulated(uow, phone, visitor="bia", name="Beatriz Nogueira", text="quero uma pessoa")
    page.reload()
    received = page.locator("#figures .kpi", has_text="Mensagens recebidas hoje")
    expect(received.locator(".value")).to_have_text("1")
    row = page.locator("#today li", has_text="Beatriz Nogueira")
    expect(row).to_contain_text("nenhum agente responde aqui")
    page.get_by_text("Ver como tabela").click()
    page.locator("#h-days").wait_for()
    expect(page.locator("details table tbody tr").first.locator("td").nth(1)).to_have_text("1")
    row.get_by_role("link").click()
    page.wait_for_url(f"**/inbox/{found}*")

@pytest.mark.only_database("sqlite")
def test_an_answer_that_was_not_sent_shows_at_home_and_in_the_list(box, tenant_id, app, browser_headers):
    def shown(address):
        home, listed = (client.get(page, headers=browser_headers).text for page in ("/today", address))
        return "não saíram" in home, 'class="badge bad"' in listed

    client = app.test_client()
    with box.unit(tenant_id) as uow:
        conversation_id = objects.registered("PATH_PARAMETERS")["conversation_id"](uow)
        uow.session.flush()
        message = conversations.reply(uow, conversation_id, user_id=new_id(), content={"text": "Olá"})
    assert shown("/inbox") == (False, False)
    with box.unit(tenant_id) as uow:
        conversations.mark_failed(uow, message.id, code="refused", error="x")
    assert shown("/inbox?view=unsent") == (True, True)


def test_a_channel_that_fails_is_said_at_home_while_it_is_in_use(box, tenant_id, app, browser_headers):
    def home():
        return app.test_client().get("/today", headers=browser_headers).text

    with box.unit(tenant_id) as uow:
        shop = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão")).id
    assert "Balcão" not in home()
    with box.unit(tenant_id) as uow:
        channels.note_refusal(uow, shop, SENTENCES[Ending.BANNED])
    assert f'href="/channels/{shop}">Balcão</a> · O WhatsApp bloqueou este número.' in home()
    with box.unit(tenant_id) as uow:
        channels.change_channel(uow, shop, ChannelPatch(active=False))
    assert "Balcão" not in home()


def test_a_day_without_messages_has_no_bar():
    assert charts.stacked([Day(date(2026, 11, 20), 0, 0, 0, 0).stack]).bars[0].segments == ()
