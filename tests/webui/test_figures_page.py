"""The figures of an agent: counted, explained, each turn leading to its conversation."""

import pytest

from appliance.core.clock import now
from appliance.core.ids import new_id
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn
from appliance.domains.agents.tables import ReplyRun
from appliance.domains.agents.types import Outcome
from tests.routes import objects

pytestmark = pytest.mark.only_database("sqlite")


def _add_turn(uow, agent_id, conversation_id, outcome, reason=None):
    uow.session.add(ReplyRun(
        tenant_id=uow.tenant_id, agent_id=agent_id, version=1, conversation_id=conversation_id, message_id=new_id(), outcome=outcome,
        reason=reason, confidence=0.8, took_ms=40, created_at=now(),
    ))  # fmt: skip


def test_an_agents_figures_are_told_and_lead_to_the_conversation(box, tenant_id, app, browser_headers):
    with box.unit(tenant_id) as uow:
        lia = agents.create_agent(uow, AgentIn(name="Lia")).id
        conversation = objects.registered("PATH_PARAMETERS")["conversation_id"](uow)
        _add_turn(uow, lia, conversation, Outcome.SEND)
        _add_turn(uow, lia, conversation, Outcome.HAND_OFF, "complaint")
        _add_turn(uow, lia, new_id(), Outcome.SEND)
    page = app.test_client().get(f"/agents/{lia}/figures?days=7", headers=browser_headers)
    assert page.status_code == 200
    shown = ("Os últimos 7 dias", "3 mensagens", "50%", "uma reclamação", "95 de 100 em até 40 ms", f"/inbox/{conversation}")
    for said in shown:
        assert said in page.text, said
    assert app.test_client().get(f"/agents/{lia}/figures?days=8", headers=browser_headers).status_code == 422


def test_an_agent_that_never_answered_has_no_figures_yet(box, tenant_id, app, browser_headers):
    with box.unit(tenant_id) as uow:
        lia = agents.create_agent(uow, AgentIn(name="Lia")).id
    page = app.test_client().get(f"/agents/{lia}/figures", headers=browser_headers).text
    assert "Nenhum número ainda" in page
    assert " ms<" not in page
    for said in ("0 mensagens", "0 vezes não soube"):
        assert said in page, said


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_reason_stands_beside_its_bar(box, ana, new_context, width):
    with box.unit(ana.tenant_id) as uow:
        lia = agents.create_agent(uow, AgentIn(name="Lia")).id
        _add_turn(uow, lia, new_id(), Outcome.HAND_OFF, "complaint")
    page = new_context(ana, viewport={"width": width, "height": 800}).new_page()
    page.goto(f"/agents/{lia}/figures")
    reason = page.locator(".list .row", has_text="uma reclamação")
    words_end = "(one) => { const said = document.createRange(); said.selectNodeContents(one); return said.getBoundingClientRect().right }"
    said = reason.locator("span.grow").evaluate(words_end)
    assert said <= reason.locator("progress").bounding_box()["x"]
