"""What a person opens is read for contacts of the Cloud API too, and who writes is seen: asked of a peer that holds to Meta's rules."""

import time

import pytest

from appliance.core.dispatch import LIVE_CHANNEL
from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.domains.agents.events import AgentWriting
from appliance.domains.channels import actions as channels
from appliance.domains.channels import queries
from appliance.domains.channels.gateways.cloud import courtesy
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as conversations_queries
from appliance.domains.conversations.types import Presence
from appliance.entrypoints.cloud_courtesies import MOST_WAITING, CloudCourtesies
from appliance.entrypoints.courtesies import Courtesies
from tests.peers.graph import Misbehaviour, text_webhook

ANA = Actor("user", new_id(), "Ana Prado")
pytestmark = pytest.mark.only_database("sqlite")


def wait(condition, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def heard(box):
    """The listener of the process that watches over links, without a link."""
    courtesies = Courtesies(box, dict)
    courtesies.start()
    wait(lambda: box.redis.pubsub_numsub(LIVE_CHANNEL)[0][1])
    yield courtesies
    courtesies.stop()
    courtesies.join(60)


@pytest.fixture
def asked(post, inbox, conversation_id):
    post(text_webhook("tudo bem?", first_id="wamid.SECOND"))
    return conversation_id


@pytest.fixture
def open_it(box, tenant_id, asked):
    def run():
        with box.unit(tenant_id, ANA) as uow:
            conversations.mark_read(uow, asked)

    return run


@pytest.mark.usefixtures("heard")
def test_what_a_person_opens_is_read_and_who_writes_is_seen(open_it, here, graph, box, tenant_id, asked):
    open_it()
    wait(lambda: graph.read == [("wamid.SECOND0", False)])
    here(Presence.NOTING)
    here(Presence.TYPING)
    here(Presence.TYPING)
    wait(lambda: graph.read[1:] == [("wamid.SECOND0", True)])
    here(Presence.READING)
    with box.unit(tenant_id) as uow:
        uow.whisper(AgentWriting(asked, writes=True))
    wait(lambda: graph.read[2:] == [("wamid.SECOND0", True)])


@pytest.mark.usefixtures("heard")
def test_a_channel_that_keeps_it_to_itself_tells_neither(open_it, here, graph, box, tenant_id, cloud):
    def allow(**config):
        with box.unit(tenant_id) as uow:
            channels.change_channel(uow, cloud, ChannelPatch(config=config))

    allow(shows_typing=False, marks_read=True)
    here(Presence.TYPING)
    open_it()
    wait(lambda: graph.read)
    assert graph.read == [("wamid.SECOND0", False)]


@pytest.mark.usefixtures("heard")
def test_only_what_was_shown_is_marked(post, box, tenant_id, asked, graph, here):
    with box.unit(tenant_id, read_only=True) as uow:
        shown = conversations_queries.get_conversation(uow, asked).last_number
    post(text_webhook("mais uma", first_id="wamid.LATER"))
    with box.unit(tenant_id, ANA) as uow:
        assert conversations.mark_read(uow, asked, shown=shown).unread_count == 1
    wait(lambda: graph.read == [("wamid.SECOND0", False)])
    with box.unit(tenant_id, ANA) as uow:
        assert conversations.mark_read(uow, asked, shown=shown).unread_count == 1
    here(Presence.TYPING)
    wait(lambda: graph.read[1:] == [("wamid.SECOND0", True)])


MORE = ["wamid.MORE0", "wamid.MORE1", "wamid.MORE2"]


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("refusal", "taken"),
    [(Misbehaviour(status=429, code=130429), []), (Misbehaviour(status=400, code=131009), [(one, False) for one in MORE])],
)
def test_a_channel_rests_after_a_refusal_unless_it_is_about_one_message(box, tenant_id, post, cloud, graph, refusal, taken):
    post(text_webhook("a", "b", "c", first_id="wamid.MORE"))
    told = CloudCourtesies(box)
    graph.misbehave.append(refusal)
    for message_id in ("wamid.SECOND0", *MORE):
        told.take_read(tenant_id, cloud, message_id)
    before = graph.requests
    told.start()
    wait(lambda: told.waiting == 0)
    told.stop()
    told.join(60)
    assert (graph.requests, graph.read) == (before + 1 + len(taken), taken)


def test_a_refused_read_mark_is_called_one(box, tenant_id, asked, cloud):
    with box.unit(tenant_id, read_only=True) as uow:
        account = queries.get_account(uow, cloud)
    with pytest.raises(Refused) as raised:
        courtesy.acknowledge(box, account, "unknown", writes=False)
    assert str(raised.value) == "WhatsApp refused the read mark (code 100): Invalid parameter"


def test_writing_is_told_again_while_it_lasts_with_what_was_seen_last_and_what_is_too_much_is_left_out(box, tenant_id, cloud):
    told = CloudCourtesies(box)
    told.take_writing(tenant_id, cloud, "chat", "first", for_s=45)
    told.take_writing(tenant_id, cloud, "chat", "second", for_s=45)
    assert told.waiting == 1
    told.do_what_is_due(time.monotonic() + 21)
    assert told.waiting == 2
    told.end_writing(cloud, "chat")
    told.do_what_is_due(time.monotonic() + 42)
    assert told.waiting == 2
    for number in range(MOST_WAITING * 2):
        told.take_read(tenant_id, cloud, str(number))
    assert told.waiting == MOST_WAITING
    told.take_read(new_id(), cloud, "of another organisation")
    assert told.waiting == MOST_WAITING + 1
    told.end_writing(new_id(), "chat")
