from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert

from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.actions import writing
from appliance.domains.contacts.errors import ImportRefused, InvalidField
from appliance.domains.contacts.events import ImportAdvanced, ImportFinished, ImportStarted
from appliance.domains.contacts.rules import identities, importing, text
from appliance.domains.contacts.rules.importing import Entry, Plan
from appliance.domains.contacts.schemas import ImportStartIn
from appliance.domains.contacts.tables import Contact, ContactIdentity, ContactImport, ContactTag, ImportProblem
from appliance.domains.contacts.types import Identity, ImportRow, ImportStatus, Sheet

UPLOADS_KEPT_FOR = timedelta(days=7)


def create_import(uow: UnitOfWork, file_id: UUID, file_name: str, sheet: Sheet) -> ContactImport:
    """Remember an uploaded file, with a guess of what its columns hold."""
    run = ContactImport(
        tenant_id=uow.tenant_id,
        file_id=file_id,
        file_name=file_name,
        encoding=sheet.encoding,
        delimiter=sheet.delimiter,
        headers=sheet.headers,
        sample=sheet.sample,
        mapping={header: str(target) for header, target in importing.guess_mapping(sheet.headers).items()},
        rows_total=sheet.rows,
        created_at=uow.now,
    )
    uow.session.add(run)
    uow.session.flush()
    return run


def start_import(uow: UnitOfWork, import_id: UUID, wanted: ImportStartIn) -> ContactImport:
    """Raises ImportNotFound, ImportRefused."""
    run = queries.lock_import(uow, import_id)
    if run.status is not ImportStatus.UPLOADED:
        raise ImportRefused(_("This import already runs or is over. Upload the file again to repeat it."))
    uow.session.execute(delete(ImportProblem).where(ImportProblem.import_id == run.id))
    run.rows_done = run.rows_created = run.rows_updated = run.rows_failed = 0
    run.mapping = {**run.mapping, **{header: str(target) for header, target in wanted.mapping.items()}}
    run.tags, run.dry_run, run.status, run.finished_at = wanted.tags, wanted.dry_run, ImportStatus.RUNNING, None
    uow.emit(ImportStarted(run.id))
    return run


def import_slice(uow: UnitOfWork, import_id: UUID, rows: Sequence[ImportRow]) -> None:
    """Bring in the next rows. They are counted in the same transaction, so a repeat goes on after them."""
    run = queries.get_import(uow, import_id)
    entries = _read(uow, run, rows)
    plan = importing.plan(entries, queries.find_owners(uow, _ids_in(entries)), new_id)
    if not run.dry_run:
        _write_new(uow, plan)
        _complete_known(uow, plan)
    run.rows_done += len(rows)
    run.rows_created += len(plan.new)
    run.rows_updated += plan.rows_updated
    run.rows_failed += len(rows) - len(entries)
    uow.emit(ImportAdvanced(run.id))


def finish_import(uow: UnitOfWork, import_id: UUID) -> ContactImport:
    """A dry run leaves the file ready to be imported."""
    run = queries.get_import(uow, import_id)
    run.status = ImportStatus.UPLOADED if run.dry_run else ImportStatus.DONE
    run.finished_at = uow.now
    if not run.dry_run:
        run.file_id, run.sample = None, []
    uow.emit(ImportFinished(run.id))
    return run


def _read(uow: UnitOfWork, run: ContactImport, rows: Iterable[ImportRow]) -> list[Entry]:
    region = queries.get_settings(uow).default_region
    entries = []
    for row in rows:
        try:
            entry = importing.read_entry(row, run.headers, run.mapping, region=region, tags=run.tags)
        except InvalidField as err:
            _report(uow, run, row, err, str(err))
            continue
        entries.append(entry)
        for left_out in entry.unreadable:
            _report(uow, run, row, left_out, _("%(why)s The person was kept, with this field empty.", why=left_out))
    return entries


def _report(uow: UnitOfWork, run: ContactImport, row: ImportRow, err: InvalidField, sentence: object) -> None:
    problem = ImportProblem(tenant_id=uow.tenant_id, import_id=run.id, line=row.line, field=err.field, sentence=str(sentence))
    uow.session.add(problem)


def _ids_in(entries: Iterable[Entry]) -> list[Identity]:
    return identities.all_forms(identity for entry in entries for identity in entry.identities)


def _write_new(uow: UnitOfWork, plan: Plan) -> None:
    _insert(uow, Contact, [_contact_row(uow, contact_id, columns) for contact_id, columns in plan.new.items()])
    tags = ((contact_id, tag) for contact_id, columns in plan.new.items() for tag in columns["tags"])
    _insert(uow, ContactTag, [{"id": new_id(), "contact_id": contact_id, "tag": tag} for contact_id, tag in tags])
    _insert(uow, ContactIdentity, [_identity_row(identity, contact_id) for identity, contact_id in plan.claims.items()])


def _insert(uow: UnitOfWork, table: type[Contact | ContactTag | ContactIdentity], rows: list[dict[str, Any]]) -> None:
    if rows:
        uow.session.execute(insert(table), [{"tenant_id": uow.tenant_id, **row} for row in rows])


def _contact_row(uow: UnitOfWork, contact_id: UUID, columns: dict[str, Any]) -> dict[str, Any]:
    row = {**_BLANK, **columns, "id": contact_id, "created_at": uow.now, "changed_at": uow.now}
    del row["tags"]
    if row["document"]:
        row["document_index"] = queries.document_index(uow, row["document"])
    return {**row, "search_text": text.search_text(row[column] for column in writing.SEARCHED)}


_BLANK: dict[str, Any] = {
    **dict.fromkeys(("company", "email", "phone_e164", "phone_raw", "document", "document_index", "born_on", "region")),
    "name": "",
    "phone_invalid": False,
    "attributes": {},
}


def _identity_row(identity: Identity, contact_id: UUID) -> dict[str, Any]:
    return {"id": new_id(), "contact_id": contact_id, "kind": identity.kind, "value": identity.value, "scope": identity.scope}


def _complete_known(uow: UnitOfWork, plan: Plan) -> None:
    contacts = queries.find_contacts(uow, {contact_id for contact_id, _columns in plan.known})
    for contact_id, columns in plan.known:
        writing.fill(uow, contacts[contact_id], columns)


def forget_abandoned_uploads(uow: UnitOfWork) -> list[tuple[UUID, UUID]]:
    """Of the whole box. Returns tenant and file of each, for the caller to delete the files."""
    abandoned = delete(ContactImport).where(
        ContactImport.status == ImportStatus.UPLOADED, ContactImport.created_at < uow.now - UPLOADS_KEPT_FOR
    )
    gone = uow.session.scalars(abandoned.returning(ContactImport)).all()
    return [(run.tenant_id, run.file_id) for run in gone if run.file_id]
