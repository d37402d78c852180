import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import current_app, request
from openapi_spec_validator import validate
from pydantic import Field, ValidationError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from appliance.core import clock, housekeeping, web
from appliance.core.config import RedisSettings
from appliance.core.errors import Conflict, NotFound, TooMany, Unauthenticated, Unavailable
from appliance.core.ids import new_id
from appliance.core.manifest import Check, CheckResult, Manifest
from appliance.core.queue_server import connect_redis
from appliance.core.web import api as edge
from appliance.core.web.idempotency import ABANDONED_AFTER, UNSETTLED, IdempotentAnswer
from appliance.core.web.problems import refusal_of
from tests.core import ledger

api = web.Api("ledger")


class EntryIn(web.Schema):
    account: str = Field(min_length=1, max_length=20)
    note: str = ""


class EntryOut(web.Schema):
    account: str
    note: str


class EntryQuery(web.PageQuery):
    tag: list[str] = []


@api.post("/entries", permission="entries:write", body=EntryIn, returns=EntryOut, status=201)
def create(uow, body):
    return ledger.make_entry(uow, body.account)


@api.get("/entries", permission="entries:read", query=EntryQuery, returns=web.PageOf[EntryOut])
def list_all(uow, query):
    found = ledger.entries(uow)
    return web.Page(found[query.offset : query.offset + query.limit], len(found), query.page, query.limit)


@api.post("/entries/slowly", permission="entries:write", body=EntryIn, returns=EntryOut, status=201, unit=False)
def create_slowly(call, body):
    if body.note == "away":
        raise Unavailable("later", retry_after=3)
    if body.note == "again":  # the same request comes once more while this one runs
        again = current_app.test_client().post(request.path, json=request.json, headers=dict(request.headers))
        return {"account": "while it ran", "note": str(again.status_code)}
    with call.unit() as uow:
        return ledger.make_entry(uow, body.account)


FAILURES = {
    "gone": NotFound("no such entry"),
    "clash": Conflict("taken"),
    "away": Unavailable("later", retry_after=3),
    "flood": TooMany("slow down", retry_after=9),
    "bug": ValueError("secret"),
}


@api.get("/entries/fail/<kind>", permission="entries:read", returns=None)
def fail(uow, kind):
    raise FAILURES[kind]


@api.post("/public", access=web.PUBLIC, unit=False, limit="3/minute", returns=EntryOut)
def public(call):
    return {"account": "public", "note": ""}


@pytest.fixture
def manifests():
    roles = ("owner",)
    permissions = {"entries:read": roles, "entries:write": roles}
    return (Manifest("ledger", apis=(api,), permissions=permissions, subscriptions=ledger.MANIFEST.subscriptions),)


