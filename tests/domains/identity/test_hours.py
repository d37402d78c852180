"""The hours of a company are kept once, and who changed them is on record."""

from datetime import date

import pytest

from appliance.core.uow import Actor
from appliance.domains.identity import actions, queries
from appliance.domains.identity.schemas import AuditFilter, HoursIn


def test_hours_over_the_api(as_ana):
    client = as_ana
    assert client.put("/api/v1/business-hours", json={"holidays": "BR-XX"}).status_code == 422
    assert client.put("/api/v1/business-hours", json={"spans": [{"day": "mon", "opens": "9h", "closes": "18:00"}]}).status_code == 422
    assert client.get("/api/v1/business-hours").json == {"spans": [], "holidays": "", "days_off": []}
    kept = client.put("/api/v1/business-hours", json={"days_off": [{"day": "2026-12-24"}]}).json
    assert client.get("/api/v1/business-hours").json == kept


@pytest.mark.parametrize(("spans", "late"), [
    ([("mon", "08:00", "12:00"), ("mon", "11:00", "18:00")], 1),
    ([("mon", "07:00", "12:00"), ("sun", "18:00", "08:00")], 0),
    ([("fri", "09:00", "18:00"), ("fri", "09:00", "18:00")], 1),
])
def test_hours_that_overlap_are_refused_by_the_api_as_by_the_page(as_ana, spans, late):
    hours = [dict(zip(("day", "opens", "closes"), span, strict=True)) for span in spans]
    refused = as_ana.put("/api/v1/business-hours", json={"spans": hours})
    assert (refused.status_code, list(refused.json["fields"])) == (422, [f"spans.{late}.opens"])
    agent = as_ana.post("/api/v1/agents", json={"name": "Lia", "settings": {"hours": {"spans": hours}}})
    assert (agent.status_code, list(agent.json["fields"])) == (422, [f"settings.hours.spans.{late}.opens"])
    assert as_ana.get("/api/v1/business-hours").json["spans"] == []


def test_a_change_of_hours_is_on_record_and_saving_the_same_again_is_none(box, tenant_id):
    for wanted in (HoursIn(holidays="BR"), HoursIn(holidays="BR"), HoursIn(holidays="BR-SP")):
        with box.unit(tenant_id, Actor("user", None, "Ana")) as uow:
            actions.set_hours(uow, wanted)
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_calendar(uow).place == "BR-SP"
        said = [entry.after["holidays"] for entry in queries.list_audit_after(uow, AuditFilter(), 0) if entry.action == "hours.changed"]
    assert said == ["BR", "BR-SP"]


def test_a_day_off_is_closed_in_the_calendar_that_everything_goes_by(box, tenant_id):
    with box.unit(tenant_id, Actor("user", None, "Ana")) as uow:
        actions.set_hours(uow, HoursIn.model_validate({"days_off": [{"day": "2026-12-24", "name": "Natal"}]}))
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_calendar(uow).is_off(date(2026, 12, 24))
