"""The real library in a real child, against a peer that speaks WhatsApp's own handshake."""

import sqlite3
from contextlib import closing

import pytest

from appliance.domains.channels.gateways.qr import driver_store, wire
from appliance.domains.channels.gateways.qr.driver_unheard import left_behind
from appliance.domains.channels.rules.reasons import DisconnectReason
from tests.peers.whatsapp import library

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)

from appliance.domains.channels.gateways.qr.driver_library import e2e
from tests.peers.whatsapp.child import ANA, RealChild, send, sent_to, whatsapp
from tests.peers.whatsapp.peer import LID, PHONE, Behaviour

JID = f"{PHONE}@s.whatsapp.net"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with whatsapp(tmp_path_factory.mktemp("whatsapp")) as found:
        yield found


@pytest.fixture
def peer(server):
    server[0].forget()
    return server[0]


@pytest.fixture
def store(tmp_path):
    return tmp_path / "keys.db"


@pytest.fixture
def start(server, peer, store):
    started = []

    def start(**given):
        started.append(RealChild(peer, server[1], store, **given))
        return started[-1]

    yield start
    for child in started:
        child.close()


@pytest.fixture(scope="module")
def keys(server, tmp_path_factory):
    """Of a number that was linked once."""
    store = tmp_path_factory.mktemp("linked") / "keys.db"
    child = RealChild(*server, store)
    server[0].scan(child.says(wire.Qr).code)
    child.says(wire.Open)
    child.close()
    return driver_store.snapshot(store)


@pytest.fixture
def linked(start, keys, peer, store):
    """A child whose number is linked and open."""
    driver_store.restore(store, keys)
    peer.linked = True
    child = start()
    child.says(wire.Open)
    return child


def test_a_number_is_linked_by_its_code_and_then_open(start, peer):
    child = start()
    shown = child.says(wire.Qr)
    assert shown.seconds == 60
    assert shown.code.startswith("https://wa.me/settings/linked_devices#")
    peer.scan(shown.code)
    assert child.says(wire.Paired) == wire.Paired(JID, "", "android")
    assert child.says(wire.Open) == wire.Open(JID, f"{LID}@lid", "")
    assert isinstance(child.events[0], wire.Ready)
    child.says(wire.StoreChanged)


@pytest.mark.parametrize("issuer", ["ent:wa", "smb:wa", ""])
def test_a_business_number_says_by_whom_its_certificate_is(start, peer, issuer):
    peer.behaviour.business, peer.behaviour.issuer = "Loja da Ana", issuer
    child = start()
    peer.scan(child.says(wire.Qr).code)
    assert child.says(wire.Open).is_business
    child.say(wire.AskIssuer())
    assert child.says(wire.Issuer) == wire.Issuer(issuer, "Loja da Ana" if issuer else "")


def test_a_question_about_the_business_without_an_answer_is_told(linked, peer):
    peer.behaviour.refuses = "usync"
    linked.say(wire.AskIssuer())
    failed = linked.says(wire.Failed)
    assert (failed.id, failed.again) == ("issuer", True)


def test_a_lost_connection_is_told_and_found_again(linked, peer):
    before = len(linked.events)
    peer.cut()
    assert linked.says(wire.Closed, after=before).code == DisconnectReason.CLOSED
    linked.says(wire.Open, after=before)


def test_who_was_linked_comes_back_without_a_code(linked, start):
    linked.kill()
    again = start()
    assert again.says(wire.Open).jid == JID
    assert not [event for event in again.events if isinstance(event, wire.Qr)]


def test_who_was_unlinked_on_the_telephone_is_told_and_ends(linked, peer):
    peer.remove_device()
    assert linked.says(wire.LoggedOut).code == DisconnectReason.LOGGED_OUT
    assert linked.ended() == 4


def test_who_was_unlinked_meanwhile_is_told_at_the_next_start(linked, start, peer):
    linked.kill()
    peer.linked = False
    again = start()
    assert again.says(wire.LoggedOut).code == DisconnectReason.LOGGED_OUT
    assert again.ended() == 4


def test_unlinking_is_asked_of_whatsapp(linked, peer):
    linked.say(wire.LogOut())
    assert linked.says(wire.LoggedOut).reason == "as asked"
    assert not peer.linked


def test_a_number_opened_elsewhere_is_not_fought_for(linked, peer):
    peer.replace_device()
    assert linked.says(wire.Closed) == wire.Closed(DisconnectReason.REPLACED, "opened elsewhere", final=True)
    assert linked.ended() == 4


@pytest.mark.parametrize(
    ("failure", "event"),
    [
        ({"reason": "405"}, wire.Outdated()),
        ({"reason": "402", "code": "101", "expire": "3600"}, wire.Banned(1, "sent to too many people", 3600)),
        ({"reason": "403"}, wire.LoggedOut(DisconnectReason.FORBIDDEN, "unlinked")),
        ({"reason": "406"}, wire.LoggedOut(DisconnectReason.FORBIDDEN, "unlinked")),
    ],
)
def test_what_whatsapp_refuses_for_good_is_told_and_not_tried_again(linked, start, peer, failure, event):
    linked.kill()
    peer.behaviour.failure = failure
    again = start()
    assert again.says(type(event)) == event
    assert again.ended() == 4


def test_what_whatsapp_refuses_for_now_is_tried_again(linked, peer):
    peer.behaviour.failure, connection = {"reason": "503"}, peer.now
    peer.drop()
    peer.another_after(connection)
    peer.behaviour.failure, before = None, len(linked.events)
    peer.drop()
    linked.says(wire.Open, after=before)


