"""Mail comes in from a real Dovecot: each once, from now on, whatever happens on the way."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout

from appliance.core.ids import new_id
from appliance.core.web import PageQuery
from appliance.domains.channels import queries
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import Direction, MessageKind, MessageStatus
from appliance.entrypoints.mail import Mailboxes, Watch
from tests.domains.channels.email.conftest import OURS, is_open, mail
from tests.suspending import resume, suspend

pytestmark = pytest.mark.only_database("sqlite")
ROOT = Path(__file__).parents[4]


@pytest.fixture
def texts(inbox):
    def read():
        said = [message for _conversation, thread in inbox() for message in thread]
        return [message.content.get("text") for message in said if message.direction is Direction.INBOUND]

    return read


def test_a_mail_becomes_a_message_while_the_server_is_idle(watch, imap, inbox, until):
    watch()
    imap.deliver(mail(text="Quanto custa o kit?\n\nBia").as_bytes())
    [(conversation, [message])] = until(inbox)
    assert conversation.address == "bia@cliente.example"
    assert message.content == {"text": "Quanto custa o kit?\n\nBia", "mail": {"subject": "Orçamento"}}
    assert message.provider_message_id == "um@cliente.example"
    assert message.occurred_at <= datetime.now(UTC)


def test_what_lay_there_before_is_left_alone(watch, imap, texts, until):
    imap.deliver(mail("antes", message_id="<antes@cliente.example>").as_bytes(), count=50)
    watch()
    imap.deliver(mail("agora").as_bytes())
    assert until(texts) == ["agora"]


def test_what_came_while_nobody_looked_is_read_after_all_and_once(watch, imap, texts, until):
    first = watch()
    imap.deliver(mail("um").as_bytes())
    until(texts)
    first.stop()
    first.join(60)
    imap.deliver(mail("dois", message_id="<dois@cliente.example>").as_bytes())
    watch()
    until(lambda: len(texts()) == 2)
    assert texts() == ["um", "dois"]


def test_a_reader_killed_in_the_middle_leaves_the_rest_to_the_next(watch, imap, texts, until, settings):
    first = watch()
    first.stop()
    first.join(60)
    for number in range(5):
        imap.deliver(mail(f"n{number}", message_id="").as_bytes())
    environ = {
        "SALESEDGE_HOME": settings.home, "SALESEDGE__REDIS__URL": settings.redis_server.url,
        "SALESEDGE__DATABASE__URL": settings.database.url,
        "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file, "SALESEDGE__NETWORK__PRIVATE_HOSTS": '["127.0.0.1"]',
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.domains.channels.email.dying"]
    env = {**os.environ, **{name: str(value) for name, value in environ.items()}}
    died = subprocess.run(command, cwd=ROOT, env=env, timeout=240, check=False)
    assert (died.returncode, len(texts())) == (-signal.SIGKILL, 2)
    watch()
    until(lambda: len(texts()) == 5)
    assert texts() == [f"n{number}" for number in range(5)]


def test_a_mail_delivered_twice_is_one_message(watch, imap, texts, until):
    watch()
    imap.deliver(mail("um").as_bytes(), count=2)
    imap.deliver(mail("fim", message_id="<fim@cliente.example>").as_bytes())
    until(lambda: "fim" in texts())
    assert texts() == ["um", "fim"]


def test_a_mailbox_that_counts_anew_brings_nothing_twice_and_loses_nothing(watch, imap, texts, until):
    first = watch()
    imap.deliver(mail("um").as_bytes())
    until(texts)
    first.stop()
    first.join(60)
    imap.count_anew()
    imap.deliver(mail("dois", message_id="<dois@cliente.example>").as_bytes())
    watch()
    until(lambda: len(texts()) == 2)
    assert texts() == ["um", "dois"]


def test_a_lost_connection_is_made_again(watch, imap, texts, until, monkeypatch):
    monkeypatch.setattr("appliance.entrypoints.mail.FIRST_WAIT_S", 0.05)
    watch()
    imap.stop()
    imap.start()
    imap.deliver(mail("depois da queda").as_bytes())
    assert until(texts) == ["depois da queda"]


def test_two_who_read_one_mailbox_store_each_mail_once(watch, imap, texts, until):
    watch()
    watch()
    for number in range(5):
        imap.deliver(mail(f"n{number}", message_id="").as_bytes())
    until(lambda: len(texts()) == 5)
    assert texts() == [f"n{number}" for number in range(5)]


def test_files_come_behind_the_words_and_are_what_they_are(watch, imap, inbox, until, box, tenant_id):
    watch()
    sent = mail("segue a conta")
    sent.add_attachment(b"%PDF-1.7\n%%EOF", maintype="application", subtype="octet-stream", filename="../conta.pdf")
    imap.deliver(sent.as_bytes())
    [(_conversation, [words, file])] = until(inbox)
    assert (words.content["text"], file.kind, file.provider_message_id) == ("segue a conta", MessageKind.DOCUMENT, "um@cliente.example#1")
    media = file.content["media"]
    assert (media["filename"], media["true_type"], media["size"]) == ("conta.pdf", "application/pdf", 14)
    assert box.blobs.read_all(tenant_id, UUID(media["blob_id"])) == b"%PDF-1.7\n%%EOF"


def test_an_answer_of_somebody_else_in_the_thread_joins_it_and_says_who_wrote(watch, imap, inbox, until):
    watch()
    imap.deliver(mail("um").as_bytes())
    until(inbox)
    answer = mail("sou o marido", message_id="<dois@x.example>", sender="Rui <rui@x.example>", References="<um@cliente.example>")
    imap.deliver(answer.as_bytes())
    [(conversation, thread)] = until(lambda: [row for row in inbox() if len(row[1]) == 2])
    assert conversation.address == "bia@cliente.example"
    assert thread[1].content["mail"]["from"] == "rui@x.example"
    assert thread[1].reply_to_id == thread[0].id


def test_a_machine_is_heard_and_never_answered(watch, imap, inbox, until):
    watch()
    imap.deliver(mail("Estou de férias", Auto_Submitted="auto-replied").as_bytes())
    [(conversation, [message])] = until(inbox)
    assert (message.content["text"], conversation.answered_number) == ("Estou de férias", message.number)
    imap.deliver(mail("voltei", message_id="<dois@cliente.example>").as_bytes())
    [(conversation, _thread)] = until(lambda: [row for row in inbox() if len(row[1]) == 2])
    assert conversation.answered_number == 1


def test_our_own_copy_is_no_message(watch, imap, texts, until):
    watch()
    imap.deliver(mail("cópia nossa", sender=OURS, message_id="<nosso@solara.example>").as_bytes())
    imap.deliver(mail("dela").as_bytes())
    assert until(texts) == ["dela"]


def test_a_mail_without_a_sender_is_kept_aside(watch, imap, texts, until, box, tenant_id):
    watch()
    imap.deliver(b"Subject: sem dono\r\n\r\noi\r\n")
    imap.deliver(mail("com dono").as_bytes())
    assert until(texts) == ["com dono"]
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.list_rejected(uow, PageQuery()).items[0].reason == "mail_without_sender"


@pytest.mark.parametrize("hostile", [
    b"From: \xff\xfe<x@y.example>\r\nSubject: =?utf-8?b?////?=\r\nContent-Type: text/plain; charset=nenhum\r\n\r\n\xff\x00oi\r\n",
    b"From: x@y.example\r\nContent-Type: text/html\r\n\r\n" + b"<div>" * 5000 + b"oi",
    b"From: x@y.example\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n" * 3000,
    b"From: x@y.example\r\nReferences: " + b"<a@b>" * 20000 + b"\r\n\r\noi\r\n",
])  # fmt: skip
def test_what_is_malformed_does_not_hold_up_those_behind_it(watch, imap, texts, until, hostile):
    watch()
    imap.deliver(hostile)
    imap.deliver(mail("depois").as_bytes())
    until(lambda: "depois" in texts())


def test_a_mail_too_large_comes_without_its_files_and_says_so(watch, imap, inbox, until, box, settings):
    object.__setattr__(box.settings, "channels", settings.channels.model_copy(update={"max_media_mb": 1}))
    watch()
    sent = mail("segue o vídeo")
    sent.add_attachment(b"x" * 3 * 2**20, maintype="video", subtype="mp4", filename="v.mp4")
    imap.deliver(sent.as_bytes())
    [(_conversation, [message])] = until(inbox)
    assert message.content["text"] == "segue o vídeo"
    assert message.content["mail"]["too_large"]


def test_a_wrong_password_shows_on_the_channel(box, tenant_id, reading, account, until):
    watch = Watch(box, replace(account(), secrets={"user": "vendas", "password": "errada"}))
    watch.start()

    def failing():
        with box.unit(tenant_id, read_only=True) as uow:
            channel = queries.get_channel(uow, reading)
            return channel.status_detail if channel.status == "failing" else ""

    assert "AUTHENTICATIONFAILED" in until(failing)
    watch.stop()
    watch.join(60)


def test_a_bounce_marks_its_message_as_failed(watch, imap, inbox, until, box, tenant_id, run_deliveries):
    watch()
    imap.deliver(mail("oi").as_bytes())
    [(conversation, _)] = until(inbox)
    with box.unit(tenant_id) as uow:
        ours = conversations.reply(uow, conversation.id, user_id=new_id(), content={"text": "Olá!"})
    run_deliveries()
    imap.deliver(bounce_of(f"<{ours.id}@solara.example>"))
    failed = until(lambda: [row for row in inbox()[0][1] if row.status is MessageStatus.FAILED])
    assert (failed[0].id, "User unknown" in failed[0].error) == (ours.id, True)
    assert len(inbox()[0][1]) == 2


def bounce_of(message_id):
    return f"""From: MAILER-DAEMON@mx.example
