"""Who is named behind an @ in what is said in a group: WhatsApp writes their number there, people read a name."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from appliance.domains.channels.types import Member

PHONE, LID = "s.whatsapp.net", "lid"
MOST_MEMBERS = 2000
MOST_CALLS = 200  # in one message: a name is longer than the number it stands for
CALLED = re.compile(r"(?<![\w@])@(?=\S)")
_IN_WORD = re.compile(r"\w")
_NUMBERED = re.compile(r"@(\d{3,20})(?!\d)")
Mention = Mapping[str, str]  # jid, name


def user_of(jid: str) -> str:
    return jid.partition("@")[0]


def with_names(text: str, names: Mapping[str, str]) -> tuple[str, list[dict[str, str]]]:
    """`names` by JID. What people read, and who is named in it, in order, as often as they are."""
    by_user = {user_of(jid): (jid, name) for jid, name in names.items()}
    found: list[dict[str, str]] = []

    def call(match: re.Match[str]) -> str:
        jid, name = by_user.get(match[1], ("", ""))
        if not jid or len(found) >= MOST_CALLS:
            return match[0]
        found.append({"jid": jid, "name": name or match[1]})
        return f"@{found[-1]['name']}"

    return _NUMBERED.sub(call, text), found


def with_numbers(text: str, mentions: Iterable[Mention]) -> str:
    """As WhatsApp writes it: the reverse of `with_names`."""
    written, rest = [], text
    for one in mentions:
        before, at, after = rest.partition(f"@{one['name']}")
        if at:
            written.append(f"{before}@{user_of(one['jid'])}")
            rest = after
    return "".join([*written, rest])


def as_written(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message's content with its text as WhatsApp has it."""
    if not content.get("mentions") or "text" not in content:
        return content
    return {**content, "text": with_numbers(str(content["text"]), content["mentions"])}


def find_named(text: str, known: Collection[tuple[str, str]]) -> list[dict[str, str]]:
    """Whose whole name stands behind an @, in order. `known` are names and JIDs; a name that two bear names neither."""
    bearers: dict[str, set[str]] = {}
    for name, jid in known:
        bearers.setdefault(name.casefold(), set()).add(jid)
    alone = {name: next(iter(jids)) for name, jids in bearers.items() if len(jids) == 1 and name}
    sizes = sorted({len(name) for name, _ in known}, reverse=True)
    found, end = [], 0
    while call := CALLED.search(text, end):
        name = _longest(text, call.end(), sizes, alone)
        found += [{"jid": alone[name.casefold()], "name": name}] if name else []
        end = call.end() + len(name)
    return found


def _longest(text: str, start: int, sizes: Iterable[int], names: Collection[str]) -> str:
    """The longest of the names that stands whole at this place; empty where none does."""
    whole = (text[start : start + size] for size in sizes if not _IN_WORD.match(text, start + size))
    return next((said for said in whole if said.casefold() in names), "")


def jids_of(member: Member) -> list[str]:
    """The LID first, as groups have it now."""
    return [f"{user}@{server}" for user, server in ((member.lid, LID), (member.phone, PHONE)) if user]


def joined(known: Iterable[Member], seen: Iterable[Member]) -> list[Member]:
    """What is new is believed; what it leaves out stays as it was known."""
    members: dict[int, Member] = {}
    places: dict[str, int] = {}
    for one in [*known, *seen]:
        if not (jids := jids_of(one)):
            continue
        place = next((places[jid] for jid in jids if jid in places), len(members))
        old = members.get(place, Member())
        members[place] = Member(one.phone or old.phone, one.lid or old.lid, one.name or old.name)
        places |= dict.fromkeys(jids_of(members[place]), place)
    return list(members.values())[-MOST_MEMBERS:]


def within(members: Iterable[Member], group: Iterable[Member]) -> list[Member]:
    """Those of them who are in the group."""
    there = {jid for member in group for jid in jids_of(member)}
    return [member for member in members if there.intersection(jids_of(member))]


def called(member: Member, contacts: Mapping[str, str]) -> str:
    """By our own name for their phone or LID, else theirs, else by the phone; empty for a LID of whom nothing is known."""
    name = contacts.get(member.phone) or contacts.get(member.lid) or member.name
    return " ".join(name.split()) or (f"+{member.phone}" if member.phone else "")
