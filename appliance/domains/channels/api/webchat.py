"""The door of visitors: /chat/<key>. Nobody signs in here; a visitor shows the token they were given and sees their own conversation."""

from urllib.parse import urlsplit
from uuid import UUID

from flask import Response, current_app, request

from appliance.core.errors import Forbidden, NotFound, TooMany
from appliance.core.files import Origin, give_up
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import Actor, UnitOfWork
from appliance.core.web import PUBLIC, Api, Call, keep_upload, send_stored
from appliance.core.web.limits import RateLimits
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import (
    SeenIn,
    VisitorChoiceOut,
    VisitorFileOut,
    VisitorMessageOut,
    VisitorOut,
    VisitorSaysIn,
    VisitorThreadOut,
    VisitorThreadQuery,
    VisitorWritesIn,
    WebchatSettings,
)
from appliance.domains.channels.types import Visit
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.queries import Message
from appliance.domains.conversations.schemas import media_kind
from appliance.domains.conversations.types import MessageKind, Sender

webchat = Api("webchat", prefix="/chat")
TOKEN_HEADER = "X-Visitor"  # noqa: S105 - the header's name
VISITOR = Actor("contact", name="webchat")
NEW_VISITORS, WRITES, READS = "300/hour", "120/minute", "600/minute"  # of one address, which many phones may share
OWN_WRITES, OWN_WRITING = "15/minute", "30/minute"  # of one visitor: messages, and that one is on its way
FILES, OWN_FILES = "200/day", "60/day"  # of one address in one chat; of one visitor
MAX_FILE = 4 * 2**20  # what the box takes from somebody it does not know
_SENDERS = {Sender.CONTACT: "visitor", Sender.AGENT_AI: "assistant", Sender.SYSTEM: "assistant"}


@webchat.post("/<key>/visitors", access=PUBLIC, unit=False, returns=VisitorOut, status=201, limit=NEW_VISITORS)
def welcome(call: Call, key: str) -> VisitorOut:
    _check_origin(call)
    return VisitorOut(token=actions.welcome_visitor(call.box, key))


@webchat.get(
    "/<key>/messages", access=PUBLIC, unit=False, query=VisitorThreadQuery, returns=VisitorThreadOut, limit=READS,
    summary="The visitor's own conversation",
)  # fmt: skip
def read_thread(call: Call, key: str, query: VisitorThreadQuery) -> VisitorThreadOut:
    visit = _visit(call, key)
    with call.box.unit(visit.tenant_id, VISITOR, read_only=True) as uow:
        conversation_id = threads.find_thread(uow, visit.channel_id, visit.visitor)
        if conversation_id is None:
            return VisitorThreadOut(items=[], before=None, holder=None)
        rows = threads.list_reached(uow, conversation_id, before=query.before, limit=query.limit)
        older = rows[0].number if len(rows) == query.limit else None
        items = [_shown(uow, visit, row) for row in rows]
        return VisitorThreadOut(items=items, before=older, holder=threads.find_holder(uow, conversation_id))


@webchat.post(
    "/<key>/messages", access=PUBLIC, unit=False, body=VisitorSaysIn, returns=VisitorMessageOut, status=201, limit=WRITES,
    summary="Write as a visitor; it is stored when this answers",
)  # fmt: skip
def write(call: Call, key: str, body: VisitorSaysIn) -> VisitorMessageOut:
    visit = _writer(call, key)
    content: dict[str, object] = {"text": body.text or (body.choice.title if body.choice else "")}
    if body.choice is not None:
        content["choice"] = body.choice.model_dump()
    with call.box.unit(visit.tenant_id, VISITOR) as uow:
        stored = actions.receive_visitor(uow, visit, body.client_id, MessageKind.TEXT, content, name=body.name, email=body.email)
        return _shown(uow, visit, stored)


@webchat.post(
    "/<key>/files/<string(maxlength=64):client_id>", access=PUBLIC, unit=False, returns=VisitorMessageOut, status=201, limit=WRITES,
    summary="Send a file as a visitor (multipart field `file`)",
)  # fmt: skip
def send_file(call: Call, key: str, client_id: str) -> VisitorMessageOut:
    visit = _writer(call, key)
    _check_files(visit)
    limit = min(MAX_FILE, call.box.settings.channels.max_media_mb * 2**20)
    file = keep_upload(call.box, visit.tenant_id, VISITOR, limit=limit, origin=Origin.ARRIVED)
    media = {"blob_id": str(file.blob_id), "mime_type": file.mime_type, "filename": file.filename, "size": file.size}
    try:
        with call.box.unit(visit.tenant_id, VISITOR) as uow:
            stored = actions.receive_visitor(uow, visit, client_id, media_kind(file.mime_type), {"media": media})
            return _shown(uow, visit, stored)
    finally:
        give_up(call.box, visit.tenant_id, file.blob_id)  # where the chat is closed, or it came before


