"""A mail that came, taken apart, and what came with it put into the box's own store."""

import hashlib
from datetime import datetime
from io import BytesIO
from uuid import UUID

from appliance.core import files, media_types
from appliance.core.box import Box
from appliance.core.errors import Refused
from appliance.core.i18n import pack, told
from appliance.domains.channels.gateways.email import reading
from appliance.domains.channels.gateways.email.mail import File, Kept, Mail
from appliance.domains.channels.types import Account
from appliance.domains.conversations import queries as threads

ENCODED = 1.4  # base64 and its line ends
MAX_ID = 240


def largest_mail(box: Box) -> int:
    """In bytes: one with the largest file that is taken."""
    return int(box.settings.channels.max_media_mb * 2**20 * ENCODED)


def unpack(
    box: Box, account: Account, raw: bytes, *, arrived_at: datetime, is_whole: bool = True, lies_in: UUID | None = None
) -> tuple[Mail, Kept]:
    """`lies_in`: the file that holds the whole already. Of a mail that is known nothing is stored again. Raises Unavailable."""
    mail, limit = reading.read(raw, is_whole=is_whole), box.settings.channels.max_media_mb * 2**20
    named = provider_id(mail.message_id, raw)
    with box.unit(account.tenant_id, read_only=True) as uow:
        if threads.find_by_provider_id(uow, account.channel_id, named):
            return mail, Kept(named, arrived_at)
    kept = tuple(keep(box, account.tenant_id, file, limit=limit) for file in mail.files)
    is_worth = mail.is_shortened and mail.sender and is_whole
    original = str(lies_in or keep_original(box, account.tenant_id, raw)) if is_worth else ""
    return mail, Kept(named, arrived_at, kept, original)


def provider_id(message_id: str, raw: bytes) -> str:
    """The mail's own id, so that it is known again whichever way it comes; of its content where it has none that can be kept."""
    if message_id and len(message_id) <= MAX_ID and message_id.isprintable():
        return message_id
    lines = b"\n".join(raw.rstrip().splitlines())  # servers end them differently
    return f"mail-{hashlib.sha256(lines).hexdigest()}"


def keep(box: Box, tenant_id: UUID, file: File, *, limit: int) -> dict[str, object]:
    """The file as a message's media; one that may not be kept says why in its place. Raises Unavailable."""
    said: dict[str, object] = {"mime_type": file.mime_type, "filename": file.filename}
    try:
        ref = files.put(box, tenant_id, BytesIO(file.content), files.Origin.ARRIVED, limit=limit)
    except Refused as err:
        return {**said, "error": pack(told(err))}
    true_type = media_types.type_of(file.content[: media_types.SNIFFED], file.mime_type)
    return {**said, "blob_id": str(ref.id), "size": ref.size, "sha256": ref.sha256, "true_type": true_type}


def keep_original(box: Box, tenant_id: UUID, raw: bytes) -> str:
    return str(files.put(box, tenant_id, BytesIO(raw), files.Origin.ARRIVED).id)
