"""Mails that another program hands over by HTTP: kept before the answer, once, and read as those of a mailbox are."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select, update

from appliance.core import clock, deliveries, files, jobs
from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.core.outbox import Delivery
from appliance.core.signatures import sign_timed
from appliance.core.web import PageQuery
from appliance.domains.agents import actions as agents
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.email import admission, filing
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.channels.tables import PostedMail
from appliance.domains.channels.types import ChannelStatus
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as talks
from appliance.domains.conversations.types import Direction, MessageKind, MessageStatus
from appliance.entrypoints.mail import Mailboxes
from tests.domains.channels.email.conftest import OURS, mail
from tests.domains.channels.email.test_receiving import bounce_of
from tests.draining import run_due
from tests.suspending import suspend

pytestmark = pytest.mark.only_database("sqlite")
BOTH = pytest.mark.only_database("sqlite", "postgresql")
ROOT = Path(__file__).parents[4]


@pytest.fixture
def secret(box, tenant_id, channel_id):
    with box.unit(tenant_id) as uow:
        return actions.open_letterbox(uow, channel_id)


@pytest.fixture
def hand_over(door, secret, channel_id):
    """Post a mail as a mail server's script does."""

    def post(content, *, at=None, signed_with=None, to=None):
        stamp = str(int(time.time()) if at is None else at)
        signed = {"X-Timestamp": stamp, "X-Signature": sign_timed(signed_with or secret, stamp, content)}
        return door.post(f"/webhooks/email/{to or channel_id}", content=content, headers={"Content-Type": "message/rfc822", **signed})

    return post


@pytest.fixture
def texts(inbox, box):
    def read():
        run_due(box)
        said = [message for _conversation, thread in inbox() for message in thread]
        return [message.content.get("text") for message in said if message.direction is Direction.INBOUND]

    return read


@pytest.fixture
def aside(box, tenant_id):
    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            return [(one.reason, one.body) for one in queries.list_rejected(uow, PageQuery()).items]

    return read


def test_a_mail_handed_over_becomes_a_message_and_connects_the_channel(hand_over, texts, inbox, box, tenant_id, channel_id):
    answer = hand_over(mail("Quanto custa o kit?").as_bytes())
    assert (answer.status_code, answer.json()["state"]) == (200, "waiting")
    assert texts() == ["Quanto custa o kit?"]
    [(conversation, [message])] = inbox()
    assert (conversation.address, message.provider_message_id) == ("bia@cliente.example", "um@cliente.example")
    assert message.content["mail"] == {"subject": "Orçamento"}
    with box.unit(tenant_id, read_only=True) as uow:
        assert talks.search_messages(uow, "orçam", PageQuery()).total == 1, "by its subject"
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_channel(uow, channel_id).status == "connected"


def test_a_mail_handed_over_to_a_suspended_organisation_is_stored(hand_over, texts, box, tenant_id):
    suspend(box, tenant_id)
    assert hand_over(mail("Ainda estão aí?").as_bytes()).status_code == 200
    assert texts() == ["Ainda estão aí?"]


@BOTH
@pytest.mark.parametrize("message_id", ["<um@cliente.example>", ""])
def test_the_same_mail_again_is_one_message_and_one_receipt(hand_over, texts, message_id):
    content = mail("um", message_id=message_id).as_bytes()
    first, second = hand_over(content), hand_over(content, at=int(time.time()) - 30)
    assert second.json() == first.json()
    assert texts() == ["um"]
    assert hand_over(b"From bia@cliente.example Sat Nov 21 2026\n" + content).json() == {**first.json(), "state": "read"}
    assert texts() == ["um"]


def test_a_mail_without_an_id_is_the_same_whichever_way_its_lines_end():
    raw = mail("oi", message_id="").as_bytes()
    assert filing.provider_id("", raw) == filing.provider_id("", raw.replace(b"\n", b"\r\n") + b"\r\n")
    assert filing.provider_id("", raw) != filing.provider_id("", raw + b"!")


