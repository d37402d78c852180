"""Documents in and out."""

import json
from collections.abc import Iterator
from uuid import UUID

from flask import Response, request

from appliance.core import web
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge import actions, queries
from appliance.domains.knowledge.actions import Filing
from appliance.domains.knowledge.errors import NothingToRead
from appliance.domains.knowledge.schemas import (
    ChunkOut,
    DocumentOut,
    DocumentQuery,
    DocumentView,
    FilingIn,
    JobOut,
    ReindexedOut,
    UploadedOut,
)

api = web.Api("documents")


@api.post("/documents/upload", permission="knowledge:write", returns=UploadedOut, status=201, unit=False, summary="Upload a document")
def upload_document(call: web.Call) -> UploadedOut:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise NothingToRead(_("Choose a file to send."), fields={"file": _("Choose a file to send.")})
    filing = _filing_of_form()
    with call.unit(read_only=True) as uow:
        actions.check_agents(uow, filing.agents if filing is not None else ())
    taken = actions.take_document(call.box, call.who.tenant_id, file.filename, file.stream, filing=filing, actor=call.who.actor)
    with call.unit(read_only=True) as uow:
        shown = queries.view_document(uow, taken.document_id)
    known = gettext("Already here, version %(version)s: this very file was not read again.", version=taken.version)
    return UploadedOut(
        id=shown.id, filename=shown.filename, status=shown.status, file_size=shown.file_size, file_type=shown.file_type,
        version=taken.version, is_new=taken.is_new, notice="" if taken.is_new else known,
    )


def _filing_of_form() -> Filing | None:
    """None when the form says nothing of it: a new version stays where the old one was."""
    agents, tags, metadata = request.form.getlist("agent_id"), request.form.getlist("tag"), request.form.get("metadata", "")
    if not agents and not tags and not metadata:
        return None
    try:
        details = json.loads(metadata or "{}")
    except ValueError as err:
        raise NothingToRead(_("The metadata is not valid JSON."), fields={"metadata": _("This is not valid JSON.")}) from err
    wanted = web.parse(FilingIn, {"agents": agents, "tags": tags, "metadata": details})
    return Filing(agents=tuple(wanted.agents), tags=tuple(wanted.tags), details=wanted.metadata)


@api.get("/documents", permission="knowledge:read", query=DocumentQuery, returns=web.PageOf[DocumentOut])
def list_documents(uow: UnitOfWork, query: DocumentQuery) -> web.Page[DocumentView]:
    return queries.list_documents(uow, page=query.page, limit=query.limit, status=query.status, agent_id=query.agent_id, q=query.q)


@api.get("/documents/<uuid:document_id>", permission="knowledge:read", returns=DocumentOut)
def get_document(uow: UnitOfWork, document_id: UUID) -> DocumentView:
    return queries.view_document(uow, document_id)


@api.put("/documents/<uuid:document_id>/filing", permission="knowledge:write", body=FilingIn, returns=DocumentOut)
def file_document(uow: UnitOfWork, document_id: UUID, body: FilingIn) -> DocumentView:
    actions.file_document(uow, document_id, Filing(tuple(body.agents), tuple(body.tags), body.metadata, body.keep_until))
    return queries.view_document(uow, document_id)


@api.delete("/documents/<uuid:document_id>", permission="knowledge:write")
def delete_document(uow: UnitOfWork, document_id: UUID) -> None:
    actions.delete_document(uow, document_id)


@api.post("/documents/<uuid:document_id>/process", permission="knowledge:write", returns=DocumentOut, status=202)
def process_document(uow: UnitOfWork, document_id: UUID) -> DocumentView:
    actions.reindex_document(uow, document_id)
    return queries.view_document(uow, document_id)


@api.get("/documents/<uuid:document_id>/chunks", permission="knowledge:read", query=web.PageQuery, returns=web.PageOf[ChunkOut])
def list_chunks(uow: UnitOfWork, document_id: UUID, query: web.PageQuery) -> web.Page[ChunkOut]:
    found = queries.list_chunks(uow, document_id, page=query.page, limit=query.limit)
    return web.Page([ChunkOut.model_validate(chunk) for chunk in found.items], found.total, found.page, found.limit)


@api.get("/documents/<uuid:document_id>/file", permission="knowledge:read", unit=False, summary="The newest file as it was uploaded")
def download_document(call: web.Call, document_id: UUID) -> Response:
    with call.unit(read_only=True) as uow:
        document = queries.get_document(uow, document_id)
        newest = queries.newest_version(uow, document)
    pieces: Iterator[bytes] = call.box.blobs.read(call.who.tenant_id, newest.blob_id)
    # Never rendered by the browser: a document may hold scripts.
    headers = {"Content-Length": str(newest.size), "X-Content-Type-Options": "nosniff"}
    response = web.send_file(pieces, mimetype="application/octet-stream", headers=headers)
    response.headers.set("Content-Disposition", "attachment", filename=document.filename)
    return response


@api.post("/admin/documents/<uuid:document_id>/reindex", permission="knowledge:operate", returns=DocumentOut, status=202)
def reindex_document(uow: UnitOfWork, document_id: UUID) -> DocumentView:
    actions.reindex_document(uow, document_id)
    return queries.view_document(uow, document_id)


@api.post("/admin/reindex-all", permission="knowledge:operate", returns=ReindexedOut, status=202)
def reindex_all(uow: UnitOfWork) -> ReindexedOut:
    return ReindexedOut(documents=actions.reindex_all(uow))


@api.get("/admin/jobs", permission="knowledge:operate", returns=list[JobOut], summary="Documents on their way into the index")
def list_jobs(uow: UnitOfWork) -> list[JobOut]:
    return [
        JobOut(version_id=version.id, document_id=version.document_id, filename=name, step=version.step, progress=version.progress,
               started_at=version.created_at)
        for version, name in queries.list_jobs(uow)
    ]
