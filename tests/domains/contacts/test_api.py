"""The same, over HTTP."""

import io

import pytest

from tests.factories.contacts import make_contact

ANA = {"name": "Ana", "email": "Ana@Solara.example", "phone": "11 98888-7777", "tags": ["VIP"]}


@pytest.fixture
def ana(client):
    return client.post("/api/v1/contacts", json=ANA).json


def test_a_contact_is_made_read_changed_and_deleted(client, ana):
    address = f"/api/v1/contacts/{ana['id']}"
    assert (ana["email"], ana["phone_e164"], ana["tags"]) == ("ana@solara.example", "+5511988887777", ["vip"])
    assert client.get(address).json == ana
    assert client.patch(address, json={"company": "Solara"}).json["company"] == "Solara"
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_wrong_fields_are_named(client):
    refused = client.post("/api/v1/contacts", json={"email": "nobody"})
    assert (refused.status_code, list(refused.json["fields"])) == (422, ["email"])
    assert client.post("/api/v1/contacts", json={"surname": "x"}).status_code == 422


def test_a_second_contact_with_the_same_phone_is_a_conflict(client, ana):
    assert client.post("/api/v1/contacts", json={"phone": "+55 11 8888-7777"}).status_code == 409


def test_upsert_recognises_and_replaces(client, ana):
    found = client.post("/api/v1/contacts/upsert", json={"identities": [{"kind": "phone", "value": "5511988887777"}], "name": "Ana Lima"})
    assert (found.status_code, found.json["id"], found.json["name"], found.json["tags"]) == (200, ana["id"], "Ana Lima", ["vip"])
    assert client.post("/api/v1/contacts/upsert", json={}).status_code == 422
    identities = client.get(f"/api/v1/contacts/{ana['id']}/identities").json
    assert [identity["value"] for identity in identities] == ["ana@solara.example", "+5511988887777"]


def test_the_second_of_two_editors_is_told(client, ana):
    address = f"/api/v1/contacts/{ana['id']}"
    tag = client.get(address).headers["ETag"]
    first = client.patch(address, json={"name": "A"}, headers={"If-Match": tag})
    assert first.status_code == 200
    assert client.patch(address, json={"name": "B"}, headers={"If-Match": tag}).status_code == 412
    assert client.patch(address, json={"name": "B"}, headers={"If-Match": '"other"'}).status_code == 412
    assert client.patch(address, json={"name": "B"}, headers={"If-Match": '"a""b"'}).status_code == 412
    assert client.patch(address, json={"name": "B"}, headers={"If-Match": first.headers["ETag"]}).status_code == 200
    assert client.patch(address, json={"name": "C"}, headers={"If-Match": "*"}).status_code == 200


def test_the_list_is_searched_and_paged(client, ana):
    client.post("/api/v1/contacts", json={"name": "Bia"})
    page = client.get("/api/v1/contacts?q=ana&tag=vip&limit=1").json
    assert ([contact["name"] for contact in page["items"]], page["total"], page["limit"]) == (["Ana"], 1, 1)
    assert client.get("/api/v1/contacts?sort=sideways").status_code == 422


def test_two_contacts_are_merged_and_parted(client, ana):
    other = client.post("/api/v1/contacts", json={"name": "Aninha", "company": "Solara"}).json
    merge = client.post(f"/api/v1/contacts/{ana['id']}/merge", json={"contact_id": other["id"]})
    assert merge.status_code == 201
    assert client.get(f"/api/v1/contacts/{other['id']}").json["id"] == ana["id"]
    assert [row["id"] for row in client.get(f"/api/v1/contacts/{ana['id']}/merges").json] == [merge.json["id"]]
    assert client.post(f"/api/v1/contacts/merges/{merge.json['id']}/undo").json["undone_at"]
    assert client.get(f"/api/v1/contacts/{other['id']}").json["id"] == other["id"]


