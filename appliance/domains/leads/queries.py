from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select

from appliance.core import deliveries
from appliance.core.paging import read_page
from appliance.core.rows import locked, required
from appliance.core.signatures import check_timed
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page, PageQuery, Schema
from appliance.domains.contacts import queries as contacts
from appliance.domains.leads.errors import LeadNotFound, ReceiptNotFound, SourceNotFound
from appliance.domains.leads.rules import bodies, mapping
from appliance.domains.leads.schemas import LeadEventOut, LeadOut, LeadsQuery
from appliance.domains.leads.tables import Lead, LeadEvent, LeadImport, LeadSource
from appliance.domains.leads.types import Doorway, ImportState, LeadField, LeadStatus, Letter, Parcel, Reading, Receipt, SourceKind

SECRET = "signing_secret"  # noqa: S105 - its name among the secrets of a source
CALL_AGAIN_AFTER = timedelta(seconds=2)  # a call may get lost, or its worker die
IS_WAITING = (LeadEvent.lead_id.is_(None), LeadEvent.reason.is_(None))
IS_REJECTED = (LeadEvent.lead_id.is_(None), LeadEvent.reason.is_not(None))


def get_source(uow: UnitOfWork, source_id: UUID) -> LeadSource:
    return required(uow.session.get(LeadSource, source_id), SourceNotFound)


def lock_source(uow: UnitOfWork, source_id: UUID) -> LeadSource:
    return required(uow.session.scalar(locked(select(LeadSource).where(LeadSource.id == source_id))), SourceNotFound)


def find_doorway(uow: UnitOfWork, source_id: UUID) -> Doorway:
    """Whose source it is; needs the box scope. Raises SourceNotFound, also for one that is switched off."""
    source = required(uow.session.scalar(select(LeadSource).where(LeadSource.id == source_id, LeadSource.active)), SourceNotFound)
    return Doorway(source.id, source.tenant_id, source.kind, source.name, source.secrets, source.mapping, source.form)


def admit(doorway: Doorway, letter: Letter, now: datetime) -> Parcel:
    """Raises WebhookRefused, and ValueError or RecursionError for what is no JSON."""
    secret = doorway.secrets.get(SECRET, "")
    check_timed(secret, letter.body, signature=letter.signature, timestamp=letter.timestamp, now=now)
    text, said = bodies.read_json(letter.body)
    named = letter.event_id or read_payload(doorway.mapping, said).get(LeadField.EVENT_ID)
    return Parcel(mapping.event_key(named, letter.body), text, letter.nonce, letter.signature)


def is_open(uow: UnitOfWork, source_id: UUID, secret: str) -> bool:
    """Whether it still takes what is signed with this secret; until the unit ends it stays."""
    found = select(LeadSource.secrets).where(LeadSource.id == source_id, LeadSource.active).with_for_update(read=True, key_share=True)
    secrets = uow.session.scalar(found)
    return secrets is not None and secrets.get(SECRET) == secret


def list_sources(uow: UnitOfWork, query: PageQuery) -> Page[LeadSource]:
    return read_page(uow, select(LeadSource).order_by(LeadSource.created_at, LeadSource.id), query)


def list_open_lists(uow: UnitOfWork) -> Sequence[LeadSource]:
    """Through which the people of a file may become leads."""
    open_lists = select(LeadSource).where(LeadSource.kind == SourceKind.IMPORT, LeadSource.active)
    return uow.session.scalars(open_lists.order_by(LeadSource.created_at, LeadSource.id).limit(200)).all()


def find_open_list(uow: UnitOfWork, name: str) -> LeadSource | None:
    """The oldest that is called so."""
    called = select(LeadSource).where(LeadSource.kind == SourceKind.IMPORT, LeadSource.active, LeadSource.name == name)
    return uow.session.scalar(called.order_by(LeadSource.created_at, LeadSource.id).limit(1))


def find_import(uow: UnitOfWork, listener_id: UUID | None) -> LeadImport | None:
    """By the mark of its run; None also for one that was started anew since."""
    return None if listener_id is None else uow.session.get(LeadImport, listener_id)


def list_imports(uow: UnitOfWork, source_id: UUID, query: PageQuery) -> Page[LeadImport]:
    """Newest first."""
    theirs = select(LeadImport).where(LeadImport.source_id == get_source(uow, source_id).id)
    return read_page(uow, theirs.order_by(LeadImport.started_at.desc(), LeadImport.id.desc()), query)


