"""Two who do the same thing at once."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from appliance.core.errors import Conflict
from appliance.domains.identity import actions, queries
from appliance.domains.identity.api import tenants
from appliance.domains.identity.errors import InvitationOver
from appliance.domains.identity.schemas import AuditQuery
from appliance.domains.identity.tables import Tenant
from appliance.domains.identity.types import Device, TenantStatus
from tests import cast as people

HERE = Device("192.0.2.1", "tests")


def test_of_two_who_change_one_tenant_by_the_same_version_one_is_told(box, app, ana, home, monkeypatch):
    """The first is held up between its look at the version and its change, so the second looks meanwhile."""
    change = tenants.actions.change_tenant

    def slowly(*given):
        time.sleep(0.5)
        return change(*given)

    monkeypatch.setattr(tenants.actions, "change_tenant", slowly)
    writers = [(people.enter(box, app, ana), name) for name in ("Solara Um", "Solara Dois")]
    mine = {"If-Match": writers[0][0].get(home).headers["ETag"]}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda writer: writer[0].patch(home, json={"name": writer[1]}, headers=mine), writers))
    assert sorted(answer.status_code for answer in answers) == [200, 412]


def test_two_owners_who_demote_each_other_leave_one(box, ana, bruno, owner):
    with box.unit(ana.tenant_id) as uow:
        actions.change_member(uow, bruno.member_id, {"role": "owner"}, owner)

    def demote(member_id):
        try:
            with box.unit(ana.tenant_id) as uow:
                actions.change_member(uow, member_id, {"role": "admin"}, owner)
        except Conflict as err:
            return err
        return None

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(demote, (ana.member_id, bruno.member_id)))
    assert sum(result is None for result in results) == 1


def test_a_tenant_is_born_with_its_key_or_not_at_all(box, ana):
    from appliance.core.tenancy import TenantKey

    with pytest.raises(Conflict), box.whole_box("test") as uow:
        actions.create_tenant(uow, name="Never")
        actions.create_tenant(uow, name="Again", slug="solara-energia")
    with box.whole_box("test") as uow:
        tenants = set(uow.session.scalars(Tenant.__table__.select().with_only_columns(Tenant.id)))
        assert tenants == {key.tenant_id for key in uow.session.query(TenantKey)}
        assert len(tenants) == 2  # Solara and Ventura


def test_suspension_is_on_record(box, ana):
    with box.unit(ana.tenant_id, ana.actor) as uow:
        actions.change_tenant(uow, ana.tenant_id, {"status": TenantStatus.SUSPENDED})
        line = queries.list_audit(uow, AuditQuery()).items[0]
    assert (line.action, line.before, line.after) == ("tenant.changed", {"status": "active"}, {"status": "suspended"})
    assert line.actor_id == ana.user_id


def test_two_tenants_that_want_one_short_name_at_once(box, ana):
    def make(_):
        try:
            with box.whole_box("test") as uow:
                return actions.create_tenant(uow, name="Once", slug="once").id
        except Conflict as err:
            return err

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(make, range(4)))
    assert sum(not isinstance(result, Conflict) for result in results) == 1


def test_one_person_of_two_invitations_at_once_is_one_user(box, ana, carla):
    tokens = []
    for tenant_id in (ana.tenant_id, carla.tenant_id):
        with box.unit(tenant_id) as uow:
            tokens.append(actions.invite_as_box(uow, email="eva@solara.example", role="agent").token)

    def accept(token):
        try:
            return actions.accept_invitation(box, token=token, name="Eva", password=people.PASSWORD, device=HERE).user_id
        except (Conflict, InvitationOver) as err:
            return err

    with ThreadPoolExecutor(2) as pool:
        users = {result for result in pool.map(accept, tokens) if not isinstance(result, Exception)}
    assert len(users) == 1
