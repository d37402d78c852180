"""A mailbox gets its signature on its page: made, shown with what goes into the DNS, used, replaced and forgotten."""

import html
import re

import pytest

from appliance.domains.channels import actions
from appliance.domains.identity.types import SESSION_COOKIE
from tests.factories.channels import make_mailbox

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def desk(site, ana, box):
    """Ana at the page of a mailbox: `desk()` reads it, `desk("/sign", token)` presses a button."""
    client = site.app.test_client()
    client.set_cookie(SESSION_COOKIE, ana.cookie, domain="localhost")
    with box.unit(ana.tenant_id) as uow:
        here = f"/channels/{make_mailbox(uow)}"

    def act(rest=None):
        if rest is None:
            return client.get(here).text
        token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(here).text)[1]
        return client.post(f"{here}/mail-keys{rest}", data={"csrf_token": token}, follow_redirects=True).text

    return act


def key_ids(page):
    return list(dict.fromkeys(re.findall(r'id="name-([0-9a-f-]{36})"', page)))


def test_a_key_is_made_used_replaced_and_forgotten(desk):
    assert "Não assinados aqui" in desk()
    made = desk("")
    [first] = key_ids(made)
    assert "._domainkey.solara.example</code>" in made
    assert "v=DKIM1; k=rsa; p=MII" in made
    assert "Assinados</span>" in desk(f"/{first}/sign")
    second = next(one for one in key_ids(desk("")) if one != first)
    page = desk(f"/{second}/sign")
    assert "mais uma semana" in page
    assert key_ids(desk(f"/{first}/drop")) == [second]
    assert "Não assinados aqui" in desk(f"/{second}/stop")
    assert key_ids(desk(f"/{second}/drop")) == []


def test_a_sealed_box_says_why_it_looks_nothing_up(desk):
    page = desk("")
    assert re.search(r"<button[^>]*disabled[^>]*>.*?Procurar no DNS", page, re.DOTALL)
    assert "solara.example" in re.search(r'id="why-unseen">([^<]+)', page)[1]
    said = re.findall(r'<pre class="code" tabindex="0" id="([\w-]+)">([^<]+)', page)
    assert ["solara.example" in html.unescape(lines) for _id, lines in said] == [True], "one block of lines, for the servers and the DNS"
    [key] = key_ids(page)
    assert "banner bad" in desk(f"/{key}/check")


def test_a_complaint_that_proves_nothing_is_told_in_words(site, ana, box):
    with box.unit(ana.tenant_id) as uow:
        actions.keep_rejected(uow, make_mailbox(uow), [("complaint_without_proof", "{}"), ("field_flows", "{}")])
    client = site.app.test_client()
    client.set_cookie(SESSION_COOKIE, ana.cookie, domain="localhost")
    page = client.get("/channels").text
    assert "denúncia de spam que não mostra" in page
    assert "complaint_without_proof" not in page
    assert "field_flows" in page
