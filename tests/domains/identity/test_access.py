
import pytest

from appliance.core import clock
from appliance.domains.identity import actions, queries
from appliance.domains.identity.errors import InvitationOver, LastOwner, SessionOver, WrongCredentials
from appliance.domains.identity.types import Device, MemberStatus, Presented
from tests import cast as people

HERE = Device("192.0.2.1", "tests")


@pytest.fixture
def as_admin(box, app, ana):
    return people.enter(box, app, people.with_role(box, ana.tenant_id, "admin"))


def emitted(uow):
    return [row.name for row in uow.emitted]


def test_the_last_owner_stays_whatever_is_tried(as_ana, home, ana):
    for change in ({"role": "admin"}, {"status": "disabled"}):
        answer = as_ana.patch(f"{home}/members/{ana.member_id}", json=change)
        assert answer.status_code == 409
    assert as_ana.delete(f"{home}/members/{ana.member_id}").status_code == 409
    assert as_ana.patch(f"{home}/members/{ana.member_id}", json={"region": "Sul", "teams": ["norte"]}).status_code == 200


def test_a_disabled_second_owner_does_not_count(box, ana, bruno, owner):
    with box.unit(ana.tenant_id) as uow:
        actions.change_member(uow, bruno.member_id, {"role": "owner", "status": MemberStatus.DISABLED}, owner)
        with pytest.raises(LastOwner):
            actions.remove_member(uow, ana.member_id, owner)


def test_an_owner_may_leave_once_there_is_another(as_ana, home, ana, bruno):
    assert as_ana.patch(f"{home}/members/{bruno.member_id}", json={"role": "owner"}).status_code == 200
    assert as_ana.delete(f"{home}/members/{ana.member_id}").status_code == 204


def test_changes_of_members_are_told_to_the_house(box, ana, bruno, owner):
    with box.unit(ana.tenant_id) as uow:
        actions.change_member(uow, bruno.member_id, {"status": MemberStatus.DISABLED}, owner)
        assert emitted(uow) == ["member.disabled"]
    with box.unit(ana.tenant_id) as uow:
        actions.change_member(uow, bruno.member_id, {"status": MemberStatus.ACTIVE, "role": "rep"}, owner)
        assert emitted(uow) == ["member.enabled", "member.changed"]
    with box.unit(ana.tenant_id) as uow:
        actions.remove_member(uow, bruno.member_id, owner)
        assert emitted(uow) == ["member.removed"]


def test_an_admin_neither_makes_nor_unmakes_an_owner(as_admin, home, ana, bruno):
    assert as_admin.patch(f"{home}/members/{bruno.member_id}", json={"role": "owner"}).status_code == 403
    assert as_admin.patch(f"{home}/members/{ana.member_id}", json={"role": "agent"}).status_code == 403
    assert as_admin.delete(f"{home}/members/{ana.member_id}").status_code == 403
    assert as_admin.post(f"{home}/invitations", json={"email": "x@y.example", "role": "owner"}).status_code == 403
    assert as_admin.patch(f"{home}/members/{bruno.member_id}", json={"role": "manager"}).status_code == 200


def test_a_role_of_ones_own_is_obeyed_at_the_next_request(box, app, as_ana, home, ana, bruno):
    role = as_ana.post(f"{home}/roles", json={"name": "Auditoria Fiscal", "permissions": ["audit:read"]})
    assert role.status_code == 201
    assert as_ana.patch(f"{home}/members/{bruno.member_id}", json={"role": role.get_json()["key"]}).status_code == 200
    as_bruno = people.enter(box, app, bruno)
    assert as_bruno.get("/api/v1/audit").status_code == 200
    assert as_bruno.get(f"{home}/members").status_code == 403
    role_id = role.get_json()["id"]
    assert as_ana.patch(f"{home}/roles/{role_id}", json={"permissions": ["members:read"]}).status_code == 200
    assert as_bruno.get("/api/v1/audit").status_code == 403
    assert as_bruno.get(f"{home}/members").status_code == 200
    assert as_ana.delete(f"{home}/roles/{role_id}").status_code == 409
    as_ana.patch(f"{home}/members/{bruno.member_id}", json={"role": "agent"})
    assert as_ana.delete(f"{home}/roles/{role_id}").status_code == 204


@pytest.mark.parametrize("permissions", [["no:such"], ["tenants:create"], ["audit:read", "x"]])
def test_a_role_holds_only_permissions_that_exist_for_tenants(as_ana, home, permissions):
    answer = as_ana.post(f"{home}/roles", json={"name": "Nova", "permissions": permissions})
    assert answer.status_code == 422
    assert "permissions" in answer.get_json()["fields"]


