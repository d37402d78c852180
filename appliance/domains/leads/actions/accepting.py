"""What came is kept as it came: once this is committed it is ours."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update

from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import count_changed, insert_new
from appliance.core.uow import UnitOfWork
from appliance.domains.leads import queries
from appliance.domains.leads.errors import SourceNotFound, WebhookRefused
from appliance.domains.leads.events import LeadsAccepted, SourceChanged
from appliance.domains.leads.tables import LeadEvent
from appliance.domains.leads.types import Parcel, Receipt

KEPT_BODY = 1_048_576
LONGEST_NONCE = 120
# neither the event's id nor the nonce is signed
REPLAYED = WebhookRefused("replayed", _("This nonce or signature was used before. Send each event with a time and nonce of its own."))


def accept_leads(uow: UnitOfWork, source_id: UUID, secret: str, parcels: Sequence[Parcel]) -> Sequence[Receipt | WebhookRefused]:
    """What is new waits for a worker. Raises SourceNotFound where nothing signed with this secret is taken any more."""
    if not queries.is_open(uow, source_id, secret):
        raise SourceNotFound
    return _keep_for_worker(uow, source_id, parcels)


def keep_lead(uow: UnitOfWork, source_id: UUID, parcel: Parcel) -> None:
    """What was fetched goes the way of what is sent. The same again changes nothing."""
    _keep_for_worker(uow, source_id, [parcel])


def _keep_for_worker(uow: UnitOfWork, source_id: UUID, parcels: Sequence[Parcel]) -> Sequence[Receipt | WebhookRefused]:
    is_expected = queries.is_worker_expected(uow, source_id)
    kept, new = keep_parcels(uow, source_id, parcels)
    if new and not is_expected:
        uow.emit(LeadsAccepted(source_id))
    return kept


def keep_parcels(uow: UnitOfWork, source_id: UUID, parcels: Sequence[Parcel]) -> tuple[Sequence[Receipt | WebhookRefused], int]:
    """For each what became of it: the first result where the event came before. And how many are new."""
    named = [(new_id(), parcel) for parcel in parcels]
    made = insert_new(uow, LeadEvent, [_row(uow, source_id, *one) for one in named])
    known = queries.find_receipts(uow, source_id, parcels) if len(made) < len(named) else {}
    return [Receipt(row_id) if row_id in made else known.get(parcel.key, REPLAYED) for row_id, parcel in named], len(made)


def retry_rejected(uow: UnitOfWork, source_id: UUID) -> int:
    """What was taken and not understood is read once more, with the mapping as it is by now. Returns how many. Raises SourceNotFound."""
    source = queries.lock_source(uow, source_id)
    theirs = update(LeadEvent).where(LeadEvent.source_id == source.id, LeadEvent.event_key.is_not(None), *queries.IS_REJECTED)
    again = count_changed(uow.session.execute(theirs.values(reason=None)))
    if again:
        uow.emit(LeadsAccepted(source.id))
        uow.emit(SourceChanged(source.id))
    return again


def _row(uow: UnitOfWork, source_id: UUID, row_id: UUID, parcel: Parcel) -> dict[str, object]:
    return {
        "id": row_id, "tenant_id": uow.tenant_id, "source_id": source_id, "event_key": parcel.key,
        "nonce": parcel.nonce[:LONGEST_NONCE] or None, "signature": parcel.signature or None,
        "body": parcel.body[:KEPT_BODY], "received_at": uow.now,
    }  # fmt: skip
