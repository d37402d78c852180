"""The record of what was done, to be read, verified and taken along."""

import csv
import io
import json
from collections.abc import Iterable, Iterator

from flask import Response

from appliance.core import web
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import queries, schemas
from appliance.domains.identity.tables import AuditEntry

api = web.Api("audit")
_COLUMNS = tuple(schemas.AuditOut.model_fields)
_MIMETYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


@api.get("/audit", permission="audit:read", query=schemas.AuditQuery, returns=web.PageOf[schemas.AuditOut])
def list_audit(uow: UnitOfWork, query: schemas.AuditQuery) -> web.Page[AuditEntry]:
    return queries.list_audit(uow, query)


@api.get("/audit/export", permission="audit:read", query=schemas.AuditExportQuery, unit=False)
def export_audit(call: web.Call, query: schemas.AuditExportQuery) -> Response:
    """All of it, oldest first, as CSV or JSON lines; each line carries its place in the chain."""
    write = _csv if query.format == "csv" else _jsonl
    headers = {"Content-Disposition": f'attachment; filename="audit.{query.format}"'}
    return web.send_file(write(_all(call, query)), mimetype=_MIMETYPES[query.format], headers=headers)


@api.get("/audit/verify", permission="audit:read", returns=schemas.AuditVerdict)
def verify_audit(uow: UnitOfWork) -> schemas.AuditVerdict:
    fault = queries.verify_chain(uow, uow.tenant_id)
    return schemas.AuditVerdict(holds=fault is None, fault=fault and schemas.AuditFaultOut(seq=fault.seq, reason=fault.reason))


def _all(call: web.Call, wanted: schemas.AuditFilter) -> Iterator[schemas.AuditOut]:
    """In short units, so that a slow reader holds no transaction open."""
    seq = 0
    while True:
        with call.unit(read_only=True) as uow:
            batch = [schemas.AuditOut.model_validate(entry) for entry in queries.list_audit_after(uow, wanted, seq)]
        yield from batch
        if not batch:
            return
        seq = batch[-1].seq


def _jsonl(lines: Iterable[schemas.AuditOut]) -> Iterator[str]:
    for line in lines:
        yield line.model_dump_json() + "\n"


def _csv(lines: Iterable[schemas.AuditOut]) -> Iterator[str]:
    yield _row(_COLUMNS)
    for line in lines:
        values = line.model_dump(mode="json")
        yield _row(_cell(values[name]) for name in _COLUMNS)


def _row(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else "" if value is None else str(value)
    # A spreadsheet runs what begins like a formula (OWASP: CSV injection).
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