To: {OURS}
Subject: Undelivered Mail Returned to Sender
Message-ID: <b1@mx.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

It did not work.
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; bia@cliente.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown
--B
Content-Type: text/rfc822-headers

From: {OURS}
Message-ID: {message_id}
--B--
""".replace("\n", "\r\n").encode()


def test_a_database_with_no_connection_to_spare_ends_no_watch(box, monkeypatch):
    monkeypatch.setattr("appliance.entrypoints.mail.LOOK_EVERY_S", 0.0)
    looks = []

    class Busy(Mailboxes):
        def look(self):
            looks.append(self)
            if len(looks) == 1:
                raise PoolTimeout
            self.stop()

    Busy(box).run()
    assert len(looks) == 2


def test_the_mailbox_of_a_suspended_organisation_is_left_alone(box, tenant_id, reading, imap, texts, until):
    boxes = Mailboxes(box)
    boxes.look()
    until(lambda: is_open(box, tenant_id, reading))
    [watch] = boxes._watches.values()
    suspend(box, tenant_id)
    boxes.look()
    watch.join(60)
    imap.deliver(mail("um").as_bytes())
    boxes.look()
    assert (boxes._watches, watch.is_alive(), texts()) == ({}, False, [])
    resume(box, tenant_id)
    boxes.look()
    assert until(texts) == ["um"]
    for one in boxes._watches.values():
        one.stop()
        one.join(60)
