"""Files in conversations: put one up to send it, fetch one that came."""

from uuid import UUID

from flask import Response

from appliance.core.errors import NotFound
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Api, Call, keep_upload, send_stored
from appliance.domains.conversations import queries
from appliance.domains.conversations.api.conversations import READ, WRITE
from appliance.domains.conversations.schemas import AttachmentOut

attachments = Api("attachments")


@attachments.post(
    "/conversations/<uuid:conversation_id>/attachments", permission=WRITE, unit=False, returns=AttachmentOut, status=201,
    summary="Store a file (multipart field `file`) that you send with a reply within a day",
)  # fmt: skip
def upload_attachment(call: Call, conversation_id: UUID) -> AttachmentOut:
    with call.unit(read_only=True) as uow:
        queries.get_conversation(uow, conversation_id)
    limit = call.box.settings.channels.max_media_mb * 2**20
    return AttachmentOut.model_validate(keep_upload(call.box, call.who.tenant_id, call.who.actor, limit=limit))


@attachments.get("/messages/<uuid:message_id>/media", permission=READ, unit=False, summary="The file of a message")
def get_media(call: Call, message_id: UUID) -> Response:
    with call.unit(read_only=True) as uow:
        media = dict(queries.get_message(uow, message_id).content.get("media", {}))
    if not media.get("blob_id"):
        raise NotFound(_("This message has no file, or it has not come yet."))
    pieces = call.box.blobs.read(call.who.tenant_id, UUID(str(media["blob_id"])))
    kind = str(media.get("true_type") or media.get("mime_type") or "")
    return send_stored(pieces, media_type=kind, name=str(media.get("filename") or "file"))


@attachments.get("/messages/<uuid:message_id>/original", permission=READ, unit=False, summary="The whole mail of a message")
def get_original(call: Call, message_id: UUID) -> Response:
    with call.unit(read_only=True) as uow:
        original = (queries.get_message(uow, message_id).content.get("mail") or {}).get("original")
    if not original:
        raise NotFound(_("All of this message is shown; nothing else is kept of it."))
    pieces = call.box.blobs.read(call.who.tenant_id, UUID(str(original)))
    return send_stored(pieces, media_type="message/rfc822", name="mail.eml")
