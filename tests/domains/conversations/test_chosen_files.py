"""Files in conversations: sent by who chose them, gone with the last message that shows them."""

import io
import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from appliance.core import files
from appliance.core.errors import NotFound
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.domains.contacts import actions as contacts
from appliance.domains.conversations import actions, queries
from tests.statements import statements_of

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def talk(says):
    return says("oi")


@pytest.fixture
def upload(client, talk):
    def send():
        return client.post(f"/api/v1/conversations/{talk}/attachments", data={"file": (io.BytesIO(b"%PDF-1.7"), "a.pdf")}).json["blob_id"]

    return send


@pytest.fixture
def send(client, talk):
    def reply(file_id):
        media = {"blob_id": str(file_id), "mime_type": "application/pdf", "filename": "a.pdf"}
        return client.post(f"/api/v1/conversations/{talk}/reply", json={"media": media})

    return reply


def test_a_reply_names_no_file_but_one_that_its_writer_chose(client, somebody, upload, send, box, other_tenant_id, keep_file, talk):  # noqa: PLR0917
    ana = somebody.principal
    anas, sent = upload(), upload()
    assert send(sent).json["content"]["media"]["size"] == len(b"%PDF-1.7")
    elsewhere = files.put(box, other_tenant_id, io.BytesIO(b"x"), files.Origin.CHOSEN, by=Actor("user", ana.user_id)).id
    answers = [send(file_id) for file_id in (sent, elsewhere, keep_file(b"a contact's").id, new_id())]
    somebody.principal = replace(ana, user_id=new_id())
    answers.append(send(anas))
    assert {answer.status_code for answer in answers} == {422}
    assert len({(answer.json["detail"], *answer.json["fields"]) for answer in answers}) == 1
    somebody.principal = ana
    assert send(anas).status_code == 201
    assert client.get(f"/api/v1/conversations/{talk}/messages").json["items"][-1]["number"] == 3


def test_an_empty_file_is_not_taken(box, client, talk):
    said = client.post(f"/api/v1/conversations/{talk}/attachments", data={"file": (io.BytesIO(b""), "a.pdf")})
    assert (said.status_code, said.json["fields"]) == (422, {"file": "This file is empty."})
    with box.whole_box("test", read_only=True) as uow:
        assert uow.session.scalars(select(files.StoredFile)).all() == []


def test_a_repeated_reply_with_the_same_key_takes_its_file_once(client, talk, upload):
    media = {"blob_id": upload(), "mime_type": "application/pdf"}
    keyed = {"json": {"media": media}, "headers": {"Idempotency-Key": "k"}}
    first, again = (client.post(f"/api/v1/conversations/{talk}/reply", **keyed) for _ in range(2))
    assert (first.status_code, again.status_code, again.json["id"]) == (201, 201, first.json["id"])


def test_who_is_erased_takes_the_whole_mail_along_and_no_message_is_opened(box, tenant_id, keep_file, talk, run_deliveries):
    picture, mail = keep_file(b"picture"), keep_file(b"From: a whole mail")
    with box.unit(tenant_id) as uow:
        message = queries.list_messages(uow, talk)[0]
        actions.attach_media(uow, message.id, {"blob_id": str(picture.id)})
        files.use(uow, message.id, [mail.id])
    with statements_of(box) as asked, box.unit(tenant_id) as uow:
        contacts.delete_contact(uow, queries.get_conversation(uow, talk).contact_id)
    run_deliveries()
    assert not [said for said, _values in asked if re.search(r"SELECT [^;]*messages\.content", said)]
    for gone in (picture, mail):
        with pytest.raises(NotFound):
            box.blobs.read_all(tenant_id, gone.id)


def test_what_a_message_names_and_is_not_stored_is_not_written(box, tenant_id, talk):
    media = {"media": {"blob_id": str(new_id()), "mime_type": "image/png"}}
    with pytest.raises(NotFound), box.unit(tenant_id) as uow:
        actions.reply(uow, talk, user_id=new_id(), content=media)
