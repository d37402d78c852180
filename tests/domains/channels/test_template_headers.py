"""Templates whose header is a file or a place: handed in with an example, sent with the file that was chosen."""

import io
from functools import partial
from uuid import UUID

import pytest

from appliance.core import files
from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.ids import new_id
from appliance.core.web import Upload
from appliance.domains.channels import actions, queries
from appliance.domains.channels.rules import headers
from appliance.domains.channels.schemas import TemplateIn, TemplatePatch
from appliance.domains.channels.types import Parts, Sample, TemplateStatus
from appliance.domains.contacts import actions as contacts
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.schemas import MediaIn
from appliance.domains.conversations.types import MessageStatus

pytestmark = pytest.mark.only_database("sqlite")
PICTURE = b"\x89PNG\r\n\x1a\n a picture"
PLACE = {"header.latitude": "-23.55", "header.longitude": "-46.63", "header.name": "Loja", "header.address": "Rua A, 1"}


@pytest.fixture
def store(box, tenant_id):
    def keep(content=PICTURE, mime_type="image/png", filename="telhado.png"):
        ref = files.put(box, tenant_id, io.BytesIO(content), files.Origin.CHOSEN)
        return Upload(ref.id, mime_type, filename, ref.size)

    return keep


@pytest.fixture
def make(box, tenant_id, waba):
    def create(media="IMAGE", name="obra", kind="whatsapp", **parts):
        channel = {"channel_id": waba} if kind == "whatsapp" else {}
        given = {"kind": kind, "name": name, "parts": {"media": media, "body": "Sua obra começou.", **parts}, **channel}
        with box.unit(tenant_id) as uow:
            return actions.create_template(uow, TemplateIn.model_validate(given)).id

    return create


@pytest.fixture
def attach(box, tenant_id, store):
    def keep(template_id, **given):
        actions.take_sample(box, tenant_id, partial(box.unit, tenant_id), template_id, file := store(**given))
        return file

    return keep


@pytest.fixture
def say(box, tenant_id, conversation_id, run_deliveries):
    def send(template_id, values=None, media=None, at=conversation_id):
        with box.unit(tenant_id) as uow:
            message_id = actions.send_template(uow, at, template_id, values or {}, user_id=new_id(), media=media).id
        run_deliveries()
        with box.unit(tenant_id, read_only=True) as uow:
            return conversations.get_message(uow, message_id)

    return send


def test_a_file_goes_to_metas_reviewers_and_along_with_the_message(make, attach, approved, say, graph):
    template_id = make()
    attach(template_id)
    approved(template_id)
    [handle] = graph.templates.kept["9000"]["components"][0]["example"]["header_handle"]
    assert graph.templates.handles[handle] == ("image/png", PICTURE)
    sent = say(template_id)
    assert sent.status is MessageStatus.SENT
    header = graph.accepted[-1][1]["template"]["components"][0]
    assert graph.media[header["parameters"][0]["image"]["id"]] == (PICTURE, "image/png")
    assert sent.content["media"]["filename"] == "telhado.png"


def test_another_file_or_an_address_goes_in_its_place(make, attach, approved, say, graph, store):
    template_id = make()
    attach(template_id)
    approved(template_id)
    other = store(b"\xff\xd8\xff another", "image/jpeg", "outra.jpg")
    say(template_id, media=MediaIn(blob_id=other.blob_id, mime_type="image/jpeg", filename="outra.jpg"))
    header = graph.accepted[-1][1]["template"]["components"][0]["parameters"][0]
    assert graph.media[header["image"]["id"]] == (b"\xff\xd8\xff another", "image/jpeg")
    said = say(template_id, {headers.LINK: "https://solara.example/obra.png"})
    assert graph.accepted[-1][1]["template"]["components"][0]["parameters"][0] == {
        "type": "image", "image": {"link": "https://solara.example/obra.png"},
    }  # fmt: skip
    assert said.content["media"] == {"link": "https://solara.example/obra.png"}
    for unfit in ({"media": MediaIn(blob_id=other.blob_id, mime_type="application/pdf")}, {"values": {headers.LINK: "http://x"}}):
        with pytest.raises(Refused):
            say(template_id, **unfit)


def test_without_any_file_it_is_neither_handed_in_nor_sent(make, box, tenant_id, say, graph):
    template_id = make()
    with pytest.raises(Refused) as refused, box.unit(tenant_id) as uow:
        actions.submit_template(uow, template_id)
    assert set(refused.value.fields) == {"file"}
    with box.unit(tenant_id) as uow:  # fetched from Meta: approved, and its file is not here
        queries.lock_template(uow, template_id).status = TemplateStatus.APPROVED
    with pytest.raises(Refused) as refused:
        say(template_id)
    assert set(refused.value.fields) == {"media"}


def test_a_document_keeps_its_name_and_a_place_is_where_it_is(make, attach, approved, say, graph):
    document = make("DOCUMENT", "fatura")
    attach(document, content=b"%PDF-1.4", mime_type="application/pdf", filename="fatura.pdf")
    approved(document)
    say(document)
    assert graph.accepted[-1][1]["template"]["components"][0]["parameters"][0]["document"]["filename"] == "fatura.pdf"


