"""What the library tells, in its own classes, comes out as the wire says it."""

from collections.abc import Mapping
from typing import Any

import pytest

from appliance.domains.channels.gateways.qr import wire
from tests.peers.whatsapp import library

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)

from appliance.domains.channels.gateways.qr import driver_messages as messages
from appliance.domains.channels.gateways.qr.driver_calls import Calls
from appliance.domains.channels.gateways.qr.driver_library import common, e2e, wa

ANA, LID, GROUP = "5511977776666", "111222333444555", "120363000000000001"
AT = 1773027345
FILE = {
    "URL": "https://mmg.whatsapp.net/v/t62/1.enc", "directPath": "/v/t62/1.enc", "mediaKey": b"k" * 32, "fileSHA256": b"\x01" * 32,
    "fileEncSHA256": b"\x02" * 32, "fileLength": 1234,
}  # fmt: skip
OGG, PDF = "audio/ogg; codecs=opus", "application/pdf"
CARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Bia\nitem1.TEL;type=CELL;waid=5511988887777:+55 11 98888-7777\nTEL:+55 11 3333-4444\nEND:VCARD"


def jid(user: str, server: str = "s.whatsapp.net", device: int = 0) -> Any:
    return wa.JID(User=user, Server=server, Device=device, RawAgent=0, Integrator=0, IsEmpty=False)


NOBODY = jid("", "")


def said(body: Any, **about: Any) -> Any:
    source = {
        "Chat": jid(ANA), "Sender": jid(ANA, device=3), "IsFromMe": False, "IsGroup": False, "SenderAlt": jid(LID, "lid"),
        "RecipientAlt": NOBODY, "BroadcastListOwner": NOBODY, "AddressingMode": wa.PN,
    } | {name: about.pop(name) for name in list(about) if name in wa.MessageSource.DESCRIPTOR.fields_by_name}  # fmt: skip
    info = wa.MessageInfo(MessageSource=wa.MessageSource(**source), ID="3EB0AA", Pushname="Ana", Timestamp=AT)
    flags = dict.fromkeys(("IsEphemeral", "IsViewOnce", "IsViewOnceV2", "IsEdit"), False) | about
    return wa.Message(Info=info, Message=body, **flags)


def event(body: Any, **about: Any) -> Any:
    found = messages.event_of(said(body, **about))
    if found is not None:
        assert wire.decode_event(wire.encode(found)) == found
    return found


def test_text_comes_with_who_where_and_when() -> None:
    assert event(e2e.Message(conversation="Oi")) == wire.Message(
        key=wire.Key(f"{ANA}@s.whatsapp.net", "3EB0AA", remote_jid_alt=f"{LID}@lid"), push_name="Ana", at=AT, kind="text",
        content={"text": "Oi"},
    )  # fmt: skip


def test_chat_by_lid_names_the_telephone_beside_it() -> None:
    heard = event(
        e2e.Message(conversation="Oi"), Chat=jid(LID, "lid"), Sender=jid(LID, "lid", 3), SenderAlt=jid(ANA), AddressingMode=wa.LID,
    )  # fmt: skip
    assert heard.key == wire.Key(f"{LID}@lid", "3EB0AA", remote_jid_alt=f"{ANA}@s.whatsapp.net", addressing_mode="lid")


def test_what_was_written_on_the_telephone_is_ours() -> None:
    sent = e2e.DeviceSentMessage(destinationJID=f"{ANA}@s.whatsapp.net", message=e2e.Message(conversation="Oi"))
    ours = e2e.Message(deviceSentMessage=sent)
    heard = event(ours, IsFromMe=True, Sender=jid("5511988887777"), SenderAlt=NOBODY, RecipientAlt=jid(LID, "lid"))
    assert (heard.key.from_me, heard.key.remote_jid, heard.key.remote_jid_alt) == (True, f"{ANA}@s.whatsapp.net", f"{LID}@lid")
    assert heard.content == {"text": "Oi"}


