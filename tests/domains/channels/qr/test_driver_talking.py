"""What is said goes through the real library and its encryption, both ways, in one child that stays."""

import sqlite3
from contextlib import closing

import pytest
from PIL import Image

from appliance.domains.channels.gateways.qr import wire
from tests.domains.channels.qr.voices import spoken
from tests.peers.whatsapp import library

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)

from appliance.domains.channels.gateways.qr.driver_library import e2e
from tests.peers.whatsapp.child import ANA, RealChild, send, sent_to, whatsapp
from tests.peers.whatsapp.peer import ANA_LID, GROUP, GROUP_NAME, walked

IN_GROUP = f"{GROUP}@g.us"
STRANGER = "5511966665555@s.whatsapp.net"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with whatsapp(tmp_path_factory.mktemp("whatsapp")) as found:
        yield found


@pytest.fixture(scope="module")
def standing(server, tmp_path_factory):
    peer, libraries = server
    store = tmp_path_factory.mktemp("store") / "keys.db"
    child = RealChild(peer, libraries, store)
    peer.scan(child.says(wire.Qr).code)
    child.says(wire.Open)
    child.close()
    with closing(sqlite3.connect(store)) as keys, keys:  # the telephone tells it later; without it nobody is online
        keys.execute("UPDATE whatsmeow_device SET push_name = 'Loja'")
    child = RealChild(peer, libraries, store)
    assert child.says(wire.Open).push_name == "Loja"
    yield child
    child.close()


@pytest.fixture
def peer(server):
    server[0].forget()
    return server[0]


@pytest.fixture
def linked(standing, peer):
    standing.events.clear()
    return standing


def test_receipts_typing_and_what_cannot_be_opened_are_told(linked, peer):
    for kind in ("delivered", "read", "played"):
        peer.receipt("3EB0AA", kind)
        assert linked.says(wire.Receipt, lambda one, kind=kind: one.kind == kind).ids == ("3EB0AA",)
    peer.typing()
    assert linked.says(wire.Typing) == wire.Typing(ANA, writes=True)
    peer.typing("paused")
    assert linked.says(wire.Typing, lambda one: not one.writes) == wire.Typing(ANA, writes=False)
    peer.unreadable_message("M1")
    heard = linked.says(wire.Undecryptable)
    assert (heard.key.id, heard.key.remote_jid, heard.push_name) == ("M1", ANA, "Ana")


def test_what_somebody_writes_is_opened_and_told(linked, peer):
    peer.message("A1", e2e.Message(conversation="Quanto custa?"))
    heard = linked.says(wire.Message)
    assert heard.key == wire.Key(ANA, "A1", remote_jid_alt=f"{ANA_LID}@lid")
    assert (heard.kind, heard.content, heard.push_name) == ("text", {"text": "Quanto custa?"}, "Ana")


def test_what_we_send_is_opened_by_whom_it_is_for(linked, peer):
    answer = send(linked, text="R$ 10")
    (stanza,) = sent_to(peer)
    assert answer.provider_id == stanza.attrs["id"]
    assert e2e.Message.FromString(peer.opened(stanza)).conversation == "R$ 10"
    assert not stanza.child("bot")


def test_answer_in_the_session_that_the_other_opened_quotes_what_was_asked(linked, peer):
    peer.message("A1", e2e.Message(conversation="Quanto custa?"))
    linked.says(wire.Message)
    send(linked, text="R$ 10", reply_to=wire.Quote("A1", text="Quanto custa?"))
    body = e2e.Message.FromString(peer.opened(sent_to(peer)[0])).extendedTextMessage
    assert (body.text, body.contextInfo.stanzaID, body.contextInfo.participant) == ("R$ 10", "A1", ANA)


def test_group_is_heard_named_and_written_to(linked, peer):
    peer.group_message("G1", e2e.Message(conversation="Quem traz o cabo?"))
    heard = linked.says(wire.Message)
    assert (heard.group, heard.key.remote_jid, heard.key.participant, heard.push_name) == (True, IN_GROUP, ANA, "Ana")
    linked.say(wire.AskGroup(IN_GROUP))
    told = linked.says(wire.Group)
    assert (told.chat, told.name) == (IN_GROUP, GROUP_NAME)
    assert told.members[0] == wire.Member(ANA, f"{ANA_LID}@lid", "Ana")  # as she called herself when she wrote
    assert [one.name for one in told.members[1:]] == [""]
    quote = wire.Quote("G1", participant=ANA, text="Quem traz o cabo?")
    answer = send(linked, text=f"Eu trago, @{ANA_LID}", to=IN_GROUP, reply_to=quote, mentions=(f"{ANA_LID}@lid",))
    assert isinstance(answer, wire.Sent), answer
    (stanza,) = sent_to(peer)
    body = e2e.Message.FromString(peer.opened_in_group(stanza)).extendedTextMessage
    context = body.contextInfo
    assert (context.participant, context.quotedMessage.conversation) == (ANA, "Quem traz o cabo?")
    assert list(context.mentionedJID) == [f"{ANA_LID}@lid"]
    assert body.text == f"Eu trago, @{ANA_LID}"


def test_asked_twice_it_is_sent_once(linked, peer):
    assert send(linked, "m1") == send(linked, "m1")
    assert len(sent_to(peer)) == 1


