"""What happens is kept for whoever listens, and told: in the program's words, once they are asked for."""

from base64 import b64encode
from uuid import UUID

from appliance.core.box import Box
from appliance.core.errors import NotFound
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.channels.types import LinkState
from appliance.domains.feeds import queries
from appliance.domains.feeds.events import FeedItemKept
from appliance.domains.feeds.gateways import hooks
from appliance.domains.feeds.queries import Due
from appliance.domains.feeds.rules import shapes
from appliance.domains.feeds.tables import FeedItem
from appliance.domains.feeds.types import Told, What


def keep(
    uow: UnitOfWork, channel_id: UUID, what: What, *, conversation_id: UUID | None = None, message_id: UUID | None = None, **facts: object
) -> None:
    """Where nobody listens nothing is kept."""
    feed = queries.find_feed(uow, channel_id)
    if feed is None or not feed.active:
        return
    item = FeedItem(
        id=new_id(), tenant_id=uow.tenant_id, channel_id=channel_id, conversation_id=conversation_id, message_id=message_id, what=what,
        facts=facts, happened_at=uow.now,
    )  # fmt: skip
    uow.session.add(item)
    uow.session.flush()
    uow.emit(FeedItemKept(channel_id, item.id, conversation_id or channel_id))


def keep_connection(uow: UnitOfWork, channel_id: UUID, state: LinkState) -> None:
    """What is known of the link beside its state belongs to it only while that is still its state."""
    now = queries.connection_of(uow, channel_id)
    found = now if now.state is state else shapes.Connection(state, uow.now)
    keep(
        uow, channel_id, What.CONNECTION, state=state, code=found.code, ending=found.ending, qr=found.qr, qr_number=found.qr_number,
        pairing_code=found.pairing_code,
    )  # fmt: skip


def tell(box: Box, tenant_id: UUID, due: Due) -> None:
    """Raises ListenerGone, Unavailable."""
    hooks.tell(box, due.hook, due.told, due.url, _file(box, tenant_id, due.told))


def body_for(box: Box, tenant_id: UUID, told: Told) -> str:
    """The same as it is told on a socket."""
    return hooks.body_of(told, _file(box, tenant_id, told)).decode()


def _file(box: Box, tenant_id: UUID, told: Told) -> bytes:
    if told.file is None:
        return b""
    try:
        return b64encode(box.blobs.read_all(tenant_id, told.file.blob_id))
    except NotFound:
        return b""


def try_out(box: Box, tenant_id: UUID, channel_id: UUID) -> None:
    """Calls the program with how the link stands now. Raises FeedNotFound, ListenerGone, Unavailable."""
    with box.unit(tenant_id, read_only=True) as uow:
        due = queries.get_trial(uow, channel_id)
    tell(box, tenant_id, due)
