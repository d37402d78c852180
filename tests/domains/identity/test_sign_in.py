from datetime import timedelta

import pytest
import time_machine

from appliance.core import clock
from appliance.core.errors import TooMany
from appliance.domains.identity import actions, queries
from appliance.domains.identity.errors import WeakPassword, WrongCredentials
from appliance.domains.identity.schemas import AuditQuery
from appliance.domains.identity.tables import AuditEntry, User
from appliance.domains.identity.types import Device, MemberStatus, Presented, TenantStatus
from tests.cast import PASSWORD

HERE = Device("192.0.2.1", "tests")
NEW = "outra-frase-bem-comprida-7"


def log_in(client, **body):
    return client.post("/api/v1/auth/login", json={"email": "ana@solara.example", "password": PASSWORD} | body)


@pytest.fixture
def stranger(app, cast):
    return app.test_client()


def test_login_gives_tokens_the_person_and_their_organisations(stranger, ana):
    answer = log_in(stranger).get_json()
    assert answer["expires_in"] == 900
    assert answer["user"]["email"] == "ana@solara.example"
    assert [(seat["id"], seat["role"]) for seat in answer["tenants"]] == [(str(ana.tenant_id), "owner")]
    me = stranger.get("/api/v1/auth/whoami", headers={"Authorization": f"Bearer {answer['access_token']}"}).get_json()
    assert (me["user_id"], me["via"], me["role"]) == (str(ana.user_id), "bearer", "owner")
    assert "members:write" in me["permissions"]


def test_case_and_spaces_in_the_address_do_not_matter(stranger):
    assert log_in(stranger, email="  ANA@Solara.Example ").status_code == 200


def test_unknown_address_and_wrong_password_are_answered_alike(stranger):
    unknown, wrong = log_in(stranger, email="nobody@nowhere.example"), log_in(stranger, password="not-the-password")
    bodies = [answer.get_json() | {"instance": ""} for answer in (unknown, wrong)]
    assert bodies[0] == bodies[1]
    assert unknown.status_code == wrong.status_code == 401
    assert unknown.mimetype == "application/problem+json"


@pytest.mark.only_database("sqlite")
def test_an_unknown_address_costs_the_same_hashing(box, cast, monkeypatch):
    from appliance.domains.identity.actions import hashing

    asked = []
    verify = type(hashing._hasher).verify
    monkeypatch.setattr(type(hashing._hasher), "verify", lambda self, *args: asked.append(args[0].rsplit("$", 2)[0]) or verify(self, *args))
    for email in ("nobody@nowhere.example", "ana@solara.example"):
        with pytest.raises(WrongCredentials):
            actions.sign_in(box, email=email, password="not-the-password", device=HERE)
    assert asked[0] == asked[1]  # same algorithm and parameters, once each
    assert len(asked) == 2


def test_the_eleventh_guess_is_not_heard_whether_the_account_exists_or_not(box, cast):
    for email in ("ana@solara.example", "nobody@nowhere.example"):
        for attempt in range(10):
            with pytest.raises(WrongCredentials):
                actions.sign_in(box, email=email, password="wrong", device=Device(f"192.0.2.{attempt}"))
        with pytest.raises(TooMany) as refused:
            actions.sign_in(box, email=email, password=PASSWORD, device=HERE)
        assert 890 < refused.value.retry_after <= 900


def test_a_lockout_ends_by_itself_and_is_on_record(box, ana):
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            actions.sign_in(box, email=ana.email, password="wrong", device=HERE)
    with box.unit(ana.tenant_id) as uow:
        lines = queries.list_audit(uow, AuditQuery(action="sign_in.locked"))
        assert [(line.object_id, line.ip) for line in lines.items] == [(str(ana.user_id), "192.0.2.1")]
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        assert actions.sign_in(box, email=ana.email, password=PASSWORD, device=HERE)


def test_strangers_who_use_up_the_tries_do_not_lock_out_the_person_where_they_signed_in_before(box, ana):
    usual, attacker = Device("198.51.100.7"), Device("203.0.113.9")
    actions.sign_in(box, email=ana.email, password=PASSWORD, device=usual)
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            actions.sign_in(box, email=ana.email, password="wrong", device=attacker)
    with pytest.raises(TooMany):
        actions.sign_in(box, email=ana.email, password=PASSWORD, device=attacker)
    assert actions.sign_in(box, email=ana.email, password=PASSWORD, device=usual)


def test_guessing_at_the_usual_place_is_stopped_too(box, ana):
    usual = Device("198.51.100.7")
    actions.sign_in(box, email=ana.email, password=PASSWORD, device=usual)
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            actions.sign_in(box, email=ana.email, password="wrong", device=usual)
    with pytest.raises(TooMany):
        actions.sign_in(box, email=ana.email, password=PASSWORD, device=usual)


def test_one_address_cannot_try_every_account(box, cast):
    for number in range(60):
        with pytest.raises(WrongCredentials):
            actions.sign_in(box, email=f"{number}@nowhere.example", password="wrong", device=HERE)
    with pytest.raises(TooMany):
        actions.sign_in(box, email="ana@solara.example", password=PASSWORD, device=HERE)
    assert actions.sign_in(box, email="ana@solara.example", password=PASSWORD, device=Device("192.0.2.2"))


