"""A file that came with a request."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast
from uuid import UUID

from flask import request

from appliance.core import files, media_types
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor

if TYPE_CHECKING:
    from appliance.core.box import Box


@dataclass(frozen=True)
class Upload:
    """`size` in bytes; `mime_type` is what the bytes say."""

    blob_id: UUID
    mime_type: str
    filename: str
    size: int


def keep_upload(box: "Box", tenant_id: UUID, by: Actor, *, limit: int, origin: files.Origin = files.Origin.CHOSEN) -> Upload:
    """The multipart field `file`, stored as theirs. Raises Refused without one, for an empty one and past `limit` bytes."""
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Refused(_("Choose a file first."), fields={"file": _("Choose a file first.")})
    head = given.stream.read(media_types.SNIFFED)
    if not head:
        raise Refused(_("This file is empty."), fields={"file": _("This file is empty.")})
    given.stream.seek(0)
    ref = files.put(box, tenant_id, cast(BinaryIO, given.stream), origin, by=by, limit=limit)
    name = given.filename.replace("\x00", "").rpartition("/")[2][-240:]
    return Upload(ref.id, media_types.type_of(head, given.mimetype), name, ref.size)
