"""What one message shows of itself: on which side, by whom, with which words and marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape

from appliance.core.clock import now
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.shortening import shortened
from appliance.domains.conversations.schemas import MessageOut, media_kind
from appliance.domains.conversations.types import WORTH_SAYING, Direction, Hearing, MessageKind, MessageStatus, Sender
from webui import formats

SHORTEST_NUMBER = 6  # what is shorter is an extension
UNFOLDED, FOLDED_TO = 360, 240  # characters of what was said
MEDIA_KINDS = frozenset({MessageKind.IMAGE, MessageKind.AUDIO, MessageKind.VIDEO, MessageKind.DOCUMENT, MessageKind.STICKER})
SHOWN_OTHERWISE = MEDIA_KINDS | {MessageKind.CONTACT, MessageKind.LOCATION}
STATUS_MARKS = {
    MessageStatus.QUEUED: ("clock", _("Waiting to be sent")),
    MessageStatus.SENDING: ("clock", _("Being sent")),
    MessageStatus.SENT: ("check", _("Sent")),
    MessageStatus.DELIVERED: ("checks", _("Delivered")),
    MessageStatus.READ: ("checks", _("Read")),
    MessageStatus.PLAYED: ("volume", _("Played")),
}
STATUS_MARKS_IN_GROUPS = STATUS_MARKS | {
    MessageStatus.DELIVERED: ("checks", _("Delivered to at least one member")),
    MessageStatus.READ: ("checks", _("Read by at least one member")),
    MessageStatus.PLAYED: ("volume", _("Played by at least one member")),
}
FAILURES = {
    MessageStatus.FAILED: _("Not sent."),
    MessageStatus.UNCONFIRMED: _("Nobody confirmed that this arrived."),
    MessageStatus.CANCELLED: _("Withdrawn before it was sent."),
}
UNWRITTEN = {
    "missed_call": _("Missed call"),
    "missed_video_call": _("Missed video call"),
    "call": _("Call"),
    "vote": _("A vote in a poll: the phone shows which."),
}
EVENTS = {
    "snooze_over": _("Back: the time it was put aside for is over"),
    "blocked": _("The contact was blocked"),
    "unblocked": _("The contact was unblocked"),
}
EVENTS_OF_MERGES = {
    "blocked": _("The contact was blocked, as another it was merged with is"),
    "unblocked": _("The contact was unblocked, as the merge that blocked it was undone"),
}


@dataclass(frozen=True)
class Heard:
    """What became of the words of a recording. `head`: the beginning of a text that is folded. `failure` says why there are none."""

    is_waiting: bool = False
    text: str = ""
    head: str = ""
    is_cut: bool = False
    failure: str = ""


def heard_in(message: MessageOut) -> Heard | None:
    kept = message.content.get("transcript")
    if not kept:
        return None
    if kept["state"] == Hearing.FAILED:
        return Heard(failure=gettext("Not written down: %(reason)s", reason=kept["error"]))
    text = str(kept.get("text", ""))
    head = shortened(text, FOLDED_TO) if len(text) > UNFOLDED else ""
    return Heard(kept["state"] == Hearing.WAITING, text, head, bool(kept.get("is_cut")))


def side_of(message: MessageOut) -> str:
    if message.kind is MessageKind.NOTE:
        return "note"
    if message.direction is Direction.INTERNAL or message.kind is MessageKind.REACTION:
        return "event"
    if message.direction is Direction.INBOUND:
        return "in"
    return "out ai" if message.sender is Sender.AGENT_AI else "out"


def member_of(message: MessageOut) -> str:
    """Who of a group wrote it; empty elsewhere."""
    said = message.content.get("author")
    if not isinstance(said, Mapping):
        return ""
    phone = formats.phone(said["phone"]) if said.get("phone") else ""
    return " · ".join(part for part in (said.get("name"), phone) if part) or gettext("Somebody in the group")


def shown_as(message: MessageOut) -> MessageKind:
    """A template's header looks like the file it is."""
    header = message.content.get("media") if message.kind is MessageKind.TEMPLATE else None
    return media_kind(str(header.get("mime_type", ""))) if header else message.kind


@dataclass(frozen=True)
class Quoted:
    """What a message answers; without a number it is not here."""

    number: int | None
    who: str
    line: str


@dataclass(frozen=True)
class Reacted:
    """One emoji at a message, of everybody who chose it. `failed_id`: our own that did not leave."""

    emoji: str
    names: str
    count: int
    is_ours: bool
    is_waiting: bool
    failed_id: UUID | None
    failure: str


