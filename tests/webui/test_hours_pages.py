"""Opening hours of the company and in an agent's form: what the API keeps, the pages keep too."""

import re

import pytest

from appliance.domains.agents import actions as agents
from appliance.domains.agents import queries as kept
from appliance.domains.agents.schemas import AgentIn, AgentSettings, Hours
from appliance.domains.identity import actions, queries
from appliance.domains.identity.schemas import HoursIn

pytestmark = pytest.mark.only_database("sqlite")
HOURS = "/admin/hours"
BREAK = [{"day": "mon", "opens": "09:00", "closes": "12:00"}, {"day": "mon", "opens": "13:30", "closes": "18:00"}]
MANY = [{"day": "tue", "opens": f"{at:02}:00", "closes": f"{at:02}:30"} for at in (8, 10, 14)]


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def save(client, browser_headers):
    """Sends a page's form as it stands, but for what is given."""

    def send(page, address, **changed):
        text = client.get(page, headers=browser_headers).text
        token = re.search(r'name="csrf-token" content="([^"]+)"', text)[1]
        boxes = re.findall(r'type="time" name="(\w+)" value="([^"]*)"', text)
        return client.post(address, data={"csrf_token": token, **dict(boxes), **changed}, headers=browser_headers)

    return send


def spans_of(hours):
    return [{"day": span.day, "opens": f"{span.opens:%H:%M}", "closes": f"{span.closes:%H:%M}"} for span in hours.spans]


@pytest.mark.parametrize("spans", [BREAK, MANY])
def test_saving_the_page_keeps_every_span_of_a_day(spans, save, box, tenant_id):
    with box.unit(tenant_id) as uow:
        actions.set_hours(uow, HoursIn(spans=spans))
    assert save(HOURS, HOURS).status_code == 302
    with box.unit(tenant_id, read_only=True) as uow:
        assert spans_of(queries.get_hours(uow)) == spans


@pytest.mark.parametrize("given", [{"wed_opens": "09:00"}, {"wed_closes_2": "18:00"}])
def test_a_day_with_one_of_its_two_times_is_refused_by_name_and_nothing_is_saved(given, save, box, tenant_id):
    refused = save(HOURS, HOURS, mon_opens="08:00", mon_closes="12:00", **given)
    name = next(iter(given))
    missing = name.replace("opens", "closes") if "opens" in name else name.replace("closes", "opens")
    assert refused.status_code == 422
    assert re.search(rf'name="{missing}"[^>]*aria-invalid="true".*?Quarta-feira: diga', refused.text)
    assert f'name="{name}" value="{given[name]}"' in refused.text
    with box.unit(tenant_id, read_only=True) as uow:
        assert not queries.get_hours(uow).spans


@pytest.mark.parametrize(("given", "at"), [
    ({"mon_opens": "08:00", "mon_closes": "12:00", "mon_opens_2": "11:00", "mon_closes_2": "18:00"}, "mon_opens_2"),
    ({"mon_opens": "18:00", "mon_closes": "08:00", "tue_opens": "07:00", "tue_closes": "12:00"}, "tue_opens"),
    ({"sun_opens": "18:00", "sun_closes": "08:00", "mon_opens": "07:00", "mon_closes": "12:00"}, "mon_opens"),
])
def test_hours_that_overlap_are_refused_at_the_later_of_them(given, at, save):
    refused = save(HOURS, HOURS, **given)
    assert refused.status_code == 422
    assert re.search(rf'name="{at}"[^>]*aria-invalid="true".*?começa antes de', refused.text)
    assert refused.text.count('aria-invalid="true"') == 1


def test_hours_past_midnight_say_so_where_they_are_set_and_where_they_are_told(save, client, browser_headers):
    night = {"mon_opens": "18:00", "mon_closes": "08:00", "tue_opens": "08:00", "tue_closes": "12:00"}
    assert save(HOURS, HOURS, **night).status_code == 302
    text = client.get(HOURS, headers=browser_headers).text
    assert text.count("do dia seguinte") == text.count("até 08:00 do dia seguinte") == 1
    told = client.get("/inbox/settings/times", headers=browser_headers).text
    assert "18:00 \N{EN DASH} 08:00 do dia seguinte</dd>" in told


