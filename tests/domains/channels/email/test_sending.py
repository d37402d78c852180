"""Mail leaves by a real SMTP server, as a mail that belongs to its thread; whatever the server answers has its consequence."""

from email import message_from_bytes, policy

import pytest

from appliance.core.ids import new_id
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.email import reading
from appliance.domains.channels.gateways.email.mail import Kept, Spot
from appliance.domains.channels.schemas import ChannelPatch, TemplateIn
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import MessageKind, MessageStatus
from tests.domains.channels.email.conftest import OURS, mail

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def arrive(box, tenant_id, channel_id, inbox):
    """A mail as the reader of mailboxes hands it over."""
    uids = iter(range(1, 100))

    def take(made):
        with box.unit(tenant_id) as uow:
            if queries.find_mailbox(uow, channel_id) is None:
                actions.open_mailbox(uow, channel_id, source="x", validity=1, last_uid=0)
            read = reading.read(made if isinstance(made, bytes) else made.as_bytes())
            actions.take_in_mail(uow, channel_id, read, Kept(read.message_id, uow.now), Spot(next(uids), 1))
        return inbox()[0][0].id

    return take


@pytest.fixture
def answer(box, tenant_id, run_deliveries, inbox):
    def write(conversation_id, text="Custa R$ 900.", **given):
        with box.unit(tenant_id) as uow:
            content = {"text": text, **given.pop("content", {})}
            message_id = conversations.reply(uow, conversation_id, user_id=new_id(), content=content, **given).id
        run_deliveries()
        return next(row for row in inbox()[0][1] if row.id == message_id)

    return write


def parsed(taken):
    return message_from_bytes(taken.content, policy=policy.default)


def written(sent, kind):
    return sent.get_body((kind,)).get_content().replace("\r\n", "\n")


def test_an_answer_belongs_to_the_mail_it_answers(arrive, answer, post_office):
    conversation_id = arrive(mail(References="<zero@cliente.example>"))
    ours = answer(conversation_id, "Custa R$ 900.\n\nVeja https://solara.example/kit?a=1&b=2 <já>")
    [taken] = post_office.taken
    sent = parsed(taken)
    assert (taken.sender, taken.recipients) == (OURS, ["bia@cliente.example"])
    assert (sent["From"], sent["Subject"]) == (f"Solara Vendas <{OURS}>", "Re: Orçamento")
    assert sent["Message-ID"] == f"<{ours.id}@solara.example>"
    assert (sent["In-Reply-To"], sent["References"]) == ("<um@cliente.example>", "<zero@cliente.example> <um@cliente.example>")
    plain, html = (written(sent, kind) for kind in ("plain", "html"))
    assert plain.startswith("Custa R$ 900.\n\nVeja https://solara.example/kit?a=1&b=2 <já>\n\n-- \nSolara Energia")
    assert '<a href="https://solara.example/kit?a=1&amp;b=2">' in html
    assert "&lt;já&gt;" in html
    assert (ours.status, ours.provider_message_id) == (MessageStatus.SENT, f"{ours.id}@solara.example")
    assert sent["Auto-Submitted"] is None


def test_what_no_person_writes_is_marked_as_automatic(arrive, box, tenant_id, post_office, run_deliveries):
    conversation_id = arrive(mail())
    with box.unit(tenant_id) as uow:
        conversations.queue_notice(uow, conversation_id, "Já chamo a Ana.")
    run_deliveries()
    assert [parsed(taken)["Auto-Submitted"] for taken in post_office.taken] == ["auto-replied"]


def test_lines_that_begin_with_a_dot_arrive_whole(arrive, answer, post_office):
    answer(arrive(mail()), "um\n.\n..dois")
    assert written(parsed(post_office.taken[0]), "plain").startswith("um\n.\n..dois")


def test_a_long_mail_leaves_whole(arrive, answer, post_office):
    said = "Segue a proposta completa, item por item. " * 400
    answer(arrive(mail()), said)
    assert " ".join(written(parsed(post_office.taken[0]), "plain").split()).startswith(said.strip())


def test_a_file_goes_along(arrive, answer, post_office, keep_file):
    ref = keep_file(b"%PDF-1.7")
    media = {"blob_id": str(ref.id), "mime_type": "application/pdf", "filename": "orçamento.pdf"}
    answer(arrive(mail()), "Segue.", kind=MessageKind.DOCUMENT, content={"media": media})
    [attached] = parsed(post_office.taken[0]).iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("orçamento.pdf", b"%PDF-1.7")