@dataclass(frozen=True)
class Shared:
    """Somebody whose card was sent. `phones`: as shown, and as it is called, where it is a number."""

    name: str
    phones: Sequence[tuple[str, str]]
    emails: Sequence[str]


@dataclass(frozen=True)
class Place:
    name: str
    address: str
    coordinates: str


def people_in(message: MessageOut) -> tuple[Shared, ...]:
    """Senders write these cards: anything may be missing or be something else."""
    cards = message.content.get("contacts")
    return tuple(_shared(card) for card in cards if isinstance(card, Mapping)) if isinstance(cards, list) else ()


def _shared(card: Mapping[str, Any]) -> Shared:
    named = card.get("name")
    name = str(named.get("formatted_name") or "") if isinstance(named, Mapping) else ""
    phones = [_called(one) for one in _each(card, "phones")]
    emails = [str(one["email"]) for one in _each(card, "emails") if one.get("email")]
    return Shared(name.strip() or gettext("Without a name"), [one for one in phones if one[0]], emails)


def _each(card: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = card.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _called(one: Mapping[str, Any]) -> tuple[str, str]:
    known, written = str(one.get("wa_id") or ""), str(one.get("phone") or "")
    number = f"+{known}" if known.isdecimal() else "".join(sign for sign in written if sign.isdecimal() or sign == "+")
    whole = number if number.startswith("+") else ""
    return (formats.phone(whole) if whole else written), number if len(number) >= SHORTEST_NUMBER else ""


def place_in(message: MessageOut) -> Place | None:
    place = message.content.get("location")
    if not isinstance(place, Mapping):
        return None
    at = f"{place.get('latitude')}, {place.get('longitude')}" if "latitude" in place and "longitude" in place else ""
    return Place(str(place.get("name") or ""), str(place.get("address") or ""), at)


def _reacted_elsewhere(message: MessageOut, who: str) -> str:
    emoji = str(message.content.get("emoji", ""))
    if not emoji:
        return gettext("%(name)s took back a reaction to a message that is not here", name=who)
    return gettext("%(name)s reacted with %(emoji)s to a message that is not here", name=who, emoji=emoji)


def without_text(message: MessageOut, who: str = "") -> Markup:
    if message.kind is MessageKind.REACTION:
        return escape(_reacted_elsewhere(message, who))
    if message.content.get("event") == "rated":
        return escape(_rated(message.content))
    if message.content.get("event") in EVENTS:
        words = EVENTS_OF_MERGES if message.content.get("by_merge") else EVENTS
        return escape(" · ".join(filter(None, [str(words[message.content["event"]]), str(message.content.get("by") or "")])))
    chosen = message.content.get("choice")
    if isinstance(chosen, Mapping):
        return escape(str(chosen.get("title", "")))
    template = message.content.get("template")
    if isinstance(template, Mapping):
        return escape(" · ".join([gettext("Template %(name)s", name=str(template.get("name", ""))), *_values_of(template)]))
    return Markup("") if message.kind in SHOWN_OTHERWISE else escape(_unwritten(message.content))


def _unwritten(content: Mapping[str, Any]) -> str:
    named = "missed_video_call" if content.get("with_video") else content.get("type")
    return str(UNWRITTEN.get(str(named), _("A kind of message this box cannot show yet.")))


def _rated(content: Mapping[str, Any]) -> str:
    said = gettext("The customer rated the service: %(score)d of 5", score=content["score"])
    return f"{said}: “{content['comment']}”" if content.get("comment") else said


def _values_of(template: Mapping[str, Any]) -> list[str]:
    parameters = [one for component in template.get("components", ()) for one in component.get("parameters", ())]
    return [str(one["text"]) for one in parameters if "text" in one]


def mark_of(message: MessageOut, *, in_group: bool) -> tuple[str, str] | None:
    if message.direction is not Direction.OUTBOUND:
        return None
    found = (STATUS_MARKS_IN_GROUPS if in_group else STATUS_MARKS).get(message.status)
    return (found[0], str(found[1])) if found else None


def wait_of(message: MessageOut) -> str:
    """Why it has not left yet, and until when; empty where it is about to."""
    if message.status is not MessageStatus.QUEUED:
        return ""
    why = message.error or ""
    if message.send_after is None or message.send_after <= now():
        return gettext("Waiting: %(reason)s", reason=why) if why else ""
    until = gettext("Waiting until %(moment)s.", moment=formats.moment(message.send_after))
    return f"{until} {why}".strip() if message.send_after > now() + WORTH_SAYING else ""


def failure_of(message: MessageOut) -> str:
    said = FAILURES.get(message.status)
    return " ".join(part for part in (str(said), message.error or "") if part) if said else ""
