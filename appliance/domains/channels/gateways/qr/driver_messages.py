"""What the library tells, as what the wire says. Pure: no client, no file."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.gateways.qr.driver_library import e2e, jid, wa

MEDIA = {
    "imageMessage": "image", "videoMessage": "video", "ptvMessage": "video", "audioMessage": "audio",
    "documentMessage": "document", "stickerMessage": "sticker",
}  # fmt: skip
WRAPPERS = (
    "ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension", "documentWithCaptionMessage",
    "editedMessage", "groupMentionedMessage", "lottieStickerMessage", "botInvokeMessage", "pollCreationMessageV4",
)  # fmt: skip
VIEW_ONCE = frozenset({"viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension"})
UNSAID = frozenset({"messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"})
DEEPEST = 8
MOST_NAMED, MOST_MEMBERS = 100, 2000
RECEIPTS = {wa.Receipt.DELIVERED: "delivered", wa.Receipt.READ: "read", wa.Receipt.PLAYED: "played"}
STATUS = "status@broadcast"

Content = tuple[str, dict[str, Any]]


def text_of(address: Any) -> str:
    """A JID without the device: the person, not one of their telephones."""
    return str(jid.Jid2String(jid.JIDToNonAD(address))) if address.User else ""


def event_of(said: Any) -> wire.Message | wire.Edited | wire.Deleted | None:
    """None for what people do not see: keys, settings, history, status updates, newsletters."""
    source = said.Info.MessageSource
    if text_of(source.Chat) == STATUS or source.Chat.Server in {"newsletter", "broadcast"}:
        return None
    body, wrapped = unwrapped(said.Message)
    key = key_of(said.Info)
    at = moment(said.Info.Timestamp)
    if body.HasField("protocolMessage"):
        return _change(key, at, body.protocolMessage)
    found = content_of(body)
    if found is None:
        return None
    kind, content = found
    return wire.Message(
        key=key, push_name=said.Info.Pushname[:200], at=at, kind=kind, content=content, reply_to=replied_to(body), group=source.IsGroup,
        ephemeral=said.IsEphemeral or "ephemeralMessage" in wrapped,
        view_once=said.IsViewOnce or said.IsViewOnceV2 or said.IsViewOnceV2Extension or bool(VIEW_ONCE & wrapped),
        mentions=mentioned(body),
    )


def undecryptable_of(said: Any) -> wire.Undecryptable:
    return wire.Undecryptable(key_of(said.Info), said.Info.Pushname[:200], moment(said.Info.Timestamp))


def receipt_of(said: Any) -> wire.Receipt | None:
    """Of messages of ours; None for what other devices of the same account saw, and for what is between machines."""
    source = said.MessageSource
    if said.Type not in RECEIPTS or source.IsFromMe or text_of(source.Chat) == STATUS:
        return None
    participant = text_of(source.Sender) if source.IsGroup else ""
    alt = "" if source.IsGroup else text_of(source.SenderAlt)
    return wire.Receipt(tuple(said.MessageIDs), RECEIPTS[said.Type], moment(said.Timestamp), text_of(source.Chat), alt, participant)


def typing_of(said: Any) -> wire.Typing | None:
    """None in a group, and for ourselves. Recording is writing too."""
    source = said.MessageSource
    if source.IsGroup or source.IsFromMe:
        return None
    return wire.Typing(text_of(source.Chat), said.State == wa.ChatPresence.COMPOSING, text_of(source.SenderAlt))


def key_of(info: Any) -> wire.Key:
    source = info.MessageSource
    alt = source.RecipientAlt if source.IsFromMe else source.SenderAlt
    return wire.Key(
        remote_jid=text_of(source.Chat), id=info.ID, from_me=source.IsFromMe,
        participant=text_of(source.Sender) if source.IsGroup else "",
        remote_jid_alt="" if source.IsGroup else text_of(alt),
        participant_alt=text_of(source.SenderAlt) if source.IsGroup else "",
        addressing_mode="lid" if source.AddressingMode == wa.LID or source.Chat.Server == "lid" else "pn",
    )


def moment(timestamp: int) -> int:
    """Seconds, whether it came in seconds or in thousandths of them."""
    return timestamp // 1000 if timestamp > 10**11 else timestamp


def unwrapped(body: Any) -> tuple[Any, frozenset[str]]:
    """What is inside the wrappers, and which those were."""
    seen: set[str] = set()
    for _ in range(DEEPEST):
        wrapper = next((name for name in WRAPPERS if body.HasField(name)), "")
        if wrapper:
            seen.add(wrapper)
            body = getattr(body, wrapper).message
        elif body.HasField("deviceSentMessage"):
            body = body.deviceSentMessage.message
        else:
            break
    return body, frozenset(seen)


def content_of(body: Any) -> Content | None:
    """None when nothing is in it for people."""
    for field, part in body.ListFields():
        if field.name in MEDIA:
            return MEDIA[field.name], _media(field.name, part)
        if field.name in _SAID:
            return _SAID[field.name](part)
    named = [field.name for field, _ in body.ListFields() if field.name not in UNSAID]
    return ("unsupported", {"type": named[0], "raw": {}}) if named else None


def replied_to(body: Any) -> str:
    """The id of the message that is answered or reacted to."""
    if body.HasField("reactionMessage"):
        return str(body.reactionMessage.key.ID)
    return next((str(context.stanzaID) for context in _contexts(body)), "")


def mentioned(body: Any) -> tuple[str, ...]:
    """Who is named by an @, as persons."""
    named = (one.partition("@") for context in _contexts(body) for one in context.mentionedJID[:MOST_NAMED])
    return tuple(f"{user.partition(':')[0]}@{server}" for user, _, server in named if user and server)


def group_of(chat: str, about: Any, name_of: Callable[[Any], str]) -> wire.Group:
    """`name_of` knows what somebody is called who has a JID."""
    return wire.Group(chat, about.GroupName.Name, tuple(_member(one, name_of) for one in about.Participants[:MOST_MEMBERS]))


def _member(one: Any, name_of: Callable[[Any], str]) -> wire.Member:
    addresses = [address for address in (one.JID, one.PhoneNumber, one.LID) if address.User]
    jids = list(dict.fromkeys(text_of(address) for address in addresses))
    name = next(filter(None, map(name_of, addresses)), "") or one.DisplayName
    return wire.Member(jids[0] if jids else "", next((jid for jid in jids[1:]), ""), name[:200])


def _contexts(body: Any) -> Iterator[Any]:
    parts = (part for field, part in body.ListFields() if field.message_type is not None)
    return (part.contextInfo for part in parts if "contextInfo" in part.DESCRIPTOR.fields_by_name)


def reference_to(name: str, part: Any) -> str:
    """All that is needed to fetch the file later, and none of its pictures."""
    kept = e2e.Message()
    copy = getattr(kept, name)
    for wanted in ("URL", "directPath", "mediaKey", "fileSHA256", "fileEncSHA256", "fileLength", "mimetype"):
        if part.HasField(wanted):
            setattr(copy, wanted, getattr(part, wanted))
    return base64.urlsafe_b64encode(kept.SerializeToString()).decode()


def referred(reference: str) -> Any:
    """Raises ValueError."""
    try:
        return e2e.Message.FromString(base64.urlsafe_b64decode(reference.encode()))
    except DecodeError as err:
        raise ValueError("no reference to a file") from err


def _change(key: wire.Key, at: int, protocol: Any) -> wire.Edited | wire.Deleted | None:
    if protocol.type == e2e.ProtocolMessage.REVOKE:
        return wire.Deleted(key, at, protocol.key.ID)
    if protocol.type == e2e.ProtocolMessage.MESSAGE_EDIT:
        body = unwrapped(protocol.editedMessage)[0]
        found = content_of(body)
        return wire.Edited(key, at, protocol.key.ID, *found, mentioned(body)) if found else None
    return None


def _media(name: str, part: Any) -> dict[str, Any]:
    about = part.DESCRIPTOR.fields_by_name
    media = {
        "provider_id": reference_to(name, part), "mime_type": part.mimetype[:200],
        "filename": part.fileName[:240] if "fileName" in about else "", "sha256": part.fileSHA256.hex(),
        "voice": part.PTT if "PTT" in about else False, "size": part.fileLength,
        "seconds": part.seconds if "seconds" in about else 0,
    }  # fmt: skip
    caption = part.caption[: wire.MAX_TEXT] if "caption" in about else ""
    return {"media": media, "text": caption} if caption else {"media": media}


def _text(text: str) -> Content:
    return "text", {"text": text[: wire.MAX_TEXT]}


def _chosen(choice: str, title: str) -> Content:
    return "text", {"text": title[: wire.MAX_TEXT], "choice": {"id": choice, "title": title}}


def _place(part: Any) -> Content:
    place: dict[str, Any] = {"latitude": part.degreesLatitude, "longitude": part.degreesLongitude}
    for name in ("name", "address"):
        if name in part.DESCRIPTOR.fields_by_name and getattr(part, name):
            place[name] = getattr(part, name)[:1000]
    return "location", {"location": place}


def _people(*cards: Any) -> Content:
    return "contact", {"contacts": [_person(card) for card in cards[:100]]}


def _person(card: Any) -> dict[str, Any]:
    """A vCard in the shape of the Cloud API. https://www.rfc-editor.org/rfc/rfc6350"""
    phones = []
    for parameters, number in re.findall(r"^(?:item\d+\.)?TEL([^:\n]*):([^\r\n]+)", card.vcard[:20_000], re.MULTILINE | re.IGNORECASE):
        known = re.search(r"waid=(\d+)", parameters)
        phones.append({"phone": number.strip()[:40], **({"wa_id": known[1]} if known else {})})
    return {"name": {"formatted_name": card.displayName[:200]}, "phones": phones[:20]}


