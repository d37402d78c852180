from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
import time_machine

from appliance.core import clock
from appliance.core.ids import new_id
from appliance.domains.identity import actions, queries
from appliance.domains.identity.errors import SessionOver
from appliance.domains.identity.rules import tokens
from appliance.domains.identity.schemas import AuditQuery
from appliance.domains.identity.types import SESSION_COOKIE, Device, Presented
from tests import cast as people
from tests.statements import statements_of

HERE = Device("192.0.2.1", "tests")
WHOAMI = "/api/v1/auth/whoami"


@pytest.fixture
def pair(box, ana):
    return actions.sign_in_for_tokens(box, email=ana.email, password=people.PASSWORD, device=HERE)


@pytest.fixture
def stranger(app):
    return app.test_client()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_an_access_token_lives_fifteen_minutes(stranger, pair):
    assert stranger.get(WHOAMI, headers=bearer(pair.access_token)).status_code == 200
    with time_machine.travel(clock.now() + timedelta(minutes=15, seconds=1)):
        assert stranger.get(WHOAMI, headers=bearer(pair.access_token)).status_code == 401


def claims(pair, **changed):
    now = clock.now()
    good = {"iss": "salesedge", "aud": "salesedge-api", "sub": str(pair.user_id), "sid": str(pair.session_id)}
    good |= {"iat": now, "exp": now + timedelta(minutes=5)}
    return {name: value for name, value in (good | changed).items() if value is not None}


def bad_tokens(box, pair):
    key = box.keys.token_key
    head, body, signature = pair.access_token.split(".")
    yield "alg none", jwt.encode(claims(pair), None, algorithm="none")
    yield "signature cut off", f"{head}.{body}."
    yield "signature changed", f"{head}.{body}.{signature[:-4]}AAAA"
    yield "another key", jwt.encode(claims(pair), b"k" * 32, algorithm="HS256")
    yield "another algorithm", jwt.encode(claims(pair), key * 2, algorithm="HS512")
    yield "another algorithm, our key", jwt.encode(claims(pair), key + b"\0" * 32, algorithm="HS384")
    yield "expired", jwt.encode(claims(pair, exp=clock.now() - timedelta(seconds=1)), key, algorithm="HS256")
    yield "not yet", jwt.encode(claims(pair, nbf=clock.now() + timedelta(hours=1)), key, algorithm="HS256")
    yield "never expires", jwt.encode(claims(pair, exp=None), key, algorithm="HS256")
    yield "another audience", jwt.encode(claims(pair, aud="elsewhere"), key, algorithm="HS256")
    yield "another issuer", jwt.encode(claims(pair, iss="elsewhere"), key, algorithm="HS256")
    yield "no session", jwt.encode(claims(pair, sid=None), key, algorithm="HS256")
    yield "a session that never was", jwt.encode(claims(pair, sid=str(new_id())), key, algorithm="HS256")
    yield "somebody else's session", jwt.encode(claims(pair, sub=str(new_id())), key, algorithm="HS256")
    yield "no uuid", jwt.encode(claims(pair, sid="x"), key, algorithm="HS256")
    yield "a list", jwt.encode(claims(pair, sid=["x"]), key, algorithm="HS256")
    yield "not a token", "abc"
    yield "empty parts", ".."
    yield "not ascii", "é.é.é".encode().decode("latin-1")
    yield "the refresh token", pair.refresh_token
    yield "nothing", ""
    yield "huge", "a" * 20_000


def test_no_bad_token_opens_the_door(box, stranger, pair):
    assert stranger.get(WHOAMI, headers=bearer(jwt.encode(claims(pair), box.keys.token_key, algorithm="HS256"))).status_code == 200
    for why, token in bad_tokens(box, pair):
        answer = stranger.get(WHOAMI, headers=bearer(token))
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json"), why


def test_another_scheme_than_bearer_is_refused(stranger):
    assert stranger.get(WHOAMI, headers={"Authorization": "Basic YTpi"}).status_code == 401


def test_refresh_gives_a_new_pair_and_takes_the_old_token_away(stranger, pair):
    answer = stranger.post("/api/v1/auth/refresh", json={"refresh_token": pair.refresh_token})
    assert answer.status_code == 200
    fresh = answer.get_json()
    assert fresh["refresh_token"] != pair.refresh_token
    assert stranger.get(WHOAMI, headers=bearer(fresh["access_token"])).status_code == 200


def test_a_refresh_token_used_again_revokes_the_family(box, stranger, pair, ana):
    fresh = actions.refresh(box, pair.refresh_token)
    assert stranger.post("/api/v1/auth/refresh", json={"refresh_token": pair.refresh_token}).status_code == 401
    with pytest.raises(SessionOver):
        actions.refresh(box, fresh.refresh_token)
    assert stranger.get(WHOAMI, headers=bearer(fresh.access_token)).status_code == 401
    with box.unit(ana.tenant_id) as uow:
        assert queries.list_audit(uow, AuditQuery(action="session.reuse_detected")).total == 1


