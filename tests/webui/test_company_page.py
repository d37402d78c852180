"""The company's page: what it promises of voice notes is what this box can do."""

import re

import pytest
from playwright.sync_api import expect

from appliance.domains.identity.types import SESSION_COOKIE
from appliance.inference.fake import FakeInference
from appliance.inference.types import Inference, Readiness
from tests.webui.axe import violations

pytestmark = pytest.mark.only_database("sqlite")


class Away(FakeInference):
    def ready(self):
        return Readiness(ready=False, embedding_model="", chat_engine="none")


@pytest.fixture
def read(site, ana):
    client = site.app.test_client()
    client.set_cookie(SESSION_COOKIE, ana.cookie, domain="localhost")
    return lambda address: client.get(address).text


@pytest.fixture
def hint(read):
    """What the page fetches to stand below the choice."""
    return lambda: read(re.search(r'hx-get="(/admin/company/[^"]+)"', read("/admin/company"))[1])


def test_a_box_without_a_model_of_speech_names_how_to_get_one(hint):
    said = hint()
    assert "esta caixa não tem um modelo de fala" in said
    assert "<code>salesedge models recommend</code>" in said


@pytest.mark.parametrize("inference", [FakeInference(hears=lambda sound: "oi"), Away()], ids=["hears", "away"])
def test_a_box_that_hears_or_whose_models_are_away_says_nothing_of_it(inference, box, hint):
    box.provide(Inference, inference)
    assert hint() == ""


@pytest.mark.browser
def test_the_hint_stands_on_the_page(ana, site, new_context):
    page = new_context(ana).new_page()
    page.goto("/admin/company")
    expect(page.get_by_text("salesedge models recommend")).to_be_visible()
    assert violations(page) == []
