"""A visitor's stream tells of their own conversation, tells nothing of it but that there is news, and takes nobody's place."""

from collections import Counter

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from appliance.core.errors import TooMany
from appliance.core.ids import new_id
from appliance.core.live import RESET, Hub, Note
from appliance.domains.channels import actions
from appliance.domains.channels.schemas import ChannelIn, ChannelPatch
from appliance.domains.channels.types import Visit
from appliance.domains.conversations.types import MessageKind
from appliance.entrypoints import visitors
from appliance.entrypoints.visitors import MOST_OF_A_TENANT, MOST_OF_A_VISITOR, VisitorStreams, is_news
from tests.loops import run_async

pytestmark = pytest.mark.only_database("sqlite")
OWN = new_id()


@pytest.mark.parametrize(
    ("event", "more", "told"),
    [
        ("message_status.changed", {"status": "sent"}, True),
        ("message_status.changed", {"status": "queued"}, False),
        ("message_status.changed", {"status": "failed"}, False),
        ("message.received", {}, True),
        ("conversation.changed", {}, True),
        ("handoff.requested", {}, True),
        ("internal_note.added", {}, False),
        ("message.queued", {}, False),
        ("contact.changed", {}, False),
    ],
)
def test_a_visitor_hears_of_what_they_can_see_in_their_own_conversation(event, more, told):
    assert is_news(Note(1, event, {"conversation_id": str(OWN), **more}), OWN) is told
    assert not is_news(Note(1, event, {"conversation_id": str(new_id()), **more}), OWN)


def test_a_visitor_is_told_that_somebody_of_the_team_writes_to_them_and_not_who():
    writers = set()

    def told(user, state, conversation=OWN):
        note = Note(0, "person.here", {"conversation_id": str(conversation), "user_id": user, "state": state})
        return visitors.line_of(note, OWN, writers)

    assert told("ana", "reading") == told("ana", "noting") == told("ana", "typing", new_id()) == ""
    assert told("ana", "typing") == told("bruno", "typing") == visitors.WRITING
    assert (told("ana", "reading"), told("bruno", "left"), told("bruno", "left")) == ("", visitors.STILL, "")
    assert "ana" not in visitors.WRITING + visitors.STILL


def test_a_visitor_who_missed_too_much_is_told_to_look():
    assert is_news(Note(1, RESET, {}), OWN)


@pytest.fixture
def chat(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return actions.create_channel(uow, ChannelIn(kind="webchat", name="Site", config={"title": "Solara"}))


@pytest.fixture
def door(box):
    return TestClient(Starlette(routes=[Route(visitors.PATH, VisitorStreams(box, Hub(box)).answer)]))


def knock(door, chat, token):
    return door.get(f"/chat/{chat.external_id}/events", headers={"X-Visitor": token}).status_code


def test_nobody_listens_without_a_token_or_before_they_wrote_or_while_the_chat_is_closed(box, tenant_id, chat, door):
    token = actions.welcome_visitor(box, chat.external_id)
    assert [knock(door, chat, shown) for shown in ("", "0" * 32 + token[32:], token)] == [401, 401, 404]
    visit = actions.recognise_visitor(box, chat.external_id, token)
    with box.unit(tenant_id) as uow:
        actions.receive_visitor(uow, visit, "m1", MessageKind.TEXT, {"text": "oi"})
        actions.change_channel(uow, chat.id, ChannelPatch(active=False))
    assert knock(door, chat, token) == 404


def test_visitors_never_take_the_places_of_the_team(box, tenant_id):
    streams = VisitorStreams(box, Hub(box))
    visit = Visit(tenant_id, new_id(), "me", is_open=True)
    streams._check_room(visit)
    for held in ({(tenant_id, "me"): MOST_OF_A_VISITOR}, {(tenant_id, f"v{n}"): 1 for n in range(MOST_OF_A_TENANT)}):
        streams._open = Counter(held)
        with pytest.raises(TooMany):
            streams._check_room(visit)


def test_a_stream_that_ends_gives_its_place_back(box, tenant_id):
    streams = VisitorStreams(box, Hub(box))
    visit = Visit(tenant_id, new_id(), "me", is_open=True)

    async def listen():
        lines = streams._lines(None, visit, OWN)
        first = await anext(lines)
        held = streams._open.total()
        await lines.aclose()
        return first, held

    assert run_async(listen()) == (": still here\n\n", 1)
    assert streams._open.total() == 0
