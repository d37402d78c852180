"""A tus client's conversation with the box, byte by byte: https://tus.io/protocols/resumable-upload"""

import base64
import math
import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from appliance.core.errors import NotFound, Unavailable
from appliance.core.files import StoredFile
from appliance.core.ids import new_id
from appliance.core.web import files
from appliance.domains.knowledge import actions, jobs
from appliance.domains.knowledge.actions import pieces
from appliance.domains.knowledge.errors import PieceOutOfPlace
from appliance.domains.knowledge.subscribers import indexing
from appliance.domains.knowledge.tables import Upload

TEXT = "# Trocas\n\nO prazo para troca por arrependimento é de 7 dias corridos após o recebimento.\n".encode()
TUS = {"Tus-Resumable": "1.0.0"}


def said(**metadata):
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in metadata.items())


@pytest.fixture(autouse=True)
def pieces_of_a_few_bytes(monkeypatch):
    monkeypatch.setattr(pieces, "SMALLEST_PIECE", 8)


@pytest.fixture
def begin(client):
    def start(**metadata):
        headers = {**TUS, "Upload-Length": str(len(TEXT)), "Upload-Metadata": said(**{"filename": "trocas.md", **metadata})}
        return client.post("/api/v1/documents/tus", headers=headers)

    return start


@pytest.fixture
def send(client):
    def piece(address, offset, body, **headers):
        wanted = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream", **headers}
        return client.patch(address, data=body, headers=wanted)

    return piece


def blobs_of(box, tenant_id):
    """Each of them is known: none can be left behind."""
    found = [path.name for path in (box.settings.home / "blobs" / tenant_id.hex).rglob("*") if path.is_file()]
    with box.unit(tenant_id, read_only=True) as uow:
        assert {file_id.hex for file_id in uow.session.scalars(select(StoredFile.id))} == set(found)
    return found


def test_a_file_in_pieces_becomes_a_document_that_answers(client, begin, send, run_deliveries, box, tenant_id, monkeypatch):
    monkeypatch.setattr(indexing, "KEPT_FROM_S", math.inf)
    begun = begin(tags="loja,2026")
    assert (begun.status_code, begun.headers["Tus-Resumable"]) == (201, "1.0.0")
    address = begun.headers["Location"]
    assert send(address, 0, TEXT[:20]).headers["Upload-Offset"] == "20"
    far = client.head(address, headers=TUS)
    assert (far.status_code, far.headers["Upload-Offset"], far.headers["Upload-Length"]) == (200, "20", str(len(TEXT)))
    last = send(address, 20, TEXT[20:])
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(TEXT)))
    run_deliveries()
    assert client.get(f"/api/v1/documents/{last.headers['Document-Id']}/file").data == TEXT
    assert client.get(f"/api/v1/documents/{last.headers['Document-Id']}").json["tags"] == ["loja", "2026"]
    assert "7 dias" in client.post("/api/v1/rag/query", json={"query": "qual o prazo para troca?"}).json["answer"]
    assert len(blobs_of(box, tenant_id)) == 1, "the file; the pieces are gone"


def test_a_piece_out_of_place_is_refused_and_says_where_to_go_on(begin, send, box, tenant_id):
    address = begin().headers["Location"]
    send(address, 0, TEXT[:20])
    again = send(address, 0, TEXT[:20])
    assert (again.status_code, "byte 20" in again.json["detail"]) == (409, True)
    assert len(blobs_of(box, tenant_id)) == 1


def test_more_than_was_announced_is_refused(client, begin, send, box, tenant_id):
    address = begin().headers["Location"]
    refused = send(address, 0, TEXT + b"x")
    assert (refused.status_code, "announced" in refused.json["detail"]) == (422, True)
    assert client.head(address).headers["Upload-Offset"] == "0"
    assert blobs_of(box, tenant_id) == []


def test_only_the_last_piece_may_be_small(client, send, box, tenant_id, monkeypatch):
    monkeypatch.undo()
    least, rest = 2**16, 10
    headers = {**TUS, "Upload-Length": str(least + rest), "Upload-Metadata": said(filename="a.md")}
    address = client.post("/api/v1/documents/tus", headers=headers).headers["Location"]
    small = send(address, 0, b"a" * (least - 1))
    assert (small.status_code, "64 KiB" in small.json["detail"]) == (422, True)
    assert (client.head(address).headers["Upload-Offset"], blobs_of(box, tenant_id)) == ("0", [])
    assert [send(address, 0, b"a" * least).status_code, send(address, least, b"a").status_code] == [204, 422]
    assert "Document-Id" in send(address, least, b"a" * rest).headers


def test_an_organisation_has_only_so_many_files_on_their_way(client, begin, send, monkeypatch):
    monkeypatch.setattr(pieces, "MOST_OPEN", 2)
    first, second = (begin(filename=name).headers["Location"] for name in ("a.md", "b.md"))
    refused = begin(filename="c.md")
    assert (refused.status_code, "2 files" in refused.json["detail"]) == (409, True)
    send(first, 0, TEXT)
    assert begin(filename="c.md").status_code == 201, "one became a document"
    client.delete(second)
    assert begin(filename="d.md").status_code == 201