def test_a_place_is_typed_when_it_is_sent(make, approved, say, graph):
    template_id = approved(make("LOCATION", "visita"))
    assert graph.templates.kept["9000"]["components"][0] == {"type": "HEADER", "format": "LOCATION"}
    sent = say(template_id, PLACE)
    assert (sent.status, sent.error) == (MessageStatus.SENT, None)
    place = graph.accepted[-1][1]["template"]["components"][0]["parameters"][0]["location"]
    assert place == {"latitude": "-23.55", "longitude": "-46.63", "name": "Loja", "address": "Rua A, 1"}
    assert sent.content["text"].startswith("Loja, Rua A, 1")
    for wrong in ({}, PLACE | {"header.latitude": "91"}, PLACE | {"header.longitude": "oeste"}):
        with pytest.raises(Refused):
            say(template_id, wrong)


def test_a_mail_takes_the_templates_file_along(box, tenant_id, make, attach, conversation_id):
    template_id = make("", "Proposta", kind="email", header="Proposta")
    attach(template_id, content=b"%PDF-1.4", mime_type="application/pdf", filename="proposta.pdf")
    with box.unit(tenant_id) as uow:
        conversations.get_conversation(uow, conversation_id).channel_kind = "email"
        message = actions.send_template(uow, conversation_id, template_id, {}, user_id=new_id())
        assert (message.kind.value, message.content["media"]["filename"]) == ("document", "proposta.pdf")
        assert message.content["html"]


def test_a_file_of_another_kind_is_refused_and_gone(make, store, box, tenant_id):
    template_id, file, unit = make("VIDEO"), store(), partial(box.unit, tenant_id)
    with pytest.raises(Refused) as refused:
        actions.take_sample(box, tenant_id, unit, template_id, file)
    assert set(refused.value.fields) == {"file"}
    with pytest.raises(NotFound):
        box.blobs.read_all(tenant_id, file.blob_id)
    with pytest.raises(Refused):
        actions.take_sample(box, tenant_id, unit, make("", "texto"), store())


def test_a_drafts_file_goes_with_it_and_with_its_header(make, attach, box, tenant_id, run_deliveries):
    template_id = make()
    first = attach(template_id)
    attach(template_id)
    with box.unit(tenant_id) as uow:
        changed = actions.change_template(uow, template_id, TemplatePatch.model_validate({"parts": {"body": "Sua obra começou."}}))
        assert changed.sample is None
    run_deliveries()
    with pytest.raises(NotFound):
        box.blobs.read_all(tenant_id, first.blob_id)


def test_a_templates_file_stays_for_the_messages_that_show_it_and_goes_with_the_last(
    make, attach, approved, say, box, tenant_id, run_deliveries
):
    template_id = make()
    kept = attach(template_id)
    approved(template_id)
    sent = say(template_id)
    attach(template_id)  # another in its place
    run_deliveries()
    assert box.blobs.read_all(tenant_id, kept.blob_id) == PICTURE
    with box.unit(tenant_id) as uow:
        actions.drop_sample(uow, template_id)
        contacts.delete_contact(uow, conversations.get_conversation(uow, sent.conversation_id).contact_id)
    run_deliveries()
    assert [path for path in box.settings.home.glob("blobs/*/*/*") if path.is_file()] == []


def test_a_template_keeps_its_file_when_who_got_it_is_erased(make, attach, approved, say, box, tenant_id, run_deliveries):
    template_id = make()
    kept = attach(template_id)
    approved(template_id)
    sent = say(template_id)
    with box.unit(tenant_id) as uow:
        contacts.delete_contact(uow, conversations.get_conversation(uow, sent.conversation_id).contact_id)
    run_deliveries()
    assert box.blobs.read_all(tenant_id, kept.blob_id) == PICTURE


def test_what_meta_looks_at_is_not_taken_away(make, attach, box, tenant_id, run_deliveries):
    template_id = make()
    attach(template_id)
    with box.unit(tenant_id) as uow:
        actions.submit_template(uow, template_id)
    with pytest.raises(Conflict), box.unit(tenant_id) as uow:
        actions.drop_sample(uow, template_id)
    with pytest.raises(Conflict):
        attach(template_id)


@pytest.mark.parametrize(
    ("media", "mime_type", "size", "fits"),
    [
        ("IMAGE", "image/png", 5 * 2**20, True), ("IMAGE", "image/png", 5 * 2**20 + 1, False), ("IMAGE", "image/gif", 1, False),
        ("VIDEO", "video/mp4", 16 * 2**20, True), ("DOCUMENT", "application/pdf", 1, True), ("DOCUMENT", "text/plain", 1, False),
    ],
)  # fmt: skip
def test_files_are_of_the_kinds_and_sizes_that_whatsapp_takes(media, mime_type, size, fits):
    assert headers.fits(media, mime_type, size) is fits


def test_a_mail_takes_any_file_that_mail_servers_take():
    assert headers.problem_of_file("", "text/plain", headers.MAX_MAILED_FILE) is None
    assert headers.problem_of_file("", "text/plain", headers.MAX_MAILED_FILE + 1) is not None


def test_one_of_file_address_and_own_file_is_needed():
    picture, own = Parts(media="IMAGE", body="Oi"), Sample(UUID(int=1), "image/png", "a.png", 1)
    assert headers.needs_file(picture, {}, None)
    assert not headers.needs_file(picture, {headers.LINK: "https://x.example/a"}, None)
    assert not headers.needs_file(picture, {}, own)
    assert not headers.needs_file(Parts(body="Oi"), {}, None)
