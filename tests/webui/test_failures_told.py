"""Why something failed, told to each reader in theirs: on pages, by the API, in files. What somebody else said stays as it was said."""

from uuid import UUID

import pytest
from sqlalchemy import select, text

from appliance.core import jobs
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import pack, told
from appliance.core.ids import new_id
from appliance.core.outbox import Delivery
from appliance.domains.agents.schemas import StepOut
from appliance.domains.channels import actions as channels
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import MessageKind
from appliance.domains.feeds import actions as feeds
from appliance.domains.feeds.schemas import FeedIn
from appliance.domains.knowledge.actions import indexing
from appliance.domains.knowledge.tables import DocumentVersion
from appliance.domains.knowledge.types import ExtractionWarning
from tests.factories.channels import make_mailbox, make_simulator, make_template
from tests.factories.contact_history import make_import
from tests.factories.conversations import make_conversation
from tests.factories.core import make_dead_delivery
from tests.factories.feeds import make_instance
from tests.factories.knowledge import make_document

pytestmark = pytest.mark.only_database("sqlite")

SAID = {"pt-BR": "Desistimos depois de 3 tentativas: 503 Busy", "en": "Given up after 3 tries: 503 Busy"}
TROUBLE = Refused(_("Given up after %(tries)d tries: %(said)s", tries=3, said="503 Busy"))


def fail_message(uow):
    conversation_id = make_conversation(uow)
    message = conversations.reply(uow, conversation_id, user_id=new_id(), content={"text": "Olá!"})
    conversations.mark_failed(uow, message.id, code="unavailable", error=TROUBLE)
    return f"/inbox/{conversation_id}", f"/api/v1/conversations/{conversation_id}/messages"


def lose_file(uow):
    conversation_id = make_conversation(uow)
    content = {"media": {"filename": "foto.jpg", "error": pack(told(TROUBLE))}}
    message = conversations.reply(uow, conversation_id, user_id=new_id(), kind=MessageKind.IMAGE, content=content)
    return f"/inbox/messages/{message.id}", f"/api/v1/conversations/{conversation_id}/messages"


def fail_channel(uow):
    channel_id = make_simulator(uow)
    channels.note_refusal(uow, channel_id, TROUBLE)
    return f"/channels/{channel_id}", "/channels", f"/api/v1/channels/{channel_id}"


def close_link(uow):
    channel_id = UUID(make_instance(uow))
    channels.note_closed(uow, channel_id, 503, TROUBLE, attempt=1, retry_at=None)
    return f"/channels/{channel_id}", f"/api/v1/channels/{channel_id}/link"


def shut_mailbox(uow):
    channel_id = make_mailbox(uow)
    channels.note_mailbox_trouble(uow, channel_id, TROUBLE)
    return (f"/channels/{channel_id}",)


def refuse_template(uow):
    template_id = make_template(uow)
    channels.note_not_submitted(uow, template_id, TROUBLE, is_final=True)
    return (f"/api/v1/templates/{template_id}",)


def break_feed(uow):
    channel_id = UUID(make_instance(uow))
    feeds.set_feed(uow, channel_id, FeedIn(url="https://listener.example/in"))
    feeds.note_trouble(uow, channel_id, TROUBLE)
    return f"/channels/{channel_id}", f"/api/v1/channels/{channel_id}/feed"


def refuse_import(uow):
    import_id = make_import(uow)
    contacts.refuse_import(uow, import_id, InvalidField("email", TROUBLE.message))
    return f"/contacts/import/{import_id}", *(f"/api/v1/contacts/import/{import_id}/problems{form}" for form in ("", ".csv"))


def fail_document(uow):
    document_id = make_document(uow)
    version = uow.session.scalars(select(DocumentVersion).where(DocumentVersion.document_id == document_id)).one()
    indexing.fail_version(uow, version.id, TROUBLE)
    return f"/knowledge/{document_id}", f"/api/v1/documents/{document_id}"


def bury_delivery(uow):
    delivery_id = make_dead_delivery(uow)
    uow.session.get_one(Delivery, delivery_id).last_error = jobs.describe(TROUBLE)
    return ("/admin/jobs",)


FAILURES = (
    fail_message, lose_file, fail_channel, close_link, shut_mailbox, refuse_template, break_feed, refuse_import, fail_document,
    bury_delivery,
)  # fmt: skip


def test_a_failure_is_told_to_each_reader_in_theirs_and_what_was_said_to_us_as_it_was_said(app, box, tenant_id):
    with box.unit(tenant_id) as uow:
        addresses = [address for fail in FAILURES for address in fail(uow)]
    reader = app.test_client()
    for address in addresses:
        for language, said in SAID.items():
            assert said in reader.get(address, headers={"Accept-Language": language}).get_data(as_text=True), (address, language)


def test_a_sentence_that_was_kept_before_is_shown_as_it_is(app, box, tenant_id):
    with box.unit(tenant_id) as uow:
        address, *_others = fail_channel(uow)
    with box.unit(tenant_id) as uow:
        uow.session.execute(text("UPDATE channels SET status_detail = 'Saiu do ar'"))
    assert "Saiu do ar" in app.test_client().get(address, headers={"Accept-Language": "en"}).get_data(as_text=True)


def test_why_an_agent_could_not_ask_is_told_in_the_readers_language():
    step = StepOut(name="documents", verdict="away", detail={"error": pack(told(TROUBLE))}, took_ms=3)
    assert step.detail == {"error": SAID["en"]}


@pytest.mark.parametrize(("language", "sentence"), [("pt-BR", "A planilha"), ("en", "The workbook has hidden sheets")])
def test_what_was_left_out_of_a_document_is_told_in_a_sentence(app, box, tenant_id, language, sentence):
    with box.unit(tenant_id) as uow:
        document_id = make_document(uow)
        version = uow.session.scalars(select(DocumentVersion).where(DocumentVersion.document_id == document_id)).one()
        version.warnings = [warning.value for warning in ExtractionWarning]
    page = app.test_client().get(f"/knowledge/{document_id}", headers={"Accept": "text/html", "Accept-Language": language}).text
    assert sentence in page
    assert not [warning for warning in ExtractionWarning if warning.value in page]