def test_an_object_is_made_and_listed(client):
    assert client.post("/api/v1/entries", json={"account": " a "}).get_json() == {"account": "a", "note": ""}
    page = client.get("/api/v1/entries?limit=1").get_json()
    assert (page["total"], len(page["items"]), page["page"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [({"account": ""}, 422, "account"), ({}, 422, "account"), ({"account": "a", "x": 1}, 422, "x"), ([1], 422, "body")],
)
def test_bad_fields_are_named_one_sentence_each(client, body, status, field):
    answer = client.post("/api/v1/entries", json=body)
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert field in answer.get_json()["fields"]


def test_what_a_field_expects_is_said():
    class Wanted(web.Schema):
        share: int = Field(ge=1, le=100)
        colour: str = Field(pattern=r"^#[0-9a-fA-F]{6}$")

    def said(**given):
        with pytest.raises(ValidationError) as refused:
            Wanted.model_validate({"share": 5, "colour": "#000000", **given})
        return {name: str(sentence) for name, sentence in refusal_of(refused.value).fields.items()}

    assert said(share=0) == {"share": "Enter 1 or more."}
    assert said(share=101) == {"share": "Enter 100 or less."}
    assert said(colour="blue") == {"colour": "Enter a colour like #0b6b5d."}


@pytest.mark.parametrize("raw", [b"{", b'{"account": "\\u0000"}', b"[" * 100_000, b"\xff\xfe"])
def test_a_body_that_cannot_be_read_is_a_400_and_a_sentence(client, raw):
    answer = client.post("/api/v1/entries", data=raw, content_type="application/json")
    assert answer.status_code == 400
    assert answer.get_json()["detail"]


def test_a_null_character_in_the_address_is_refused(client):
    assert client.get("/api/v1/entries?tag=%00").status_code == 400


@pytest.mark.parametrize(("kind", "status"), [("gone", 404), ("clash", 409), ("away", 503), ("flood", 429), ("bug", 500)])
def test_every_error_becomes_a_problem_document_that_tells_no_secrets(client, kind, status):
    answer = client.get(f"/api/v1/entries/fail/{kind}")
    assert answer.status_code == status
    body = answer.get_json()
    assert body["status"] == status
    assert "secret" not in answer.text
    assert body["instance"].removeprefix("urn:request:") == answer.headers["X-Request-Id"]
    assert ("Retry-After" in answer.headers) == (kind in {"away", "flood"})


def test_an_error_speaks_the_callers_language(client, somebody):
    somebody.principal = None
    said = {spoken: client.get("/api/v1/entries", headers={"Accept-Language": spoken}).get_json()["detail"] for spoken in ("pt-BR", "en")}
    assert said == {"pt-BR": "Entre para continuar.", "en": "Sign in to continue."}


def test_strangers_are_401_and_the_wrong_role_403(client, somebody):
    somebody.may("entries:read")
    assert client.post("/api/v1/entries", json={"account": "a"}).status_code == 403
    somebody.principal = None
    assert client.get("/api/v1/entries").status_code == 401


def test_the_same_idempotency_key_has_one_effect_and_one_answer(client):
    header = {"Idempotency-Key": "k1"}
    first = client.post("/api/v1/entries", json={"account": "a"}, headers=header)
    again = client.post("/api/v1/entries", json={"account": "a"}, headers=header)
    assert (first.status_code, first.data) == (again.status_code, again.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert client.get("/api/v1/entries").get_json()["total"] == 1
    assert client.post("/api/v1/entries", json={"account": "b"}, headers=header).status_code == 422


def test_callers_past_their_rate_are_told_when_to_come_back(client):
    answers = [client.post("/api/v1/public") for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61


def test_a_body_past_the_limit_is_413(client):
    client.application.config["MAX_CONTENT_LENGTH"] = 1000
    assert client.post("/api/v1/entries", data=b"x" * 2000, content_type="application/json").status_code == 413


def test_a_cookie_without_our_form_token_changes_nothing(client, somebody):
    somebody.principal = replace(somebody.principal, via="cookie")
    assert client.post("/api/v1/entries", json={"account": "a"}).status_code == 403
    client.set_cookie("se_form", "browser")
    assert client.post("/api/v1/entries", json={"account": "a"}, headers={"X-CSRF-Token": "guess"}).status_code == 403


def test_the_openapi_document_is_valid_and_names_what_it_needs(client):
    document = client.get("/api/v1/openapi.json").get_json()
    validate(document)
    operation = document["paths"]["/api/v1/entries"]["post"]
    assert "entries:write" in operation["description"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("EntryIn")
    assert any(p["name"] == "Idempotency-Key" for p in operation["parameters"])


def test_health_says_what_works(client, box):
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").get_json()["checks"]["database"] is True
    box.redis = connect_redis(RedisSettings(url="unix:///nowhere/redis.sock"))
    assert client.get("/health/ready").status_code == 200, "without Redis the box only slows down"
    whole = client.get("/health").get_json()
    assert whole["status"] == "degraded"
    assert whole["checks"]["queue"] is False


def test_health_is_well_without_what_is_not_needed(client, box, monkeypatch):
    assert client.get("/health").get_json()["status"] == "ok"
    for needed, status in ((False, "ok"), (True, "degraded")):
        extra = Check("extra", lambda _box, needed=needed: CheckResult(ok=False, detail="-", needed=needed))
        monkeypatch.setattr(box.registry, "checks", (extra,))
        told = client.get("/health").get_json()
        assert (told["status"], told["checks"]["extra"]) == (status, False)


def test_metrics_have_the_fields_names(client):
    client.get("/api/v1/entries")
    assert b"salesedge_http_request_duration_seconds_bucket" in client.get("/metrics").data


def test_metrics_tell_what_is_owed(client, box, tenant_id):
    with box.unit(tenant_id) as uow:
        ledger.make_entry(uow, "a")
    box.registry.metrics = housekeeping.MANIFEST.metrics
    assert b'salesedge_deliveries{state="pending"} 1.0' in client.get("/metrics").data


def test_metrics_of_the_processes_are_there_without_a_database(client, box, monkeypatch):
    def lost(*_args, **_options):
        raise OperationalError("", {}, Exception("gone"))

    monkeypatch.setattr(box.database, "session", lost)
    box.registry.metrics = housekeeping.MANIFEST.metrics
    assert client.get("/metrics").status_code == 200


def test_metrics_of_all_processes_add_up(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from appliance.core import metrics\n"
        "metrics.share(Path(sys.argv[1])); metrics.OUTCOMES.labels('a', 'fast', 'dead').inc()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    metrics.OUTCOMES.labels('a', 'fast', 'dead').inc(); os._exit(0)\n"
        "os.waitpid(pid, 0); print(metrics.exposition().decode())"
    )
    told = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True).stdout
    assert 'salesedge_jobs_total{job_name="a",outcome="dead",queue="fast"} 2.0' in told


def test_metrics_are_for_this_machine_alone(client):
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 404


def test_a_busy_database_is_a_503_that_says_when_to_come_back(client, monkeypatch):
    monkeypatch.setitem(FAILURES, "bug", OperationalError("UPDATE", {}, Exception("locked")))
    answer = client.get("/api/v1/entries/fail/bug")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def test_an_idempotency_key_belongs_to_its_caller(client, somebody):
    header = {"Idempotency-Key": "k1"}
    client.post("/api/v1/entries", json={"account": "a"}, headers=header)
    somebody.principal = replace(somebody.principal, user_id=new_id())
    assert "Idempotency-Replayed" not in client.post("/api/v1/entries", json={"account": "a"}, headers=header).headers


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_body_in_another_encoding_cannot_smuggle_null_characters(client, encoding):
    answer = client.post("/api/v1/entries", data='{"account": "a\\u0000"}'.encode(encoding), content_type="application/json")
    assert answer.status_code == 400


def test_a_form_token_of_strange_letters_is_refused_like_any_other(client, somebody):
    somebody.principal = replace(somebody.principal, via="cookie")
    client.set_cookie("se_form", "browser")
    assert client.post("/api/v1/entries", data={"csrf_token": "é"}).status_code == 403


def test_whoever_tries_one_bad_key_after_another_is_stopped(client, box, monkeypatch):
    class Nobody:
        def authenticate(self, box, request):
            raise Unauthenticated("This sign-in is no longer valid.")

    box.provide(web.Authenticator, Nobody())
    monkeypatch.setattr(edge, "PER_ADDRESS", "5/minute")
    seen = [client.get("/api/v1/entries").status_code for _ in range(8)]
    assert seen == [401] * 5 + [429] * 3


def test_a_stranger_at_closed_doors_is_counted_too(client, somebody, monkeypatch):
    monkeypatch.setattr(edge, "PER_ADDRESS", "5/minute")
    somebody.principal = None
    assert [client.get("/api/v1/entries").status_code for _ in range(8)] == [401] * 5 + [429] * 3


def test_a_key_at_a_view_with_units_of_its_own_has_one_effect_and_one_answer(client):
    address, header = "/api/v1/entries/slowly", {"Idempotency-Key": "slow"}
    first, again = (client.post(address, json={"account": "a"}, headers=header) for _ in range(2))
    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (201, 201, "true")
    assert first.get_json() == again.get_json()
    assert client.get("/api/v1/entries").get_json()["total"] == 1


def test_a_key_whose_request_failed_is_free_again(client):
    address, header = "/api/v1/entries/slowly", {"Idempotency-Key": "fails"}
    assert client.post(address, json={"account": "a", "note": "away"}, headers=header).status_code == 503
    assert client.post(address, json={"account": "a"}, headers=header).status_code == 201


def test_a_repeat_of_what_still_runs_is_told_to_wait(client):
    answer = client.post("/api/v1/entries/slowly", json={"account": "a", "note": "again"}, headers={"Idempotency-Key": "twice"})
    assert answer.get_json() == {"account": "while it ran", "note": "409"}


def test_a_key_whose_process_died_is_free_after_ten_minutes(client, box, somebody):
    address, header, body = "/api/v1/entries/slowly", {"Idempotency-Key": "dead"}, {"account": "a"}
    client.post(address, json=body, headers=header)
    with box.unit(somebody.principal.tenant_id) as uow:
        kept = uow.session.scalars(select(IdempotentAnswer)).one()
        kept.status, kept.body = UNSETTLED, ""
    assert client.post(address, json=body, headers=header).status_code == 409
    with time_machine.travel(clock.now() + ABANDONED_AFTER + timedelta(seconds=1)):
        assert client.post(address, json=body, headers=header).status_code == 201


def test_a_key_that_is_too_long_is_refused(client):
    assert client.post("/api/v1/entries", json={"account": "a"}, headers={"Idempotency-Key": "k" * 201}).status_code == 422
