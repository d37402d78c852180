"""What the other tests pass by: absent things, small changes, and Redis away."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from redis import RedisError

from appliance.core.errors import NotFound
from appliance.core.ids import new_id
from appliance.domains.identity import actions, jobs, queries
from appliance.domains.identity.api.authentication import BoxAuthenticator
from appliance.domains.identity.errors import AlreadyMember, InvitationOver, NoSuchTenant, SessionOver, UnknownPermission
from appliance.domains.identity.schemas import AuditQuery
from appliance.domains.identity.tables import LoginSession, User
from appliance.domains.identity.types import Device, Presented
from tests import cast as people

HERE = Device("192.0.2.1", "tests")


@pytest.mark.parametrize("path", ["api-keys", "sessions"])
def test_what_never_was_is_not_found(as_ana, path):
    assert as_ana.delete(f"/api/v1/{path}/{new_id()}").status_code == 404


@pytest.mark.parametrize("path", ["members", "roles", "invitations"])
def test_what_the_tenant_never_had_is_not_found(as_ana, home, path):
    assert as_ana.delete(f"{home}/{path}/{new_id()}").status_code == 404


def test_people_change_their_own_name_and_language(as_bruno, bruno, box):
    assert as_bruno.get("/api/v1/users/me").get_json()["name"] == "Bruno Leite"
    assert as_bruno.patch("/api/v1/users/me", json={"name": "Bruno L.", "locale": "en"}).get_json()["locale"] == "en"
    assert as_bruno.patch("/api/v1/users/me", json={"email": "other@solara.example"}).status_code == 422
    with box.unit(bruno.tenant_id) as uow:
        line = queries.list_audit(uow, AuditQuery(action="profile")).items[0]
    assert line.before == {"name": "Bruno Leite", "locale": ""}


def test_a_member_is_read_alone_and_by_user(box, as_ana, home, bruno):
    assert as_ana.get(f"{home}/members/{bruno.member_id}").get_json()["email"] == bruno.email
    assert as_ana.get(f"{home}/members", query_string={"status": "disabled"}).get_json()["total"] == 0
    with box.unit(bruno.tenant_id) as uow:
        assert queries.names_of(uow, [bruno.user_id, new_id()]) == {bruno.user_id: "Bruno Leite"}
        assert queries.find_member_of_user(uow, new_id()) is None
        with pytest.raises(NotFound):
            queries.get_user(uow, new_id())
        with pytest.raises(NoSuchTenant):
            queries.get_tenant(uow, new_id())


def test_every_role_is_listed_with_what_it_may(as_ana, home):
    as_ana.post(f"{home}/roles", json={"name": "Fiscal", "permissions": ["audit:read"]})
    listed = {role["key"]: role for role in as_ana.get(f"{home}/roles").get_json()}
    assert list(listed)[:6] == ["owner", "admin", "manager", "rep", "agent", "read_only"]
    assert listed["owner"]["built_in"]
    assert "tenants:create" not in listed["owner"]["permissions"]
    assert listed["fiscal"]["permissions"] == ["audit:read"]


def test_a_role_is_renamed_without_losing_anything(box, ana, owner):
    with box.unit(ana.tenant_id) as uow:
        role = actions.create_role(uow, name="Fiscal", permissions=["audit:read"], granter=owner)
        actions.change_role(uow, role.id, name="Controle", permissions=None, granter=owner)
        assert (role.key, role.name, role.permissions) == ("fiscal", "Controle", ["audit:read"])
        with pytest.raises(UnknownPermission):
            actions.change_role(uow, role.id, name=None, permissions=["x:y"], granter=owner)


def test_ending_twice_is_ending_once(box, as_ana, ana):
    made = as_ana.post("/api/v1/api-keys", json={"name": "k", "scopes": []}).get_json()["key"]["id"]
    assert [as_ana.delete(f"/api/v1/api-keys/{made}").status_code for _ in range(2)] == [204, 204]
    session_id = actions.sign_in(box, email=ana.email, password=people.PASSWORD, device=HERE).session_id
    assert [as_ana.delete(f"/api/v1/sessions/{session_id}").status_code for _ in range(2)] == [204, 204]
    with box.unit(ana.tenant_id) as uow:
        assert queries.list_audit(uow, AuditQuery(action="session.revoked")).total == 1


def test_a_tenant_changes_its_language(as_ana, home):
    assert as_ana.patch(home, json={"locale": "en", "timezone": "Europe/Lisbon"}).get_json()["timezone"] == "Europe/Lisbon"


def test_a_session_of_a_tenant_one_left_falls_back_to_another(box, ana, bruno, carla, owner):
    with box.unit(carla.tenant_id) as uow:
        actions.add_member(uow, queries.get_user(uow, bruno.user_id), "agent")
    cookie = actions.sign_in(box, email=bruno.email, password=people.PASSWORD, device=HERE).secret
    assert actions.recognise(box, Presented(cookie=cookie))[0].tenant_id == ana.tenant_id
    with box.unit(ana.tenant_id) as uow:
        actions.remove_member(uow, bruno.member_id, owner)
    assert actions.recognise(box, Presented(cookie=cookie))[0].tenant_id == carla.tenant_id


def test_an_invitation_of_somebody_who_joined_meanwhile(box, ana, bruno, carla):
    with box.unit(carla.tenant_id) as uow:
        token = actions.invite_as_box(uow, email=bruno.email, role="agent").token
        actions.add_member(uow, queries.get_user(uow, bruno.user_id), "agent")
    with pytest.raises(AlreadyMember):
        actions.accept_invitation(box, token=token, name="x", password=people.PASSWORD, device=HERE)


def test_two_who_open_one_invitation_at_once(box, ana):
    with box.unit(ana.tenant_id) as uow:
        token = actions.invite_as_box(uow, email="eva@solara.example", role="agent").token

    def accept(_):
        try:
            return actions.accept_invitation(box, token=token, name="Eva", password=people.PASSWORD, device=HERE)
        except InvitationOver as err:
            return err

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(accept, range(2)))
    assert sum(isinstance(result, InvitationOver) for result in results) == 1


def test_a_reused_token_of_a_session_that_is_over_changes_nothing(box, ana):
    pair = actions.sign_in_for_tokens(box, email=ana.email, password=people.PASSWORD, device=HERE)
    with box.unit(ana.tenant_id) as uow:
        actions.revoke_session(uow, user_id=ana.user_id, session_id=pair.session_id, because="signed out")
    with pytest.raises(SessionOver):
        actions.refresh(box, pair.refresh_token)
    with box.whole_box("test") as uow:
        assert uow.session.get_one(LoginSession, pair.session_id).revoked_because == "signed out"


def test_old_attempts_and_sessions_are_forgotten(box, ana):
    from datetime import timedelta

    import time_machine

    from appliance.core import clock
    from appliance.domains.identity.tables import SignInAttempts

    actions.sign_in(box, email=ana.email, password=people.PASSWORD, device=HERE)
    with time_machine.travel(clock.now() + timedelta(days=60)):
        jobs.forget_old(box)
        with box.whole_box("test") as uow:
            assert uow.session.query(SignInAttempts).count() == 0
            assert uow.session.query(LoginSession).count() == 0
            assert uow.session.query(User).count() == 3


def test_without_redis_people_are_still_recognised(box, app, as_ana, monkeypatch):
    def away(*args, **kwargs):
        raise RedisError

    monkeypatch.setattr(type(box.redis), "execute_command", away)
    assert as_ana.get("/api/v1/auth/whoami").status_code == 200


def test_what_was_noted_is_kept_small(box):
    authenticator = BoxAuthenticator()
    authenticator._noted = {UUID(int=number): 0.0 for number in range(10_000)}
    authenticator._note(box, new_id())
    assert len(authenticator._noted) == 1


def test_a_tenant_nobody_belongs_to_is_taken_over_by_the_first_person(box):
    from appliance.domains.identity.types import Setup

    with box.whole_box("test") as uow:
        demo = actions.create_tenant(uow, name="Demonstração")
    actions.set_up_from_console(box, Setup("ana@solara.example", people.PASSWORD, "Ana", "Solara"))
    with box.whole_box("test") as uow:
        user = queries.find_user_by_email(uow, "ana@solara.example")
        assert demo.id in {tenant.id for tenant, _role in queries.seats_of(uow, user.id)}