def test_a_role_takes_no_built_in_name(as_ana, home):
    assert as_ana.post(f"{home}/roles", json={"name": "Read only", "permissions": []}).status_code == 422


def test_a_role_nobody_knows_is_refused(as_ana, home, bruno):
    assert as_ana.patch(f"{home}/members/{bruno.member_id}", json={"role": "emperor"}).status_code == 422


def test_an_invitation_lets_one_person_in_once(as_ana, app, home):
    invited = as_ana.post(f"{home}/invitations", json={"email": "Dora@Solara.example", "role": "rep"}).get_json()
    assert invited["link"].endswith(f"/join/{invited['token']}")
    stranger, body = app.test_client(), {"token": invited["token"], "name": "Dora Reis", "password": people.PASSWORD}
    answer = stranger.post("/api/v1/auth/register", json=body)
    assert answer.status_code == 201
    assert answer.get_json()["user"]["email"] == "dora@solara.example"
    assert answer.get_json()["tenants"][0]["role"] == "rep"
    assert stranger.post("/api/v1/auth/register", json=body | {"name": "Eve"}).status_code == 422


def test_invitations_expire_are_revoked_and_resent(box, as_ana, home):
    import time_machine

    from appliance.domains.identity.types import INVITATION_LIFETIME

    first = as_ana.post(f"{home}/invitations", json={"email": "dora@solara.example"}).get_json()
    again = as_ana.post(f"{home}/invitations/{first['invitation']['id']}/resend").get_json()
    with pytest.raises(InvitationOver):
        actions.read_invitation(box, first["token"], HERE)
    welcome = actions.read_invitation(box, again["token"], HERE)
    assert (welcome.email, welcome.tenant_name, welcome.role, welcome.is_known) == ("dora@solara.example", "Solara Energia", "agent", False)
    with time_machine.travel(clock.now() + INVITATION_LIFETIME), pytest.raises(InvitationOver):
        actions.read_invitation(box, again["token"], HERE)
    assert len(as_ana.get(f"{home}/invitations").get_json()) == 1
    assert as_ana.delete(f"{home}/invitations/{first['invitation']['id']}").status_code == 204
    with pytest.raises(InvitationOver):
        actions.read_invitation(box, again["token"], HERE)
    assert as_ana.delete(f"{home}/invitations/{first['invitation']['id']}").status_code == 409


def test_an_admin_gets_no_hold_of_an_owners_invitation(box, as_ana, as_admin, home):
    invited = as_ana.post(f"{home}/invitations", json={"email": "dora@solara.example", "role": "owner"}).get_json()
    path = f"{home}/invitations/{invited['invitation']['id']}"
    assert as_admin.post(f"{path}/resend").status_code == 403
    assert as_admin.delete(path).status_code == 403
    assert actions.read_invitation(box, invited["token"], HERE).role == "owner"
    assert as_ana.post(f"{path}/resend").status_code == 200


def test_a_second_invitation_of_an_address_ends_the_first(box, as_ana, home):
    first = as_ana.post(f"{home}/invitations", json={"email": "dora@solara.example"}).get_json()
    as_ana.post(f"{home}/invitations", json={"email": "DORA@solara.example"})
    with pytest.raises(InvitationOver):
        actions.read_invitation(box, first["token"], HERE)


def test_somebody_the_box_knows_joins_with_their_own_password(box, as_ana, home, carla):
    token = as_ana.post(f"{home}/invitations", json={"email": carla.email, "role": "rep"}).get_json()["token"]
    assert actions.read_invitation(box, token, HERE).is_known
    with pytest.raises(WrongCredentials):
        actions.accept_invitation(box, token=token, name="Eve", password="taking-over-the-account", device=HERE)
    signed_in = actions.accept_invitation(box, token=token, name="ignored", password=people.PASSWORD, device=HERE)
    assert signed_in.user_id == carla.user_id
    with box.whole_box("test") as uow:
        assert queries.get_user(uow, carla.user_id).name == "Carla Nunes"
        assert {role for _tenant, role in queries.seats_of(uow, carla.user_id)} == {"owner", "rep"}


def test_a_member_is_not_invited_twice(as_ana, home, bruno):
    assert as_ana.post(f"{home}/invitations", json={"email": bruno.email}).status_code == 409


def test_guessing_invitations_is_stopped(app, cast):
    stranger = app.test_client()
    body = {"token": "x" * 43, "name": "Eve", "password": people.PASSWORD}
    codes = [stranger.post("/api/v1/auth/register", json=body).status_code for _ in range(12)]
    assert codes == [422] * 10 + [429] * 2


