"""Files in conversations: put one up to send it, fetch one that came."""

from typing import BinaryIO, cast
from uuid import UUID

import puremagic
from flask import Response, request

from appliance.core.errors import NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Api, Call, send_file
from appliance.domains.conversations import queries
from appliance.domains.conversations.api.conversations import READ, WRITE
from appliance.domains.conversations.schemas import AttachmentOut

attachments = Api("attachments")
SNIFFED = 4096
SHOWN_INLINE = ("image/jpeg", "image/png", "image/webp", "image/gif", "audio/", "video/mp4", "video/3gpp", "application/pdf")


@attachments.post(
    "/conversations/<uuid:conversation_id>/attachments", permission=WRITE, unit=False, returns=AttachmentOut, status=201,
    summary="Store a file (multipart field `file`) to be sent with a reply",
)  # fmt: skip
def upload_attachment(call: Call, conversation_id: UUID) -> AttachmentOut:
    with call.unit(read_only=True) as uow:
        queries.get_conversation(uow, conversation_id)
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Refused(_("Choose a file first."), fields={"file": _("Choose a file first.")})
    head = given.stream.read(SNIFFED)
    given.stream.seek(0)
    limit = call.box.settings.channels.max_media_mb * 2**20
    ref = call.box.blobs.put(call.who.tenant_id, cast(BinaryIO, given.stream), limit=limit)
    name = given.filename.replace("\x00", "").rpartition("/")[2][-240:]
    return AttachmentOut(blob_id=ref.id, size=ref.size, filename=name, mime_type=_type_of(head, given.mimetype))


@attachments.get("/messages/<uuid:message_id>/media", permission=READ, unit=False, summary="The file of a message")
def get_media(call: Call, message_id: UUID) -> Response:
    """Served under its true type, and only kinds that cannot carry a script are shown in the page."""
    with call.unit(read_only=True) as uow:
        media = dict(queries.get_message(uow, message_id).content.get("media", {}))
    if not media.get("blob_id"):
        raise NotFound(_("This message has no file, or it has not come yet."))
    pieces = call.box.blobs.read(call.who.tenant_id, UUID(str(media["blob_id"])))
    kind = str(media.get("true_type") or media.get("mime_type") or "application/octet-stream")
    inline = kind.startswith(SHOWN_INLINE)
    response = send_file(pieces, mimetype=kind if inline else "application/octet-stream")
    response.headers.set("Content-Disposition", "inline" if inline else "attachment", filename=str(media.get("filename") or "file"))
    response.headers["Content-Security-Policy"] = "sandbox"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _type_of(head: bytes, claimed: str) -> str:
    try:
        return str(puremagic.from_string(head, mime=True)) or claimed
    except (puremagic.PureError, ValueError):
        return claimed if claimed.startswith("text/") else "application/octet-stream"
