from datetime import timedelta

from sqlalchemy import update

from appliance.core import clock
from appliance.domains.agents import queries
from appliance.domains.agents.tables import ReplyRun

DAY = timedelta(days=1)


def hand_offs(box, tenant_id):
    last = clock.now() - timedelta(hours=1)
    with box.unit(tenant_id, read_only=True) as uow:
        return queries.count_hand_offs(uow, [last - DAY * 2, last - DAY, last])


def test_every_call_for_a_person_counts_on_its_day(box, tenant_id, other_tenant_id, make_agent, says, run_deliveries):
    agent = make_agent()
    says(agent, "quero falar com uma pessoa")
    run_deliveries()
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(ReplyRun).values(created_at=uow.now - DAY))
    says(agent, "me passa para um atendente", visitor="bia")
    says(agent, "oi", visitor="caio")
    run_deliveries()
    assert hand_offs(box, tenant_id) == [0, 1, 1]
    assert hand_offs(box, other_tenant_id) == [0, 0, 0]