def test_of_two_refreshes_at_once_exactly_one_succeeds(box, pair):
    def attempt(_):
        try:
            return actions.refresh(box, pair.refresh_token)
        except SessionOver as err:
            return err

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(attempt, range(4)))
    winners = [result for result in results if not isinstance(result, SessionOver)]
    assert len(winners) == 1
    with pytest.raises(SessionOver):  # and the other's reuse has ended the family
        actions.refresh(box, winners[0].refresh_token)


def test_a_forged_refresh_token_cannot_end_a_session(box, pair):
    forged = tokens.make_refresh(pair.session_id, b"another key", b"r" * 25)
    for token in (forged, "ser_", "ser_!!!!", "x", pair.refresh_token[:-3], pair.access_token):
        with pytest.raises(SessionOver):
            actions.refresh(box, token)
    assert actions.refresh(box, pair.refresh_token)


def test_a_refresh_token_lives_seven_days_and_each_use_renews_them(box, pair):
    start = clock.now()
    with time_machine.travel(start + timedelta(days=6)):
        fresh = actions.refresh(box, pair.refresh_token)
    with time_machine.travel(start + timedelta(days=12)):
        fresh = actions.refresh(box, fresh.refresh_token)
    with time_machine.travel(start + timedelta(days=20)), pytest.raises(SessionOver):
        actions.refresh(box, fresh.refresh_token)


def test_a_browser_is_recognised_by_its_cookie_until_it_signs_out(box, app, ana):
    browser = people.sign_in_browser(box, app, ana)
    assert browser.get(WHOAMI).get_json()["via"] == "cookie"
    assert browser.post("/api/v1/auth/logout").status_code == 204
    assert browser.get(WHOAMI).status_code == 401


def test_a_cookie_alone_changes_nothing(app, box, ana):
    browser = people.enter(box, app, ana)
    del browser.environ_base["HTTP_X_CSRF_TOKEN"]
    assert browser.patch("/api/v1/users/me", json={"name": "Eve"}).status_code == 403


def test_a_stale_cookie_is_a_stranger_who_may_sign_in_again(app, cast):
    browser = app.test_client()
    browser.set_cookie(SESSION_COOKIE, "no-longer-good")
    assert browser.get(WHOAMI).status_code == 401
    assert browser.post("/api/v1/auth/login", json={"email": "ana@solara.example", "password": people.PASSWORD}).status_code == 200


def test_a_refresh_token_is_no_cookie_and_a_cookie_no_token(box, ana, pair):
    assert actions.recognise(box, Presented(cookie=pair.refresh_token)) is None
    browser = actions.sign_in(box, email=ana.email, password=people.PASSWORD, device=HERE)
    access = tokens.issue_access(tokens.Access(browser.user_id, browser.session_id), box.keys.token_key, clock.now())
    with pytest.raises(SessionOver):
        actions.recognise(box, Presented(bearer=access))


def test_people_see_and_end_their_own_sessions_only(box, app, ana, as_ana, as_bruno):
    other = actions.sign_in(box, email=ana.email, password=people.PASSWORD, device=HERE)
    listed = as_ana.get("/api/v1/sessions").get_json()
    assert str(other.session_id) in {each["id"] for each in listed}
    assert not any("secret" in name or "sha" in name for name in listed[0])
    assert as_bruno.delete(f"/api/v1/sessions/{other.session_id}").status_code == 404
    assert as_ana.delete(f"/api/v1/sessions/{other.session_id}").status_code == 204
    assert actions.recognise(box, Presented(cookie=other.secret)) is None
    assert as_ana.delete("/api/v1/sessions").status_code == 204
    assert len(as_ana.get("/api/v1/sessions").get_json()) == 1


def test_a_session_works_in_the_tenant_it_was_switched_to(box, as_ana, ana, carla):
    join_tenant(box, carla.tenant_id, ana.user_id)
    assert as_ana.get(WHOAMI).get_json()["tenant_id"] == str(ana.tenant_id)
    assert as_ana.post("/api/v1/auth/tenant", json={"tenant_id": str(carla.tenant_id)}).status_code == 204
    me = as_ana.get(WHOAMI).get_json()
    assert (me["tenant_id"], me["role"]) == (str(carla.tenant_id), "agent")


def test_nobody_switches_to_a_tenant_that_is_not_theirs(as_bruno, carla):
    assert as_bruno.post("/api/v1/auth/tenant", json={"tenant_id": str(carla.tenant_id)}).status_code == 404


