"""What other gateways' programs are told, against the shapes that they were recorded to expect."""

from datetime import UTC, datetime, timedelta

import pytest

from appliance.domains.channels.types import Ending, LinkState
from appliance.domains.conversations.types import MessageKind, MessageStatus
from appliance.domains.feeds.rules import baileys, evolution, shapes
from appliance.domains.feeds.rules.shapes import Connection, Key, Reported, Said

AT = datetime(2026, 3, 9, 3, 22, 25, tzinfo=UTC)
THEIRS = Key("1112@lid", "3EB0", from_me=False, alt="5511988887777@s.whatsapp.net")
OURS = Key("5511988887777@s.whatsapp.net", "3EB0", from_me=True)
LOJA = evolution.Instance("Loja", "7b", "5511900000000@s.whatsapp.net")


def said(kind=MessageKind.TEXT, content=None, key=THEIRS, **given):
    return Said(key, "Ana", AT, kind, given.pop("status", MessageStatus.RECEIVED), content or {"text": "Oi"}, **given)


def test_a_message_is_upserted_as_baileys_does():
    assert baileys.events_of(said()) == {
        "messages.upsert": {
            "type": "notify",
            "messages": [{
                "key": {"remoteJid": "1112@lid", "remoteJidAlt": "5511988887777@s.whatsapp.net", "fromMe": False, "id": "3EB0",
                        "addressingMode": "lid"},
                "pushName": "Ana", "messageTimestamp": int(AT.timestamp()), "message": {"conversation": "Oi"},
            }],
        }
    }


def test_a_voice_note_that_was_heard_is_told_as_played():
    told = baileys.events_of(Reported(OURS, MessageStatus.PLAYED, AT))
    assert told["messages.update"][0]["update"]["status"] == 5
    assert told["message-receipt.update"][0]["receipt"] == {"userJid": OURS.jid, "playedTimestamp": int(AT.timestamp())}
    told = evolution.events_of(Reported(OURS, MessageStatus.PLAYED, AT), evolution.Instance("a", "1"))
    assert told["messages.update"]["status"] == "PLAYED"


def test_a_read_message_is_updated_and_has_its_receipt():
    told = baileys.events_of(Reported(OURS, MessageStatus.READ, AT))
    key = {"remoteJid": "5511988887777@s.whatsapp.net", "fromMe": True, "id": "3EB0", "addressingMode": "pn"}
    assert told["messages.update"] == [{"key": key, "update": {"status": 4, "messageTimestamp": int(AT.timestamp())}}]
    receipt = {"userJid": OURS.jid, "readTimestamp": int(AT.timestamp())}
    assert told["message-receipt.update"] == [{"key": key, "receipt": receipt}]
    assert "message-receipt.update" not in baileys.events_of(Reported(OURS, MessageStatus.FAILED, AT))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Connection(LinkState.CONNECTING, AT), {"connection": "connecting"}),
        (Connection(LinkState.QR, AT, qr="ref,noise,identity,adv"), {"qr": "ref,noise,identity,adv"}),
        (Connection(LinkState.OPEN, AT), {"connection": "open"}),
    ],
)
def test_the_link_is_told_as_baileys_does(found, told):
    assert baileys.events_of(found) == {"connection.update": told}


@pytest.mark.parametrize(
    ("state", "code", "ending", "reason"),
    [
        (LinkState.LOGGED_OUT, 0, Ending.LOGGED_OUT, 401),
        (LinkState.BANNED, 2, Ending.BANNED, 403),
        (LinkState.CLOSED, 405, Ending.OUTDATED, 405),
        (LinkState.CLOSED, 0, Ending.EXPIRED, 408),
        (LinkState.CLOSED, 440, Ending.REPLACED, 440),
        (LinkState.CLOSED, 0, Ending.UNLINKED, 401),
        (LinkState.CLOSED, 503, None, 503),
        (LinkState.CLOSED, 0, None, 428),
    ],
)
def test_a_shut_link_says_why_by_the_numbers_of_baileys(state, code, ending, reason):
    found = Connection(state, AT, code, ending)
    update = baileys.events_of(found)["connection.update"]
    assert (update["connection"], update["lastDisconnect"]["error"]["output"]["statusCode"]) == ("close", reason)
    assert evolution.events_of(found, LOJA) == {"connection.update": {"instance": "Loja", "state": "close", "statusReason": reason}}


def test_what_has_no_word_is_not_told():
    assert baileys.events_of(Connection(LinkState.NEW, AT)) == baileys.events_of(Connection(LinkState.QR, AT)) == {}
    assert evolution.events_of(Connection(LinkState.PAIRING, AT), LOJA) == evolution.events_of(Connection(LinkState.NEW, AT), LOJA) == {}


