"""A big file that comes in pieces: each is kept as it arrives, so that a lost connection costs one piece, not the file."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from appliance.core import files
from appliance.core.blobs import Readable
from appliance.core.box import Box
from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.rows import locked, required
from appliance.core.uow import SYSTEM, Actor, UnitOfWork
from appliance.domains.knowledge.actions.documents import MIB, Filing, check_agents, check_filename, take_document
from appliance.domains.knowledge.errors import FileTooLarge, PieceOutOfPlace, PieceTooSmall, TooManyUploads, UploadNotFound
from appliance.domains.knowledge.tables import Upload

FORGOTTEN_AFTER = timedelta(days=1)
KIB = 2**10
SMALLEST_PIECE = 64 * KIB  # 200 MB are then 3,200 pieces at most; writing their list anew each time comes to 180 MB in all
MOST_OPEN = 50  # uploads of one organisation that are not whole yet


def begin_upload(uow: UnitOfWork, filename: str, length: int, filing: Filing | None = None) -> Upload:
    """Raises NothingToRead, FileTooLarge, TooManyUploads, UnknownAgent."""
    limit = uow.box.settings.knowledge.max_file_mb
    if length > limit * MIB:
        raise FileTooLarge(_("The file is larger than the %(limit)s MB this box accepts.", limit=limit))
    is_open = select(func.count(Upload.id)).where(Upload.document_id.is_(None))
    if (uow.session.scalar(is_open) or 0) >= MOST_OPEN:
        raise TooManyUploads(_("%(most)s files are on their way already. Finish or give up some of them first.", most=MOST_OPEN))
    filing = filing or Filing()
    check_agents(uow, filing.agents)
    upload = Upload(
        tenant_id=uow.tenant_id, filename=check_filename(filename), length=length, received=0, pieces=[],
        agents=[str(agent) for agent in filing.agents], tags=list(filing.tags), touched_at=uow.now,
    )
    uow.session.add(upload)
    uow.session.flush()
    return upload


def get_upload(uow: UnitOfWork, upload_id: UUID) -> Upload:
    return required(uow.session.get(Upload, upload_id), UploadNotFound)


def add_piece(box: Box, tenant_id: UUID, upload_id: UUID, offset: int, stream: Readable, *, actor: Actor = SYSTEM) -> Upload:
    """Opens its own units, because a file is written. Of two writers at one place the later is refused.

    Raises PieceOutOfPlace, PieceTooSmall, FileTooLarge for more than was announced.
    """
    with box.unit(tenant_id, actor, read_only=True) as uow:
        left = _at(get_upload(uow, upload_id), offset)
    try:
        piece = files.put(box, tenant_id, stream, files.Origin.ARRIVED, by=actor, limit=left)
    except Refused as err:
        raise FileTooLarge(_("More arrived than was announced for this file. Send it again from the beginning.")) from err
    kept = False
    try:
        with box.unit(tenant_id, actor) as uow:
            upload = _locked(uow, upload_id)
            if 0 < piece.size < min(SMALLEST_PIECE, _at(upload, offset)):
                raise PieceTooSmall(_("Only the last piece may be smaller than %(least)s KiB.", least=SMALLEST_PIECE // KIB))
            if piece.size:
                files.use(uow, upload_id, [piece.id])
                upload.pieces, upload.received, upload.touched_at = [*upload.pieces, piece.id.hex], offset + piece.size, uow.now
                kept = True
    finally:
        if not kept:
            files.give_up(box, tenant_id, piece.id)
    return finish_upload(box, tenant_id, upload_id, actor=actor)


def finish_upload(box: Box, tenant_id: UUID, upload_id: UUID, *, actor: Actor = SYSTEM) -> Upload:
    """Once all of it is here it becomes a document, and the pieces go. Doing it again changes nothing."""
    with box.unit(tenant_id, actor, read_only=True) as uow:
        upload = get_upload(uow, upload_id)
    if upload.received < upload.length or upload.document_id is not None:
        return upload
    filing = Filing(tuple(UUID(agent) for agent in upload.agents), tuple(upload.tags)) if upload.agents or upload.tags else None
    taken = take_document(box, tenant_id, upload.filename, _Joined(_read(box, tenant_id, upload.pieces)), filing=filing, actor=actor)
    with box.unit(tenant_id, actor) as uow:
        upload = _locked(uow, upload_id)
        upload.pieces, upload.document_id = [], taken.document_id
        files.let_go(uow, [upload_id])
    return upload


def drop_upload(box: Box, tenant_id: UUID, upload_id: UUID) -> None:
    with box.unit(tenant_id) as uow:
        uow.session.delete(_locked(uow, upload_id))
        files.let_go(uow, [upload_id])


def list_forgotten(uow: UnitOfWork) -> list[tuple[UUID, UUID]]:
    """(tenant, upload) of what nobody went on with, in a box-wide unit."""
    old = select(Upload).where(Upload.touched_at < uow.now - FORGOTTEN_AFTER).order_by(Upload.touched_at).limit(500)
    return [(upload.tenant_id, upload.id) for upload in uow.session.scalars(old)]


def _locked(uow: UnitOfWork, upload_id: UUID) -> Upload:
    return required(uow.session.scalar(locked(select(Upload).where(Upload.id == upload_id))), UploadNotFound)


def _at(upload: Upload, offset: int) -> int:
    """How many bytes are still to come from `offset` on."""
    if upload.received != offset:
        raise PieceOutOfPlace(_("The next piece begins at byte %(place)s.", place=upload.received))
    return upload.length - offset


def _read(box: Box, tenant_id: UUID, pieces: Iterable[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield from box.blobs.read(tenant_id, UUID(piece))


class _Joined:
    """An iterator of bytes, read like a file."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while len(self._rest) < size and (part := next(self._parts, b"")):
            self._rest += part
        given, self._rest = self._rest[:size], self._rest[size:]
        return given
