"""What other programs post to a channel of e-mail."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from appliance.core.rows import required
from appliance.core.uow import UnitOfWork
from appliance.domains.channels.errors import ChannelNotFound, PostedMailNotFound
from appliance.domains.channels.gateways.email.admission import Letterbox, Receipt
from appliance.domains.channels.gateways.email.settings import POSTING, POSTING_PATH
from appliance.domains.channels.tables import Channel, PostedMail
from appliance.domains.channels.types import EMAIL

__all__ = [
    "POSTING",
    "POSTING_PATH",
    "find_last_posted",
    "find_post_receipts",
    "get_letterbox",
    "get_posted",
    "is_deaf",
    "list_waiting_posted",
    "posting_address",
]


def get_letterbox(uow: UnitOfWork, channel_id: UUID) -> Letterbox:
    """Whose it is; needs the box scope. Raises ChannelNotFound, also for one that is switched off or takes nothing by HTTP."""
    found = uow.session.scalar(select(Channel).where(Channel.id == channel_id, Channel.kind == EMAIL, Channel.active.is_(True)))
    channel = required(found, ChannelNotFound)
    if not channel.secrets.get(POSTING):
        raise ChannelNotFound
    return Letterbox(channel.id, channel.tenant_id, channel.secrets[POSTING])


def is_deaf(channel: Channel) -> bool:
    """Mails leave by it, and none can come in by any way."""
    return channel.kind == EMAIL and not channel.config["imap_host"] and POSTING not in channel.secrets


def posting_address(uow: UnitOfWork, channel_id: UUID) -> str:
    """Where mails of this channel are posted to."""
    return f"{uow.box.settings.public_url}{POSTING_PATH}{channel_id}"


def get_posted(uow: UnitOfWork, mail_id: UUID) -> PostedMail:
    return required(uow.session.get(PostedMail, mail_id), PostedMailNotFound)


def list_waiting_posted(uow: UnitOfWork) -> Sequence[PostedMail]:
    """Of the organisation: not read yet."""
    return uow.session.scalars(select(PostedMail).where(PostedMail.read_at.is_(None))).all()


def find_last_posted(uow: UnitOfWork, channel_id: UUID) -> PostedMail | None:
    own = select(PostedMail).where(PostedMail.channel_id == channel_id)
    return uow.session.scalar(own.order_by(PostedMail.received_at.desc()).limit(1))


def find_post_receipts(uow: UnitOfWork, channel_id: UUID, digests: Sequence[str]) -> Mapping[str, Receipt]:
    """Of those of them that came before, by their digest."""
    own = select(PostedMail.digest, PostedMail.id, PostedMail.read_at).where(PostedMail.channel_id == channel_id)
    rows = uow.session.execute(own.where(PostedMail.digest.in_(digests)))
    return {row.digest: Receipt(row.id, row.read_at is not None) for row in rows}