@webchat.post("/<key>/seen", access=PUBLIC, unit=False, body=SeenIn, limit=READS, summary="How far the visitor's page has come")
def note_seen(call: Call, key: str, body: SeenIn) -> None:
    visit = _visit(call, key)
    with call.box.unit(visit.tenant_id, VISITOR) as uow:
        actions.note_seen(uow, visit, up_to=body.up_to, read=body.read)


@webchat.post(
    "/<key>/writing", access=PUBLIC, unit=False, body=VisitorWritesIn, limit=READS, summary="Whether the visitor writes at this moment"
)  # fmt: skip
def tell_writing(call: Call, key: str, body: VisitorWritesIn) -> None:
    visit = _writer(call, key, rate=OWN_WRITING)
    with call.box.unit(visit.tenant_id, VISITOR, read_only=True) as uow:
        actions.show_writing(uow, visit, writes=body.writes)


@webchat.get("/<key>/messages/<uuid:message_id>/file", access=PUBLIC, unit=False, limit=READS, summary="The file of a message")
def get_file(call: Call, key: str, message_id: UUID) -> Response:
    visit = _visit(call, key)
    with call.box.unit(visit.tenant_id, VISITOR, read_only=True) as uow:
        conversation_id = threads.find_thread(uow, visit.channel_id, visit.visitor)
        media = dict(threads.get_reached(uow, conversation_id, message_id).content.get("media", {})) if conversation_id else {}
    if not media.get("blob_id"):
        raise NotFound(_("This message has no file, or it has not come yet."))
    pieces = call.box.blobs.read(visit.tenant_id, UUID(str(media["blob_id"])))
    return send_stored(pieces, media_type=_type_of(media), name=str(media.get("filename") or "file"))


def _writer(call: Call, key: str, *, rate: str = OWN_WRITES) -> Visit:
    visit = _visit(call, key)
    limits: RateLimits = current_app.extensions["rate_limits"]
    limits.check(rate, visit.visitor, "chat")
    return visit


def _check_files(visit: Visit) -> None:
    limits: RateLimits = current_app.extensions["rate_limits"]
    try:
        limits.check(OWN_FILES, visit.visitor, "chat files")
        limits.check(FILES, str(visit.channel_id), request.remote_addr or "", "chat files")
    except TooMany as err:
        raise TooMany(_("No more files can be sent today. Write to us, or send them tomorrow."), retry_after=err.retry_after) from err


def _visit(call: Call, key: str) -> Visit:
    _check_origin(call)
    return actions.recognise_visitor(call.box, key, request.headers.get(TOKEN_HEADER, ""))


def _check_origin(call: Call) -> None:
    """The chat is a page of ours, wherever it is shown: no other page asks here."""
    asking = request.headers.get("Origin")
    if asking and urlsplit(asking).netloc not in {request.host, urlsplit(call.box.settings.public_url).netloc}:
        raise Forbidden(_("Only the chat's own page may ask here."))


def _shown(uow: UnitOfWork, visit: Visit, message: Message) -> VisitorMessageOut:
    content = threads.content_for_contact(message)
    media = content.get("media")
    return VisitorMessageOut(
        id=message.id,
        number=message.number,
        sender=_SENDERS.get(message.sender, "team"),
        client_id=actions.client_id_of(visit, message),
        kind=message.kind,
        text=str(content.get("text", "")),
        choices=[VisitorChoiceOut.model_validate(one) for one in content.get("buttons") or content.get("list", {}).get("rows", ())],
        file=VisitorFileOut(name=str(media.get("filename") or ""), type=_type_of(media), size=media.get("size")) if media else None,
        sources=_sources(uow, visit, message),
        at=message.occurred_at,
    )


def _type_of(media: dict[str, object]) -> str:
    return str(media.get("true_type") or media.get("mime_type") or "")


def _sources(uow: UnitOfWork, visit: Visit, message: Message) -> list[str]:
    """Names of the documents that an answer rests on, once each."""
    if not message.sources or not WebchatSettings.model_validate(queries.get_channel(uow, visit.channel_id).config).shows_sources:
        return []
    return list(dict.fromkeys(str(source["document_name"]) for source in message.sources if source.get("document_name")))