@pytest.mark.parametrize(
    ("kind", "content", "name", "part"),
    [
        (MessageKind.IMAGE, {"media": {"mime_type": "image/png", "size": 9}, "text": "veja"}, "imageMessage",
         {"mimetype": "image/png", "url": "", "fileLength": 9, "caption": "veja"}),
        (MessageKind.AUDIO, {"media": {"mime_type": "audio/ogg", "voice": True, "seconds": 3}}, "audioMessage",
         {"mimetype": "audio/ogg", "url": "", "seconds": 3, "ptt": True}),
        (MessageKind.DOCUMENT, {"media": {"mime_type": "application/pdf", "filename": "a.pdf"}}, "documentMessage",
         {"mimetype": "application/pdf", "url": "", "fileName": "a.pdf"}),
        (MessageKind.VIDEO, {"media": {}}, "videoMessage", {"mimetype": "", "url": ""}),
        (MessageKind.STICKER, {"media": {}}, "stickerMessage", {"mimetype": "", "url": ""}),
        (MessageKind.LOCATION, {"location": {"latitude": 1.5, "longitude": 2.5, "name": "Casa"}}, "locationMessage",
         {"degreesLatitude": 1.5, "degreesLongitude": 2.5, "name": "Casa"}),
        (MessageKind.REACTION, {"emoji": "👍", "message_id": "3E"}, "reactionMessage",
         {"key": {"remoteJid": "1112@lid", "id": "3E"}, "text": "👍"}),
        (MessageKind.TEXT, {"text": "Sim", "choice": {"id": "1", "title": "Sim"}}, "buttonsResponseMessage",
         {"selectedButtonId": "1", "selectedDisplayText": "Sim"}),
        (MessageKind.CONTACT, {"contacts": [{"name": {"formatted_name": "Rui"}, "phones": [{"phone": "+55 11"}]}]}, "contactMessage",
         {"displayName": "Rui", "vcard": "BEGIN:VCARD\nVERSION:3.0\nFN:Rui\nTEL;type=CELL:+55 11\nEND:VCARD"}),
        (MessageKind.CONTACT, {"contacts": []}, "contactsArrayMessage", {"contacts": []}),
        (MessageKind.TEMPLATE, {"text": "Olá"}, "conversation", "Olá"),
    ],
)
def test_every_kind_of_message_has_whatsapps_own_names(kind, content, name, part):
    assert shapes.message_of(said(kind, content)) == (name, {name: part})


def test_an_answer_names_what_it_answers():
    text = shapes.message_of(said(quoted="3E"))
    assert text == ("extendedTextMessage", {"extendedTextMessage": {"text": "Oi", "contextInfo": {"stanzaId": "3E"}}})
    image = shapes.message_of(said(MessageKind.IMAGE, {"media": {}}, quoted="3E"))[1]["imageMessage"]
    assert image["contextInfo"] == {"stanzaId": "3E"}


def test_messages_are_told_as_evolution_does():
    told = evolution.events_of(said(by_box=True, key=OURS, status=MessageStatus.SENT, message_id="m1"), LOJA)["send.message"]
    assert (told["status"], told["messageType"], told["messageId"], told["instanceId"]) == ("SERVER_ACK", "conversation", "m1", "7b")
    assert set(evolution.events_of(said(), LOJA)) == {"messages.upsert"}
    update = evolution.events_of(Reported(OURS, MessageStatus.DELIVERED, AT, "m1"), LOJA)["messages.update"]
    assert update == {"keyId": "3EB0", "remoteJid": OURS.jid, "fromMe": True, "status": "DELIVERY_ACK", "messageId": "m1",
                      "instanceId": "7b"}


def test_a_code_is_told_as_evolution_does_with_its_picture():
    found = evolution.events_of(Connection(LinkState.QR, AT, qr="2@abc", qr_number=2), LOJA)["qrcode.updated"]["qrcode"]
    assert (found["instance"], found["code"], found["pairingCode"], found["count"]) == ("Loja", "2@abc", None, 2)
    assert found["base64"].startswith("data:image/png;base64,")
    typed = evolution.events_of(Connection(LinkState.PAIRING, AT, pairing_code="ABCD1234"), LOJA)["qrcode.updated"]["qrcode"]
    assert (typed["pairingCode"], typed["base64"]) == ("ABCD1234", None)


def test_an_envelope_never_carries_a_key():
    told = evolution.envelope("messages.upsert", {}, LOJA, url="https://a.example", at=AT, server_url="https://box.example")
    assert set(told) == {"event", "instance", "data", "destination", "date_time", "sender", "server_url", "apikey"}
    assert told["apikey"] is None


def test_events_are_called_as_programs_write_them():
    kept = evolution.known_events(["MESSAGES_UPSERT", "CHATS_UPSERT", "qrcode_updated"])
    assert kept == ["qrcode.updated", "messages.upsert"]
    assert evolution.shown_events(kept) == ["QRCODE_UPDATED", "MESSAGES_UPSERT"]
    assert evolution.address_for("https://a.example/h/", "messages.upsert", by_events=True) == "https://a.example/h/messages-upsert"
    assert evolution.address_for("https://a.example/h/", "messages.upsert", by_events=False) == "https://a.example/h/"


@pytest.mark.parametrize(
    ("number", "address"),
    [
        ("+55 (11) 98888-7777", "5511988887777"),
        ("5511988887777@s.whatsapp.net", "5511988887777"),
        ("5511988887777:12@c.us", "5511988887777"),
        ("111222@lid", "111222@lid"),
        ("12036-77@g.us", "12036-77@g.us"),
        ("nobody@lid", ""),
        ("5511988887777@example.com", ""),
        ("123", ""),
        ("٥٥١١٩٨٨٨٨٧٧٧٧", ""),
        ("", ""),
    ],
)
def test_whom_to_write_to_is_read_as_programs_write_it(number, address):
    assert shapes.address_of(number) == address


def test_addresses_become_whatsapps_names():
    assert (shapes.jid_of("5511"), shapes.jid_of("1@lid")) == ("5511@s.whatsapp.net", "1@lid")


def test_a_group_names_who_wrote():
    assert shapes.key_of(Key("1@g.us", "3E", from_me=False, participant="2@lid"))["participant"] == "2@lid"


def test_a_code_that_nobody_can_scan_any_more_is_stale():
    code = Connection(LinkState.QR, AT, qr="2@abc")
    assert shapes.is_stale(code, AT + timedelta(seconds=61))
    assert not shapes.is_stale(code, AT + timedelta(seconds=59))
    assert not shapes.is_stale(Connection(LinkState.OPEN, AT), AT + timedelta(days=1))
