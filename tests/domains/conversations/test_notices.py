"""Who is told that somebody waits, in a company that is not small."""

import pytest
from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.core.outbox import OutboxRow
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.actions import notices as telling
from appliance.domains.conversations.actions import teams as acting
from appliance.domains.conversations.schemas import TeamIn
from appliance.domains.identity.tables import Membership, User
from tests import cast as people


@pytest.fixture
def many(box, tenant_id):
    """Three hundred who may only read, all before any other in the alphabet."""
    with box.unit(tenant_id) as uow:
        made = [
            User(id=new_id(), email=f"{n}@many.example", name=f"A{n:03}", password_hash="none", created_at=uow.now) for n in range(300)
        ]
        uow.session.add_all(made)
        uow.session.flush()
        uow.session.add_all(
            Membership(id=new_id(), tenant_id=tenant_id, user_id=one.id, role="read_only", created_at=uow.now) for one in made
        )
        return [one.id for one in made]


@pytest.fixture
def events(box, tenant_id):
    """The live events of that name: whom each names."""

    def read(name):
        with box.unit(tenant_id, read_only=True) as uow:
            rows = uow.session.scalars(select(OutboxRow.payload).where(OutboxRow.name == name).order_by(OutboxRow.seq))
            return [sorted(row["user_ids"]) for row in rows]

    return read


def kinds(box, tenant_id, user_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return [one.kind.value for one in queries.list_notices(uow, user_id)]


def handed_off(box, tenant_id, conversation_id):
    with box.unit(tenant_id) as uow:
        return actions.hand_off(uow, conversation_id, reason="wants_person")


def test_a_handoff_is_one_event_for_all_whom_it_calls_and_one_when_somebody_comes(box, tenant_id, says, run_deliveries, events):
    able = [people.with_role(box, tenant_id, "agent").user_id for _ in range(3)]
    conversation_id = says("quero uma pessoa")
    handed_off(box, tenant_id, conversation_id)
    run_deliveries()
    everybody = sorted(map(str, able))
    assert events("notice.made") == [everybody]
    with box.unit(tenant_id) as uow:
        telling.tell_waiting(uow, queries.get_conversation(uow, conversation_id), is_overdue=True)
    assert events("notice.made") == [everybody, everybody]
    with box.unit(tenant_id) as uow:
        telling.tell_waiting(uow, queries.get_conversation(uow, conversation_id), is_overdue=True)
        actions.take_over(uow, conversation_id, user_id=able[0])
    assert (events("notice.made"), events("notices.dropped")) == ([everybody, everybody], [everybody])


def test_who_may_answer_is_told_however_many_may_not(box, tenant_id, says, many, run_deliveries, events):
    zoe = people.with_role(box, tenant_id, "agent").user_id
    handed_off(box, tenant_id, says("quero uma pessoa"))
    run_deliveries()
    assert kinds(box, tenant_id, zoe) == ["waiting"]
    assert kinds(box, tenant_id, many[0]) == []
    assert events("notice.made") == [[str(zoe)]]


def test_of_a_team_who_may_answer_is_told_in_a_company_of_hundreds(box, tenant_id, says, many, bruno, run_deliveries):
    zoe = people.with_role(box, tenant_id, "agent").user_id
    with box.unit(tenant_id) as uow:
        acting.create_team(uow, TeamIn(name="Vendas", member_ids=[many[0], zoe], takes_handoffs=True, deals=False))
    handed_off(box, tenant_id, says("quero uma pessoa"))
    run_deliveries()
    assert [kinds(box, tenant_id, one) for one in (zoe, bruno, many[0])] == [["waiting"], [], []]


def test_whose_deadline_passes_and_who_is_named_are_found_in_a_company_of_hundreds(box, tenant_id, says, many):
    zoe = people.with_role(box, tenant_id, "manager")
    with box.unit(tenant_id) as uow:
        talk = queries.get_conversation(uow, says("oi"))
        telling.tell_of_deadline(uow, talk, is_missed=True)
        actions.add_note(uow, talk.id, user_id=many[0], text="@manager, vê isto?")
    assert kinds(box, tenant_id, zoe.user_id) == ["mentioned", "overdue"]


def test_a_channel_that_stops_is_one_event_for_all_who_can_mend_it(box, tenant_id, simulator, events):
    able = sorted(str(people.with_role(box, tenant_id, "admin").user_id) for _ in range(2))
    for _again in range(2):
        with box.unit(tenant_id) as uow:
            telling.tell_channel_down(uow, simulator)
    with box.unit(tenant_id) as uow:
        telling.drop_channel_down(uow, simulator)
    assert (events("notice.made"), events("notices.dropped")) == ([able], [able])
