import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.events import MediaAnnounced
from appliance.domains.channels.rules.mentions import mentions
from appliance.domains.channels.tables import Channel, RejectedEvent
from appliance.domains.channels.types import WINDOW_HOURS, Change, ChannelKind, ChannelStatus, Doorway
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import Arrival, Incoming, MessageKind, Person, Route

KEPT_BODY = 65_536
READ_AT_ONCE = 100
KEPT_REJECTED = 200  # of each channel; whoever floods us pushes out their own
SIMULATED_ID = "sim-in-"
Part = tuple[str, object]  # why it could not be used, and what it was


def receive_changes(uow: UnitOfWork, arrived: Sequence[tuple[Doorway, Change]]) -> None:
    """Store what webhooks say. Everything in them may come twice and in any order."""
    arrivals = [
        Arrival(_route(doorway, spoken.address), spoken.person, spoken.messages)
        for doorway, change in arrived
        for spoken in change.spoken
    ]
    for message in conversations.receive_messages(uow, arrivals) if arrivals else ():
        if message.content.get("media", {}).get("provider_id"):
            uow.emit(MediaAnnounced(message.channel_id, message.id))
    rejected: dict[UUID, list[Part]] = {}
    for doorway, change in arrived:
        for report in change.reports:
            conversations.apply_status(uow, doorway.channel_id, report)
        rejected.setdefault(doorway.channel_id, []).extend(change.rejected)
    for channel_id, parts in rejected.items():
        keep_rejected(uow, channel_id, [(reason, json.dumps(raw, ensure_ascii=False)) for reason, raw in parts[-KEPT_REJECTED:]])


def _route(doorway: Doorway, address: str) -> Route:
    window = WINDOW_HOURS[ChannelKind.WHATSAPP_CLOUD]
    kind, medium = ChannelKind.WHATSAPP_CLOUD, Medium.WHATSAPP
    return Route(doorway.channel_id, kind, medium, address, agent_id=doorway.agent_id, window_hours=window)


def keep_rejected(uow: UnitOfWork, channel_id: UUID, parts: Sequence[tuple[str, str]]) -> None:
    """Reason and body of each. A channel keeps its newest."""
    for reason, body in parts:
        rejected = RejectedEvent(tenant_id=uow.tenant_id, channel_id=channel_id, reason=reason[:60], body=body[:KEPT_BODY])
        rejected.received_at = uow.now
        uow.session.add(rejected)
    if parts:
        uow.session.flush()
        _drop_oldest(uow, channel_id)


def _drop_oldest(uow: UnitOfWork, channel_id: UUID) -> None:
    newest_first = (RejectedEvent.received_at.desc(), RejectedEvent.id.desc())
    ids = select(RejectedEvent.id).where(RejectedEvent.channel_id == channel_id).order_by(*newest_first)
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


def confirm_webhook(uow: UnitOfWork, channels: Iterable[Channel]) -> None:
    """Meta called the verify address with the right token. Runs in the box scope: one token may stand for several numbers."""
    for channel in channels:
        channel.verified_at = uow.now
        channel.status = ChannelStatus.CONNECTED if channel.active else channel.status


def receive_simulated(uow: UnitOfWork, channel_id: UUID, *, visitor: str, name: str, text: str, client_id: str = "") -> UUID:
    """Write as the customer, through the very path a provider's webhook takes. `client_id` again is the same message.

    Returns the conversation.
    """
    channel = queries.get_channel(uow, channel_id)
    if channel.kind != ChannelKind.SIMULATOR or not channel.active:
        raise Conflict(_("Only an active simulator channel can be written to from here."))
    incoming = Incoming(SIMULATED_ID + (client_id or new_id().hex), MessageKind.TEXT, {"text": text}, uow.now)
    route = Route(channel.id, ChannelKind.SIMULATOR, Medium.SIMULATOR, visitor, agent_id=channel.agent_id)
    person = Person((Identity(IdentityKind.WEBCHAT, visitor, channel.id.hex),), name)
    stored = conversations.receive_messages(uow, [Arrival(route, person, (incoming,))])
    conversation_id = stored[0].conversation_id if stored else conversations.find_thread(uow, channel.id, visitor)
    assert conversation_id is not None  # a message that was known has its conversation
    return conversation_id
