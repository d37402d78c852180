import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions import linking
from appliance.domains.channels.actions.rejected import keep_rejected
from appliance.domains.channels.events import MediaAnnounced
from appliance.domains.channels.tables import Channel
from appliance.domains.channels.types import SIMULATOR, Change, ChannelStatus, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.types import Arrival, Incoming, MessageKind, Person, Route

SIMULATED_ID = "sim-in-"


def receive_changes(uow: UnitOfWork, channel: Channel, changes: Sequence[Change]) -> None:
    """Store what came to a channel. Everything in it may come twice and in any order."""
    spoken = [spoken for change in changes for spoken in change.spoken]
    arrivals = [Arrival(route_of(channel, one.address), one.person, one.messages) for one in spoken]
    stored = conversations.receive_messages(uow, arrivals) if arrivals else []
    if stored and queries.kind_of(channel.kind).linked:
        linking.count(uow, channel.id, received=len(stored))
    for echo in (echo for change in changes for echo in change.echoes):
        stored += conversations.record_echo(uow, Arrival(route_of(channel, echo.address), echo.person, echo.messages))
    for message in stored:
        if message.content.get("media", {}).get("provider_id"):
            uow.emit(MediaAnnounced(message.channel_id, message.id))
    for report in (report for change in changes for report in change.reports):
        conversations.apply_status(uow, channel.id, report)
    rejected = [part for change in changes for part in change.rejected]
    keep_rejected(uow, channel.id, [(reason, json.dumps(raw, ensure_ascii=False)) for reason, raw in rejected])


def route_of(channel: Channel, address: str) -> Route:
    kind = queries.kind_of(channel.kind)
    return Route(channel.id, kind.name, kind.medium, address, agent_id=channel.agent_id, window_hours=kind.window_hours)


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
    if channel.kind != SIMULATOR or not channel.active:
        raise Conflict(_("Only an active simulator channel can be written to from here."))
    incoming = Incoming(SIMULATED_ID + (client_id or new_id().hex), MessageKind.TEXT, {"text": text}, uow.now)
    person = Person((Identity(IdentityKind.WEBCHAT, visitor, channel.id.hex),), name)
    receive_changes(uow, channel, [Change((Spoken(person, visitor, (incoming,)),))])
    return threads.get_thread(uow, channel.id, visitor)
