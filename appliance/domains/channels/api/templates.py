"""Templates, and saying one in a conversation."""

from collections.abc import Sequence
from uuid import UUID

from flask import Response

from appliance.core.errors import NotFound
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call, Page, PageOf, keep_upload, send_stored
from appliance.domains.channels import actions, queries
from appliance.domains.channels.queries import Filled, Offer
from appliance.domains.channels.schemas import (
    FilledOut,
    FillIn,
    OfferedOut,
    SyncedOut,
    TemplateIn,
    TemplateOut,
    TemplatePatch,
    TemplatesQuery,
    UseOut,
)
from appliance.domains.channels.tables import MessageTemplate
from appliance.domains.channels.types import TemplateKind
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.queries import Message
from appliance.domains.conversations.schemas import MessageOut

templates = Api("templates")
READ, WRITE = "templates:read", "templates:write"
SEE, SAY = "conversations:read", "conversations:write"


@templates.get("/templates", permission=READ, query=TemplatesQuery, returns=PageOf[TemplateOut])
def list_templates(uow: UnitOfWork, query: TemplatesQuery) -> Page[MessageTemplate]:
    return queries.list_templates(uow, query)


@templates.post("/templates", permission=WRITE, body=TemplateIn, returns=TemplateOut, status=201)
def create_template(uow: UnitOfWork, body: TemplateIn) -> MessageTemplate:
    return actions.create_template(uow, body)


@templates.get("/templates/<uuid:template_id>", permission=READ, returns=TemplateOut)
def get_template(uow: UnitOfWork, template_id: UUID) -> MessageTemplate:
    return queries.get_template(uow, template_id)


@templates.patch("/templates/<uuid:template_id>", permission=WRITE, body=TemplatePatch, returns=TemplateOut)
def change_template(uow: UnitOfWork, template_id: UUID, body: TemplatePatch) -> MessageTemplate:
    return actions.change_template(uow, template_id, body)


@templates.delete("/templates/<uuid:template_id>", permission=WRITE)
def delete_template(uow: UnitOfWork, template_id: UUID) -> None:
    actions.delete_template(uow, template_id)


@templates.post("/templates/<uuid:template_id>/preview", permission=READ, body=FillIn, returns=FilledOut, summary="As its reader sees it")
def preview_template(uow: UnitOfWork, template_id: UUID, body: FillIn) -> Filled:
    template = queries.get_template(uow, template_id)
    parts = queries.parts_of(template)
    return queries.fill(uow, template.kind, parts, {**queries.example_values(template.kind, parts), **body.values})


@templates.get("/templates/<uuid:template_id>/uses", permission=READ, returns=list[UseOut], summary="Where a piece stands")
def list_uses(uow: UnitOfWork, template_id: UUID) -> Sequence[MessageTemplate]:
    """The mails and pieces that change with it; empty for what is no piece."""
    template = queries.get_template(uow, template_id)
    return queries.list_uses(uow, template) if template.kind is TemplateKind.PIECE else ()


@templates.post(
    "/templates/<uuid:template_id>/file", permission=WRITE, unit=False, returns=TemplateOut,
    summary="The file that goes along (multipart field `file`)",
)  # fmt: skip
def put_sample(call: Call, template_id: UUID) -> TemplateOut:
    with call.unit(read_only=True) as uow:
        queries.get_template(uow, template_id)
    who = call.who
    file = keep_upload(call.box, who.tenant_id, who.actor, limit=call.box.settings.channels.max_media_mb * 2**20)
    return actions.take_sample(call.box, who.tenant_id, call.unit, template_id, file)


@templates.get("/templates/<uuid:template_id>/file", permission=READ, unit=False, summary="The file that goes along")
def get_sample(call: Call, template_id: UUID) -> Response:
    with call.unit(read_only=True) as uow:
        sample = queries.sample_of(queries.get_template(uow, template_id))
    if sample is None:
        raise NotFound(_("This template brings no file along."))
    return send_stored(call.box.blobs.read(call.who.tenant_id, sample.blob_id), media_type=sample.mime_type, name=sample.filename)


@templates.delete("/templates/<uuid:template_id>/file", permission=WRITE)
def drop_sample(uow: UnitOfWork, template_id: UUID) -> None:
    actions.drop_sample(uow, template_id)


@templates.post("/templates/<uuid:template_id>/submit", permission=WRITE, returns=TemplateOut, summary="Ask WhatsApp to approve it")
def submit_template(uow: UnitOfWork, template_id: UUID) -> MessageTemplate:
    return actions.submit_template(uow, template_id)


@templates.post("/templates/sync", permission=WRITE, returns=SyncedOut, unit=False, summary="Fetch all templates that WhatsApp has")
def sync_templates(call: Call) -> SyncedOut:
    return actions.sync_templates(call.box, call.unit)


@templates.get("/conversations/<uuid:conversation_id>/templates", permission=SEE, returns=list[OfferedOut])
def list_offered(uow: UnitOfWork, conversation_id: UUID) -> list[Offer]:
    conversation = threads.get_conversation(uow, conversation_id)
    return [queries.offer(uow, conversation, template, {}) for template in queries.list_offered(uow, conversation)]


@templates.post(
    "/conversations/<uuid:conversation_id>/templates/<uuid:template_id>/preview", permission=SEE, body=FillIn, returns=OfferedOut,
    summary="As it would be said here, and what that costs",
)  # fmt: skip
def preview_offered(uow: UnitOfWork, conversation_id: UUID, template_id: UUID, body: FillIn) -> Offer:
    return queries.offer(uow, threads.get_conversation(uow, conversation_id), queries.get_template(uow, template_id), body.values)


@templates.post(
    "/conversations/<uuid:conversation_id>/templates/<uuid:template_id>", permission=SAY, body=FillIn, returns=MessageOut, status=201,
    summary="Say it in this conversation",
)  # fmt: skip
def send_template(uow: UnitOfWork, conversation_id: UUID, template_id: UUID, body: FillIn) -> Message:
    return actions.send_template(uow, conversation_id, template_id, body.values, user_id=uow.actor.writer_id, media=body.media)