def test_the_same_mail_by_imap_and_by_http_is_one_message(reading, watch, imap, hand_over, texts, until, inbox):
    del reading
    watch()
    sent = mail("um")
    sent.add_attachment(b"%PDF-1.7\n%%EOF", maintype="application", subtype="pdf", filename="conta.pdf")
    imap.deliver(sent.as_bytes())
    until(inbox)
    hand_over(sent.as_bytes())
    assert texts() == ["um", None]
    assert len(inbox()[0][1]) == 2


def test_files_and_the_whole_mail_are_stored_once_and_the_rest_goes(hand_over, texts, inbox, box, tenant_id):
    sent = mail("segue a conta\n\nEm seg., Solara escreveu:\n> antes")
    sent.add_attachment(b"%PDF-1.7\n%%EOF", maintype="application", subtype="octet-stream", filename="../conta.pdf")
    hand_over(sent.as_bytes())
    hand_over(sent.as_bytes())
    hand_over(mail("curta", message_id="<dois@cliente.example>").as_bytes())
    assert texts() == ["segue a conta", None, "curta"]
    [(_conversation, [words, file, _short])] = inbox()
    assert (file.kind, file.content["media"]["filename"]) == (MessageKind.DOCUMENT, "conta.pdf")
    assert box.blobs.read_all(tenant_id, UUID(words.content["mail"]["original"])) == sent.as_bytes()
    with box.unit(tenant_id, read_only=True) as uow:
        kept = set(uow.session.scalars(select(files.StoredFile.id)))
    assert kept == {UUID(words.content["mail"]["original"]), UUID(file.content["media"]["blob_id"])}


def test_a_bounce_that_is_handed_over_marks_its_message(hand_over, texts, inbox, box, tenant_id, run_deliveries):
    hand_over(mail("oi").as_bytes())
    texts()
    with box.unit(tenant_id) as uow:
        ours = conversations.reply(uow, inbox()[0][0].id, user_id=UUID(int=1), content={"text": "Olá!"})
    run_deliveries()
    hand_over(bounce_of(f"<{ours.id}@solara.example>"))
    texts()
    failed = [row for row in inbox()[0][1] if row.status is MessageStatus.FAILED]
    assert [(row.id, "User unknown" in row.error) for row in failed] == [(ours.id, True)]


def test_who_does_not_sign_well_is_refused_and_it_is_put_aside(hand_over, door, channel_id, aside, texts):
    content = mail("oi").as_bytes()
    assert hand_over(content, signed_with="guessed").status_code == 401
    assert hand_over(content, at=int(time.time()) - 600).status_code == 401
    assert door.post(f"/webhooks/email/{channel_id}", content=content).status_code == 401
    assert {reason for reason, _body in aside()} == {"bad_signature", "stale_timestamp", "not_signed"}
    assert texts() == []


@pytest.mark.parametrize("content", [
    b"", b"{}", b"--b\r\nContent-Disposition: form-data\r\n\r\noi\r\n--b--", b"X-What: 1\r\n\r\noi", b"\x00\xff" * 99,
])  # fmt: skip
def test_what_is_no_mail_is_told_so_and_put_aside(hand_over, aside, texts, content):
    answer = hand_over(content)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [reason for reason, _body in aside()] == ["no_mail"]
    assert texts() == []


def test_an_address_that_is_none_or_is_closed_takes_nothing(hand_over, door, box, tenant_id, channel_id):
    content = mail("oi").as_bytes()
    for unknown in (UUID(int=7), "nothing"):
        assert hand_over(content, to=unknown).status_code == 404
    assert door.get(f"/webhooks/email/{channel_id}").status_code == 405
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(active=False))
    assert hand_over(content).status_code == 404
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(active=True))
        actions.close_letterbox(uow, channel_id)
    assert hand_over(content).status_code == 404


@pytest.mark.parametrize(("imap_host", "after"), [("", ChannelStatus.NEW), ("127.0.0.1", ChannelStatus.CONNECTED)])
def test_a_channel_fed_by_http_alone_is_connected_no_more_once_its_address_is_closed(
    hand_over, box, tenant_id, channel_id, imap_host, after
):
    with box.unit(tenant_id) as uow:
        channel = queries.get_channel(uow, channel_id)
        channel.config = {**channel.config, "imap_host": imap_host}
    hand_over(mail("oi").as_bytes())
    run_due(box)
    with box.unit(tenant_id) as uow:
        assert queries.get_channel(uow, channel_id).status is ChannelStatus.CONNECTED
    hand_over(mail("taken before", message_id="<dois@cliente.example>").as_bytes())
    with box.unit(tenant_id) as uow:
        actions.close_letterbox(uow, channel_id)
    run_due(box)
    with box.unit(tenant_id) as uow:
        assert queries.get_channel(uow, channel_id).status is after
        actions.note_failure(uow, channel_id, "away")
        actions.note_success(uow, channel_id)  # a mail leaves, which says nothing of those that come
        assert queries.get_channel(uow, channel_id).status is after


