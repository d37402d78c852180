"""What every address owes a program that asks twice, or that edits what somebody else edits. A new route is met here by itself."""

import io
import re

import pytest

from tests.routes import objects

SIGN_IN = "/api/v1/auth/"
# tus has manners of its own: an upload begun twice is forgotten by itself, and each piece names the place it goes to
TUS = "/api/v1/documents/tus"


def routes_of(world):
    return [route for manifest in world.box.registry.manifests for api in manifest.apis for route in api.routes]


def apis_of(world):
    return [api for manifest in world.box.registry.manifests for api in manifest.apis]


def test_every_post_of_somebody_signed_in_honours_the_idempotency_key(world):
    wanted = [route for route in routes_of(world) if route.method == "POST" and route.need.access != "public"]
    assert len(wanted) > 25
    assert [route.rule for route in wanted if not route.idempotent and not route.rule.startswith((SIGN_IN, TUS))] == []


def test_everything_that_is_changed_can_be_read_with_its_version_first(world):
    alone = [
        f"{route.method} {route.rule}"
        for api in apis_of(world)
        for route in api.routes
        if route.method in {"PATCH", "PUT"} and api.shown_at(route) is None and not route.rule.startswith(TUS)
    ]
    assert alone == []


@pytest.mark.only_database("sqlite")  # what is kept for a repeat is looked at on both in tests/core/test_web_edge.py
def test_a_repeat_with_the_same_key_changes_nothing(world):
    wrong = []
    for door in [door for door in world.guarded if door.method == "POST" and not door.is_page and not door.rule.startswith((SIGN_IN, TUS))]:
        values = objects.random_values(door.parameters) | world.make(door.parameters)
        ids = {name: value for name, value in values.items() if name != "tenant_id"}
        body = world.body_for(door, ids)
        ana = world.enter(world.cast.ana)
        headers = {"Idempotency-Key": str(door), "Accept": "application/json"}
        first = ana.post(door.path(values), json=body, headers=headers)
        is_done = first.status_code < 400 and "event-stream" not in first.content_type
        before = world.belongings(world.cast.ana) if is_done else {}
        again = ana.post(door.path(values), json=body, headers=headers)
        if is_done:
            if not (again.headers.get("Idempotency-Replayed") or again.status_code == 409):
                wrong.append(f"{door}: {again.status_code} was done again")
            if world.belongings(world.cast.ana) != before:
                wrong.append(f"{door}: changed something")
        elif again.status_code != first.status_code:
            wrong.append(f"{door}: {first.status_code} and then {again.status_code}")
    assert wrong == []


def test_a_change_of_another_version_is_refused_everywhere(world):
    wrong = []
    doors = [door for door in world.guarded if door.method in {"PATCH", "PUT"} and not door.rule.startswith(TUS)]
    known = {door: objects.random_values(door.parameters) | world.make(door.parameters) for door in doors}
    ana, before = world.enter(world.cast.ana), world.belongings(world.cast.ana)
    for door, values in known.items():
        body = world.body_for(door, {name: value for name, value in values.items() if name != "tenant_id"})
        answer = ana.open(door.path(values), method=door.method, json=body, headers={"If-Match": '"another"'})
        if answer.status_code != 412 or answer.mimetype != "application/problem+json":
            wrong.append(f"{door}: {answer.status_code} {answer.get_data(as_text=True)[:120]}")
    assert wrong == []
    assert world.belongings(world.cast.ana) == before


def test_the_version_that_was_read_may_be_changed_once(world):
    ana, address = world.enter(world.cast.ana), "/api/v1/users/me"
    shown = ana.get(address)
    assert ana.get(address, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    mine = {"If-Match": shown.headers["ETag"]}
    changed = ana.patch(address, json={"name": "Ana Maria"}, headers=mine)
    assert (changed.status_code, changed.headers["ETag"]) == (200, ana.get(address).headers["ETag"])
    assert ana.patch(address, json={"name": "Mariana"}, headers=mine).status_code == 412
    assert ana.patch(address, json={"name": "Mariana"}, headers={"If-Match": changed.headers["ETag"]}).status_code == 200
    assert ana.patch(address, json={"name": "Ana"}, headers={"If-Match": "*"}).status_code == 200


def test_a_secret_is_shown_once_and_never_kept_for_a_repeat(world):
    ana, key = world.enter(world.cast.ana), {"Idempotency-Key": "one"}
    body = {"name": "till", "scopes": ["contacts:read"]}
    made = ana.post("/api/v1/api-keys", json=body, headers=key)
    again = ana.post("/api/v1/api-keys", json=body, headers=key)
    assert (made.status_code, again.status_code, len(ana.get("/api/v1/api-keys").json)) == (201, 409, 1)


def test_an_upload_that_is_repeated_is_one_document_whatever_the_boundary_is(world):
    ana, key = world.enter(world.cast.ana), {"Idempotency-Key": "upload"}
    sent = [
        ana.post("/api/v1/documents/upload", data={"file": (io.BytesIO(content), "a.txt")}, headers=key, content_type="multipart/form-data")
        for content in (b"Abrimos aos domingos.", b"Abrimos aos domingos.", b"Outra coisa.")
    ]
    assert [answer.status_code for answer in sent] == [201, 201, 422]
    assert sent[0].json == sent[1].json


def test_every_address_is_told_as_callers_write_it(world):
    paths = world.app.test_client().get("/api/v1/openapi.json").json["paths"]
    assert [path for path in paths if "<" in path] == []
    assert set(paths["/webhooks/whatsapp"]) == {"get", "post"}
    named = {(path, name) for path in paths for name in re.findall(r"{(\w+)}", path)}
    asked = [(path, one) for path, methods in paths.items() for method in methods.values() for one in method["parameters"]]
    assert {(path, one["name"]) for path, one in asked if one["in"] == "path"} == named


def test_an_answer_that_a_view_writes_itself_is_documented_as_one(world):
    paths = world.app.test_client().get("/api/v1/openapi.json").json["paths"]
    assert min(paths["/api/v1/contacts/export"]["get"]["responses"]) == "200"
    assert min(paths["/api/v1/contacts/{contact_id}"]["delete"]["responses"]) == "204"
