import io

import pytest

from appliance.core.ids import new_id
from tests import cast as people


@pytest.fixture
def talk(says):
    return says("oi, tudo bem?")


def test_the_inbox_lists_counts_and_filters(client, talk):
    page = client.get("/api/v1/conversations?status=open&assignee=none&handling=bot").json
    assert [row["id"] for row in page["items"]] == [str(talk)]
    assert page["items"][0]["preview"] == "oi, tudo bem?"
    assert client.get("/api/v1/conversations?assignee=me").json["total"] == 0
    assert client.get("/api/v1/conversations/counts").json["all"] == 1
    assert client.get("/api/v1/conversations?assignee=somebody").status_code == 422


def test_the_inbox_is_searched_by_who_wrote(client, talk):
    assert client.get("/api/v1/conversations?q=ana").json["total"] == 1
    assert client.get("/api/v1/conversations?q=zeca").json["total"] == 0


def test_a_thread_is_walked_back_by_cursor(client, says):
    for number in range(5):
        conversation_id = says(str(number))
    address = f"/api/v1/conversations/{conversation_id}/messages"
    newest = client.get(f"{address}?limit=2").json
    assert [row["content"]["text"] for row in newest["items"]] == ["3", "4"]
    older = client.get(f"{address}?limit=2&before={newest['before']}").json
    assert [row["content"]["text"] for row in older["items"]] == ["1", "2"]
    last = client.get(f"{address}?limit=2&before={older['before']}").json
    assert (last["items"][0]["content"]["text"], last["before"]) == ("0", None)


def test_a_reply_with_the_same_key_is_sent_once(client, talk, run_deliveries):
    for _ in range(2):
        answer = client.post(f"/api/v1/conversations/{talk}/reply", json={"text": "Olá!"}, headers={"Idempotency-Key": "k1"})
        assert (answer.status_code, answer.json["status"]) == (201, "queued")
    run_deliveries()
    items = client.get(f"/api/v1/conversations/{talk}/messages").json["items"]
    assert [(row["sender"], row["status"]) for row in items] == [("contact", "received"), ("user", "delivered")]


def test_a_reply_longer_than_its_channel_takes_is_refused_and_not_cut(client, talk):
    most = client.get(f"/api/v1/conversations/{talk}").json["max_text"]
    refused = client.post(f"/api/v1/conversations/{talk}/reply", json={"text": "x" * (most + 1)})
    assert (refused.status_code, list(refused.json["fields"])) == (422, ["text"])
    assert str(most) in refused.json["detail"]
    kept = client.post(f"/api/v1/conversations/{talk}/reply", json={"text": "x" * most})
    assert (kept.status_code, len(kept.json["content"]["text"])) == (201, most)
    choices = {"text": "x" * (most - 5), "buttons": [{"id": "s", "title": "Sim"}]}  # which may become a text of their own
    assert client.post(f"/api/v1/conversations/{talk}/reply", json=choices).status_code == 422


def test_the_word_is_taken_and_given_back(client, talk):
    taken = client.post(f"/api/v1/conversations/{talk}/handoff", json={"to": "me"}).json
    assert (taken["handling"], taken["assignee_id"] is not None) == ("human", True)
    assert client.post(f"/api/v1/conversations/{talk}/handoff", json={"to": "bot"}).json["handling"] == "bot"
    assert client.post(f"/api/v1/conversations/{talk}/handoff", json={"to": "team"}).json["waiting_since"] is not None


def test_nobody_from_outside_is_given_a_conversation(box, client, talk, other_tenant_id):
    for stranger in (new_id(), people.with_role(box, other_tenant_id, "agent").user_id):
        answer = client.post(f"/api/v1/conversations/{talk}/assign", json={"user_id": str(stranger)})
        assert (answer.status_code, list(answer.json["fields"])) == (422, ["user_id"])
    assert client.get(f"/api/v1/conversations/{talk}").json["assignee_id"] is None


