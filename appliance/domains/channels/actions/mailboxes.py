"""What a mailbox brings: stored in the transaction that remembers how far it is read."""

from uuid import UUID

from sqlalchemy import select

from appliance.core.i18n import told
from appliance.core.rows import locked
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions.arriving import store_mail
from appliance.domains.channels.actions.rejected import keep_rejected
from appliance.domains.channels.actions.send import note_refusal, note_success
from appliance.domains.channels.gateways.email.mail import Kept, Mail, Spot
from appliance.domains.channels.tables import Mailbox
from appliance.domains.channels.types import ChannelStatus


def open_mailbox(uow: UnitOfWork, channel_id: UUID, *, source: str, validity: int, last_uid: int) -> None:
    """It can be read, from behind `last_uid` on. What was wrong with it is over."""
    channel, place = queries.lock_channel(uow, channel_id), _lock(uow, channel_id)
    if place is None:
        place = _new(uow, channel_id)
    place.source, place.uid_validity, place.last_uid, place.looked_at = source, validity, last_uid, uow.now
    channel.verified_at = channel.verified_at or uow.now
    was_ours = channel.status is ChannelStatus.FAILING and channel.status_detail == place.problem
    if channel.status is ChannelStatus.NEW or was_ours:
        note_success(uow, channel_id)
    place.problem = ""


def note_mailbox_trouble(uow: UnitOfWork, channel_id: UUID, problem: object) -> None:
    """Nothing comes in for this reason; what is to be sent goes on."""
    place = _lock(uow, channel_id) or _new(uow, channel_id)
    if place.problem != told(problem):
        place.problem = told(problem)
        note_refusal(uow, channel_id, problem)


def note_looked(uow: UnitOfWork, channel_id: UUID) -> None:
    place = _lock(uow, channel_id)
    if place is not None:
        place.looked_at = uow.now


def take_in_mail(uow: UnitOfWork, channel_id: UUID, mail: Mail, kept: Kept, spot: Spot) -> bool:
    """False when somebody else took it, or the mailbox is no longer the one it lay in."""
    if not _advance(uow, channel_id, spot):
        return False
    store_mail(uow, queries.get_channel(uow, channel_id), mail, kept)
    return True


def put_aside_mail(uow: UnitOfWork, channel_id: UUID, spot: Spot, reason: str, raw: bytes) -> None:
    """It cannot be used, and those behind it shall not wait for it."""
    if _advance(uow, channel_id, spot):
        keep_rejected(uow, channel_id, [(reason, raw.decode("utf-8", "replace").replace("\x00", ""))])


def _lock(uow: UnitOfWork, channel_id: UUID) -> Mailbox | None:
    return uow.session.scalar(locked(select(Mailbox).where(Mailbox.channel_id == channel_id)))


def _new(uow: UnitOfWork, channel_id: UUID) -> Mailbox:
    place = Mailbox(
        tenant_id=uow.tenant_id, channel_id=channel_id, source="", uid_validity=0, last_uid=0, looked_at=uow.now, problem=""
    )
    uow.session.add(place)
    return place


def _advance(uow: UnitOfWork, channel_id: UUID, spot: Spot) -> bool:
    place = _lock(uow, channel_id)
    if place is None or place.uid_validity != spot.validity or spot.uid <= place.last_uid:
        return False
    place.last_uid, place.looked_at, place.last_mail_at = spot.uid, uow.now, uow.now
    return True
