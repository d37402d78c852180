"""How a link lives: by a real child, in every state, and what a person is told of it."""

import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.core import memory
from appliance.core.config import NetworkSettings
from appliance.core.errors import Conflict, Refused
from appliance.core.outbound import Outbound
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.qr import wire
from appliance.domains.channels.gateways.qr.driver_unheard import Unheard
from appliance.domains.channels.gateways.qr.rooms import Room
from appliance.domains.channels.rules import linking
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import ChannelStatus, Ending, LinkState
from tests.domains.channels.qr.conftest import QUICK, said, watching
from tests.peers.phones import ME, OPEN

pytestmark = pytest.mark.only_database("sqlite")


def test_a_number_is_linked_by_qr_and_its_keys_are_kept_sealed(opened, link, box, channel, phones):
    row = link()
    assert (row.jid, row.lid, row.push_name, row.qr, row.is_linked) == (ME, "900@lid", "Loja", None, True)
    assert channel().status is ChannelStatus.CONNECTED
    folder = memory.keys_folder(box.settings.home)
    assert str(folder).startswith("/dev/shm/")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [name for name in phones.hellos[0]["environment"] if name.startswith("SALESEDGE")] == []


def test_codes_take_each_others_place_and_the_last_one_ends_it(watch, begin, phones, await_link, box, tenant_id, number):
    watch()
    begin()
    phones.await_(lambda: phones.hellos)
    phones.say(wire.Qr("2@first", 20))
    assert await_link(LinkState.QR).qr == "2@first"
    phones.say(wire.Qr("2@second", 20))
    row = await_link(lambda row: row.qr_number == 2)
    assert (row.qr, row.qr_seconds) == ("2@second", 20)


@pytest.fixture
def patience(request):
    return getattr(request, "param", QUICK)


@pytest.mark.parametrize("patience", [replace(QUICK, qr=0.3, grace=0.1)], indirect=True)
def test_when_nobody_scans_the_child_is_ended_and_the_person_told(watch, begin, phones, await_link, link):
    watch()
    begin()
    phones.await_(lambda: phones.hellos)
    phones.say(wire.Qr("2@only", 20))
    row = await_link(lambda row: row.ending is Ending.EXPIRED)
    assert (row.state, row.wanted, row.qr) == (LinkState.CLOSED, False, None)
    begin()
    phones.await_(lambda: len(phones.hellos) == 2)


@pytest.mark.parametrize("patience", [replace(QUICK, qr=3.0, grace=0.1)], indirect=True)
def test_who_asks_for_another_code_in_the_last_moment_of_one_gets_it(watch, begin, phones, await_link):
    watch()
    begin()
    phones.await_(lambda: phones.hellos)
    phones.say(wire.Qr("2@only", 20))
    await_link(LinkState.QR)
    begin()
    phones.await_(lambda: len(phones.hellos) == 2)
    row = await_link(LinkState.CONNECTING)
    assert (row.wanted, row.ending) == (True, None)


def test_a_code_typed_on_the_phone_is_the_other_way(watch, begin, phones, await_link):
    watch()
    begin()
    phones.await_(lambda: phones.hellos)
    phones.say(wire.Qr("2@first", 20))
    await_link(LinkState.QR)
    begin(phone="5511955550101")
    phones.await_(lambda: phones.asked == [{"pair": "5511955550101"}])
    phones.say(wire.Pairing("K7Q4M2RX"))
    row = await_link(LinkState.PAIRING)
    assert (row.pairing_code, row.qr) == ("K7Q4M2RX", None)


def test_without_a_signature_nothing_is_linked(box, tenant_id):
    with box.unit(tenant_id) as uow:
        channel = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
        with pytest.raises(Refused, match="risk"):
            actions.begin_link(uow, channel.id)


@pytest.fixture
def channel(box, tenant_id, number):
    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            return queries.get_channel(uow, number)

    return read


