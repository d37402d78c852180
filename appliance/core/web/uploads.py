"""A file that came with a request."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast
from uuid import UUID

from flask import request

from appliance.core import media_types
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _

if TYPE_CHECKING:
    from appliance.core.box import Box


@dataclass(frozen=True)
class Upload:
    """`size` in bytes; `mime_type` is what the bytes say."""

    blob_id: UUID
    mime_type: str
    filename: str
    size: int


def keep_upload(box: "Box", tenant_id: UUID, *, limit: int) -> Upload:
    """The multipart field `file`, stored for the tenant. Raises Refused without one and past `limit` bytes."""
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Refused(_("Choose a file first."), fields={"file": _("Choose a file first.")})
    head = given.stream.read(media_types.SNIFFED)
    given.stream.seek(0)
    ref = box.blobs.put(tenant_id, cast(BinaryIO, given.stream), limit=limit)
    name = given.filename.replace("\x00", "").rpartition("/")[2][-240:]
    return Upload(ref.id, media_types.type_of(head, given.mimetype), name, ref.size)
