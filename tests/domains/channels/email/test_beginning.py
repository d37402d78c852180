"""Mails that begin something, copies that stay on the answers, and readers who call a mail spam."""

from email.message import EmailMessage
from io import BytesIO

import pytest

from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import ConsentIn
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, Identity, IdentityKind, Purpose
from appliance.domains.conversations.types import MessageStatus
from tests.domains.channels.email.conftest import OURS, mail
from tests.domains.channels.email.test_sending import answer, arrive, parsed  # noqa: F401 - fixtures

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def agreed(box, tenant_id):
    """Somebody who never wrote and agreed to notices by e-mail."""

    def make(address, mode=ConsentMode.OPT_IN):
        with box.unit(tenant_id) as uow:
            found = contacts.upsert_contact(uow, (Identity(IdentityKind.EMAIL, address),), one_person=True).id
            said = ConsentIn(channel=Medium.EMAIL, purpose=Purpose.SERVICE, mode=mode, source="form", evidence={})
            contacts.record_consent(uow, found, said)
        return found

    return make


@pytest.fixture
def begin(client, channel_id, run_deliveries):
    def write(to="caio@cliente.example", **given):
        asked = {"channel_id": str(channel_id), "to": to, "subject": "Proposta", "text": "Segue a proposta.", **given}
        said = client.post("/api/v1/mails", json=asked)
        run_deliveries()
        return said

    return write


def test_a_mail_begins_with_a_subject_of_its_own_and_copies(begin, agreed, post_office):
    agreed("caio@cliente.example")
    said = begin("Caio@Cliente.example", cc=["chefe@cliente.example", OURS])
    assert said.status_code == 201, said.json
    [taken] = post_office.taken
    sent = parsed(taken)
    assert (sent["To"], sent["Cc"], sent["Subject"]) == ("caio@cliente.example", "chefe@cliente.example", "Proposta")
    assert (sent["In-Reply-To"], taken.recipients) == (None, ["caio@cliente.example", "chefe@cliente.example"])


def test_a_mail_that_begins_something_takes_a_file(begin, agreed, client, post_office):
    agreed("caio@cliente.example")
    file = client.post("/api/v1/mails/attachments", data={"file": (BytesIO(b"%PDF-1.7 x"), "proposta.pdf")})
    assert file.status_code == 201, file.json
    media = {name: file.json[name] for name in ("blob_id", "mime_type", "filename")}
    assert begin(media=media).json["kind"] == "document"
    again = begin(media=media)  # it has gone with the first
    assert (again.status_code, list(again.json["fields"])) == (422, ["media"])
    sent = parsed(post_office.taken[0])
    [attached] = sent.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("proposta.pdf", b"%PDF-1.7 x")
    assert (sent["Subject"], "Segue a proposta." in sent.get_body(("plain",)).get_content()) == ("Proposta", True)


def test_the_answer_to_it_joins_its_conversation_and_copies_stay(begin, agreed, arrive, answer, post_office):  # noqa: F811
    agreed("caio@cliente.example")
    ours = begin(cc=["chefe@cliente.example"]).json
    said = mail("Fechado", sender="chefe@cliente.example", message_id="<r1@cliente.example>", In_Reply_To=f"<{ours['id']}@solara.example>")
    said["Cc"] = f"caio@cliente.example, socia@cliente.example, {OURS}"
    assert str(arrive(said)) == ours["conversation_id"]
    answer(arrive(mail("?", sender="chefe@cliente.example", message_id="<r2@cliente.example>", References="<r1@cliente.example>")), "Ótimo")
    assert parsed(post_office.taken[-1])["Cc"] == "chefe@cliente.example"
    answer(arrive(said), "Ótimo", reply_to_id=None)
    assert parsed(post_office.taken[-1])["To"] == "caio@cliente.example"


def test_who_was_copied_is_copied_on_the_answer(arrive, answer, post_office):  # noqa: F811
    made = mail()
    made["Cc"] = f"Contas <contas@cliente.example>, {OURS}"
    answer(arrive(made))
    sent = parsed(post_office.taken[0])
    assert (sent["To"], sent["Cc"]) == ("bia@cliente.example", "contas@cliente.example")
    assert post_office.taken[0].recipients == ["bia@cliente.example", "contas@cliente.example"]