@pytest.mark.parametrize(("event", "state", "ending", "keeps_keys"), [
    (wire.LoggedOut(401, "removed"), LinkState.LOGGED_OUT, Ending.LOGGED_OUT, False),
    (wire.LoggedOut(403, "unlinked"), LinkState.BANNED, Ending.BANNED, False),
    (wire.Banned(1, "spam", 3600), LinkState.BANNED, Ending.BANNED, True),
    (wire.Outdated(), LinkState.CLOSED, Ending.OUTDATED, True),
    (wire.Closed(440, "replaced", final=True), LinkState.CLOSED, Ending.REPLACED, True),
])
@pytest.mark.usefixtures("opened")
def test_what_only_a_person_can_mend_stops_and_says_so(
    phones, await_link, channel, event, state, ending, keeps_keys
):
    phones.say(event)
    row = await_link(lambda row: row.ending is ending)
    assert (row.state, row.wanted, bool(row.retry_at)) == (state, False, isinstance(event, wire.Banned))
    assert (channel().status, bool(channel().status_detail)) == (ChannelStatus.FAILING, True)
    row = await_link(lambda row: (row.store is not None) is keeps_keys)
    assert row.is_linked is keeps_keys
    assert len(phones.hellos) == 1


def test_a_refusal_that_says_nothing_is_tried_again_with_the_same_keys(opened, phones, await_link):
    phones.say(wire.Closed(500, "stream error 480", final=True))
    phones.await_(lambda: len(phones.hellos) > 1)
    row = await_link(LinkState.OPEN)
    assert (row.ending, row.wanted, row.is_linked) == (None, True, True)


@pytest.fixture
def business(watch, begin, phones, await_link):
    """A business number was scanned; the box asks by whom its certificate is."""
    watch()
    begin()
    phones.await_(lambda: phones.hellos)
    phones.say(wire.Qr("2@first", 20))
    await_link(LinkState.QR)
    phones.greeting = replace(OPEN, is_business=True)
    phones.say(wire.Paired(ME, "900@lid", "smba"))
    phones.say(phones.greeting)
    phones.await_(lambda: {"issuer": True} in phones.asked)


@pytest.mark.usefixtures("business")
def test_a_verified_business_number_may_not_be_linked_this_way(phones, await_link):
    phones.say(wire.Issuer("ent:wa", "Solara Ltda"))
    row = await_link(lambda row: row.ending is Ending.BUSINESS)
    phones.await_(lambda: {"logout": True} in phones.asked)
    assert (row.wanted, row.is_linked, row.store, row.last_error) == (False, False, None, "Solara Ltda")


@pytest.mark.parametrize("issuer", ["smb:wa", ""])
@pytest.mark.usefixtures("business")
def test_a_number_of_the_free_business_app_is_linked_and_asked_about_once(phones, await_link, issuer):
    phones.say(wire.Issuer(issuer, "Loja da Ana"))
    assert await_link(LinkState.OPEN).is_linked
    phones.kill_driver()
    phones.await_(lambda: len(phones.hellos) == 2)
    await_link(LinkState.OPEN)
    assert phones.asked == [{"issuer": True}]


@pytest.mark.usefixtures("business")
def test_a_business_number_of_which_whatsapp_says_nothing_is_asked_about_again_and_not_open_before(phones, await_link):
    phones.say(wire.Failed("issuer", "timed out", again=True))
    phones.await_(lambda: phones.asked == [{"issuer": True}] * 2)
    row = await_link(LinkState.CONNECTING)
    assert (row.wanted, row.ending, row.is_linked, row.store is None) == (True, None, False, False)
    phones.say(wire.Issuer("smb:wa"))
    await_link(LinkState.OPEN)


def test_a_child_that_dies_is_replaced_without_another_qr(opened, phones, await_link):
    phones.kill_driver()
    phones.await_(lambda: len(phones.hellos) == 2)
    assert phones.hellos[1]["hello"] == ME
    row = await_link(LinkState.OPEN)
    assert row.qr_number == 0


def test_a_network_that_is_gone_is_waited_for(opened, phones, await_link):
    phones.drop()
    row = await_link(LinkState.CLOSED)
    assert row.wanted
    phones.come_back()
    await_link(LinkState.OPEN)


@pytest.mark.parametrize("patience", [replace(QUICK, retries=60.0, reopening=0.5)], indirect=True)
def test_who_does_not_want_to_wait_for_the_next_try_connects_at_once(opened, phones, begin, await_link):
    phones.drop()
    await_link(lambda row: row.retry_at)
    phones.come_back()
    begin()
    row = await_link(LinkState.OPEN)
    assert (row.attempts, row.retry_at) == (0, None)