def test_a_new_secret_ends_the_old_one(hand_over, box, tenant_id, channel_id):
    with box.unit(tenant_id) as uow:
        renewed = actions.open_letterbox(uow, channel_id)
    assert hand_over(mail("oi").as_bytes()).status_code == 401
    assert hand_over(mail("oi").as_bytes(), signed_with=renewed).status_code == 200


def test_nobody_enters_the_secret_that_the_box_makes(box, tenant_id, channel_id, secret):
    with box.unit(tenant_id) as uow:
        with pytest.raises(Refused):
            actions.change_channel(uow, channel_id, ChannelPatch(secrets={"posting_secret": "123"}))
        channel = actions.change_channel(uow, channel_id, ChannelPatch(secrets={"password": "outra"}))
        assert channel.secrets["posting_secret"] == secret


def test_what_is_too_large_is_told_so(door, hand_over, settings):
    largest = int(settings.channels.max_media_mb * 2**20 * filing.ENCODED)
    assert door.app.mails.limit == largest
    door.app.mails.limit = 1000
    assert hand_over(mail("oi" * 1000).as_bytes()).status_code == 413


@pytest.mark.parametrize(("headers", "signals"), [({}, ["purchase"]), ({"Auto-Submitted": "auto-generated"}, [])])
def test_what_a_program_wrote_shows_no_buyer(hand_over, box, inbox, tenant_id, headers, signals):
    hand_over(mail("Quero comprar o kit, posso pagar no boleto?", **headers).as_bytes())
    run_due(box)
    [(conversation, [message])] = inbox()
    with box.unit(tenant_id) as uow:
        agents.read_message(uow, message.id)
        assert talks.get_conversation(uow, conversation.id).signals == signals


def test_what_one_person_writes_is_read_in_its_order_and_a_spoilt_mail_holds_nobody_up(hand_over, texts, aside, monkeypatch):
    as_it_is = filing.reading.read

    def trip(raw, **given):
        if b"veneno" in raw:
            raise KeyError("what nobody thought of")
        return as_it_is(raw, **given)

    monkeypatch.setattr(filing.reading, "read", trip)
    for name in ("um", "veneno", "dois"):
        hand_over(mail(name, message_id=f"<{name}@cliente.example>").as_bytes())
    assert texts() == ["um", "dois"]
    assert [reason for reason, _body in aside()] == ["unreadable_KeyError"]


def test_mails_of_one_sender_share_a_lane():
    written = [b"From: Bia <bia@x.example>\n\n", b'Subject: a\r\nFROM:\r\n "x@y" <Bia@X.example>\r\n\r\noi']
    assert {admission.sender_of(one) for one in written} == {"bia@x.example"}
    assert len({admission.Letter(new_id(), "", admission.sender_of(one)).lane for one in written}) == 1
    assert admission.sender_of(b"Subject: a\n\nFrom: no@head.example") == ""


@pytest.mark.parametrize("said", ["Bia <bia@x.example>, leo@y.example", "Bia, vendas <bia@x.example>", "ninguem"])
def test_whose_a_mail_is_does_not_change_when_it_is_read(said):
    raw = f"From: {said}\n\noi".encode()
    assert admission.sender_of(raw) == filing.reading.read(raw).sender


def test_a_sender_of_any_length_is_read_in_its_time():
    began = time.process_time()
    assert admission.sender_of(b"Subject: a\nFrom: " + b"a" * 65_000 + b"\n\n") == ""
    assert time.process_time() - began < 10