def test_the_header_names_the_tenant_and_a_foreign_one_is_not_found(box, as_ana, as_bruno, ana, carla):
    assert as_bruno.get(WHOAMI, headers={"X-Tenant-ID": str(carla.tenant_id)}).status_code == 404
    assert as_bruno.get(WHOAMI, headers={"X-Tenant-ID": "not-an-id"}).status_code == 404
    join_tenant(box, carla.tenant_id, ana.user_id)
    me = as_ana.get(WHOAMI, headers={"X-Tenant-ID": str(carla.tenant_id)}).get_json()
    assert me["tenant_id"] == str(carla.tenant_id)


def test_a_program_of_several_tenants_must_name_one(box, app, ana, carla):
    join_tenant(box, carla.tenant_id, ana.user_id)
    program = people.sign_in_api(box, app, ana)
    assert program.get("/api/v1/users/me").status_code == 422
    assert program.get(WHOAMI, headers={"X-Tenant-ID": str(carla.tenant_id)}).status_code == 200
    assert program.get(f"/api/v1/tenants/{carla.tenant_id}").status_code == 200


def test_a_program_learns_which_tenants_it_has_before_it_names_one(box, app, bruno, carla):
    join_tenant(box, carla.tenant_id, bruno.user_id)
    program = people.sign_in_api(box, app, bruno)
    both = {str(bruno.tenant_id), str(carla.tenant_id)}
    assert {each["id"] for each in program.get("/api/v1/tenants").get_json()["items"]} == both
    me = program.get(WHOAMI).get_json()
    assert (me["tenant_id"], me["role"], me["permissions"], set(me["tenants"])) == (None, "", [], both)
    assert program.post("/api/v1/auth/tenant", json={"tenant_id": str(carla.tenant_id)}).status_code == 204
    assert program.get(WHOAMI).get_json()["tenant_id"] == str(carla.tenant_id)


def test_what_this_box_made_is_told_from_what_is_made_up_without_reading(box, ana):
    cookie = actions.sign_in(box, email=ana.email, password=people.PASSWORD, device=HERE).secret
    bearer = actions.sign_in_for_tokens(box, email=ana.email, password=people.PASSWORD, device=HERE).access_token
    with box.unit(ana.tenant_id) as uow:
        granter = actions.Granter("owner", box.registry.all_permissions())
        key = actions.create_api_key(uow, user_id=ana.user_id, name="K", scopes=["tenant:read"], granter=granter).secret
    other = "0" if key[-1] != "0" else "1"
    ours = [Presented(cookie=cookie), Presented(bearer=bearer), Presented(api_key=key), Presented(bearer=key)]
    made_up = [Presented(), Presented(cookie="é" * 60), Presented(bearer=bearer[:-4]), Presented(api_key=key[:-1] + other)]
    with statements_of(box) as statements:
        assert [shown for shown in (*ours, *made_up) if actions.is_ours(box, shown)] == ours
    assert statements == []


def test_recognising_a_caller_reads_once_and_writes_nothing(box, ana):
    cookie = actions.sign_in(box, email=ana.email, password=people.PASSWORD, device=HERE).secret
    pair = actions.sign_in_for_tokens(box, email=ana.email, password=people.PASSWORD, device=HERE)
    for shown in (Presented(cookie=cookie), Presented(bearer=pair.access_token)):
        with statements_of(box) as statements:
            assert actions.recognise(box, shown)
        own = [statement for statement, _values in statements if "set_config" not in statement and statement != "BEGIN"]
        assert len(own) == 1
        assert own[0].startswith("SELECT")


@pytest.mark.only_database("sqlite")  # PostgreSQL's planner scans tables of a few rows
def test_recognising_a_caller_uses_an_index(box, ana):
    with statements_of(box) as statements:
        actions.recognise(box, Presented(cookie="x"))
    statement, values = next(found for found in statements if found[0].startswith("SELECT"))
    with box.database.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert not [row for row in plan if row[3].startswith("SCAN")], plan


def test_when_a_credential_was_seen_is_written_by_a_job(box, app, as_ana, ana):
    from appliance.domains.identity import jobs

    with time_machine.travel(clock.now() + timedelta(minutes=30)):
        as_ana.get(WHOAMI)
        jobs.note_seen(box)
        with box.unit(ana.tenant_id) as uow:
            session = queries.list_sessions(uow, ana.user_id)[0]
            assert (clock.now() - session.last_seen_at) < timedelta(seconds=10)


def join_tenant(box, tenant_id: UUID, user_id: UUID) -> None:
    with box.unit(tenant_id) as uow:
        actions.add_member(uow, queries.get_user(uow, user_id), "agent")
