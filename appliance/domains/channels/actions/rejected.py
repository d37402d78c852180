"""What came and could not be used: kept for a while, so that nothing is lost."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from appliance.core.uow import UnitOfWork
from appliance.domains.channels.tables import RejectedEvent
from appliance.domains.contacts.queries import mentions
from appliance.domains.contacts.types import Identity

KEPT_BODY = 65_536
READ_AT_ONCE = 100
KEPT_REJECTED = 200  # of each channel and reason: who floods a door with what nobody signed pushes out nothing else


def keep_rejected(uow: UnitOfWork, channel_id: UUID, parts: Sequence[tuple[str, str]]) -> None:
    """Reason and body of each. A channel keeps the newest of each reason."""
    for reason, body in parts[-KEPT_REJECTED:]:
        rejected = RejectedEvent(tenant_id=uow.tenant_id, channel_id=channel_id, reason=reason[:60], body=body[:KEPT_BODY])
        rejected.received_at = uow.now
        uow.session.add(rejected)
    if parts:
        uow.session.flush()
    for reason in {reason[:60] for reason, _body in parts}:
        _drop_oldest(uow, channel_id, reason)


def _drop_oldest(uow: UnitOfWork, channel_id: UUID, reason: str) -> None:
    newest_first = (RejectedEvent.received_at.desc(), RejectedEvent.id.desc())
    alike = RejectedEvent.channel_id == channel_id, RejectedEvent.reason == reason
    ids = select(RejectedEvent.id).where(*alike).order_by(*newest_first)
    too_many = uow.session.scalars(ids.offset(KEPT_REJECTED).limit(1000)).all()
    if too_many:
        uow.session.execute(delete(RejectedEvent).where(RejectedEvent.id.in_(too_many)))


def drop_rejected_of(uow: UnitOfWork, identities: Sequence[Identity]) -> int:
    """What was kept aside and names this person. Returns how many rows are gone."""
    if not identities:
        return 0
    kept = uow.session.execute(select(RejectedEvent.id, RejectedEvent.body).execution_options(yield_per=READ_AT_ONCE))
    theirs = [rejected_id for rejected_id, body in kept if mentions(body, identities)]
    for start in range(0, len(theirs), READ_AT_ONCE):
        uow.session.execute(delete(RejectedEvent).where(RejectedEvent.id.in_(theirs[start : start + READ_AT_ONCE])))
    return len(theirs)


def prune_rejected(uow: UnitOfWork, *, kept_for: timedelta) -> None:
    uow.session.execute(delete(RejectedEvent).where(RejectedEvent.received_at < uow.now - kept_for))