def test_headers_cannot_be_smuggled_in(arrive, answer, post_office):
    subject = b"Subject: =?utf-8?q?oi=0D=0ABcc:_x@mau.example?="
    answer(arrive(b"From: bia@cliente.example\r\nMessage-ID: <a@b.example>\r\n" + subject + b"\r\n\r\noi"))
    sent = parsed(post_office.taken[0])
    assert (sent["Bcc"], sent["Subject"]) == (None, "Re: oi Bcc: x@mau.example")


@pytest.mark.parametrize(("verb", "said", "status", "sentence"), [
    ("RCPT", "450 4.2.1 caixa ocupada", MessageStatus.QUEUED, "caixa ocupada"),
    ("MAIL", "421 4.3.2 devagar", MessageStatus.QUEUED, "devagar"),
    ("DATA", "451 4.3.0 tente depois", MessageStatus.QUEUED, "tente depois"),
    ("RCPT", "550 5.1.1 nao existe", MessageStatus.FAILED, "nao existe"),
    ("DATA", "554 5.7.1 parece spam", MessageStatus.FAILED, "parece spam"),
])
def test_4xx_is_tried_again_and_5xx_is_told_in_the_servers_words(arrive, answer, post_office, verb, said, status, sentence):
    conversation_id = arrive(mail())
    post_office.answer(verb, said)
    ours = answer(conversation_id)
    assert (ours.status, sentence in ours.error, post_office.taken) == (status, True, [])


def test_a_server_that_says_nothing_holds_nobody_up(arrive, answer, post_office, impatient):
    conversation_id = arrive(mail())
    post_office.answer("MAIL", "hang")
    with impatient():
        assert (answer(conversation_id).status, post_office.taken) == (MessageStatus.QUEUED, [])


@pytest.mark.parametrize("how", ["cut", "hang"])
def test_silence_after_the_last_dot_is_not_sent_again_until_a_reply_or_a_person_tells(arrive, answer, post_office, inbox, how, impatient):
    conversation_id = arrive(mail())
    post_office.answer("DATA", how)
    with impatient(4.0):  # what comes before the dot is answered in time
        ours = answer(conversation_id)
    assert (ours.status, len(post_office.taken)) == (MessageStatus.UNCONFIRMED, 1)
    arrive(mail("obrigada", message_id="<dois@cliente.example>", In_Reply_To=f"<{ours.id}@solara.example>"))
    assert next(row for row in inbox()[0][1] if row.id == ours.id).status is MessageStatus.READ


def test_a_person_who_sends_again_sends_the_same_mail(arrive, answer, post_office, box, tenant_id, run_deliveries):
    conversation_id = arrive(mail())
    post_office.answer("DATA", "cut")
    ours = answer(conversation_id)
    with box.unit(tenant_id) as uow:
        conversations.retry_message(uow, ours.id)
    run_deliveries()
    assert len({parsed(taken)["Message-ID"] for taken in post_office.taken}) == 1
    assert len(post_office.taken) == 2


def test_a_refused_password_shows_on_the_channel(arrive, answer, box, tenant_id, channel_id):
    conversation_id = arrive(mail())
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(secrets={"password": "errada"}))
    assert answer(conversation_id).status is MessageStatus.FAILED
    with box.unit(tenant_id, read_only=True) as uow:
        assert "user and password" in queries.get_channel(uow, channel_id).status_detail


def test_the_test_of_the_connection_signs_in_at_both_and_sends_nothing(box, account, reading, post_office):
    assert actions.check_connection(box, account()).name == OURS
    assert post_office.taken == []


def test_a_template_leaves_in_both_formats_with_the_signature(arrive, box, tenant_id, channel_id, run_deliveries, post_office):
    conversation_id = arrive(mail())
    given = {"kind": "email", "name": "Proposta", "parts": {"body": "# Olá {{contact.first_name}}\n\nVeja a **proposta** {{numero}}."}}
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(config={"signature": "Solara Energia"}))
        template_id = actions.create_template(uow, TemplateIn.model_validate(given)).id
        actions.send_template(uow, conversation_id, template_id, {"numero": "<b>7</b>"}, user_id=new_id())
    run_deliveries()
    sent = parsed(post_office.taken[-1])
    assert written(sent, "plain") == "Olá Bia\n\nVeja a proposta <b>7</b>.\n\n-- \nSolara Energia\n"
    html = written(sent, "html")
    assert "<h1>Olá Bia</h1>\n<p>Veja a <strong>proposta</strong> &lt;b&gt;7&lt;/b&gt;.</p>" in html
    assert "<p>Solara Energia</p>" in html