@pytest.mark.parametrize("patience", [replace(QUICK, retries=600.0, reopening=0.5)], indirect=True)
def test_who_does_not_want_to_wait_is_heard_every_time(opened, phones, begin, await_link):
    phones.drop()
    put_off = await_link(lambda row: row.retry_at).retry_at
    for _ in range(3):
        begin()
        tried = await_link(lambda row, before=put_off: row.retry_at and row.retry_at != before)
        assert tried.attempts == 1
        put_off = tried.retry_at


@pytest.mark.parametrize("patience", [replace(QUICK, retries=0.001, reopening=0.5)], indirect=True)
def test_who_asks_to_connect_now_begins_the_tries_anew(opened, phones, begin, await_link):
    phones.drop()
    await_link(lambda row: row.attempts >= 6)
    await_link(lambda row: 0 < row.attempts < 6 or begin())  # asked again at every look: a try that was under way counts as it did


@pytest.mark.parametrize("patience", [replace(QUICK, retries=0.001, reopening=0.5)], indirect=True)
def test_a_number_that_is_long_gone_shows_on_its_channel_until_it_is_back(opened, phones, await_link, channel):
    phones.drop()
    row = await_link(lambda row: row.attempts >= linking.LONG_GONE and row.retry_at)
    assert (row.wanted, row.ending, row.seen_at < row.retry_at) == (True, None, True)
    assert (channel().status, "tried again by itself" in channel().status_detail) == (ChannelStatus.FAILING, True)
    phones.come_back()
    await_link(LinkState.OPEN)
    assert (channel().status, channel().status_detail) == (ChannelStatus.CONNECTED, "")


def test_a_child_that_never_starts_ends_no_link(opened, box, await_link, watch):
    opened.stop()
    opened.close()
    with watching(box, driver="nowhere.to.be.found", patience=QUICK):
        row = await_link(lambda row: row.attempts > linking.MAX_DEAF)
        assert (row.wanted, row.ending, row.is_linked) == (True, None, True)
        assert "not installed or does not start" in row.last_error
    watch()
    await_link(LinkState.OPEN)


def test_who_waits_for_a_code_is_told_that_there_will_be_none(box, begin, await_link):
    with watching(box, driver="nowhere.to.be.found", patience=QUICK):
        begin()
        row = await_link(lambda row: row.ending is Ending.NO_LIBRARY)
    assert (row.wanted, row.state) == (False, LinkState.CLOSED)


def test_unlinking_tells_the_phone_and_destroys_the_keys(opened, phones, await_link, box, tenant_id, number):
    with box.unit(tenant_id) as uow:
        actions.unlink(uow, number)
    phones.await_(lambda: {"logout": True} in phones.asked)
    row = await_link(lambda row: row.store is None)
    assert (row.ending, row.is_linked, row.leaving) == (Ending.UNLINKED, False, False)


@pytest.fixture
def unlinked_offline(opened, phones, await_link, box, tenant_id, number):
    """Unlinked while the phone cannot be told."""
    phones.drop()
    await_link(LinkState.CLOSED)
    with box.unit(tenant_id) as uow:
        actions.unlink(uow, number)
    return await_link(lambda row: row.attempts >= 2)


def test_unlinking_that_could_not_be_told_is_told_when_the_line_is_back(unlinked_offline, phones, await_link):
    row = unlinked_offline
    assert (row.ending, row.leaving, row.is_linked, row.store is None) == (Ending.UNLINKED, True, True, False)
    assert row.retry_at < row.leave_by
    phones.come_back()
    phones.await_(lambda: {"logout": True} in phones.asked)
    row = await_link(lambda row: not row.leaving)
    assert (row.ending, row.is_linked, row.store, row.retry_at) == (Ending.UNLINKED, False, None, None)


def test_unlinking_that_was_never_told_ends_with_what_to_do_by_hand(unlinked_offline, await_link, channel, box, tenant_id, number):
    with box.unit(tenant_id) as uow:
        queries.lock_link(uow, number).leave_by = uow.now
    row = await_link(lambda row: not row.leaving)
    assert (row.ending, row.is_linked, row.store, row.wanted) == (Ending.UNTOLD, False, None, False)
    assert "by hand" in str(queries.explain(row.ending))
    assert channel().status is ChannelStatus.FAILING