def test_nobody_is_written_to_who_did_not_agree(begin, agreed, post_office):
    assert begin("estranho@cliente.example").status_code == 422
    agreed("caio@cliente.example")
    agreed("nao@cliente.example", ConsentMode.OPT_OUT)
    assert begin(cc=["nao@cliente.example"]).status_code == 422
    assert post_office.taken == []


def test_only_a_few_whom_nobody_knows_get_a_copy(begin, agreed, post_office):
    agreed("caio@cliente.example")
    agreed("socia@cliente.example")
    strangers = [f"a{number}@outra.example" for number in range(4)]
    assert list(begin(cc=strangers).json["fields"]) == ["cc"]
    assert begin(cc=["socia@cliente.example", *strangers[1:]]).status_code == 201
    assert len(post_office.taken) == 1


def test_copies_to_those_whom_nobody_knows_end_for_the_day(begin, agreed, post_office, monkeypatch):
    monkeypatch.setattr("appliance.domains.channels.actions.mailing.STRANGERS_A_DAY", "2/day")
    agreed("caio@cliente.example")
    assert begin(cc=["a@outra.example", "b@outra.example"]).status_code == 201
    assert list(begin(cc=["c@outra.example"]).json["fields"]) == ["cc"]
    assert begin().status_code == 201
    assert len(post_office.taken) == 2


@pytest.mark.parametrize(("field", "value"), [("to", "bia"), ("cc", ["bia@"]), ("subject", "  "), ("text", "")])
def test_what_is_no_mail_is_told_at_its_field(begin, field, value):
    said = begin(**{field: value})
    assert (said.status_code, [name.partition(".")[0] for name in said.json["fields"]]) == (422, [field])