def states_of(uow: UnitOfWork, runs: Sequence[LeadImport]) -> Mapping[UUID, ImportState]:
    """What was given up as a dead letter goes on only when a person does it again."""
    states = {run.id: ImportState.RUNNING if run.finished_at is None else ImportState.DONE for run in runs}
    keys = {run.id: {str(run.import_id), str(run.id)} for run in runs if run.finished_at is None}  # of the file, and of its people
    going = deliveries.find_under_way(uow, set().union(*keys.values())) if keys else frozenset()
    idle = [run_id for run_id, own in keys.items() if not own & going]
    ended = select(LeadImport.id).where(LeadImport.id.in_(idle), LeadImport.finished_at.is_not(None))  # meanwhile
    return states | dict.fromkeys(idle, ImportState.STOPPED) | dict.fromkeys(uow.session.scalars(ended) if idle else (), ImportState.DONE)


def has_import_stopped(uow: UnitOfWork, listener_id: UUID | None) -> bool:
    run = find_import(uow, listener_id)
    return run is not None and states_of(uow, [run])[run.id] is ImportState.STOPPED


def is_import_awaited(uow: UnitOfWork, source_id: UUID) -> bool:
    """Whether people of a file are still to become its leads."""
    unfinished = LeadImport.source_id == source_id, LeadImport.dry_run.is_(False), LeadImport.finished_at.is_(None)
    runs = uow.session.scalars(select(LeadImport).where(*unfinished).order_by(LeadImport.started_at.desc()).limit(100)).all()
    return ImportState.RUNNING in states_of(uow, runs).values()


def count_by_status(uow: UnitOfWork, source_ids: Collection[UUID]) -> Mapping[UUID, Mapping[LeadStatus, int]]:
    """Source -> status -> leads."""
    counting = select(Lead.source_id, Lead.status, func.count(Lead.id)).where(Lead.source_id.in_(source_ids))
    counts: dict[UUID, dict[LeadStatus, int]] = {}
    for source_id, status, number in uow.session.execute(counting.group_by(Lead.source_id, Lead.status)):
        counts.setdefault(source_id, {})[status] = number
    return counts


def has_leads(uow: UnitOfWork, source_id: UUID) -> bool:
    return uow.session.scalar(select(Lead.id).where(Lead.source_id == source_id).limit(1)) is not None


def get_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    return required(uow.session.get(Lead, lead_id), LeadNotFound)


def lock_lead(uow: UnitOfWork, lead_id: UUID) -> Lead:
    return required(uow.session.scalar(locked(select(Lead).where(Lead.id == lead_id))), LeadNotFound)


def list_leads(uow: UnitOfWork, query: LeadsQuery) -> Page[Lead]:
    found = select(Lead)
    if query.status:
        found = found.where(Lead.status == query.status)
    if query.source_id:
        found = found.where(Lead.source_id == query.source_id)
    if query.contact_id:
        found = found.where(Lead.contact_id == contacts.get_contact(uow, query.contact_id).id)
    return read_page(uow, found.order_by(Lead.captured_at.desc(), Lead.id.desc()), query)


def list_events(uow: UnitOfWork, lead_id: UUID) -> Sequence[LeadEvent]:
    """What came for it, newest first."""
    theirs = select(LeadEvent).where(LeadEvent.lead_id == lead_id)
    return uow.session.scalars(theirs.order_by(LeadEvent.received_at.desc(), LeadEvent.id.desc()).limit(50)).all()


def get_receipt(uow: UnitOfWork, receipt_id: UUID) -> Receipt:
    """What became of something that was taken. Raises ReceiptNotFound."""
    row = uow.session.execute(_receipts().where(LeadEvent.id == receipt_id)).one_or_none()
    return _receipt(required(row, ReceiptNotFound))


def lock_receipt(uow: UnitOfWork, receipt_id: UUID) -> Receipt:
    """Nobody captures it until the unit ends. Raises ReceiptNotFound."""
    required(uow.session.scalar(locked(select(LeadEvent.id).where(LeadEvent.id == receipt_id))), ReceiptNotFound)
    return get_receipt(uow, receipt_id)


def find_receipts(uow: UnitOfWork, source_id: UUID, parcels: Sequence[Parcel]) -> Mapping[str, Receipt]:
    """Of those of these events that came to the source before, by the event's key."""
    same = LeadEvent.event_key.in_([one.key for one in parcels])
    rows = uow.session.execute(_receipts().where(LeadEvent.source_id == source_id, same))
    return {str(row.event_key): _receipt(row) for row in rows}


def _receipts() -> Select[UUID, UUID | None, UUID, str | None, str | None]:
    told = select(LeadEvent.id, LeadEvent.lead_id, Lead.contact_id, LeadEvent.reason, LeadEvent.event_key)
    return told.outerjoin(Lead, Lead.id == LeadEvent.lead_id).where(LeadEvent.event_key.is_not(None))


def _receipt(row: Row[UUID, UUID | None, UUID, str | None, str | None]) -> Receipt:
    return Receipt(row.id, row.lead_id, row.contact_id, row.reason)


