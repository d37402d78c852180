"""What programs written for Evolution API ask of a linked number, done by the box's own rules."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

from appliance.core import files, media_types
from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries as links
from appliance.domains.channels.errors import ChannelInUse
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.types import RISK_VERSION, WHATSAPP_QR
from appliance.domains.conversations.types import MessageKind
from appliance.domains.feeds import queries
from appliance.domains.feeds.actions.listening import set_feed
from appliance.domains.feeds.errors import InstanceNotFound, NameTaken
from appliance.domains.feeds.gateways import hooks
from appliance.domains.feeds.rules import evolution, shapes
from appliance.domains.feeds.schemas import FeedIn, InstanceIn, QuotedIn, SendMediaIn, SendTextIn, WebhookIn
from appliance.domains.feeds.types import Shape

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import Actor, UnitOfWork, Units
    from appliance.domains.feeds.rules.evolution import Instance
    from appliance.domains.feeds.tables import Feed


def create_instance(uow: UnitOfWork, given: InstanceIn) -> Instance:
    """One that was deleted while it had conversations comes back with them. Raises NameTaken."""
    channel_id = _revived(uow, given.instance_name) or _created(uow, given)
    if given.risk_version is not None:
        channels.accept_risk(uow, channel_id, given.risk_version)
    if given.webhook is not None:
        set_webhook(uow, str(channel_id), given.webhook)
    if (given.qrcode or given.number) and links.get_link(uow, channel_id).accepted_version == RISK_VERSION:
        channels.begin_link(uow, channel_id, phone=shapes.address_of(given.number))
    return queries.instance_of(uow, channel_id)


def _created(uow: UnitOfWork, given: InstanceIn) -> UUID:
    return channels.create_channel(uow, ChannelIn(kind=WHATSAPP_QR, name=given.instance_name, agent_id=given.agent_id)).id


def _revived(uow: UnitOfWork, name: str) -> UUID | None:
    try:
        channel_id = UUID(queries.get_instance(uow, name).id)
    except InstanceNotFound:
        return None
    if links.get_channel(uow, channel_id).active:
        raise NameTaken
    channels.change_channel(uow, channel_id, ChannelPatch(active=True))
    return channel_id


def begin_link(uow: UnitOfWork, name: str, *, number: str) -> UUID:
    """Raises InstanceNotFound; Refused before the risk was signed for."""
    channel_id = UUID(queries.get_instance(uow, name).id)
    channels.begin_link(uow, channel_id, phone=shapes.address_of(number) if number else "")
    return channel_id


def log_out(uow: UnitOfWork, name: str) -> None:
    channels.unlink(uow, UUID(queries.get_instance(uow, name).id))


def delete_instance(uow: UnitOfWork, name: str) -> None:
    """With conversations it is switched off, and they stay. Raises Conflict while a phone is linked."""
    channel_id = UUID(queries.get_instance(uow, name).id)
    if links.get_link(uow, channel_id).is_linked:
        raise Conflict(_("Log this number out first (/instance/logout)."))
    try:
        channels.delete_channel(uow, channel_id)
    except ChannelInUse:
        channels.change_channel(uow, channel_id, ChannelPatch(active=False))


def set_webhook(uow: UnitOfWork, name: str, given: WebhookIn) -> Feed:
    """Events that are asked for and never told here are left out; without any that is, all are told."""
    channel_id = UUID(queries.get_instance(uow, name).id)
    wanted = FeedIn(
        shape=Shape.EVOLUTION, url=given.url, active=given.enabled, with_files=given.with_files, events=evolution.known_events(given.events)
    )
    feed = set_feed(uow, channel_id, wanted)
    feed.by_events = given.by_events
    if given.headers is not None:
        feed.headers = given.headers
    return feed


def send_text(uow: UnitOfWork, name: str, given: SendTextIn) -> dict[str, Any]:
    """As the message is told later. Raises ConsentRefused."""
    return _write(uow, name, given, MessageKind.TEXT, {"text": given.text})


def send_media(box: Box, tenant_id: UUID, unit: Units, name: str, given: SendMediaIn) -> dict[str, Any]:
    """The file is fetched and kept before anything is written."""
    with unit(read_only=True) as uow:
        queries.get_instance(uow, name)
        by = uow.actor
    blob_id, head = _stored(box, tenant_id, by, given.media)
    mime_type = media_types.type_of(head, given.mimetype)
    mime_type = given.mimetype or mime_type if mime_type == media_types.UNKNOWN else mime_type
    media = {"blob_id": str(blob_id), "mime_type": mime_type, "filename": given.file_name}
    try:
        _check_kind(given.mediatype, mime_type)
        content = {"media": media, **({"text": given.caption} if given.caption else {})}
        with unit() as uow:
            return _write(uow, name, given, MessageKind(given.mediatype), content)
    finally:
        files.give_up(box, tenant_id, blob_id)  # where nothing was written with it


def _stored(box: Box, tenant_id: UUID, by: Actor, media: str) -> tuple[UUID, bytes]:
    limit = box.settings.channels.max_media_mb * 2**20
    if media.startswith(("https://", "http://")):
        return hooks.fetch(box, tenant_id, media, by=by, limit=limit)
    try:
        content = b64decode(media.partition(",")[2] if media.startswith("data:") else media, validate=True)
    except (NotBase64, ValueError) as err:
        raise Refused(_("Send the file as an address or in base64.")) from err
    return files.put(box, tenant_id, BytesIO(content), files.Origin.CHOSEN, by=by, limit=limit).id, content[: media_types.SNIFFED]


def _check_kind(asked: str, found: str) -> None:
    if asked in ("image", "video") and not found.startswith(f"{asked}/"):
        raise Refused(_("This file is no %(kind)s (%(found)s).", kind=asked, found=found))


def _write(
    uow: UnitOfWork, name: str, given: SendTextIn | SendMediaIn, kind: MessageKind, content: dict[str, Any]
) -> dict[str, Any]:
    instance = queries.get_instance(uow, name)
    to = shapes.address_of(given.number)
    if not to:
        raise Refused(_("Name whom to write to: digits with the country's code."), fields={"number": _("Digits with the country's code.")})
    quoted = _quoted(uow, UUID(instance.id), given.quoted)
    made = channels.write_over(uow, UUID(instance.id), to, content, user_id=uow.actor.writer_id, kind=kind, reply_to_id=quoted)
    return evolution.written(queries.said_of(uow, made.id), instance)


def _quoted(uow: UnitOfWork, channel_id: UUID, quoted: QuotedIn | None) -> UUID | None:
    if quoted is None:
        return None
    found = queries.find_named_message(uow, channel_id, quoted.key.id)
    if found is None:
        raise NotFound(_("The quoted message is not part of this conversation."))
    return found