def test_group_is_flagged_and_says_who_wrote() -> None:
    heard = event(e2e.Message(conversation="Oi"), Chat=jid(GROUP, "g.us"), IsGroup=True)
    assert heard.group
    assert (heard.key.participant, heard.key.participant_alt) == (f"{ANA}@s.whatsapp.net", f"{LID}@lid")
    assert heard.key.remote_jid_alt == ""


def test_quoted_message_is_named() -> None:
    answered = e2e.ContextInfo(stanzaID="3EB0BB", participant=f"{ANA}@s.whatsapp.net", quotedMessage=e2e.Message(conversation="Preço?"))
    heard = event(e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text="R$ 10", contextInfo=answered)))
    assert (heard.kind, heard.content, heard.reply_to) == ("text", {"text": "R$ 10"}, "3EB0BB")


@pytest.mark.parametrize("of", ["text", "caption", "edit"])
def test_who_is_named_comes_as_persons(of: str) -> None:
    named = e2e.ContextInfo(mentionedJID=[f"{LID}@lid", f"{ANA}:7@s.whatsapp.net", "nobody"])
    text = e2e.Message(extendedTextMessage=e2e.ExtendedTextMessage(text=f"@{LID} e @{ANA}", contextInfo=named))
    picture = e2e.Message(imageMessage=e2e.ImageMessage(**FILE, mimetype="image/png", caption=f"@{LID}", contextInfo=named))
    edit = e2e.ProtocolMessage(key=common.MessageKey(ID="3EB0BB"), type=e2e.ProtocolMessage.MESSAGE_EDIT, editedMessage=text)
    body = {"text": text, "caption": picture, "edit": e2e.Message(protocolMessage=edit)}[of]
    assert event(body, Chat=jid(GROUP, "g.us"), IsGroup=True).mentions == (f"{LID}@lid", f"{ANA}@s.whatsapp.net")