def test_a_stream_that_ends_with_an_unknown_word_is_told_and_opens_again(linked, peer):
    connection, before = peer.now, len(linked.events)
    peer.end_stream("480")
    assert linked.says(wire.Closed, lambda one: one.code == DisconnectReason.BAD_SESSION) == wire.Closed(500, "stream error 480")
    peer.drop()
    peer.another_after(connection)
    linked.says(wire.Open, after=before)


def test_a_library_too_old_to_link_says_so_instead_of_showing_a_code(start, peer):
    peer.behaviour.failure = {"reason": "405"}
    assert start().says(wire.Outdated)


def test_codes_that_ran_out_are_told(start, peer):
    peer.behaviour = Behaviour(refs=0)
    child = start()
    closed = child.says(wire.Closed)
    assert (closed.final, closed.reason) == (True, "not linked: timeout")
    assert child.ended() == 4


def test_without_a_network_it_says_so_and_ends(start, peer):
    peer.unreachable = True
    child = start()
    closed = child.says(wire.Closed)
    assert (closed.code, closed.final) == (DisconnectReason.LOST, True)
    assert child.ended() == 1


def test_a_pairing_code_for_the_telephone(start, peer):
    child = start()
    child.says(wire.Qr)
    child.say(wire.Pair("5511988887777"))
    code = child.says(wire.Pairing).code
    assert len(code.replace("-", "")) == 8


def test_lost_after_it_left_is_not_sent_again_but_named_for_the_receipt(linked, peer, start):
    peer.behaviour.messages = "drop"
    failed = send(linked, "m1")
    (left,) = {one.attrs["id"] for one in sent_to(peer)}
    assert (failed.may_have_left, failed.again, failed.provider_id) == (True, False, left)
    peer.behaviour.messages = "accept"
    stanzas = len(sent_to(peer))
    assert send(linked, "m1").provider_id == left
    linked.kill()
    again = start()
    again.says(wire.Open)
    assert send(again, "m1") == wire.Failed("m1", "an earlier try may have left", may_have_left=True, provider_id=left)
    assert len(sent_to(peer)) == stanzas
    peer.receipt(left)
    assert again.says(wire.Receipt).ids == (left,)
    assert send(again, "m1", anyway=True).provider_id not in {left, ""}


def test_killed_between_leaving_and_answer_it_knows_afterwards(linked, peer, start):
    peer.behaviour.messages = "ignore"
    linked.say(wire.Send("m1", ANA, "text", {"text": "Oi"}))
    left = peer.heard("message").attrs["id"]
    linked.kill()
    again = start()
    again.says(wire.Open)
    assert send(again, "m1").provider_id == left
    assert len(sent_to(peer)) == 1


def test_what_was_told_is_left_for_others_until_it_is_kept(linked, peer, store):
    peer.message("A1", e2e.Message(conversation="Oi"))
    heard = linked.says(wire.Message)
    assert [wire.decode_event(line) for line in left_behind(store)] == [heard]
    linked.say(wire.Kept(1))
    linked.say(wire.Ping())
    linked.says(wire.Pong)
    assert not list(left_behind(store))
    peer.message("A2", e2e.Message(conversation="E agora?"))
    heard = linked.says(wire.Message, lambda one: one.key.id == "A2")
    linked.kill()
    assert [wire.decode_event(line) for line in left_behind(store)] == [heard]


def test_what_is_asked_before_there_is_a_connection_harms_nothing(start):
    child = start()
    child.say(wire.Send("a", ANA, "text", {"text": "oi"}))
    child.say(wire.MarkRead(ANA, ("x",)))
    child.say(wire.ShowTyping(ANA, writes=True))
    child.say(wire.Attend(looks=True))
    child.say(wire.Pair("5511988887777"))
    child.say(wire.Fetch("f", "", "/nowhere", 1))
    child.say(wire.LogOut())
    for asked in ("a", "f", "logout"):
        assert child.says(wire.Failed, lambda one, asked=asked: one.id == asked).again
    child.say(wire.Ping())
    child.says(wire.Pong)
    child.says(wire.Qr)


def test_what_nobody_foresaw_ends_it_after_what_was_told(linked):
    answer = send(linked)
    assert isinstance(answer, wire.Sent)
    linked.say(wire.Fetch("f1", "CgJvaQ==", path="/nowhere", limit=1))  # a text: it has no length of a file
    told = linked.says(wire.Closed)
    assert (told.reason, told.final) == ("broke off: AttributeError", True)
    assert linked.ended() == 5


def test_it_ends_with_its_parent(linked):
    linked.leave()
    assert linked.ended() == 0


def test_it_ends_when_its_parent_falls_silent(start):
    assert start(silence_s=1).ended() == 3


def test_killed_at_any_moment_its_keys_stay_usable(start, peer, store):
    """Before the code, while linking, right after, and in the middle of writing keys."""
    for moment in (wire.Ready, wire.Qr):
        child = start()
        child.says(moment)
        child.kill()
        driver_store.restore(store, driver_store.snapshot(store))
    child = start()
    peer.scan(child.says(wire.Qr).code)
    child.says(wire.Paired)
    child.kill()
    driver_store.restore(store, driver_store.snapshot(store))
    for _ in range(3):
        child = start()
        child.says(wire.StoreChanged)
        child.kill()
        kept = driver_store.snapshot(store)
        driver_store.restore(store, kept)
        with closing(sqlite3.connect(store)) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert start().says(wire.Open).jid == JID
