"""Agents and channels come in pages, like every list."""

import pytest

from appliance.core.i18n import in_locale
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from webui.studio.forms import AgentForm, values_of
from webui.timezones import timezone_groups

pytestmark = pytest.mark.only_database("sqlite")


@pytest.mark.parametrize("name", ["agents", "channels"])
def test_a_list_has_pages(name, box, tenant_id, app, browser_headers):
    with box.unit(tenant_id) as uow:
        for number in range(3):
            agents.create_agent(uow, AgentIn(name=f"Um de três {number}"))
            channels.create_channel(uow, ChannelIn(kind="simulator", name=f"Um de três {number}"))
    client = app.test_client()
    page = client.get(f"/{name}?limit=2&page=2", headers=browser_headers).text
    assert page.count("Um de três 2</a>") == 1
    assert "Um de três 0</a>" not in page
    assert "3 a 3 de 3" in page
    found = client.get(f"/api/v1/{name}?limit=2").json
    assert (found["total"], len(found["items"])) == (3, 2)
    assert client.get(f"/api/v1/{name}?limit=201").status_code == 422


def test_what_was_not_understood_comes_in_pages_with_the_name_of_its_channel(box, tenant_id, app, browser_headers):
    with box.unit(tenant_id) as uow:
        made = [channels.create_channel(uow, ChannelIn(kind="simulator", name=name)) for name in ("Que reclama", "Outro")]
        channels.keep_rejected(uow, made[0].id, [(f"reason-{number}-", "{}") for number in range(7)])
    client = app.test_client()
    first, second = (client.get(f"/channels?limit=1&page={page}&rejected={page}", headers=browser_headers).text for page in (1, 2))
    assert [name in first for name in ("reason-6-", "reason-1-", "rejected=2")] == [True, False, True]
    assert [name in second for name in ("reason-6-", "reason-1-")] == [False, True]
    assert all('<span class="t12 muted">Que reclama' in page for page in (first, second))


def test_the_agent_waits_in_seconds_and_keeps_what_the_form_does_not_show():
    settings = AgentForm(name="Lia", wait_s="2,5").settings(AgentSettings())
    for locale, said in (("pt_BR", "2,5"), ("en", "2.5")):
        with in_locale(locale):
            assert values_of("Lia", settings)["wait_s"] == said
    assert AgentForm(name="Lia", wait_s=0.4).settings(AgentSettings()).debounce_ms == 400


def test_time_zones_come_by_the_names_of_their_cities_with_ones_own_country_first_and_none_twice():
    with in_locale("pt_BR"):
        groups = timezone_groups("America/Sao_Paulo")
        assert named(timezone_groups("Europe/Lisbon"))[:3] == ["Açores", "Lisboa", "Madeira"]
    names, zones = named(groups), [zone for _label, choices in groups for zone, _name, _also in choices]
    assert (groups[0][0], names[0]) == ("Brasil", "Brasília, São Paulo, Rio, Sul")
    assert (len(zones), len(names)) == (len(set(zones)), len(set(names)))
    assert {"UTC", "Europe/Lisbon"} <= set(zones)
    assert {"Lisboa, Portugal", "Nova York, Estados Unidos", "Buenos Aires, Argentina", "Singapura"} <= set(names)
    with in_locale("en"):
        assert {"Brazil", "Lisbon, Portugal"} <= {*named(timezone_groups()), timezone_groups()[0][0]}


@pytest.mark.parametrize(("zone", "name"), [("Asia/Calcutta", "Kolkata"), ("Etc/GMT+3", "Etc/GMT+3"), ("UTC", "UTC")])
def test_a_zone_that_was_chosen_by_another_name_stays_the_one_chosen(zone, name):
    with in_locale("pt_BR"):
        (found,) = [named for _label, choices in timezone_groups(zone) for value, named, _also in choices if value == zone]
    assert found == name


def named(groups):
    return [name for _label, choices in groups for _zone, name, _also in choices]