def test_refused_by_whatsapp_is_final(linked, peer):
    peer.behaviour.messages = "refuse"
    assert send(linked, "m2") == wire.Failed("m2", "server returned error 479")


def test_what_can_never_be_built_fails_alone_and_the_next_is_sent(linked, peer):
    linked.say(wire.Send("far", ANA, "location", {"location": {"latitude": 10**400, "longitude": 0}}))
    failed = linked.says((wire.Sent, wire.Failed))
    assert (failed.id, failed.error.partition(":")[0], failed.again) == ("far", "OverflowError", False)
    assert isinstance(send(linked, text="Oi"), wire.Sent)
    assert len(sent_to(peer)) == 1


def test_what_surely_did_not_leave_may_be_sent_later_under_the_same_id(linked, peer):
    peer.behaviour.knows_nobody = True
    failed = send(linked, "m3", to=STRANGER)
    assert (failed.again, failed.may_have_left) == (True, False)
    peer.behaviour.knows_nobody = False
    assert isinstance(send(linked, "m3", to=STRANGER), wire.Sent)
    assert len(sent_to(peer)) == 1


def test_looking_reading_and_writing_are_shown_to_the_other(linked, peer):
    for command in (wire.Attend(looks=True), wire.MarkRead(ANA, ("A1", "A2")), wire.ShowTyping(ANA, writes=True)):
        linked.say(command)
    assert peer.heard("presence", lambda one: one.attrs.get("type") == "available")
    read = peer.heard("receipt", lambda one: one.attrs.get("type") == "read")
    assert (read.attrs["id"], [one.attrs["id"] for one in walked(read) if one.tag == "item"]) == ("A1", ["A2"])
    assert peer.heard("chatstate").children[0].tag == "composing"
    linked.say(wire.ShowTyping(ANA, writes=False))
    assert peer.heard("chatstate", lambda one: one.children[0].tag == "paused")
    linked.say(wire.Attend(looks=False))
    assert peer.heard("presence", lambda one: one.attrs.get("type") == "unavailable")


@pytest.fixture
def picture(tmp_path):
    file = tmp_path / "picture.png"
    Image.effect_noise((300, 200), 60).convert("RGB").save(file)
    return file


def test_file_goes_out_sealed_and_comes_in_the_same(linked, peer, picture, tmp_path):
    content = {"text": "olha", "media": {"mime_type": "image/png"}}
    linked.say(wire.Send("p1", ANA, "image", content, path=str(picture)))
    linked.says(wire.Sent)
    body = e2e.Message.FromString(peer.opened(sent_to(peer)[0]))
    assert (body.imageMessage.caption, body.imageMessage.width) == ("olha", 300)
    assert picture.read_bytes() not in peer.media.files.values()

    peer.message("A1", body)
    heard = linked.says(wire.Message)
    linked.say(wire.Fetch("f1", heard.content["media"]["provider_id"], str(tmp_path / "came"), 10**6))
    assert linked.says(wire.Fetched) == wire.Fetched("f1", str(tmp_path / "came"), picture.stat().st_size)
    assert (tmp_path / "came").read_bytes() == picture.read_bytes()


def test_call_that_nobody_answered_is_told(linked, peer):
    peer.call("CALL1", "audio", "video")
    peer.call("CALL1", reason="timeout")
    heard = linked.says(wire.Message)
    assert (heard.key.remote_jid, heard.key.id, heard.content) == (ANA, "CALL1", {"type": "missed_call", "with_video": True})


def test_voice_note_arrives_with_its_line_and_its_seconds(linked, peer, tmp_path):
    linked.say(wire.Send("v1", ANA, "audio", {"media": {"mime_type": "audio/ogg"}}, path=str(spoken(tmp_path / "v.ogg"))))
    linked.says(wire.Sent)
    note = e2e.Message.FromString(peer.opened(sent_to(peer)[0])).audioMessage
    assert (note.PTT, note.seconds, len(note.waveform), max(note.waveform)) == (True, 3, 64, 100)


def test_file_that_is_too_large_or_gone_is_told_and_leaves_nothing(linked, peer, picture, tmp_path):
    linked.say(wire.Send("p2", ANA, "document", {"media": {"mime_type": "application/pdf"}}, path=str(picture)))
    linked.says(wire.Sent)
    peer.message("A2", e2e.Message.FromString(peer.opened(sent_to(peer)[0])))
    reference = linked.says(wire.Message).content["media"]["provider_id"]
    linked.say(wire.Fetch("f2", reference, str(tmp_path / "came"), 1000))
    assert linked.says(wire.Failed, lambda one: one.id == "f2") == wire.Failed("f2", "too large")
    peer.media.files.clear()
    linked.say(wire.Fetch("f3", reference, str(tmp_path / "came"), 10**6))
    assert not linked.says(wire.Failed, lambda one: one.id == "f3").again
    assert not (tmp_path / "came").exists()


def test_file_that_could_not_be_put_up_may_be_sent_later(linked, peer, picture):
    peer.media.full = True
    linked.say(wire.Send("p3", ANA, "image", {"media": {"mime_type": "image/png"}}, path=str(picture)))
    assert linked.says(wire.Failed).again
    assert not sent_to(peer)
