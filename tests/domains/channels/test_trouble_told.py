"""A channel that stops is told to those who can mend it, and a message that waits says what for."""

from datetime import timedelta

import pytest

from appliance.core import timekeeping
from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.tables import Channel
from appliance.domains.channels.types import RISK_VERSION, Ending
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.types import MessageStatus
from tests import cast as people
from tests.factories.channels import make_mailbox
from tests.factories.conversations import make_conversation


@pytest.fixture
def told(box, tenant_id):
    owner, attendant = (people.with_role(box, tenant_id, role).user_id for role in ("admin", "agent"))

    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            assert threads.list_notices(uow, attendant) == []
            return [(one.kind.value, one.channel_id, one.conversation_id) for one in threads.list_notices(uow, owner)]

    return read


@pytest.fixture
def number(box, tenant_id):
    with box.unit(tenant_id) as uow:
        channel = actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name="Loja"))
        actions.accept_risk(uow, channel.id, RISK_VERSION)
        actions.begin_link(uow, channel.id)
        actions.note_open(uow, channel.id, jid="5511955550101@s.whatsapp.net", lid="", push_name="Loja")
        return channel.id


@pytest.mark.parametrize("ending", [Ending.LOGGED_OUT, Ending.BANNED, Ending.REPLACED, Ending.UNTOLD])
def test_who_may_mend_it_hears_once_that_a_number_has_ended(box, tenant_id, number, told, run_deliveries, ending):
    for _again in range(2):
        with box.unit(tenant_id) as uow:
            actions.end_link(uow, number, ending)
        run_deliveries()
    assert told() == [("channel_down", number, None)]
    with box.unit(tenant_id) as uow:
        actions.begin_link(uow, number)
    run_deliveries()
    assert told() == []


def test_who_unlinked_it_needs_no_notice(box, tenant_id, number, told, run_deliveries):
    with box.unit(tenant_id) as uow:
        actions.unlink(uow, number)
    run_deliveries()
    assert told() == []


def test_a_mailbox_that_stops_is_told_until_it_can_be_read_again(box, tenant_id, told, run_deliveries):
    with box.unit(tenant_id) as uow:
        mailbox = make_mailbox(uow)
        actions.note_mailbox_trouble(uow, mailbox, Refused("535 wrong password"))
    run_deliveries()
    assert told() == [("channel_down", mailbox, None)]
    with box.unit(tenant_id) as uow:
        actions.open_mailbox(uow, mailbox, source="INBOX", validity=1, last_uid=0)
    run_deliveries()
    assert told() == []


@pytest.fixture
def written(box, tenant_id, number):
    """A message to somebody who wrote to the number."""
    with box.unit(tenant_id) as uow:
        talk = threads.get_conversation(uow, make_conversation(uow))
        talk.channel_id, talk.channel_kind = number, "whatsapp_qr"
        return conversations.reply(uow, talk.id, user_id=new_id(), content={"text": "Pois não"}).id


@pytest.fixture
def message(box, tenant_id, written):
    def read():
        with box.unit(tenant_id, read_only=True) as uow:
            return threads.get_message(uow, written)

    return read


def test_a_message_says_that_the_number_is_not_connected(box, tenant_id, number, written, message, run_deliveries, client):
    with box.unit(tenant_id) as uow:
        actions.end_link(uow, number, Ending.LOGGED_OUT)
    run_deliveries()
    kept = message()
    assert (kept.status, kept.error_code) == (MessageStatus.QUEUED, "not_connected")
    listed = client.get(f"/api/v1/conversations/{kept.conversation_id}/messages").json["items"]
    (shown,) = [one for one in listed if one["id"] == str(written)]
    assert shown["error"] == "The number is not connected. It goes once the number is linked again."


@pytest.mark.parametrize(("hours", "why"), [(20, "daily_limit"), (0.5, "pace")])
def test_a_message_says_until_when_its_number_holds_it(box, tenant_id, number, message, run_deliveries, hours, why):
    with box.unit(tenant_id) as uow:
        held = uow.session.get(Channel, number)
        held.next_slot_at = uow.now + timedelta(hours=hours)
    run_deliveries()
    kept = message()
    assert (kept.status, kept.error_code, kept.send_after) == (MessageStatus.QUEUED, why, held.next_slot_at)


def test_a_message_says_that_its_channel_rests(box, tenant_id, number, message, run_deliveries):
    with box.unit(tenant_id) as uow:
        queries.lock_channel(uow, number).paused_until = uow.now + timedelta(minutes=5)
    run_deliveries()
    kept = message()
    assert (kept.status, kept.error_code, kept.send_after) == (MessageStatus.QUEUED, "channel_rests", None)


def test_turns_and_rests_wait_no_longer_for_a_clock_that_was_put_back(box, tenant_id, number, message, run_deliveries):
    day = timedelta(days=1)
    with box.unit(tenant_id) as uow:
        uow.session.get(Channel, number).next_slot_at = uow.now + 2 * day
    run_deliveries()
    turn = message().send_after
    with box.unit(tenant_id) as uow:
        queries.lock_channel(uow, number).paused_until = uow.now + 2 * day
    with box.unit(tenant_id, read_only=True) as uow:
        before = _waits(uow, number)
    timekeeping.heed_put_back(box, day)
    with box.unit(tenant_id, read_only=True) as uow:
        assert _waits(uow, number) == [moment - day for moment in before]
    assert message().send_after == turn - day


def _waits(uow, number):
    channel = uow.session.get(Channel, number)
    return [channel.next_slot_at, channel.paused_until]
