"""What a child heard as our messages and reports. Whatever is not taken in is named, never dropped."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.rules import groups
from appliance.domains.channels.types import Change, Member, Revised, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations.types import Incoming, MessageKind, MessageStatus, Person, Revision, StatusReport

PHONE, LID = "s.whatsapp.net", "lid"
KEPT = wire.LETTERS  # what goes into an envelope
_STATUSES = {"delivered": MessageStatus.DELIVERED, "read": MessageStatus.READ, "played": MessageStatus.PLAYED}
_LONGEST_ID = 255
_NUMBER = re.compile(r"[0-9]{6,20}")  # WhatsApp itself writes as 0
_GROUP = re.compile(r"[0-9-]{6,40}@g\.us")


def changes_of(body: str) -> Iterator[Change]:
    """Raises BadLine."""
    heard = wire.decode_event(body.encode())
    if isinstance(heard, wire.Receipt):
        yield _reported(heard)
    elif isinstance(heard, wire.Message):
        yield _said(heard.key, _incoming(heard, heard.reply_to), name=heard.push_name)
    elif isinstance(heard, wire.Edited) and _is_person(heard.key):
        anew = _incoming(heard, "")
        yield _revised(heard, str(heard.content.get("text", "")), _said(heard.key, anew))
    elif isinstance(heard, wire.Deleted) and _is_person(heard.key):
        yield _revised(heard, None, _said(heard.key))
    elif isinstance(heard, wire.Undecryptable) and _is_person(heard.key):
        yield Change(rejected=((type(heard).__name__.lower(), {"id": heard.key.id, "chat": heard.key.remote_jid}),))


def address_of(typing: wire.Typing) -> str:
    """As messages of the same chat are addressed; empty for what is no person."""
    identities = _identities(wire.Key(typing.chat, "", remote_jid_alt=typing.chat_alt))
    return _address(identities) if identities else ""


def _is_person(key: wire.Key) -> bool:
    return bool(_identities(key))


def _reported(heard: wire.Receipt) -> Change:
    status = _STATUSES.get(heard.kind)
    if status is None:
        return Change()
    return Change(reports=tuple(StatusReport(status, _moment(heard.at), provider_id=one[:_LONGEST_ID]) for one in heard.ids))


def _revised(heard: wire.Edited | wire.Deleted, text: str | None, said: Change) -> Change:
    key = heard.key
    author = key.participant[:_LONGEST_ID] if groups.is_group(key.remote_jid) and not key.from_me else ""
    revision = Revision(heard.of[:_LONGEST_ID], _moment(heard.at), not key.from_me, text, author)
    [spoken] = said.spoken or said.echoes
    return Change(revisions=(Revised(revision, {"id": key.id, "of": heard.of, "chat": key.remote_jid}, spoken),))


def _said(key: wire.Key, *messages: Incoming, name: str = "") -> Change:
    identities = _identities(key)
    if not identities:
        return Change()  # a status broadcast, a newsletter
    if groups.is_group(key.remote_jid) and not key.from_me:
        author, name = _author(key, name), ""
        messages = tuple(replace(one, content={**one.content, "author": author}) for one in messages)
    spoken = Spoken(Person(identities, "" if key.from_me else name[:200]), _address(identities), messages)
    return Change(echoes=(spoken,)) if key.from_me else Change((spoken,))


def _incoming(heard: wire.Message | wire.Edited, reply_to: str) -> Incoming:
    known = MessageKind(heard.kind) if heard.kind in set(MessageKind) else MessageKind.UNSUPPORTED
    named = {"mentions": [{"jid": jid} for jid in heard.mentions]} if heard.mentions else {}
    content = {**heard.content, **named}
    return Incoming(heard.key.id[:_LONGEST_ID], known, content, _moment(heard.at), reply_to[:_LONGEST_ID] or None)


def members_of(group: wire.Group) -> tuple[Member, ...]:
    return tuple(Member(number_in((one.jid, one.alt), PHONE), number_in((one.jid, one.alt), LID), one.name) for one in group.members)


def number_in(jids: Iterable[str], server: str) -> str:
    """Of the first that is of this server; empty without one."""
    users = (jid.partition("@")[0].partition(":")[0] for jid in jids if jid.endswith(f"@{server}"))
    return next((user for user in users if _NUMBER.fullmatch(user)), "")


def _author(key: wire.Key, name: str) -> dict[str, str]:
    """Who wrote in a group. No contact is made of them: they wrote to the group, not to us."""
    phone = number_in((key.participant, key.participant_alt), PHONE)
    return {"name": name[:200], "phone": phone, "jid": key.participant[:_LONGEST_ID]}


def _identities(key: wire.Key) -> tuple[Identity, ...]:
    """Of a person both names, the phone's first: a LID alone may belong to somebody whose number is hidden."""
    if groups.is_group(key.remote_jid):
        return (groups.identity_of(key.remote_jid),) if _GROUP.fullmatch(key.remote_jid) else ()
    by_server = {server: user.split(":")[0] for user, _, server in (jid.partition("@") for jid in (key.remote_jid, key.remote_jid_alt))}
    named = ((PHONE, IdentityKind.WHATSAPP), (LID, IdentityKind.WHATSAPP_LID))
    return tuple(Identity(kind, by_server[server]) for server, kind in named if _NUMBER.fullmatch(by_server.get(server, "")))


def _address(identities: tuple[Identity, ...]) -> str:
    first = identities[0]
    if first.kind is IdentityKind.WHATSAPP_GROUP:
        return f"{first.value}{groups.SERVER}"
    return first.value if first.kind is IdentityKind.WHATSAPP else f"{first.value}@{LID}"


def jid_of(address: str) -> str:
    return address if "@" in address else f"{address}@{PHONE}"


def _moment(at: int) -> datetime:
    """A nonsense one becomes the beginning of time rather than a lost message."""
    try:
        return datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
