"""Big files in pieces, by the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload): creation, expiration, termination.

HEAD says how far an upload has come; PATCH goes on from there.
"""

import base64
import binascii
from http import HTTPStatus
from uuid import UUID

from flask import Response, request, url_for

from appliance.core import web
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge import actions
from appliance.domains.knowledge.actions import Filing, pieces
from appliance.domains.knowledge.errors import NothingToRead, UnknownProtocol
from appliance.domains.knowledge.schemas import FilingIn
from appliance.domains.knowledge.tables import Upload

api = web.Api("uploads")
WRITE = "knowledge:write"
VERSION = "1.0.0"
PIECE = "application/offset+octet-stream"


@api.post("/documents/tus", permission=WRITE, status=201, idempotent=False, summary="Begin a file that comes in pieces (tus)")
def begin_upload(uow: UnitOfWork) -> Response:
    _check_version()
    said = _metadata(request.headers.get("Upload-Metadata", ""))
    wanted = web.parse(FilingIn, {"agents": _several(said.get("agent_id", "")), "tags": _several(said.get("tags", ""))})
    length = _number("Upload-Length")
    if not length:
        raise NothingToRead(_("The file is empty. Check it on your computer and send it again."))
    upload = pieces.begin_upload(uow, said.get("filename", ""), length, Filing(tuple(wanted.agents), tuple(wanted.tags)))
    answer = _answer(HTTPStatus.CREATED, upload)
    answer.headers["Location"] = url_for("api_uploads.get_upload", upload_id=upload.id)
    return answer


@api.get("/documents/tus/<uuid:upload_id>", permission=WRITE, unit=False, summary="How far an upload has come (HEAD)")
def get_upload(call: web.Call, upload_id: UUID) -> Response:
    with call.unit(read_only=True) as uow:
        return _answer(HTTPStatus.OK, pieces.get_upload(uow, upload_id))


@api.patch("/documents/tus/<uuid:upload_id>", permission=WRITE, unit=False, summary="The next piece of an upload")
def add_piece(call: web.Call, upload_id: UUID) -> Response:
    with call.unit(read_only=True) as uow:
        pieces.get_upload(uow, upload_id)
    _check_version()
    if request.mimetype != PIECE:
        raise UnknownProtocol(_("Send the piece as application/offset+octet-stream."))
    upload = actions.add_piece(
        call.box, call.who.tenant_id, upload_id, _number("Upload-Offset"), request.stream, actor=call.who.actor,
    )
    return _answer(HTTPStatus.NO_CONTENT, upload)


@api.delete("/documents/tus/<uuid:upload_id>", permission=WRITE, unit=False, summary="Give an upload up")
def drop_upload(call: web.Call, upload_id: UUID) -> Response:
    actions.drop_upload(call.box, call.who.tenant_id, upload_id)
    return Response(status=HTTPStatus.NO_CONTENT, headers={"Tus-Resumable": VERSION})


def _answer(status: HTTPStatus, upload: Upload) -> Response:
    headers = {
        "Tus-Resumable": VERSION, "Upload-Offset": str(upload.received), "Upload-Length": str(upload.length), "Cache-Control": "no-store",
        "Upload-Expires": f"{upload.touched_at + pieces.FORGOTTEN_AFTER:%a, %d %b %Y %H:%M:%S GMT}",
    }
    if upload.document_id is not None:
        headers["Document-Id"] = str(upload.document_id)
    return Response(status=status, headers=headers)


def _check_version() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise UnknownProtocol(_("This box speaks tus 1.0.0."))


def _number(header: str) -> int:
    said = request.headers.get(header, "")
    if not said.isascii() or not said.isdigit() or len(said) > 15:  # noqa: PLR2004 - a petabyte
        raise NothingToRead(_("%(header)s has to be a number of bytes.", header=header))
    return int(said)


def _metadata(header: str) -> dict[str, str]:
    """`name base64, name base64`."""
    found = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        name, _space, value = pair.partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as err:
            raise NothingToRead(_("Upload-Metadata cannot be read.")) from err
    return found


def _several(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