def _poll(part: Any) -> Content:
    """As lines that people and agents read; votes are sealed from one telephone to the other."""
    options = [option.optionName[:200] for option in part.options[:100]]
    return "text", {"text": "\n".join([part.name, *(f"- {name}" for name in options)])[: wire.MAX_TEXT], "poll": {"options": options}}


def call(*, with_video: bool) -> Content:
    """One that nobody answered."""
    return "unsupported", {"type": "missed_call", "with_video": with_video}


def _called(part: Any) -> Content:
    outcomes = e2e.CallLogMessage.CallOutcome
    missed = {outcomes.Value(name) for name in ("MISSED", "SILENCED_BY_DND", "SILENCED_UNKNOWN_CALLER")}
    return call(with_video=part.isVideo) if part.callOutcome in missed else ("unsupported", {"type": "call"})


def _reaction(part: Any) -> Content:
    return "reaction", {"emoji": part.text[:20], "message_id": part.key.ID}


_SAID: Mapping[str, Callable[[Any], Content]] = {
    "conversation": _text,
    "extendedTextMessage": lambda part: _text(part.text),
    "locationMessage": _place,
    "liveLocationMessage": _place,
    "contactMessage": _people,
    "contactsArrayMessage": lambda part: _people(*part.contacts),
    "reactionMessage": _reaction,
    **dict.fromkeys(
        ("pollCreationMessage", "pollCreationMessageV2", "pollCreationMessageV3", "pollCreationMessageV5", "pollCreationMessageV6"), _poll
    ),
    "pollUpdateMessage": lambda _: ("unsupported", {"type": "vote"}),
    "callLogMesssage": _called,
    "buttonsResponseMessage": lambda part: _chosen(part.selectedButtonID, part.selectedDisplayText),
    "templateButtonReplyMessage": lambda part: _chosen(part.selectedID, part.selectedDisplayText),
    "listResponseMessage": lambda part: _chosen(part.singleSelectReply.selectedRowID, part.title),
}