def report(about, kind="abuse", sender="fbl@provedor.example"):
    """As providers send it (RFC 5965); `about`: the mail that was called spam."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = sender, OURS, "complaint", "<arf@provedor.example>"
    made.set_content("This is a spam report.")
    made.make_mixed()
    said = EmailMessage()
    said["Content-Type"] = "message/feedback-report"
    said.set_payload(f"Feedback-Type: {kind}\nUser-Agent: x/1\nVersion: 1\n")
    made.attach(said)
    made.add_attachment(about)
    made.replace_header("Content-Type", made["Content-Type"].replace("multipart/mixed", "multipart/report; report-type=feedback-report"))
    return made.as_bytes()


@pytest.fixture
def is_out(box, tenant_id, inbox):
    def ask():
        [(conversation, _messages)] = inbox()
        with box.unit(tenant_id, read_only=True) as uow:
            return people.latest_mode(uow, conversation.contact_id, Medium.EMAIL, Purpose.SERVICE) is ConsentMode.OPT_OUT

    return ask


@pytest.mark.parametrize(("kind", "ends"), [("abuse", True), ("not-spam", False)])
def test_who_calls_our_mail_spam_is_not_written_to_again(kind, ends, arrive, answer, post_office, is_out, inbox):  # noqa: F811
    answer(arrive(mail()))
    arrive(report(parsed(post_office.taken[0]), kind))
    assert (is_out(), len(inbox()[0][1])) == (ends, 2)


@pytest.mark.parametrize("sender", ["fbl@provedor.example", "bia@cliente.example", ""])
def test_a_complaint_that_proves_nothing_is_put_aside(sender, arrive, answer, post_office, is_out, client):  # noqa: F811
    """Who knows the id of a mail, from a copy or from the answers that quote it, ends nothing for the one who got it."""
    answer(arrive(mail()))
    ours = parsed(post_office.taken[0])
    proof = str(ours["CFBL-Feedback-ID"])
    made_up = [None, "x", proof[:-1] + ("0" if proof[-1] != "0" else "1"), "0" * 32 + proof[32:]]
    for number, said in enumerate(made_up):
        forged = EmailMessage()
        forged["Message-ID"] = ours["Message-ID"]
        if said:
            forged["CFBL-Feedback-ID"] = said
        forged.set_content("Segue")
        arrive(report(forged, sender=sender).replace(b"<arf@", f"<arf{number}@".encode()))
    assert not is_out()
    assert [one["reason"] for one in client.get("/api/v1/channels/rejected").json["items"]] == ["complaint_without_proof"] * len(made_up)


def test_a_mail_to_several_proves_nothing_for_one_of_them(arrive, answer, post_office):  # noqa: F811
    made = mail()
    made["Cc"] = f"contas@cliente.example, {OURS}"
    answer(arrive(made))
    assert parsed(post_office.taken[0])["CFBL-Feedback-ID"] is None


def test_a_server_typed_with_its_scheme_is_told_apart(client, config):
    written = {**config, "smtp_host": "https://mail.example.com/"}
    given = {"kind": "email", "name": "V", "config": written, "secrets": {"user": "a", "password": "b"}}
    said = client.post("/api/v1/channels", json=given)
    assert "without https://" in str(said.json["fields"])


@pytest.mark.parametrize("to", ["josé@cliente.example", "a@[cliente.example", "=?utf-8?q?a=0d=0aX:1?=@cliente.example"])
def test_an_address_that_no_mail_can_carry_is_told_at_its_field(begin, to):
    assert [name.partition(".")[0] for name in begin(to).json["fields"]] == ["to"]
    assert [name.partition(".")[0] for name in begin(cc=[to]).json["fields"]] == ["cc"]


SMUGGLED = "=?utf-8?q?x=0d=0aX-Smuggled:_1=0d=0a=0d=0a<h1>Pague_aqui</h1>?="
NARROW = "=?utf-8?q?x=0d=0aX-Smuggled=3a1?="  # where a colon would end it


def test_a_subject_that_holds_an_encoded_word_writes_no_lines_of_its_own(begin, agreed, post_office):
    agreed("caio@cliente.example")
    assert begin(subject=SMUGGLED).status_code == 201
    [taken] = post_office.taken
    assert parsed(taken)["X-Smuggled"] is None
    assert b"Pague aqui" not in taken.content
    assert taken.content.count(b"\r\n\r\n<h1>") == 0


def test_nothing_in_the_head_of_a_mail_that_came_writes_lines_of_its_own_in_the_answer(arrive, answer, post_office):  # noqa: F811
    word = SMUGGLED.encode("ascii").replace(b"=", b"=3D").replace(b"?", b"=3F").replace(b"_", b"=5F").decode()
    head = [
        "From: bia@cliente.example", f"To: {OURS}, {NARROW}@cliente.example, contas@cliente.example", "Message-ID: <m1@cliente.example>",
        f"References: <{NARROW}@cliente.example> <m0@cliente.example>", f"Subject: =?utf-8?q?{word}?=", "", "Quanto custa?",
    ]  # fmt: skip
    arrived = arrive("\r\n".join(head).encode())
    answer(arrived)
    sent, content = parsed(post_office.taken[0]), post_office.taken[0].content
    assert (sent["X-Smuggled"], sent["Cc"]) == (None, "contas@cliente.example")
    assert sent["References"] == "<m0@cliente.example> <m1@cliente.example>"
    assert (b"Pague_aqui" in content, b"Pague aqui" in content) == (True, False)


def test_an_id_made_to_break_out_is_not_answered_to(arrive, answer, post_office):  # noqa: F811
    answer(arrive(f"From: bia@cliente.example\r\nTo: {OURS}\r\nMessage-ID: <{NARROW}@cliente.example>\r\nSubject: x\r\n\r\nOi".encode()))
    assert [parsed(post_office.taken[0])[name] for name in ("X-Smuggled", "In-Reply-To")] == [None, None]


def test_who_cannot_be_written_to_is_told_at_the_answer(arrive, answer, post_office):  # noqa: F811
    ours = answer(arrive(f"From: {NARROW}@cliente.example\r\nTo: {OURS}\r\nMessage-ID: <m1@x.example>\r\nSubject: x\r\n\r\nOi".encode()))
    assert (ours.status, post_office.taken) == (MessageStatus.FAILED, [])


def test_what_programs_read_in_the_head_leaves_as_it_is_however_long(arrive, answer, post_office):  # noqa: F811
    longest = f"{'a' * 120}@cliente.example"
    known = "\r\n ".join(f"<{'b' * 100}{number}@cliente.example>" for number in range(3))
    answer(arrive(f"From: bia@cliente.example\r\nTo: {OURS}\r\nMessage-ID: <{longest}>\r\nReferences: {known}\r\n\r\nOi".encode()))
    head = post_office.taken[0].content.partition(b"\r\n\r\n")[0]
    assert f"In-Reply-To: <{longest}>\r\n".encode() in head
    assert f"2@cliente.example>\r\n <{longest}>\r\n".encode() in head
    assert b"CFBL-Feedback-ID: " + bytes(parsed(post_office.taken[0])["CFBL-Feedback-ID"], "ascii") in head
    assert max(len(line) for line in head.split(b"\r\n")) < 998
