from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from sqlalchemy import delete

from appliance.core import files
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import told
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.actions import writing
from appliance.domains.contacts.actions.duplicates import suggest
from appliance.domains.contacts.errors import ImportRefused, InvalidField
from appliance.domains.contacts.events import ImportAdvanced, ImportFinished, ImportStarted, PeopleImported
from appliance.domains.contacts.rules import identities, importing
from appliance.domains.contacts.rules.duplicates import pair
from appliance.domains.contacts.rules.importing import Entry, Plan, Rehearsal
from appliance.domains.contacts.schemas import ImportStartIn
from appliance.domains.contacts.tables import ContactImport, ImportProblem
from appliance.domains.contacts.types import Identity, ImportRow, ImportStatus, Likeness, Sheet


def create_import(uow: UnitOfWork, file_id: UUID, file_name: str, sheet: Sheet) -> ContactImport:
    """Remember a file stored with `core.files`, with a guess of what its columns hold."""
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
    files.use(uow, run.id, [file_id])
    return run


def start_import(uow: UnitOfWork, import_id: UUID, wanted: ImportStartIn, *, listener_id: UUID | None = None) -> ContactImport:
    """`listener_id`: who comes is told under it, slice by slice (PeopleImported). Raises ImportNotFound, ImportRefused."""
    run = queries.lock_import(uow, import_id)
    if run.status is not ImportStatus.UPLOADED:
        raise ImportRefused(_("This import already runs or is over. Upload the file again to repeat it."))
    uow.session.execute(delete(ImportProblem).where(ImportProblem.import_id == run.id))
    run.rows_done = run.rows_created = run.rows_updated = run.rows_failed = 0
    run.mapping = {**run.mapping, **{header: str(target) for header, target in wanted.mapping.items()}}
    run.tags, run.dry_run, run.status, run.finished_at = wanted.tags, wanted.dry_run, ImportStatus.RUNNING, None
    run.listener_id = listener_id
    uow.emit(ImportStarted(run.id))
    return run


def import_slice(uow: UnitOfWork, import_id: UUID, rows: Sequence[ImportRow], rehearsal: Rehearsal) -> None:
    """Bring in the next rows. They are counted in the same transaction, so a repeat goes on after them."""
    run = queries.get_import(uow, import_id)
    entries = _read(uow, run, rows)
    plan = _plan(uow, entries, rehearsal)
    people = rehearsal.remember(plan) if run.dry_run else plan.people()
    if not run.dry_run:
        writing.insert_people(uow, plan.new, plan.claims)
        _complete_known(uow, plan)
        suggest(uow, [pair(one, other, Likeness.SAID_TOGETHER) for one, other in plan.together if one != other])
    run.rows_done += len(rows)
    run.rows_created += len(plan.new)
    run.rows_updated += plan.rows_updated
    run.rows_failed += len(rows) - len(entries)
    if run.listener_id is not None:
        uow.emit(PeopleImported(run.id, run.listener_id, tuple(people)))
    uow.emit(ImportAdvanced(run.id))


def rehearse_again(uow: UnitOfWork, import_id: UUID, rows: Sequence[ImportRow], rehearsal: Rehearsal) -> None:
    """These rows of a dry run were counted and told by a worker that died; who stood in them is known again."""
    understood = _understood(uow, queries.get_import(uow, import_id), rows)
    entries = [entry for _row, entry in understood if isinstance(entry, Entry)]
    rehearsal.remember(_plan(uow, entries, rehearsal))


def _plan(uow: UnitOfWork, entries: Sequence[Entry], rehearsal: Rehearsal) -> Plan:
    ids = _ids_in(entries)
    return importing.plan(entries, {**rehearsal.owners_of(ids), **queries.find_owners(uow, ids)}, new_id)


def count_rows(uow: UnitOfWork, import_id: UUID, total: int) -> None:
    """What a file says of itself may be wrong; this was counted."""
    queries.get_import(uow, import_id).rows_total = total


def refuse_import(uow: UnitOfWork, import_id: UUID, why: InvalidField) -> None:
    """The file turned out to be none that can be read. It may be sent again as another."""
    run = queries.get_import(uow, import_id)
    _report(uow, run, ImportRow(1, ()), why, why)
    run.status, run.finished_at = ImportStatus.DONE, uow.now
    _let_file_go(uow, run)
    _tell_end(uow, run)


def finish_import(uow: UnitOfWork, import_id: UUID) -> ContactImport:
    """A dry run leaves the file ready to be imported."""
    run = queries.get_import(uow, import_id)
    run.status = ImportStatus.UPLOADED if run.dry_run else ImportStatus.DONE
    run.finished_at = uow.now
    if not run.dry_run:
        _let_file_go(uow, run)
    _tell_end(uow, run)
    return run


def _tell_end(uow: UnitOfWork, run: ContactImport) -> None:
    if run.listener_id is not None:
        uow.emit(PeopleImported(run.id, run.listener_id, is_last=True))
    uow.emit(ImportFinished(run.id))


def _let_file_go(uow: UnitOfWork, run: ContactImport) -> None:
    files.let_go(uow, [run.id])
    run.file_id, run.sample = None, []


def _understood(uow: UnitOfWork, run: ContactImport, rows: Iterable[ImportRow]) -> Iterator[tuple[ImportRow, Entry | InvalidField]]:
    region = queries.get_settings(uow).default_region
    for row in rows:
        try:
            yield row, importing.read_entry(row, run.headers, run.mapping, region=region, tags=run.tags)
        except InvalidField as err:
            yield row, err


def _read(uow: UnitOfWork, run: ContactImport, rows: Iterable[ImportRow]) -> list[Entry]:
    entries = []
    for row, entry in _understood(uow, run, rows):
        if isinstance(entry, InvalidField):
            _report(uow, run, row, entry, entry)
            continue
        entries.append(entry)
        for left_out in entry.unreadable:
            _report(uow, run, row, left_out, _("%(why)s The person was kept, with this field empty.", why=left_out))
        for kept in entry.doubtful:
            _report(uow, run, row, kept, kept)
    return entries


def _report(uow: UnitOfWork, run: ContactImport, row: ImportRow, err: InvalidField, sentence: object) -> None:
    problem = ImportProblem(tenant_id=uow.tenant_id, import_id=run.id, line=row.line, field=err.field, sentence=told(sentence))
    uow.session.add(problem)


def _ids_in(entries: Iterable[Entry]) -> list[Identity]:
    return identities.all_forms(identity for entry in entries for identity in entry.identities)


def _complete_known(uow: UnitOfWork, plan: Plan) -> None:
    contacts = queries.find_contacts(uow, {contact_id for contact_id, _columns in plan.known})
    for contact_id, columns in plan.known:
        writing.fill(uow, contacts[contact_id], columns)


def forget_uploads(uow: UnitOfWork, import_ids: Sequence[UUID]) -> None:
    """Of what somebody uploaded and never imported; what runs meanwhile stays."""
    idle = ContactImport.id.in_(import_ids), ContactImport.status == ImportStatus.UPLOADED
    gone = uow.session.scalars(delete(ContactImport).where(*idle).returning(ContactImport.id)).all()
    files.let_go(uow, gone)