@pytest.mark.usefixtures("unlinked_offline")
def test_keys_that_wait_for_the_phone_can_be_destroyed_at_once_or_used_again(phones, begin, await_link, box, tenant_id, number):
    phones.come_back()
    begin()
    assert await_link(LinkState.OPEN).leave_by is None
    with box.unit(tenant_id) as uow, pytest.raises(Conflict):
        actions.leave_untold(uow, number)
    phones.drop()
    with box.unit(tenant_id) as uow:
        actions.unlink(uow, number)
        row = actions.leave_untold(uow, number)
        assert (row.ending, row.is_linked, row.store, row.leaving) == (Ending.UNTOLD, False, None, False)


def test_stopping_ends_the_child_seals_its_keys_and_leaves_nothing_in_memory(opened, phones, await_link, watch, box):
    pid = phones.hellos[0]["pid"]
    opened.stop()
    row = await_link(LinkState.CLOSED)
    opened.close()
    assert row.wanted
    assert not Path(f"/proc/{pid}").exists()
    assert list(memory.keys_folder(box.settings.home).iterdir()) == []
    watch()
    await_link(LinkState.OPEN)
    assert phones.hellos[-1]["hello"] == ME


def test_a_linked_number_is_unlinked_before_its_channel_goes(opened, await_link, link, box, tenant_id, number):
    with pytest.raises(Conflict, match="Unlink"), box.unit(tenant_id) as uow:
        actions.delete_channel(uow, number)
    with box.unit(tenant_id) as uow:
        actions.unlink(uow, number)
    await_link(lambda row: not row.is_linked)
    with box.unit(tenant_id) as uow:
        actions.delete_channel(uow, number)


def test_a_deleted_channel_takes_its_child_and_its_keys_along(watch, begin, phones, await_link, box, tenant_id, number):
    running = watch()
    begin()
    phones.await_(lambda: phones.hellos)
    phones.say(wire.Qr("2@first", 20))
    await_link(LinkState.QR)
    with box.unit(tenant_id) as uow:
        actions.delete_channel(uow, number)
    deadline = time.monotonic() + 60
    while running.links.get(number) and running.links[number].is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not Path(f"/proc/{phones.hellos[0]['pid']}").exists()
    assert list(memory.keys_folder(box.settings.home).iterdir()) == []


def test_a_sealed_box_says_what_the_operator_must_change(box, watch, begin, await_link):
    box.outbound = Outbound(NetworkSettings())
    watch()
    begin()
    row = await_link(lambda row: row.ending is Ending.SEALED)
    assert "network.mode" in row.last_error


def test_a_link_that_breaks_as_soon_as_it_opens_is_tried_ever_more_seldom(opened, phones, await_link):
    for number in (2, 3, 4):
        phones.kill_driver()
        phones.await_(lambda number=number: len(phones.hellos) == number)
        await_link(LinkState.OPEN)
    phones.greeting = wire.Closed(503, "busy", final=True)
    phones.kill_driver()
    await_link(lambda row: row.attempts >= 5)


@pytest.fixture
def unheard(box, number):
    """A letter that a killed supervisor left."""
    room = Room(box.settings, number)
    room.open(None)
    Unheard(room.store).add(wire.encode(said()))
    return room.unheard


@pytest.fixture
def alter(box):
    def run(statement):
        with box.database.engine.begin() as connection:
            found = connection.exec_driver_sql(statement)
            return found.scalar() if found.returns_rows else None

    return run


def test_what_the_database_refuses_ends_the_link_with_a_sentence_and_stays_in_the_room(watch, begin, await_link, channel, unheard, alter):
    alter("CREATE TRIGGER refused BEFORE INSERT ON channel_envelopes BEGIN SELECT RAISE(ABORT, 'refused'); END")
    watch()
    begin()
    row = await_link(lambda row: row.ending is Ending.UNWRITTEN)
    assert (row.wanted, len(unheard())) == (False, 1)
    assert "could not be written down" in channel().status_detail
    alter("DROP TRIGGER refused")
    begin()
    await_link(lambda row: alter("SELECT count(*) FROM channel_envelopes") == 1)


def test_a_database_that_is_away_holds_up_no_stop(watch, begin, number, unheard, alter):
    alter("ALTER TABLE channel_envelopes RENAME TO elsewhere")
    sessions = watch()
    begin()
    deadline = time.monotonic() + 60
    while (link := sessions.links.get(number)) is None or not link.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sessions.stop()
    link.join(60)
    assert (link.is_alive(), len(unheard())) == (False, 1)