def test_the_operator_makes_tenants_and_others_do_not(as_ana, as_carla, box):
    answer = as_ana.post("/api/v1/tenants", json={"name": "Água & Luz Ltda.", "owner_email": "dono@agua.example"})
    assert answer.status_code == 201
    made = answer.get_json()
    assert made["tenant"]["slug"] == "agua-luz-ltda"
    signed_in = actions.accept_invitation(
        box, token=made["owner_invitation"]["token"], name="Davi Dono", password=people.PASSWORD, device=HERE
    )
    with box.whole_box("test") as uow:
        assert [(tenant.name, role) for tenant, role in queries.seats_of(uow, signed_in.user_id)] == [("Água & Luz Ltda.", "owner")]
    assert as_carla.post("/api/v1/tenants", json={"name": "Mine"}).status_code == 403
    assert as_ana.post("/api/v1/tenants", json={"name": "Own"}).get_json()["owner_invitation"] is None


def test_a_short_name_belongs_to_one_tenant(as_ana, home):
    assert as_ana.post("/api/v1/tenants", json={"name": "Again", "slug": "solara-energia"}).status_code == 409
    assert as_ana.patch(home, json={"slug": "ventura-comercio"}).status_code == 409
    assert as_ana.patch(home, json={"slug": "solara-energia"}).status_code == 200
    twins = [as_ana.post("/api/v1/tenants", json={"name": "Twin"}).get_json()["tenant"]["slug"] for _ in range(2)]
    assert twins[0] == "twin"
    assert twins[1].startswith("twin-")


def test_people_list_their_own_tenants_and_the_operator_all(as_ana, as_carla, carla):
    assert [tenant["id"] for tenant in as_carla.get("/api/v1/tenants").get_json()["items"]] == [str(carla.tenant_id)]
    assert as_ana.get("/api/v1/tenants").get_json()["total"] == 2


def test_only_the_operator_suspends_and_reaches_other_tenants(as_ana, as_carla, carla, home):
    theirs = f"/api/v1/tenants/{carla.tenant_id}"
    assert as_carla.get(home).status_code == 404
    assert as_carla.patch(theirs, json={"status": "suspended"}).status_code == 403
    suspended = as_ana.patch(theirs, json={"status": "suspended"}).get_json()
    assert (suspended["status"], suspended["suspended_at"]) == ("suspended", suspended["updated_at"])
    assert as_carla.get("/api/v1/auth/whoami").status_code == 401
    assert as_ana.get(f"{theirs}/members").status_code == 404
    resumed = as_ana.patch(theirs, json={"status": "active"}).get_json()
    assert (resumed["status"], resumed["suspended_at"]) == ("active", None)


def test_settings_are_checked_and_merged(as_ana, home):
    assert as_ana.patch(home, json={"settings": {"brand_colour": "#123abc"}}).get_json()["settings"]["brand_name"] == "Solara Energia"
    for bad in ({"brand_colour": "red"}, {"unknown": 1}, {"brand_name": "x" * 121}):
        assert as_ana.patch(home, json={"settings": bad}).status_code == 422
    assert as_ana.patch(home, json={"timezone": "Mars/Olympus"}).status_code == 422


def test_members_are_found_by_name_and_address(as_ana, home):
    found = as_ana.get(f"{home}/members", query_string={"search": "BRUNO"}).get_json()
    assert [member["email"] for member in found["items"]] == ["bruno@solara.example"]
    assert as_ana.get(f"{home}/members", query_string={"search": "%"}).get_json()["total"] == 0
    assert as_ana.get(f"{home}/members").get_json()["total"] == 2


def test_a_key_works_within_its_scopes(as_ana, app, home):
    made = as_ana.post("/api/v1/api-keys", json={"name": "ERP", "scopes": ["members:read"]})
    assert made.status_code == 201
    secret = made.get_json()["secret"]
    assert secret.startswith("org_solara-energia_")
    assert len(secret.rpartition("_")[2]) == 64  # 128 random bits and the proof that this box made them
    program = app.test_client()
    for headers in ({"X-API-Key": secret}, {"Authorization": f"Bearer {secret}"}):
        assert program.get(f"{home}/members", headers=headers).status_code == 200
        assert program.get("/api/v1/audit", headers=headers).status_code == 403
        assert program.post("/api/v1/auth/password", headers=headers, json={"current": "x", "new": "y"}).status_code == 403
    listed = as_ana.get("/api/v1/api-keys").get_json()[0]
    assert listed["prefix"] == secret[: len(listed["prefix"])]
    assert "sha" not in str(listed)
    assert secret not in str(listed)


