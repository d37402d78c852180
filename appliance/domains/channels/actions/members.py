"""Who is in a group, and by which name people read of them: known from who wrote, and from what WhatsApp tells of the group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select

from appliance.core.ids import new_id
from appliance.core.rows import insert_if_absent, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.rules import groups, mentions
from appliance.domains.channels.tables import Channel, WhatsappGroup
from appliance.domains.channels.types import Member, Spoken
from appliance.domains.contacts import actions as contact_actions
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.types import Outgoing

LATE = 50  # messages that named somebody before we knew how they are called


def note_group(uow: UnitOfWork, channel_id: UUID, chat: str, name: str, members: Sequence[Member]) -> None:
    """As its members call it; what a person of ours called it stays. Who was named before in the last messages has a name from now on.

    Raises ChannelNotFound when it was deleted meanwhile.
    """
    queries.get_channel(uow, channel_id)
    if name:
        contact_actions.upsert_contact(uow, [groups.identity_of(chat)], fields=ContactFields(name=name[:200]))
    if members:
        row = _lock(uow, channel_id, chat)
        _keep(row, mentions.within(mentions.joined(_members(row), members), members))
        _name_late(uow, channel_id, chat)


def call_members(uow: UnitOfWork, channel: Channel, spoken: Spoken) -> Spoken:
    """With names in place of the numbers behind each @; whoever wrote is known from now on."""
    if not queries.kind_of(channel.kind).linked:
        return spoken
    _note_authors(uow, channel.id, spoken)
    names = _names_of(uow, channel.id, spoken.address, [one.content for one in spoken.messages])
    called = (replace(one, content={**one.content, **_reworded(one.content, names)}) for one in spoken.messages)
    return replace(spoken, messages=tuple(called))


def may_name_members(uow: UnitOfWork, message: threads.Message) -> bool:
    """Whether a whole name may stand behind an @ in what is to be sent: to a group, which only a linked number has."""
    if not mentions.CALLED.search(str(message.content.get("text") or "")):
        return False
    conversation = threads.get_conversation(uow, message.conversation_id)
    return queries.kind_of(conversation.channel_kind).linked and groups.is_group(conversation.address)


def find_mentioned(uow: UnitOfWork, message_id: UUID) -> Sequence[mentions.Mention]:
    """Who is named in what is to be sent to a group. Up to two thousand are looked through: only a read."""
    message = threads.get_message(uow, message_id)
    text = str(message.content.get("text") or "")
    members = _find(uow, message.channel_id, threads.get_conversation(uow, message.conversation_id).address)
    ours = _names(uow, members)
    known = [(name, mentions.jids_of(one)[0]) for one in members for name in {mentions.called(one, ours), one.name}]
    return mentions.find_named(text, known)


def number_members(outgoing: Outgoing, named: Sequence[mentions.Mention]) -> Outgoing:
    """Before it leaves: they are named to WhatsApp, which tells them."""
    if not named:
        return outgoing
    text = mentions.with_numbers(str(outgoing.content.get("text") or ""), named)
    return replace(outgoing, content={**outgoing.content, "text": text, "mentions": named})


def drop_members(uow: UnitOfWork, identities: Iterable[Identity]) -> int:
    """Of all groups: somebody is erased. Of a group that is erased itself, everybody. Returns how many are gone."""
    asked = set(identities)
    digits = {one.value.lstrip("+") for one in asked}
    gone = 0
    for row in uow.session.scalars(locked(select(WhatsappGroup))):
        before = _members(row)
        is_gone = groups.identity_of(row.chat) in asked
        _keep(row, [] if is_gone else [one for one in before if not digits.intersection((one.phone, one.lid))])
        gone += len(before) - len(row.members)
    return gone


def _note_authors(uow: UnitOfWork, channel_id: UUID, spoken: Spoken) -> None:
    authors = [one.content["author"] for one in spoken.messages if "author" in one.content]
    seen = [_author(author) for author in authors]
    known = _find(uow, channel_id, spoken.address) if seen else []
    if mentions.joined(known, seen) != known:
        row = _lock(uow, channel_id, spoken.address)
        _keep(row, mentions.joined(_members(row), seen))


def _author(author: Mapping[str, str]) -> Member:
    user, _, server = author.get("jid", "").partition("@")
    return Member(author.get("phone", ""), user if server == mentions.LID else "", author.get("name", ""))


def _reworded(content: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The text with names, and who is named; nothing where nobody is."""
    said = content.get("mentions")
    if not said:
        return {}
    written = mentions.with_numbers(content.get("text", ""), (one for one in said if "name" in one))
    text, named = mentions.with_names(written, {one["jid"]: names[one["jid"]] for one in said})
    return ({"text": text} if "text" in content else {}) | {"mentions": named}


def _names_of(uow: UnitOfWork, channel_id: UUID, chat: str, contents: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Of all who are named in these, by JID; empty of whom nothing is known."""
    jids = list(dict.fromkeys(one["jid"] for content in contents for one in content.get("mentions") or ()))
    if not jids:
        return {}
    link = queries.get_link(uow, channel_id)
    members = {jid: one for one in _find(uow, channel_id, chat) for jid in mentions.jids_of(one)}
    asked = {jid: members.get(jid) or _stranger(jid) for jid in jids}
    ours = _names(uow, asked.values())
    own = dict.fromkeys((link.jid, link.lid), link.push_name or queries.get_channel(uow, channel_id).name)
    return {jid: own.get(jid) or mentions.called(member, ours) for jid, member in asked.items()}


def _stranger(jid: str) -> Member:
    user, _, server = jid.partition("@")
    return Member(lid=user) if server == mentions.LID else Member(phone=user)


def _names(uow: UnitOfWork, members: Iterable[Member]) -> dict[str, str]:
    """What we call them, by phone and LID."""
    phones = {Identity(IdentityKind.WHATSAPP, one.phone) for one in members if one.phone}
    lids = {Identity(IdentityKind.WHATSAPP_LID, one.lid) for one in members if one.lid}
    return {identity.value: name for identity, name in contacts.find_names(uow, phones | lids).items()}


def _name_late(uow: UnitOfWork, channel_id: UUID, chat: str) -> None:
    thread_id = threads.find_thread(uow, channel_id, chat)
    if thread_id is None:
        return
    found = [message for message in threads.list_messages(uow, thread_id, limit=LATE) if message.content.get("mentions")]
    names = _names_of(uow, channel_id, chat, [message.content for message in found])
    for message in found:
        said = _reworded(message.content, names)
        if not said.items() <= message.content.items():
            conversations.reword(uow, message.id, said)


def _find(uow: UnitOfWork, channel_id: UUID, chat: str) -> list[Member]:
    row = uow.session.scalar(select(WhatsappGroup).where(WhatsappGroup.channel_id == channel_id, WhatsappGroup.chat == chat))
    return _members(row) if row is not None else []


def _lock(uow: UnitOfWork, channel_id: UUID, chat: str) -> WhatsappGroup:
    insert_if_absent(uow, WhatsappGroup, {
        "id": new_id(), "tenant_id": uow.tenant_id, "channel_id": channel_id, "chat": chat, "members": [],
    })  # fmt: skip
    own = select(WhatsappGroup).where(WhatsappGroup.channel_id == channel_id, WhatsappGroup.chat == chat)
    return uow.session.scalars(locked(own)).one()


def _members(row: WhatsappGroup) -> list[Member]:
    return [Member(**one) for one in row.members]


def _keep(row: WhatsappGroup, members: Iterable[Member]) -> None:
    row.members = [asdict(one) for one in members]
