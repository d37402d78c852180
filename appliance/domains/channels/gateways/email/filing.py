"""What came with a mail, put into the box's own store."""

from io import BytesIO
from uuid import UUID

from appliance.core import media_types
from appliance.core.box import Box
from appliance.core.errors import Refused
from appliance.domains.channels.gateways.email.mail import File


def keep(box: Box, tenant_id: UUID, file: File, *, limit: int) -> dict[str, object]:
    """The file as a message's media; one that may not be kept says why in its place. Raises Unavailable."""
    said: dict[str, object] = {"mime_type": file.mime_type, "filename": file.filename}
    try:
        ref = box.blobs.put(tenant_id, BytesIO(file.content), limit=limit)
    except Refused as err:
        return {**said, "error": str(err)}
    true_type = media_types.type_of(file.content[: media_types.SNIFFED], file.mime_type)
    return {**said, "blob_id": str(ref.id), "size": ref.size, "sha256": ref.sha256, "true_type": true_type}


def keep_original(box: Box, tenant_id: UUID, raw: bytes) -> str:
    return str(box.blobs.put(tenant_id, BytesIO(raw)).id)