def test_a_whole_upload_takes_no_byte_more(client, begin, send, box, tenant_id, run_deliveries, monkeypatch):
    monkeypatch.setattr(indexing, "KEPT_FROM_S", math.inf)
    address = begin().headers["Location"]
    send(address, 0, TEXT)
    assert send(address, len(TEXT), b"x").status_code == 422
    assert client.head(address).headers["Upload-Offset"] == str(len(TEXT))
    run_deliveries()
    assert len(blobs_of(box, tenant_id)) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.0"}, 422),
        ({"Upload-Length": "many"}, 422),
        ({"Upload-Length": "0"}, 422),
        ({"Upload-Length": str(2**49)}, 422),
        ({"Upload-Metadata": "filename !!!"}, 422),
        ({"Upload-Metadata": ""}, 422),
        ({"Upload-Metadata": said(filename="a.md", agent_id="nobody")}, 422),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(client, headers, status):
    wanted = {**TUS, "Upload-Length": "10", "Upload-Metadata": said(filename="a.md"), **headers}
    answer = client.post("/api/v1/documents/tus", headers=wanted)
    assert (answer.status_code, bool(answer.json["detail"])) == (status, True)


def test_a_piece_needs_its_type_and_the_protocol(begin, send):
    address = begin().headers["Location"]
    assert send(address, 0, TEXT, **{"Content-Type": "text/plain"}).status_code == 422
    assert send(address, 0, TEXT, **{"Tus-Resumable": ""}).status_code == 422


def test_an_upload_given_up_leaves_nothing(client, begin, send, box, tenant_id, run_deliveries):
    address = begin().headers["Location"]
    send(address, 0, TEXT[:20])
    assert client.delete(address).status_code == 204
    assert client.head(address).status_code == 404
    run_deliveries()
    assert blobs_of(box, tenant_id) == []


def test_of_two_writers_at_one_place_one_is_refused(begin, box, tenant_id):
    import io

    upload_id = UUID(begin().headers["Location"].rpartition("/")[2])
    ends, together = [], threading.Barrier(2)

    def write():
        together.wait()
        try:
            actions.add_piece(box, tenant_id, upload_id, 0, io.BytesIO(TEXT[:20]))
            ends.append("kept")
        except PieceOutOfPlace:
            ends.append("refused")

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(ends) == ["kept", "refused"]
    assert len(blobs_of(box, tenant_id)) == 1


def test_a_whole_upload_that_no_document_came_of_is_mended(begin, send, client, box, tenant_id, monkeypatch):
    """The box stopped between the last piece and the document."""
    address = begin().headers["Location"]
    send(address, 0, TEXT[:20])

    def stops(*_given, **_more):
        raise Unavailable("gone", retry_after=1)

    with monkeypatch.context() as patch:
        patch.setattr(pieces, "take_document", stops)
        assert send(address, 20, TEXT[20:]).status_code == 503
    again = send(address, len(TEXT), b"")
    assert (again.status_code, "Document-Id" in again.headers) == (204, True)


def test_what_nobody_goes_on_with_is_forgotten_after_a_day(begin, send, client, box, tenant_id, run_deliveries):
    old, young = (begin().headers["Location"] for _ in range(2))
    send(old, 0, TEXT[:20])
    with box.unit(tenant_id) as uow:
        forgotten = UUID(old.rpartition("/")[2])
        uow.session.execute(update(Upload).where(Upload.id == forgotten).values(touched_at=uow.now - timedelta(hours=25)))
    jobs.forget_uploads(box)
    assert (client.head(old).status_code, client.head(young).status_code) == (404, 200)
    run_deliveries()
    assert blobs_of(box, tenant_id) == []


@pytest.mark.parametrize("failure", [Unavailable("full", retry_after=1), NotFound("a piece was lost")])
def test_an_upload_that_cannot_be_finished_does_not_keep_others(begin, send, client, box, tenant_id, monkeypatch, failure):
    whole, other = (begin(filename=name).headers["Location"] for name in ("whole.md", "other.md"))

    def fails(*_given, **_more):
        raise failure

    monkeypatch.setattr(pieces, "take_document", fails)
    send(whole, 0, TEXT)
    send(other, 0, TEXT[:20])
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Upload).values(touched_at=uow.now - timedelta(hours=25)))
    jobs.forget_uploads(box)
    comes_again = isinstance(failure, Unavailable)
    assert (client.head(whole).status_code, client.head(other).status_code) == (200 if comes_again else 404, 404)


@pytest.fixture
def fetch(client, begin, send, somebody, monkeypatch):
    """One answer after another, left unread, until somebody is refused. Names the person; gives what is open."""
    monkeypatch.setattr(files, "WHOLE", 0)
    document_id = send(begin().headers["Location"], 0, TEXT).headers["Document-Id"]

    def as_person(person=None):
        if person is not None:
            somebody.principal = replace(somebody.principal, user_id=person)
        found = [client.get(f"/api/v1/documents/{document_id}/file")]
        while found[-1].status_code == 200:
            found.append(client.get(f"/api/v1/documents/{document_id}/file"))
        assert (found[-1].status_code, found.pop().headers["Retry-After"]) == (429, "5")
        return found

    return as_person


def test_one_person_fetching_files_leaves_places_to_others_and_all_leave_threads_free(fetch, box):
    places = box.settings.server.slow_places
    held = fetch()
    assert len(held) == places // 2
    others = [answer for _ in range(4) for answer in fetch(new_id())]
    assert len(held) + len(others) == places < box.settings.server.threads // 2
    for answer in others:
        answer.close()
        answer.close()
    again = fetch(new_id())
    assert len(again) == places // 2, "who has finished makes room"
    for answer in (*held, *again):
        answer.close()
    assert {answer.data for answer in held + again} == {TEXT}


def test_small_files_need_no_place(client, begin, send, box):
    document_id = send(begin().headers["Location"], 0, TEXT).headers["Document-Id"]
    fetched = [client.get(f"/api/v1/documents/{document_id}/file") for _ in range(box.settings.server.threads + 1)]
    assert {(answer.status_code, answer.data) for answer in fetched} == {(200, TEXT)}