@BOTH
def test_what_waits_goes_with_whom_it_is_from(hand_over, texts, inbox, box, tenant_id):
    hand_over(mail("um").as_bytes())
    texts()
    hand_over(mail("dois", message_id="<dois@cliente.example>").as_bytes())
    hand_over(mail("de outro", message_id="<x@x.example>", sender="rui@x.example").as_bytes())
    box.blobs.read = None  # nobody reads a file, which may lie far away, while a transaction is open
    with box.unit(tenant_id) as uow:
        actions.erase_contact(uow, inbox()[0][0].contact_id)
        assert [one.read_at for one in queries.list_waiting_posted(uow)] == [None]
    del box.blobs.read
    assert "dois" not in texts()


def test_a_mail_that_waited_before_its_sender_stood_with_it_is_given_one(hand_over, texts, inbox, box, tenant_id):
    hand_over(mail("um").as_bytes())
    texts()
    with box.unit(tenant_id, read_only=True) as uow:
        assert [one.sender for one in uow.session.scalars(select(PostedMail))] == [None], "it stands with its message by now"
    hand_over(mail("dois", message_id="<dois@cliente.example>").as_bytes())
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(PostedMail).values(sender=None))
    actions.fill_senders(box)
    box.blobs.read = None
    with box.unit(tenant_id) as uow:
        actions.erase_contact(uow, inbox()[0][0].contact_id)
        assert queries.list_waiting_posted(uow) == []


@BOTH
def test_what_waits_goes_with_its_channel(hand_over, box, tenant_id, channel_id, texts):
    hand_over(mail("um").as_bytes())
    with box.unit(tenant_id) as uow:
        actions.delete_channel(uow, channel_id)
    assert texts() == []
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(PostedMail)).all() == []
        assert uow.session.scalars(select(files.StoredFile)).all() == []


def test_a_channel_without_a_mailbox_is_read_by_nobody_and_tested_at_its_server(box, tenant_id, channel_id, post_office, account):
    del post_office
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(config={"imap_host": ""}))
    boxes = Mailboxes(box)
    boxes.look()
    assert boxes._watches == {}
    assert actions.check_connection(box, account()).name == OURS


def test_whoever_is_killed_after_the_answer_or_while_reading_the_message_is_there_once(box, tenant_id, channel_id, secret, settings, texts):
    environ = {
        "SALESEDGE_HOME": settings.home, "SALESEDGE__REDIS__URL": settings.redis_server.url,
        "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file, "SALESEDGE__DATABASE__URL": settings.database.url,
    }  # fmt: skip
    env = {**os.environ, **{name: str(value) for name, value in environ.items()}}
    command = [sys.executable, "-m", "tests.domains.channels.email.posting_dying", str(channel_id), secret]
    died = subprocess.run(command, cwd=ROOT, env=env, timeout=120, check=False)
    assert died.returncode == -signal.SIGKILL
    with box.unit(tenant_id) as uow:
        assert len(queries.list_waiting_posted(uow)) == 1
        [left] = uow.session.scalars(select(Delivery).where(Delivery.subscriber == "channels.read_posted_mail")).all()
    with time_machine.travel(clock.now() + deliveries.LEASE * 2):
        jobs.deliver(box, tenant_id, left.id)
    assert texts() == ["Quanto custa?", None]


def test_who_hands_mails_over_finds_the_address_in_the_openapi_document(client):
    operation = client.get("/api/v1/openapi.json").json["paths"]["/webhooks/email/{channel_id}"]["post"]
    assert list(operation["requestBody"]["content"]) == ["message/rfc822"]
    assert {one["name"] for one in operation["parameters"] if one["required"]} == {"channel_id", "X-Timestamp", "X-Signature"}


def test_the_api_shows_a_secret_once_and_closes_the_address(client, channel_id):
    made = client.post(f"/api/v1/channels/{channel_id}/letterbox").json
    assert made["address"].endswith(f"/webhooks/email/{channel_id}")
    assert made["secret"] not in json.dumps(client.get(f"/api/v1/channels/{channel_id}").json)
    assert "posting_secret" in client.get(f"/api/v1/channels/{channel_id}").json["secrets_set"]
    assert client.delete(f"/api/v1/channels/{channel_id}/letterbox").status_code == 204
    assert "posting_secret" not in client.get(f"/api/v1/channels/{channel_id}").json["secrets_set"]
