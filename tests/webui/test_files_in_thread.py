"""A file in a conversation, from its announcement until it is there or never will be."""

from datetime import UTC, datetime

import pytest
from flask import render_template

from appliance.core.i18n import in_locale
from appliance.core.ids import new_id
from appliance.domains.conversations.schemas import MessageOut
from webui.inbox import presenting

pytestmark = pytest.mark.only_database("sqlite")


def shown(app, box, tenant_id, media):
    moment = datetime.now(UTC)
    message = MessageOut(
        id=new_id(), conversation_id=new_id(), number=1, direction="inbound", sender="contact", sender_id=None, kind="document",
        content={"media": media}, sources=None, status="received", error_code=None, error=None, reply_to_id=None, topic=None, signals=None,
        attempts=0, occurred_at=moment, created_at=moment, sent_at=None, delivered_at=None, read_at=None,
    )
    with app.test_request_context("/"), in_locale("pt_BR"), box.unit(tenant_id, read_only=True) as uow:
        return render_template("inbox/_messages.html", bubbles=presenting.bubbles(uow, [message], contact_name="Bia"))


def test_one_that_is_not_there_yet_is_being_fetched(app, box, tenant_id):
    assert "sendo buscado" in shown(app, box, tenant_id, {"provider_id": "7", "mime_type": "application/pdf"})


def test_one_that_will_never_come_says_why(app, box, tenant_id):
    page = shown(app, box, tenant_id, {"filename": "v.mp4", "error": "O arquivo é grande demais."})
    assert "O arquivo é grande demais." in page
    assert "sendo buscado" not in page


def test_one_without_a_name_is_called_what_it_is(app, box, tenant_id):
    assert ">Documento<" in shown(app, box, tenant_id, {"error": "O arquivo é grande demais."})
    assert ">Documento<" in shown(app, box, tenant_id, {"blob_id": str(new_id()), "filename": ""})
