"""An agent from a template, its questions asked, one added, and publishing held back until somebody insists."""

import pytest

from appliance.core.uow import Actor
from appliance.domains.identity import actions as identity

pytestmark = [pytest.mark.only_database("sqlite"), pytest.mark.browser]


def test_a_template_becomes_an_agent_whose_questions_are_asked(box, new_context, site, ana, run_deliveries):
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, "Ana")) as uow:
        identity.change_profile(uow, ana.user_id, {"locale": "en"})
    page = new_context(ana, locale="en").new_page()
    page.goto("/agents")
    page.get_by_role("button", name="New agent").first.click()
    page.get_by_label("What is it called?").fill("Sam")
    page.get_by_label("Start from").select_option("collections:en")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Publish version 1").click()
    page.get_by_text("has not been asked its questions yet").wait_for()
    page.get_by_text("Nobody has asked the draft its questions yet").wait_for()
    ask_all(page, run_deliveries, "Ask them now")
    page.get_by_text("All pass").wait_for()
    page.get_by_label("What a customer asks").fill("good morning")
    page.get_by_label("The answer has to have").fill("Sam here")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Remove: good morning").wait_for()
    ask_all(page, run_deliveries)
    page.get_by_text("Missing: Sam here").wait_for()
    page.get_by_text("1 fails").wait_for()
    page.get_by_role("button", name="Remove: good morning").click()
    page.get_by_role("button", name="Publish version 1").wait_for()
    page.get_by_role("button", name="Publish version 1").click()
    page.get_by_text("Version 1 answers from now on.").wait_for()


def ask_all(page, run_deliveries, button="Ask them all"):
    page.get_by_role("button", name=button).click()
    page.get_by_text("Asking…").wait_for()
    run_deliveries()
    page.reload()