def test_a_key_ends_when_revoked_or_expired(box, ana, app, as_ana, owner):
    import time_machine

    made = as_ana.post("/api/v1/api-keys", json={"name": "ERP", "scopes": []}).get_json()
    assert app.test_client().get("/api/v1/auth/whoami", headers={"X-API-Key": made["secret"]}).status_code == 200
    assert as_ana.delete(f"/api/v1/api-keys/{made['key']['id']}").status_code == 204
    assert app.test_client().get("/api/v1/auth/whoami", headers={"X-API-Key": made["secret"]}).status_code == 401
    soon = clock.now().replace(year=clock.now().year + 1)
    short = as_ana.post("/api/v1/api-keys", json={"name": "ERP", "scopes": [], "expires_at": soon.isoformat()}).get_json()
    assert actions.recognise(box, Presented(api_key=short["secret"]))
    with time_machine.travel(soon), pytest.raises(SessionOver):
        actions.recognise(box, Presented(api_key=short["secret"]))


@pytest.mark.parametrize("body", [{"scopes": ["no:such"]}, {"expires_at": "2020-01-01T00:00:00Z"}, {"rate_limit": 0}])
def test_a_key_with_impossible_wishes_is_refused(as_ana, body):
    assert as_ana.post("/api/v1/api-keys", json={"name": "k", "scopes": []} | body).status_code == 422


def test_nobody_makes_a_key_that_can_more_than_they_can(as_admin):
    assert as_admin.post("/api/v1/api-keys", json={"name": "k", "scopes": ["tenants:create"]}).status_code == 403


def test_a_key_loses_what_its_maker_loses(box, app, as_ana, home, bruno, owner):
    as_ana.patch(f"{home}/members/{bruno.member_id}", json={"role": "admin"})
    with box.unit(bruno.tenant_id) as uow:
        secret = actions.create_api_key(uow, user_id=bruno.user_id, name="k", scopes=["members:read", "tenant:read"], granter=owner).secret
    program = app.test_client()
    assert program.get(f"{home}/members", headers={"X-API-Key": secret}).status_code == 200
    as_ana.patch(f"{home}/members/{bruno.member_id}", json={"role": "agent"})
    assert program.get(f"{home}/members", headers={"X-API-Key": secret}).status_code == 403
    assert program.get(home, headers={"X-API-Key": secret}).status_code == 200


def test_a_key_never_acts_for_another_tenant_nor_for_the_operator(app, as_ana, carla, owner):
    secret = as_ana.post("/api/v1/api-keys", json={"name": "k", "scopes": ["tenant:read", "tenant:write"]}).get_json()["secret"]
    program = app.test_client()
    assert program.get("/api/v1/auth/whoami", headers={"X-API-Key": secret, "X-Tenant-ID": str(carla.tenant_id)}).status_code == 404
    assert program.get(f"/api/v1/tenants/{carla.tenant_id}", headers={"X-API-Key": secret}).status_code == 404
    assert program.get("/api/v1/tenants", headers={"X-API-Key": secret}).get_json()["total"] == 1


def test_a_key_has_its_own_rate(as_ana, app):
    secret = as_ana.post("/api/v1/api-keys", json={"name": "k", "scopes": [], "rate_limit": 3}).get_json()["secret"]
    answers = [app.test_client().get("/api/v1/auth/whoami", headers={"X-API-Key": secret}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1


@pytest.mark.parametrize("key", ["org_", "org_solara-energia_" + "0" * 32, "x", "org_é"])
def test_a_key_that_never_was_opens_nothing(app, cast, key):
    answer = app.test_client().get("/api/v1/auth/whoami", headers={"X-API-Key": key.encode().decode("latin-1")})
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")


def test_an_operator_of_no_tenant_still_reaches_the_tenants(box, app, ana, as_ana, home, bruno, carla):
    as_ana.patch(f"{home}/members/{bruno.member_id}", json={"role": "owner"})
    as_ana.delete(f"{home}/members/{ana.member_id}")
    assert as_ana.get("/api/v1/tenants").get_json()["total"] == 2
    assert as_ana.patch(f"/api/v1/tenants/{carla.tenant_id}", json={"name": "Ventura"}).status_code == 200
    assert as_ana.get(f"{home}/members").status_code == 403


@pytest.mark.parametrize("password", ["\ud800" * 12, "girafa\u0000violeta-trem"])
def test_a_password_that_is_no_text_is_refused(app, cast, password):
    import json

    body = json.dumps({"email": "ana@solara.example", "password": password})
    answer = app.test_client().post("/api/v1/auth/login", data=body, content_type="application/json")
    assert answer.status_code in {400, 401, 422}