def test_members_of_a_group_are_told_with_what_the_phone_calls_them() -> None:
    people = [
        wa.GroupParticipant(JID=jid(LID, "lid"), LID=jid(LID, "lid"), PhoneNumber=jid(ANA), DisplayName="~", Error=0),
        wa.GroupParticipant(JID=jid(ANA), LID=NOBODY, PhoneNumber=NOBODY, DisplayName="Ana M."),
    ]
    about = wa.GroupInfo(GroupName=wa.GroupName(Name="Obra"), Participants=people)
    told = messages.group_of(f"{GROUP}@g.us", about, lambda address: "Ana" if address.Server == "lid" else "")
    assert told == wire.Group(f"{GROUP}@g.us", "Obra", (
        wire.Member(f"{LID}@lid", f"{ANA}@s.whatsapp.net", "Ana"), wire.Member(f"{ANA}@s.whatsapp.net", "", "Ana M."),
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind", "media", "text"),
    [
        ({"imageMessage": e2e.ImageMessage(**FILE, mimetype="image/jpeg", caption="olha")}, "image", {"mime_type": "image/jpeg"}, "olha"),
        ({"videoMessage": e2e.VideoMessage(**FILE, mimetype="video/mp4", seconds=9)}, "video", {"seconds": 9}, None),
        ({"audioMessage": e2e.AudioMessage(**FILE, mimetype=OGG, PTT=True, seconds=4)}, "audio", {"voice": True}, None),
        ({"audioMessage": e2e.AudioMessage(**FILE, mimetype="audio/mpeg")}, "audio", {"voice": False}, None),
        ({"documentMessage": e2e.DocumentMessage(**FILE, mimetype=PDF, fileName="a.pdf")}, "document", {"filename": "a.pdf"}, None),
        ({"stickerMessage": e2e.StickerMessage(**FILE, mimetype="image/webp")}, "sticker", {"size": 1234}, None),
    ],
)  # fmt: skip
def test_file_comes_with_all_that_fetching_it_needs(body: Mapping[str, Any], kind: str, media: Mapping[str, Any], text: str | None) -> None:
    heard = event(e2e.Message(**body))
    assert (heard.kind, heard.content.get("text")) == (kind, text)
    assert heard.content["media"].items() >= ({"sha256": "01" * 32} | dict(media)).items()
    (field, part), = messages.referred(heard.content["media"]["provider_id"]).ListFields()
    assert field.name in body
    assert {name: getattr(part, name) for name in FILE} == FILE


def test_preview_of_a_picture_is_not_dragged_along() -> None:
    heard = event(e2e.Message(imageMessage=e2e.ImageMessage(**FILE, mimetype="image/jpeg", JPEGThumbnail=b"x" * 50_000)))
    assert len(heard.content["media"]["provider_id"]) < 1000


@pytest.mark.parametrize("reference", ["", "%%%", "bm90IGEgcHJvdG9idWY=", "é"])
def test_reference_that_is_none_is_refused(reference: str) -> None:
    try:
        found = messages.referred(reference)
    except ValueError:
        return
    assert found.ListFields() == []


def test_reaction_names_its_message() -> None:
    heard = event(e2e.Message(reactionMessage=e2e.ReactionMessage(key=common.MessageKey(ID="3EB0BB", fromMe=True), text="👍")))
    assert (heard.kind, heard.reply_to, heard.content) == ("reaction", "3EB0BB", {"emoji": "👍", "message_id": "3EB0BB"})


def test_places_and_people() -> None:
    here = e2e.LocationMessage(degreesLatitude=-23.5, degreesLongitude=-46.6, name="Loja", address="Rua A, 1")
    place = {"latitude": -23.5, "longitude": -46.6, "name": "Loja", "address": "Rua A, 1"}
    assert event(e2e.Message(locationMessage=here)).content == {"location": place}
    live = e2e.LiveLocationMessage(degreesLatitude=1, degreesLongitude=2)
    assert event(e2e.Message(liveLocationMessage=live)).content == {"location": {"latitude": 1.0, "longitude": 2.0}}
    card = e2e.ContactMessage(displayName="Bia", vcard=CARD)
    person = {
        "name": {"formatted_name": "Bia"},
        "phones": [{"phone": "+55 11 98888-7777", "wa_id": "5511988887777"}, {"phone": "+55 11 3333-4444"}],
    }
    assert event(e2e.Message(contactMessage=card)).content == {"contacts": [person]}
    several = e2e.ContactsArrayMessage(contacts=[card, card])
    assert event(e2e.Message(contactsArrayMessage=several)).content == {"contacts": [person, person]}


@pytest.mark.parametrize(
    ("wrapper", "ephemeral", "view_once"),
    [
        ("ephemeralMessage", True, False), ("viewOnceMessage", False, True), ("viewOnceMessageV2", False, True),
        ("viewOnceMessageV2Extension", False, True), ("documentWithCaptionMessage", False, False),
    ],
)  # fmt: skip
def test_wrapped_message_is_unwrapped(wrapper: str, ephemeral: bool, view_once: bool) -> None:  # noqa: FBT001
    inner = e2e.Message(imageMessage=e2e.ImageMessage(**FILE, mimetype="image/png"))
    heard = event(e2e.Message(**{wrapper: e2e.FutureProofMessage(message=inner)}))
    assert (heard.kind, heard.ephemeral, heard.view_once) == ("image", ephemeral, view_once)


def test_wrappers_inside_each_other_end_somewhere() -> None:
    body = e2e.Message(conversation="Oi")
    for _ in range(20):
        body = e2e.Message(ephemeralMessage=e2e.FutureProofMessage(message=body))
    assert event(body).kind == "unsupported"


def test_edit_and_deletion_name_what_they_change() -> None:
    key = common.MessageKey(ID="3EB0BB", remoteJID=f"{ANA}@s.whatsapp.net")
    edit = e2e.ProtocolMessage(key=key, type=e2e.ProtocolMessage.MESSAGE_EDIT, editedMessage=e2e.Message(conversation="Olá"))
    wrapped = e2e.Message(editedMessage=e2e.FutureProofMessage(message=e2e.Message(protocolMessage=edit)))
    for body in (wrapped, e2e.Message(protocolMessage=edit)):
        heard = event(body, IsEdit=True)
        assert isinstance(heard, wire.Edited)
        assert (heard.of, heard.kind, heard.content) == ("3EB0BB", "text", {"text": "Olá"})
    gone = event(e2e.Message(protocolMessage=e2e.ProtocolMessage(key=key, type=e2e.ProtocolMessage.REVOKE)))
    assert (type(gone), gone.of) == (wire.Deleted, "3EB0BB")


@pytest.mark.parametrize(
    "body",
    [
        e2e.Message(buttonsResponseMessage=e2e.ButtonsResponseMessage(selectedButtonID="b1", selectedDisplayText="Sim")),
        e2e.Message(templateButtonReplyMessage=e2e.TemplateButtonReplyMessage(selectedID="b1", selectedDisplayText="Sim")),
        e2e.Message(
            listResponseMessage=e2e.ListResponseMessage(
                title="Sim", singleSelectReply=e2e.ListResponseMessage.SingleSelectReply(selectedRowID="b1")
            )
        ),
    ],
)
def test_choice_is_text_that_remembers_which(body: Any) -> None:
    assert event(body).content == {"text": "Sim", "choice": {"id": "b1", "title": "Sim"}}


@pytest.mark.parametrize(
    ("body", "about"),
    [
        (e2e.Message(), {}),
        (e2e.Message(messageContextInfo=e2e.MessageContextInfo(messageSecret=b"x" * 32)), {}),
        (e2e.Message(senderKeyDistributionMessage=e2e.SenderKeyDistributionMessage(groupID=f"{GROUP}@g.us")), {}),
        (e2e.Message(protocolMessage=e2e.ProtocolMessage(type=e2e.ProtocolMessage.APP_STATE_SYNC_KEY_SHARE)), {}),
        (e2e.Message(conversation="Oi"), {"Chat": jid("status", "broadcast")}),
        (e2e.Message(conversation="Oi"), {"Chat": jid("120", "newsletter")}),
    ],
)
def test_what_people_do_not_see_is_not_told(body: Any, about: Mapping[str, Any]) -> None:
    assert event(body, **about) is None


def test_what_cannot_be_told_is_named_and_not_dropped() -> None:
    heard = event(e2e.Message(eventMessage=e2e.EventMessage(name="Festa")))
    assert (heard.kind, heard.content["type"]) == ("unsupported", "eventMessage")


def test_poll_is_read_with_its_options() -> None:
    option = e2e.PollCreationMessage.Option
    poll = e2e.PollCreationMessage(name="Qual cor?", options=[option(optionName=name) for name in ("Azul", "Verde")])
    inner = e2e.FutureProofMessage(message=e2e.Message(pollCreationMessageV3=poll))
    for body in (e2e.Message(pollCreationMessage=poll), e2e.Message(pollCreationMessageV4=inner)):
        heard = event(body)
        assert (heard.kind, heard.content) == ("text", {"text": "Qual cor?\n- Azul\n- Verde", "poll": {"options": ["Azul", "Verde"]}})


@pytest.mark.parametrize(("outcome", "kind"), [("MISSED", "missed_call"), ("SILENCED_BY_DND", "missed_call"), ("CONNECTED", "call")])
def test_call_in_the_list_of_calls_says_whether_it_was_missed(outcome: str, kind: str) -> None:
    log = e2e.CallLogMessage(isVideo=True, callOutcome=e2e.CallLogMessage.CallOutcome.Value(outcome))
    assert event(e2e.Message(callLogMesssage=log)).content["type"] == kind


def _call(kind: Any, *, creator: Any = None, parts: tuple[str, ...] = (), **about: Any) -> Any:
    meta = wa.BasicCallMeta(callID="C1", timestamp=AT, callCreator=creator or jid(ANA, device=1), callCreatorAlt=jid(LID, "lid"))
    getattr(meta, "from").CopyFrom(meta.callCreator)
    nodes = [wa.Node(Tag=name, Nil=True) for name in parts]
    return kind(basicCallMeta=meta, data=wa.Node(Tag="offer", Nodes=nodes, Nil=False), **about)


@pytest.mark.parametrize(
    ("reason", "creator", "is_told"),
    [("timeout", None, True), ("", None, True), ("accepted_elsewhere", None, False), ("timeout", jid("5511988887777"), False)],
)
def test_call_that_nobody_answered_is_told_once_the_caller_gives_up(reason: str, creator: Any, *, is_told: bool) -> None:
    calls = Calls()
    ends = _call(wa.CallTerminate, reason=reason, creator=creator)
    me = "5511988887777@s.whatsapp.net"
    assert calls.ended(ends, me) is None  # it never rang
    calls.rings(_call(wa.CallOffer, parts=("audio", "video"), creator=creator))
    heard = calls.ended(ends, me)
    assert (heard is not None) is is_told
    if heard is not None:
        assert (heard.key.remote_jid, heard.key.remote_jid_alt, heard.key.id) == (f"{ANA}@s.whatsapp.net", f"{LID}@lid", "C1")
        assert (heard.kind, heard.content) == ("unsupported", {"type": "missed_call", "with_video": True})
        assert wire.decode_event(wire.encode(heard)) == heard
    assert calls.ended(ends, me) is None


def test_text_longer_than_a_line_may_be_still_gets_through() -> None:
    assert len(event(e2e.Message(conversation="é" * 2_000_000)).content["text"]) == wire.MAX_TEXT


def receipt(kind: int, **source: Any) -> Any:
    about = {"Chat": jid(ANA), "Sender": jid(ANA, device=2), "IsFromMe": False, "IsGroup": False, "SenderAlt": jid(LID, "lid"),
             "RecipientAlt": NOBODY, "BroadcastListOwner": NOBODY} | source  # fmt: skip
    return wa.Receipt(MessageSource=wa.MessageSource(**about), MessageIDs=["A", "B"], Timestamp=AT * 1000, Type=kind)


def test_receipts_are_of_people_and_in_seconds() -> None:
    assert messages.receipt_of(receipt(wa.Receipt.READ)) == wire.Receipt(("A", "B"), "read", AT, f"{ANA}@s.whatsapp.net", f"{LID}@lid")
    assert messages.receipt_of(receipt(wa.Receipt.READ_SELF)) is None
    assert messages.receipt_of(receipt(wa.Receipt.RETRY)) is None
    assert messages.receipt_of(receipt(wa.Receipt.DELIVERED, IsFromMe=True)) is None
    group = messages.receipt_of(receipt(wa.Receipt.PLAYED, Chat=jid(GROUP, "g.us"), IsGroup=True))
    assert group == wire.Receipt(("A", "B"), "played", AT, f"{GROUP}@g.us", "", f"{ANA}@s.whatsapp.net")


@pytest.mark.parametrize(
    ("state", "media", "writes"),
    [(wa.ChatPresence.COMPOSING, wa.ChatPresence.TEXT, True), (wa.ChatPresence.COMPOSING, wa.ChatPresence.AUDIO, True),
     (wa.ChatPresence.PAUSED, wa.ChatPresence.TEXT, False)],
)  # fmt: skip
def test_who_writes_or_records_is_told_outside_of_groups(state: int, media: int, *, writes: bool) -> None:
    source = receipt(wa.Receipt.READ).MessageSource
    said = messages.typing_of(wa.ChatPresence(MessageSource=source, State=state, Media=media))
    assert said is not None
    assert said.writes is writes
    source.IsGroup = True
    assert messages.typing_of(wa.ChatPresence(MessageSource=source, State=state, Media=media)) is None


@pytest.mark.parametrize("name", [field.name for field in e2e.Message.DESCRIPTOR.fields if field.message_type is not None])
def test_no_kind_of_message_trips_the_child(name: str) -> None:
    """The library calls us from its own thread: what is raised there is a message lost."""
    for wrapped in (False, True):
        body = e2e.Message()
        getattr(body, name).SetInParent()
        event(e2e.Message(ephemeralMessage=e2e.FutureProofMessage(message=body)) if wrapped else body)
