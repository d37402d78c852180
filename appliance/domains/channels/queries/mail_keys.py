from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.channels.queries.channels import get_channel
from appliance.domains.channels.tables import MailKey


def list_mail_keys(uow: UnitOfWork, channel_id: UUID) -> Sequence[MailKey]:
    """Newest first. Raises ChannelNotFound."""
    get_channel(uow, channel_id)
    own = select(MailKey).where(MailKey.channel_id == channel_id)
    return uow.session.scalars(own.order_by(MailKey.made_at.desc()).limit(50)).all()
