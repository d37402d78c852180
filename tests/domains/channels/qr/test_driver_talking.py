"""What is said goes through the real library and its encryption, both ways, in one child that stays."""

import pytest
from PIL import Image

from appliance.domains.channels.gateways.qr import wire
from tests.peers.whatsapp import library

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)

from appliance.domains.channels.gateways.qr.driver_library import e2e
from tests.peers.whatsapp.child import ANA, RealChild, send, sent_to, whatsapp
from tests.peers.whatsapp.peer import ANA_LID

STRANGER = "5511966665555@s.whatsapp.net"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with whatsapp(tmp_path_factory.mktemp("whatsapp")) as found:
        yield found


@pytest.fixture(scope="module")
def standing(server, tmp_path_factory):
    peer, libraries = server
    child = RealChild(peer, libraries, tmp_path_factory.mktemp("store") / "keys.db")
    peer.scan(child.says(wire.Qr).code)
    child.says(wire.Open)
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


def test_receipts_and_what_cannot_be_opened_are_told(linked, peer):
    for kind in ("delivered", "read", "played"):
        peer.receipt("3EB0AA", kind)
        assert linked.says(wire.Receipt, lambda one, kind=kind: one.kind == kind).ids == ("3EB0AA",)
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


def test_asked_twice_it_is_sent_once(linked, peer):
    assert send(linked, "m1") == send(linked, "m1")
    assert len(sent_to(peer)) == 1


def test_refused_by_whatsapp_is_final(linked, peer):
    peer.behaviour.messages = "refuse"
    assert send(linked, "m2") == wire.Failed("m2", "server returned error 479")


def test_what_surely_did_not_leave_may_be_sent_later_under_the_same_id(linked, peer):
    peer.behaviour.knows_nobody = True
    failed = send(linked, "m3", to=STRANGER)
    assert (failed.again, failed.may_have_left) == (True, False)
    peer.behaviour.knows_nobody = False
    assert isinstance(send(linked, "m3", to=STRANGER), wire.Sent)
    assert len(sent_to(peer)) == 1


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