def test_a_success_clears_what_was_counted_before(box, ana):
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(WrongCredentials):
                actions.sign_in(box, email=ana.email, password="wrong", device=HERE)
        assert actions.sign_in(box, email=ana.email, password=PASSWORD, device=Device("192.0.2.77"))


def test_a_disabled_person_is_answered_like_a_wrong_password(box, bruno):
    with box.whole_box("test") as uow:
        uow.session.get_one(User, bruno.user_id).is_active = False
    with pytest.raises(WrongCredentials):
        actions.sign_in(box, email=bruno.email, password=PASSWORD, device=HERE)


def test_a_person_of_no_active_organisation_does_not_get_in(box, bruno, ana):
    with box.unit(ana.tenant_id) as uow:
        granter = actions.Granter("owner", box.registry.all_permissions())
        actions.change_member(uow, bruno.member_id, {"status": MemberStatus.DISABLED}, granter)
    with pytest.raises(WrongCredentials):
        actions.sign_in(box, email=bruno.email, password=PASSWORD, device=HERE)


def test_disabling_a_member_ends_their_sessions_and_keys_at_once(box, app, bruno, ana, as_bruno):
    with box.unit(ana.tenant_id) as uow:
        key = actions.create_api_key(
            uow, user_id=bruno.user_id, name="k", scopes=["tenant:read"], granter=actions.Granter("agent", frozenset({"tenant:read"}))
        ).secret
    pair = actions.sign_in_for_tokens(box, email=bruno.email, password=PASSWORD, device=HERE)
    ways = [{"Authorization": f"Bearer {pair.access_token}"}, {"X-API-Key": key}]
    assert [app.test_client().get("/api/v1/auth/whoami", headers=way).status_code for way in ways] == [200, 200]
    assert as_bruno.get("/api/v1/auth/whoami").status_code == 200
    with box.unit(ana.tenant_id) as uow:
        granter = actions.Granter("owner", box.registry.all_permissions())
        actions.change_member(uow, bruno.member_id, {"status": MemberStatus.DISABLED}, granter)
    assert [app.test_client().get("/api/v1/auth/whoami", headers=way).status_code for way in ways] == [401, 401]
    assert as_bruno.get("/api/v1/auth/whoami").status_code == 401


def test_a_suspended_tenant_lets_nobody_in(box, as_carla, carla, ana):
    assert as_carla.get("/api/v1/auth/whoami").status_code == 200
    with box.unit(carla.tenant_id, ana.actor) as uow:
        actions.change_tenant(uow, carla.tenant_id, {"status": TenantStatus.SUSPENDED})
    assert as_carla.get("/api/v1/auth/whoami").status_code == 401


def test_changing_the_password_ends_the_other_sessions_but_not_this_one(box, app, ana, as_ana):
    other = actions.sign_in(box, email=ana.email, password=PASSWORD, device=HERE)
    assert as_ana.post("/api/v1/auth/password", json={"current": PASSWORD, "new": NEW}).status_code == 204
    assert actions.recognise(box, Presented(cookie=other.secret)) is None
    assert as_ana.get("/api/v1/auth/whoami").status_code == 200
    with pytest.raises(WrongCredentials):
        actions.sign_in(box, email=ana.email, password=PASSWORD, device=HERE)
    assert actions.sign_in(box, email=ana.email, password=NEW, device=HERE)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong", NEW, "current"), (PASSWORD, "short", "new"), (PASSWORD, "password12345", "new"), (PASSWORD, "ana-solara-2024", "new")],
)
def test_a_password_change_says_which_field_is_wrong(as_ana, current, new, field):
    answer = as_ana.post("/api/v1/auth/password", json={"current": current, "new": new})
    assert answer.status_code == 422
    assert list(answer.get_json()["fields"]) == [field]


def test_guessing_the_current_password_is_stopped(box, ana):
    change = {"user_id": ana.user_id, "tenant_id": ana.tenant_id, "keep_session": ana.user_id, "new": NEW, "device": HERE}
    for _ in range(10):
        with pytest.raises(WeakPassword):
            actions.change_password(box, current="wrong", **change)
    with pytest.raises(TooMany):
        actions.change_password(box, current=PASSWORD, **change)


def test_an_outdated_hash_is_renewed_at_the_next_sign_in(box, ana):
    from argon2 import PasswordHasher

    from appliance.domains.identity.actions import hashing

    with box.whole_box("test") as uow:
        weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
        uow.session.get_one(User, ana.user_id).password_hash = weak
    actions.sign_in(box, email=ana.email, password=PASSWORD, device=HERE)
    with box.whole_box("test") as uow:
        assert not hashing.is_outdated(uow.session.get_one(User, ana.user_id).password_hash)


def test_no_password_is_ever_on_record(box, ana, as_ana):
    as_ana.post("/api/v1/auth/password", json={"current": PASSWORD, "new": NEW})
    with box.whole_box("test") as uow:
        said = " ".join(str(vars(line)) for line in uow.session.query(AuditEntry))
    assert "password.changed" in said
    assert PASSWORD not in said
    assert NEW not in said
    assert "argon2" not in said