def test_a_break_is_shown_where_there_is_one_and_offered_where_there_is_none(client, box, tenant_id, browser_headers):
    with box.unit(tenant_id) as uow:
        actions.set_hours(uow, HoursIn(spans=BREAK))
    text = client.get(HOURS, headers=browser_headers).text
    week = text[text.index('<div class="week">'):]
    days = re.findall(r'role="group" aria-label="([\w-]+)".*?<details( open)?>', week, re.DOTALL)
    assert len(days) == 7
    assert [day for day, is_open in days if is_open] == ["Segunda-feira"]


def test_every_error_of_the_hours_is_at_its_field_at_once(save):
    refused = save(HOURS, HOURS, wed_opens="9h", wed_closes="18:00", days_off="24/12/2026 Natal\nontem").text
    assert re.search(r'name="wed_opens"[^>]*aria-invalid="true".*?Quarta-feira: isto não é um horário', refused)
    assert re.search(r'name="days_off"[^>]*aria-invalid="true".*?Linha 2', refused, re.DOTALL)
    assert "Natal\nontem" in refused


@pytest.mark.parametrize(("line", "said"), [
    ("24/12 Natal", r"Linha 1: falta o ano em 24/12, como em 24/12/20\d\d\."),
    ("31/02/2026", r"Linha 1: o dia 31/02/2026 não existe\."),
    ("2026-02-31 Festa", r"Linha 1: o dia 2026-02-31 não existe\."),
    ("ontem", "Linha 1: primeiro a data"),
    (f"24/12/2026 {'x' * 61}", "Linha 1: primeiro a data"),
])
def test_a_day_off_that_is_none_is_told_what_is_wrong_with_it(line, said, save):
    refused = save(HOURS, HOURS, days_off=line)
    assert refused.status_code == 422
    assert re.search(said, refused.text)


def test_minutes_that_are_none_are_named_and_tied_to_their_box(save):
    times = "/inbox/settings/times"
    refused = save(times, f"{times}/policies", name="Padrão", urgent_first_reply="x", normal_resolution="0").text
    for box in ("urgent_first_reply", "normal_resolution"):
        assert re.search(rf'name="{box}"[^>]*aria-describedby="{box}-error" aria-invalid="true"', refused)
    assert "Urgente: Primeira resposta: " in refused
    assert 'value="x"' in refused
    assert "Prometa pelo menos uma coisa." in save(times, f"{times}/policies", name="Padrão").text


def test_service_times_show_the_hours_with_equal_days_together(client, box, tenant_id, browser_headers):
    spans = [{"day": day, "opens": "09:00", "closes": "18:00"} for day in ("mon", "tue", "wed", "thu", "fri")]
    with box.unit(tenant_id) as uow:
        actions.set_hours(uow, HoursIn(spans=[*spans, BREAK[0] | {"day": "sat"}], holidays="BR"))
    text = client.get("/inbox/settings/times", headers=browser_headers).text
    assert "<dt>Segunda-feira \N{EN DASH} Sexta-feira</dt><dd>09:00 \N{EN DASH} 18:00</dd><dt>Sábado</dt>" in text
    assert "Domingo" not in text


def test_an_agents_form_keeps_every_span_and_refuses_half_a_day(save, box, tenant_id):
    with box.unit(tenant_id) as uow:
        made = agents.create_agent(uow, AgentIn(name="Lia", settings=AgentSettings(hours=Hours.model_validate({"spans": MANY})))).id
    address = f"/agents/{made}"
    assert save(address, address, name="Lia", tue_opens_2="", tue_closes_2="").status_code == 302
    with box.unit(tenant_id, read_only=True) as uow:
        assert spans_of(kept.get_settings(uow, made).hours) == [MANY[0], MANY[2]]
    half = save(address, address, name="Lia", fri_opens="09:00")
    assert (half.status_code, "Sexta-feira: diga" in half.text) == (422, True)


def test_days_off_come_back_as_they_are_asked_for(save, client, browser_headers):
    assert save(HOURS, HOURS, days_off="1/5/2027 Trabalho\n2026-12-24 Véspera de Natal").status_code == 302
    shown = re.search(r'name="days_off"[^>]*>([^<]*)<', client.get(HOURS, headers=browser_headers).text)[1]
    assert sorted(shown.split("\n")[1:]) == ["01/05/2027 Trabalho", "24/12/2026 Véspera de Natal"]