def test_a_cursor_past_every_message_is_refused(client, talk):
    for cursor in ("before", "after"):
        assert client.get(f"/api/v1/conversations/{talk}/messages?{cursor}={2**31}").status_code == 422


def test_assign_resolve_reopen_labels_notes_and_read(client, talk, bruno):
    assert client.post(f"/api/v1/conversations/{talk}/assign", json={"user_id": str(bruno)}).json["assignee_id"] == str(bruno)
    assert client.put(f"/api/v1/conversations/{talk}/labels", json={"labels": ["vip", " vip ", "troca"]}).json["labels"] == ["troca", "vip"]
    assert client.post(f"/api/v1/conversations/{talk}/notes", json={"text": "ligar amanhã"}).json["kind"] == "note"
    assert client.post(f"/api/v1/conversations/{talk}/read").json["unread_count"] == 0
    assert client.post(f"/api/v1/conversations/{talk}/resolve").json["status"] == "resolved"
    assert client.get("/api/v1/conversations").json["total"] == 0
    assert client.post(f"/api/v1/conversations/{talk}/reopen").json["status"] == "open"


@pytest.mark.parametrize("body", [
    {}, {"text": "   "}, {"text": "x" * 5000}, {"text": "a", "buttons": [{"id": "1", "title": "t" * 30}]},
    {"text": "a", "buttons": [{"id": "1", "title": "Sim"}, {"id": "2", "title": "Sim"}]},
    {"text": "a", "buttons": [{"id": "1", "title": "t"}], "template": {"name": "x"}}, {"template": {"name": "Com Espaço"}},
])
def test_a_reply_that_no_channel_takes_is_refused(client, talk, body):
    assert client.post(f"/api/v1/conversations/{talk}/reply", json=body).status_code == 422


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("get", "/messages"), ("post", "/resolve"), ("post", "/read")])
def test_what_is_not_there_is_not_found(client, somebody, method, path):
    assert getattr(client, method)(f"/api/v1/conversations/{new_id()}{path}").status_code == 404


def test_who_may_only_read_cannot_write(client, somebody, talk):
    somebody.may("conversations:read")
    assert client.get(f"/api/v1/conversations/{talk}").status_code == 200
    for path in ("reply", "assign", "handoff", "resolve", "notes"):
        assert client.post(f"/api/v1/conversations/{talk}/{path}", json={}).status_code == 403


def test_a_file_goes_up_is_sent_and_comes_back_under_its_true_type(client, talk, run_deliveries):
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 100
    sent = client.post(f"/api/v1/conversations/{talk}/attachments", data={"file": (io.BytesIO(png), "../../foto.html")})
    assert (sent.status_code, sent.json["mime_type"], sent.json["filename"]) == (201, "image/png", "foto.html")
    media = {name: sent.json[name] for name in ("blob_id", "mime_type", "filename")}
    message = client.post(f"/api/v1/conversations/{talk}/reply", json={"text": "veja", "media": media}).json
    assert message["kind"] == "image"
    shown = client.get(f"/api/v1/messages/{message['id']}/media")
    assert (shown.data, shown.mimetype, shown.headers["Content-Security-Policy"]) == (png, "image/png", "sandbox")


def test_a_page_dressed_as_a_file_is_never_shown(client, talk):
    sent = client.post(f"/api/v1/conversations/{talk}/attachments", data={"file": (io.BytesIO(b"<script>1</script>"), "a.html")}).json
    media = {name: sent[name] for name in ("blob_id", "mime_type", "filename")}
    message = client.post(f"/api/v1/conversations/{talk}/reply", json={"media": media}).json
    shown = client.get(f"/api/v1/messages/{message['id']}/media")
    assert (shown.mimetype, shown.headers["Content-Disposition"].split(";")[0]) == ("application/octet-stream", "attachment")


def test_a_message_without_a_file_has_none(client, talk):
    message = client.get(f"/api/v1/conversations/{talk}/messages").json["items"][0]
    assert client.get(f"/api/v1/messages/{message['id']}/media").status_code == 404
    assert client.post(f"/api/v1/conversations/{talk}/attachments").status_code == 422
