"""Contacts in and out as files."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from flask import Response, request

from appliance.core import files, web
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions, queries, schemas
from appliance.domains.contacts.gateways.workbook import read_workbook
from appliance.domains.contacts.rules import exporting, spreadsheets
from appliance.domains.contacts.tables import ContactImport, ImportProblem
from appliance.domains.contacts.types import WORKBOOK, Sheet

EXPORT_SLICE = 500
PEEK_ROWS = 50
_AS_FILE = {"Content-Disposition": 'attachment; filename="contacts.csv"'}

api = web.Api("contact_files")


@api.get("/contacts/export", permission="contacts:export", query=schemas.ContactFilter, unit=False)
def export_contacts(call: web.Call, query: schemas.ContactFilter) -> Response:
    """The contacts that match, as CSV with the names of its columns in the first line."""
    return web.send_file(_export(call, query), mimetype="text/csv; charset=utf-8", headers=_AS_FILE)


def _export(call: web.Call, query: schemas.ContactFilter) -> Iterator[str]:
    yield exporting.HEADER
    last: UUID | None = None
    while True:
        with call.unit(read_only=True) as uow:
            contacts = queries.list_contacts_after(uow, query, last, limit=EXPORT_SLICE)
            lines = [exporting.line(schemas.ContactOut.model_validate(contact).model_dump(mode="json")) for contact in contacts]
        yield "".join(lines)
        if len(contacts) < EXPORT_SLICE:
            return
        last = contacts[-1].id


@api.post(
    "/contacts/import", permission="contacts:write", query=schemas.ImportUploadQuery, returns=schemas.ImportOut, status=201, unit=False
)
def upload_import(call: web.Call, query: schemas.ImportUploadQuery) -> ContactImport:
    """Takes CSV or .xlsx as form field `file` or as the body itself; says what its columns seem to hold. Nothing is imported yet."""
    name, content = _uploaded(query.file_name)
    sheet = read_table(content, name)
    stored = files.put(call.box, call.who.tenant_id, io.BytesIO(content), files.Origin.ARRIVED, by=call.who.actor)
    with call.unit() as uow:
        return actions.create_import(uow, stored.id, name, sheet)


def read_table(content: bytes, name: str = "") -> Sheet:
    """Of an Excel file only the beginning is read here. Raises InvalidField."""
    if not spreadsheets.is_workbook(content):
        return spreadsheets.read_sheet(content, name)
    book = read_workbook(content, rows=PEEK_ROWS)
    return replace(spreadsheets.read_sheet(book.text), encoding=WORKBOOK, rows=max(0, book.rows - 1))


def _uploaded(name: str) -> tuple[str, bytes]:
    file = request.files.get("file")
    return (name, request.get_data()) if file is None else ((file.filename or name)[:200], file.read())


@api.post(
    "/contacts/import/<uuid:import_id>/start",
    permission="contacts:write",
    body=schemas.ImportStartIn,
    returns=schemas.ImportOut,
    status=202,
)
def start_import(uow: UnitOfWork, import_id: UUID, body: schemas.ImportStartIn) -> ContactImport:
    return actions.start_import(uow, import_id, body)


@api.get("/contacts/import", permission="contacts:read", returns=list[schemas.ImportOut])
def list_imports(uow: UnitOfWork) -> list[schemas.ImportOut]:
    return _shown(uow, queries.list_imports(uow))


def _shown(uow: UnitOfWork, runs: Sequence[ContactImport]) -> list[schemas.ImportOut]:
    stopped = queries.find_stopped_imports(uow, runs)
    return [schemas.ImportOut.model_validate(run).model_copy(update={"stopped": run.id in stopped}) for run in runs]


@api.get("/contacts/import/<uuid:import_id>", permission="contacts:read", returns=schemas.ImportOut)
def read_import(uow: UnitOfWork, import_id: UUID) -> schemas.ImportOut:
    return _shown(uow, [queries.get_import(uow, import_id)])[0]


@api.get("/contacts/import/<uuid:import_id>/problems", permission="contacts:read", returns=list[schemas.ImportProblemOut])
def list_import_problems(uow: UnitOfWork, import_id: UUID) -> Sequence[ImportProblem]:
    return queries.list_import_problems(uow, queries.get_import(uow, import_id).id)


@api.get("/contacts/import/<uuid:import_id>/problems.csv", permission="contacts:read", summary="The rows to look at, as a file")
def export_import_problems(uow: UnitOfWork, import_id: UUID) -> Response:
    problems = queries.list_import_problems(uow, queries.get_import(uow, import_id).id)
    lines = [spreadsheets.write_row([found.line, found.field, found.sentence]) for found in problems]
    text = exporting.BYTE_ORDER_MARK + spreadsheets.write_row(["line", "field", "why"]) + "".join(lines)
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": 'attachment; filename="problems.csv"'})