def test_notes_consents_and_the_timeline(client, ana):
    address = f"/api/v1/contacts/{ana['id']}"
    assert client.post(f"{address}/notes", json={"body": "Ligar"}).status_code == 201
    said = {"channel": "whatsapp", "purpose": "marketing", "mode": "opt_in", "source": "form"}
    assert client.post(f"{address}/consents", json=said).status_code == 201
    assert [note["body"] for note in client.get(f"{address}/notes").json] == ["Ligar"]
    assert [consent["mode"] for consent in client.get(f"{address}/consents").json] == ["opt_in"]
    timeline = client.get(f"{address}/timeline").json
    assert {entry["kind"] for entry in timeline["items"]} == {"contact.created", "note.added", "consent.granted"}
    assert client.get("/api/v1/contacts?consent=marketing").json["total"] == 1


def test_settings_are_read_and_changed(client):
    assert client.get("/api/v1/contacts/settings").json == {"default_region": "BR", "opt_out_words": []}
    wanted = {"default_region": "PT", "opt_out_words": ["chega"]}
    assert client.put("/api/v1/contacts/settings", json=wanted).json == wanted
    assert client.get("/api/v1/contacts/settings").json == wanted


def as_form(content):
    return {"data": {"file": (io.BytesIO(content), "lista.csv")}}


def as_body(content):
    return {"data": content, "query_string": {"file_name": "lista.csv"}}


@pytest.mark.parametrize("sent", [as_form, as_body])
def test_a_file_is_uploaded_and_imported(client, run_deliveries, sent):
    uploaded = client.post("/api/v1/contacts/import", **sent(b"nome,email\nAna,ana@x.example\nBia,nada\n"))
    assert (uploaded.status_code, uploaded.json["file_name"], uploaded.json["rows_total"]) == (201, "lista.csv", 2)
    assert uploaded.json["mapping"] == {"nome": "name", "email": "email"}
    assert uploaded.json["sample"] == [["Ana", "ana@x.example"], ["Bia", "nada"]]
    address = f"/api/v1/contacts/import/{uploaded.json['id']}"
    assert client.post(f"{address}/start", json={}).status_code == 202
    run_deliveries()
    assert client.get(address).json["status"] == "done"
    [problem] = client.get(f"{address}/problems").json
    assert (problem["line"], problem["field"]) == (3, "email")
    assert client.get(f"{address}/problems.csv").text.splitlines()[1].startswith("3,email,")
    assert [run["rows_created"] for run in client.get("/api/v1/contacts/import").json] == [2]


def test_what_is_no_table_is_refused(client):
    assert client.post("/api/v1/contacts/import", data=b"").status_code == 422


def test_all_that_match_are_exported(client, box, tenant_id, monkeypatch):
    monkeypatch.setattr("appliance.domains.contacts.api.files.EXPORT_SLICE", 2)
    with box.unit(tenant_id) as uow:
        for number in range(5):
            make_contact(uow, name=f"=HYPERLINK({number})", tags=["vip"])
        make_contact(uow, name="Outra")
    answer = client.get("/api/v1/contacts/export?tag=vip")
    lines = answer.text.splitlines()
    assert (answer.mimetype, len(lines), lines[0].startswith("\ufeffid,name")) == ("text/csv", 6, True)
    assert all(",'=HYPERLINK(" in line for line in lines[1:])


@pytest.mark.parametrize(
    ("permission", "method", "path"),
    [
        ("contacts:write", "POST", "/api/v1/contacts"),
        ("contacts:delete", "DELETE", "/api/v1/contacts/00000000-0000-0000-0000-000000000001"),
        ("contacts:export", "GET", "/api/v1/contacts/export"),
        ("contacts:configure", "PUT", "/api/v1/contacts/settings"),
    ],
)
def test_reading_alone_opens_nothing_else(client, somebody, permission, method, path):
    somebody.may("contacts:read")
    assert client.open(path, method=method, json={}).status_code == 403
    somebody.may(permission)
    assert client.open(path, method=method, json={}).status_code != 403