def is_event_known(uow: UnitOfWork, source_id: UUID, event_id: str) -> bool:
    """Whether the sender's id was taken already."""
    return bool(known_events(uow, source_id, [event_id]))


def known_events(uow: UnitOfWork, source_id: UUID, event_ids: Sequence[str]) -> frozenset[str]:
    """Those of the sender's ids that were taken already."""
    keys = {mapping.event_key(event_id, b""): event_id for event_id in event_ids}
    taken = select(LeadEvent.event_key).where(LeadEvent.source_id == source_id, LeadEvent.event_key.in_(keys))
    return frozenset(keys[key] for key in uow.session.scalars(taken) if key)


def find_again(uow: UnitOfWork, source: LeadSource, named: Mapping[UUID, str]) -> dict[UUID, Lead]:
    """Contact -> the lead that theirs would be again within the hours of the source."""
    since = uow.now - timedelta(hours=source.dedupe_hours) if source.dedupe_hours else None
    return find_same(uow, source.id, named, since)


def find_same(uow: UnitOfWork, source_id: UUID, named: Mapping[UUID, str], since: datetime | None) -> dict[UUID, Lead]:
    """Contact -> the lead that theirs would be again: by the sender's own id (`named`) for ever, by the person since a moment."""
    ids = set(filter(None, named.values()))
    if not named or not (ids or since):
        return {}
    again = Lead.external_id.in_(ids) if since is None else or_(Lead.external_id.in_(ids), Lead.captured_at >= since)
    theirs = select(Lead).where(Lead.source_id == source_id, Lead.contact_id.in_(named), again).order_by(Lead.captured_at)

    def is_named(lead: Lead) -> bool:
        return lead.external_id is not None and lead.external_id == named[lead.contact_id]

    found = sorted(uow.session.scalars(locked(theirs)), key=is_named)  # of several the last one counts
    return {lead.contact_id: lead for lead in found if is_named(lead) or (since and lead.captured_at >= since)}


def read_payload(given: Mapping[LeadField, str] | Mapping[str, str], payload: object) -> Reading:
    """What a payload says under a mapping."""
    return mapping.read(payload, {str(name): path for name, path in given.items()}, contacts.guess_mapping)


def list_rejected(uow: UnitOfWork, source_id: UUID, query: PageQuery) -> Page[LeadEvent]:
    """First what can be read once more, however much that nobody signed came since; each newest first."""
    of_source = select(LeadEvent).where(LeadEvent.source_id == get_source(uow, source_id).id, *IS_REJECTED)
    was_refused = LeadEvent.event_key.is_(None)
    return read_page(uow, of_source.order_by(was_refused, LeadEvent.received_at.desc(), LeadEvent.id.desc()), query)


def count_rejected(uow: UnitOfWork, source_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """Source -> what came and is no lead, where there is such."""
    counting = select(LeadEvent.source_id, func.count(LeadEvent.id)).where(LeadEvent.source_id.in_(source_ids), *IS_REJECTED)
    return dict(uow.session.execute(counting.group_by(LeadEvent.source_id)).all())


def is_waiting(uow: UnitOfWork, source_id: UUID) -> bool:
    return uow.session.scalar(select(LeadEvent.id).where(LeadEvent.source_id == source_id, *IS_WAITING).limit(1)) is not None


def is_worker_expected(uow: UnitOfWork, source_id: UUID) -> bool:
    """Whether something waits there for which a worker was called a moment ago: who captures it sees what is written in this unit as well.

    It is held until then, and passed over when a worker has it already.
    """
    waiting = select(LeadEvent.id).where(LeadEvent.source_id == source_id, *IS_WAITING, LeadEvent.received_at > uow.now - CALL_AGAIN_AFTER)
    newest = waiting.order_by(LeadEvent.received_at.desc()).limit(1)
    return uow.session.scalar(newest.with_for_update(read=True, skip_locked=True)) is not None


def export_contact(uow: UnitOfWork, contact_id: UUID) -> Mapping[str, object]:
    """The person's leads with what came for each, as JSON-ready values."""
    leads = uow.session.scalars(select(Lead).where(Lead.contact_id == contact_id).order_by(Lead.id)).all()
    came = select(Lead.id, LeadEvent).join(Lead, Lead.id == LeadEvent.lead_id).where(Lead.contact_id == contact_id).order_by(LeadEvent.id)
    events: dict[UUID, list[object]] = {lead.id: [] for lead in leads}
    for lead_id, event in uow.session.execute(came):
        events[lead_id].append(_plain(LeadEventOut, event))
    return {"leads": [{**_plain(LeadOut, lead), "events": events[lead.id]} for lead in leads]}


def _plain(schema: type[Schema], row: object) -> dict[str, object]:
    return schema.model_validate(row).model_dump(mode="json")
