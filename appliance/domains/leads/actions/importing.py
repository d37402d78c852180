"""The people of an imported file as leads. Contacts brings them in and tells who they are; here they become leads, each once."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, insert

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import ImportStartIn
from appliance.domains.leads import queries
from appliance.domains.leads.actions.capturing import store_leads
from appliance.domains.leads.actions.sources import create_source
from appliance.domains.leads.errors import NoOpenList
from appliance.domains.leads.events import LeadsImported
from appliance.domains.leads.rules import mapping
from appliance.domains.leads.schemas import SourceIn
from appliance.domains.leads.tables import LeadEvent, LeadImport, LeadSource
from appliance.domains.leads.types import Reading, SourceKind


def open_list(uow: UnitOfWork, name: str) -> LeadSource:
    """The source of imported lists that is called so, made when there is none."""
    return queries.find_open_list(uow, name) or create_source(uow, SourceIn(kind=SourceKind.IMPORT, name=name))


def start_import(uow: UnitOfWork, import_id: UUID, source_id: UUID, wanted: ImportStartIn) -> LeadImport:
    """Raises SourceNotFound, NoOpenList, ImportNotFound, ImportRefused."""
    source = queries.lock_source(uow, source_id)
    if source.kind is not SourceKind.IMPORT or not source.active:
        raise NoOpenList
    run = LeadImport(
        id=new_id(), tenant_id=uow.tenant_id, import_id=import_id, source_id=source.id, dry_run=wanted.dry_run, started_at=uow.now
    )
    tags = wanted.tags if wanted.dry_run else [*dict.fromkeys([*wanted.tags, *source.tags])]
    contacts.start_import(uow, import_id, wanted.model_copy(update={"tags": tags}), listener_id=run.id)
    uow.session.execute(delete(LeadImport).where(LeadImport.import_id == import_id))  # an earlier check of the same file
    uow.session.add(run)
    uow.session.flush()
    return run


def capture_imported(uow: UnitOfWork, listener_id: UUID, contact_ids: Sequence[UUID]) -> None:
    """The same again changes nothing: who came with an import is written once, and who comes with two at once is one lead."""
    run = queries.find_import(uow, listener_id)
    if run is None:
        return
    source = queries.lock_source(uow, run.source_id)
    keys = {contact_id: f"{run.import_id}:{contact_id}" for contact_id in contact_ids}
    taken = queries.known_events(uow, source.id, list(keys.values()))
    called = _as_called_now(uow, [contact_id for contact_id, key in keys.items() if key not in taken])
    leads = store_leads(uow, source, dict.fromkeys(called.values(), Reading()))
    run.new_leads += sum(lead.times == 1 for lead in leads.values())
    run.repeated_leads += sum(lead.times > 1 for lead in leads.values())
    same = {"tenant_id": uow.tenant_id, "source_id": source.id, "body": _body(uow, run.import_id), "received_at": uow.now}
    events = [
        {**same, "id": new_id(), "event_key": mapping.event_key(keys[contact_id], b""), "lead_id": leads[person].id}
        for contact_id, person in called.items()
    ]
    if events:
        uow.session.execute(insert(LeadEvent), events)


def count_imported(uow: UnitOfWork, listener_id: UUID, contact_ids: Sequence[UUID]) -> None:
    """What a dry run would make of them; who is new has no row yet."""
    run = queries.find_import(uow, listener_id)
    if run is None:
        return
    again = queries.find_again(uow, queries.get_source(uow, run.source_id), dict.fromkeys(contact_ids, ""))
    run.repeated_leads += len(again)
    run.new_leads += len(contact_ids) - len(again)


def finish_import(uow: UnitOfWork, listener_id: UUID) -> None:
    run = queries.find_import(uow, listener_id)
    if run is not None:
        run.finished_at = uow.now
        uow.emit(LeadsImported(run.import_id))


def _as_called_now(uow: UnitOfWork, contact_ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """Whoever became part of somebody else is them; whoever was erased is nobody."""
    called: dict[UUID, UUID] = {}
    asked = {contact_id: contact_id for contact_id in contact_ids}
    while asked:
        found = people.find_with_merged(uow, set(asked.values()))
        into = {first: row.merged_into_id for first, now in asked.items() if (row := found.get(now))}
        called |= {first: asked[first] for first, kept_id in into.items() if kept_id is None}
        asked = {first: kept_id for first, kept_id in into.items() if kept_id}
    return called


def _body(uow: UnitOfWork, import_id: UUID) -> str:
    said = {"file_name": people.get_import(uow, import_id).file_name, "import_id": str(import_id)}
    return json.dumps(said, ensure_ascii=False)
