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


def test_the_agent_waits_in_seconds_and_keeps_what_the_form_does_not_show():
    settings = AgentForm(name="Lia", wait_s="2,5").settings(AgentSettings())
    for locale, said in (("pt_BR", "2,5"), ("en", "2.5")):
        with in_locale(locale):
            assert values_of("Lia", settings)["wait_s"] == said
    assert AgentForm(name="Lia", wait_s=0.4).settings(AgentSettings()).debounce_ms == 400


def test_time_zones_come_in_groups_with_brazil_first_and_none_twice():
    groups = timezone_groups()
    zones = [zone for _label, choices in groups for zone, _name in choices]
    assert groups[0][1][0][0] == "America/Sao_Paulo"
    assert len(zones) == len(set(zones))
    assert {"America/Argentina/Buenos_Aires", "Europe/Lisbon", "UTC"} <= set(zones)
    assert ("America/Argentina/Buenos_Aires", "Buenos Aires, Argentina") in groups[1][1]
