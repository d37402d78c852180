import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions import charging, linking, telling, templates
from appliance.domains.channels.actions.members import call_members
from appliance.domains.channels.actions.rejected import keep_rejected
from appliance.domains.channels.events import MediaAnnounced
from appliance.domains.channels.rules import groups
from appliance.domains.channels.tables import Channel
from appliance.domains.channels.types import SIMULATOR, Change, ChannelStatus, Revised, Spoken
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.types import Arrival, Incoming, MessageKind, MessageStatus, Person, Revision, Route

SIMULATED_ID = "sim-in-"


def receive_changes(uow: UnitOfWork, channel: Channel, changes: Sequence[Change]) -> None:
    """Store what came to a channel. Everything in it may come twice and in any order."""
    spoken = [call_members(uow, channel, spoken) for change in changes for spoken in change.spoken]
    arrivals = [Arrival(route_of(channel, one.address), one.person, one.messages) for one in spoken]
    stored = conversations.receive_messages(uow, arrivals) if arrivals else []
    if stored and queries.kind_of(channel.kind).linked:  # who talks in a group answers nobody
        linking.count(uow, channel.id, received=sum("author" not in message.content for message in stored))
    for echo in (call_members(uow, channel, echo) for change in changes for echo in change.echoes):
        stored += conversations.record_echo(uow, Arrival(route_of(channel, echo.address), echo.person, echo.messages))
    for message in stored:
        if message.content.get("media", {}).get("provider_id"):
            uow.emit(MediaAnnounced(message.channel_id, message.id))
    telling.tell_said(uow, channel, [(message.conversation_id, message.id) for message in stored])
    for report in (report for change in changes for report in change.reports):
        conversations.apply_status(uow, channel.id, report)
        telling.tell_reported(uow, channel, report)
        if report.status is MessageStatus.FAILED and report.provider_id:
            charging.drop_expected(uow, channel.id, report.provider_id)
    for charge in (charge for change in changes for charge in change.charges):
        charging.note_charge(uow, channel.id, charge)
    for told in (told for change in changes for told in change.templates):
        templates.apply_report(uow, told)
    for revised in (revised for change in changes for revised in change.revisions):
        _revise(uow, channel, revised)
    rejected = [part for change in changes for part in change.rejected]
    keep_rejected(uow, channel.id, [(reason, json.dumps(raw, ensure_ascii=False)) for reason, raw in rejected])


def _revise(uow: UnitOfWork, channel: Channel, revised: Revised) -> None:
    """A change of what never came is a message of its own; a deletion of it is put aside."""
    found = threads.find_by_provider_id(uow, channel.id, revised.revision.provider_id)
    if found is not None:
        if _is_of_chat(uow, found.conversation_id, revised.said) and conversations.revise(uow, found.id, _named(uow, channel, revised)):
            telling.tell_revised(uow, channel, found)
    elif revised.revision.text is None:
        keep_rejected(uow, channel.id, [("deleted", json.dumps(revised.raw, ensure_ascii=False))])
    else:
        said = (revised.said,)
        receive_changes(uow, channel, [Change(said) if revised.revision.by_contact else Change(echoes=said)])


def _named(uow: UnitOfWork, channel: Channel, revised: Revised) -> Revision:
    """With names for who is named in the new words."""
    named = [one.content for one in call_members(uow, channel, revised.said).messages if one.content.get("mentions")]
    if revised.revision.text is None or not named:
        return revised.revision
    return replace(revised.revision, text=str(named[0].get("text", "")), mentions=tuple(named[0]["mentions"]))


def _is_of_chat(uow: UnitOfWork, conversation_id: UUID, said: Spoken) -> bool:
    """Whoever writes chooses the ids of messages: one of another chat is not theirs to name. A LID and a number may be one person."""
    conversation = threads.get_conversation(uow, conversation_id)
    if conversation.thread_key == threads.thread_key(uow, said.address):
        return True
    return any(contacts.is_theirs(uow, conversation.contact_id, identity) for identity in said.person.identities)


def route_of(channel: Channel, address: str) -> Route:
    kind = queries.kind_of(channel.kind)
    is_group = kind.linked and groups.is_group(address)
    agent_id = None if is_group else channel.agent_id
    return Route(channel.id, kind.name, kind.medium, address, agent_id=agent_id, window_hours=kind.window_hours, is_group=is_group)


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
