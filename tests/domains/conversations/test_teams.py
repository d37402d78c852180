"""Teams, who gets what comes, and who is told."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from appliance.core.dispatch import LIVE_CHANNEL
from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.ids import new_id
from appliance.core.outbox import OutboxRow
from appliance.core.uow import Actor
from appliance.core.web import PageQuery
from appliance.domains.contacts import actions as contacts
from appliance.domains.conversations import actions, jobs, queries
from appliance.domains.conversations.actions import notices as telling
from appliance.domains.conversations.actions import teams as acting
from appliance.domains.conversations.queries import InboxFilter, notices, teams
from appliance.domains.conversations.rules.dealing import Seat, next_of
from appliance.domains.conversations.rules.mentions import find_mentioned
from appliance.domains.conversations.schemas import TeamIn, TeamPatch
from appliance.domains.identity.tables import LoginSession
from appliance.domains.identity.types import SessionKind
from tests import cast as people

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
ANA, BIA, CAIO = new_id(), new_id(), new_id()


def test_the_next_goes_to_who_is_there_and_has_least_then_to_who_waited_longest():
    seats = [Seat(ANA, True, 2, None), Seat(BIA, False, 0, None), Seat(CAIO, True, 1, NOON)]
    assert next_of(seats) == CAIO
    assert next_of([Seat(ANA, True, 1, NOON), Seat(CAIO, True, 1, NOON - timedelta(hours=1))]) == CAIO
    assert next_of([Seat(ANA, True, 1, NOON), Seat(CAIO, True, 1, None)]) == CAIO
    assert next_of([Seat(BIA, False, 0, None)]) is None


@given(st.lists(st.booleans(), min_size=1, max_size=6), st.integers(1, 40))
def test_dealt_in_turn_nobody_present_is_two_ahead_of_another(present, times):
    ids = [new_id() for _ in present]
    given_of = dict.fromkeys(ids, 0)
    for turn in range(times):
        seats = [Seat(each, here, given_of[each], None) for each, here in zip(ids, present, strict=True)]
        chosen = next_of(seats)
        if chosen is None:
            assert not any(present)
            return
        given_of[chosen] += 1
        assert turn + 1 == sum(given_of.values())
    counts = [given_of[each] for each, here in zip(ids, present, strict=True) if here]
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("@Ana Prado vê isto?", {ANA}), ("oi @ana prado, @CAIO", {ANA, CAIO}), ("@Ana Paula", {BIA}), ("@Ana sozinha", set()),
        ("mail para x@caio.example", set()), ("@Caiox", set()), ("caio", set()), ("(@Caio)", {CAIO}),
    ],
)  # fmt: skip
def test_who_is_meant_in_a_note(text, meant):
    assert find_mentioned(text, {ANA: "Ana Prado", BIA: "Ana Paula", CAIO: "Caio Dias", new_id(): " "}) == meant


@pytest.fixture
def attendants(box, tenant_id):
    """Two who are at the box."""
    found = [people.with_role(box, tenant_id, "agent").user_id for _ in range(2)]
    for user_id in found:
        at_the_box(box, tenant_id, user_id)
    return found


def at_the_box(box, tenant_id, user_id, **ago):
    with box.unit(tenant_id) as uow:
        uow.session.add(
            LoginSession(
                user_id=user_id, tenant_id=tenant_id, kind=SessionKind.BROWSER, secret_sha256=new_id().hex, created_at=uow.now,
                last_seen_at=uow.now - timedelta(**ago), expires_at=uow.now + timedelta(days=1),
            )
        )  # fmt: skip


def team_of(box, tenant_id, member_ids, **options):
    with box.unit(tenant_id) as uow:
        return acting.create_team(uow, TeamIn(name=f"Time {new_id()}", member_ids=member_ids, **options)).id


def found(box, tenant_id, conversation_id):
    with box.unit(tenant_id, read_only=True) as uow:
        return queries.get_conversation(uow, conversation_id)


def test_what_is_given_to_a_team_is_dealt_in_turn(box, tenant_id, says, attendants):
    team_id = team_of(box, tenant_id, attendants)
    given_to = []
    for number in range(4):
        with box.unit(tenant_id) as uow:
            given_to.append(acting.give_to_team(uow, says("oi", visitor=str(number)), team_id=team_id).assignee_id)
    assert sorted(given_to[:2]) == sorted(given_to[2:]) == sorted(attendants)
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.list_conversations(uow, InboxFilter(team_id=team_id), PageQuery()).total == 4


def test_a_team_that_does_not_deal_or_is_away_lets_it_wait_for_the_first(box, tenant_id, says, bruno, attendants):
    at_the_box(box, tenant_id, bruno, minutes=16)
    for team_id in (team_of(box, tenant_id, attendants, deals=False), team_of(box, tenant_id, [bruno])):
        conversation_id = says("oi", visitor=str(team_id))
        with box.unit(tenant_id) as uow:
            acting.give_to_team(uow, conversation_id, team_id=team_id)
        given = found(box, tenant_id, conversation_id)
        assert (given.team_id, given.assignee_id, given.waiting_since is not None) == (team_id, None, True)


def test_what_the_bot_gives_up_goes_to_the_team_that_takes_it(box, tenant_id, says, attendants, run_deliveries):
    team_of(box, tenant_id, [], takes_handoffs=True)
    team_id = team_of(box, tenant_id, attendants, takes_handoffs=True)
    conversation_id = says("quero uma pessoa")
    run_deliveries()
    with box.unit(tenant_id) as uow:
        assert sum(team.takes_handoffs for team in teams.list_teams(uow)) == 1
        actions.hand_off(uow, conversation_id, reason="wants_person")
    run_deliveries()
    given = found(box, tenant_id, conversation_id)
    assert (given.team_id, given.assignee_id in attendants, given.waiting_since) == (team_id, True, None)
    with box.unit(tenant_id) as uow:
        actions.assign(uow, conversation_id, user_id=None)
    run_deliveries()
    assert found(box, tenant_id, conversation_id).assignee_id is None


def test_who_comes_later_gets_what_waited(box, tenant_id, says, bruno, run_deliveries, time_machine_now):
    team_of(box, tenant_id, [bruno], takes_handoffs=True)
    conversation_id = says("quero uma pessoa")
    with box.unit(tenant_id) as uow:
        actions.hand_off(uow, conversation_id, reason="wants_person")
    run_deliveries()
    assert found(box, tenant_id, conversation_id).waiting_since is not None
    time_machine_now(minutes=11)
    at_the_box(box, tenant_id, bruno)
    jobs.remind_of_waiting(box)
    run_deliveries()
    assert found(box, tenant_id, conversation_id).assignee_id == bruno


def test_without_a_team_nothing_is_dealt(box, tenant_id, says):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        assert not acting.deal_waiting(uow, conversation_id)
        actions.hand_off(uow, conversation_id, reason="wants_person")
        assert not acting.deal_waiting(uow, conversation_id)
        assert acting.give_to_team(uow, conversation_id, team_id=None).team_id is None


def test_a_team_is_changed_and_deleted_and_its_conversations_stay_with_their_people(box, tenant_id, says, attendants):
    team_id, other = team_of(box, tenant_id, attendants), team_of(box, tenant_id, [])
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        assignee = acting.give_to_team(uow, conversation_id, team_id=team_id).assignee_id
        name = teams.get_team(uow, other).name
    with box.unit(tenant_id) as uow:
        changed = acting.change_team(uow, team_id, TeamPatch(member_ids=attendants[:1]))
        assert [member.user_id for member in changed.members] == attendants[:1]
        acting.change_team(uow, team_id, TeamPatch(deals=False))
    with pytest.raises(Conflict), box.unit(tenant_id) as uow:
        acting.change_team(uow, team_id, TeamPatch(name=name))
    with box.unit(tenant_id) as uow:
        acting.delete_team(uow, team_id)
    left = found(box, tenant_id, conversation_id)
    assert (left.team_id, left.assignee_id) == (None, assignee)
    with pytest.raises(NotFound), box.unit(tenant_id, read_only=True) as uow:
        teams.get_team(uow, team_id)


def test_nobody_from_outside_is_in_a_team(box, tenant_id, other_tenant_id):
    stranger = people.with_role(box, other_tenant_id, "agent").user_id
    with pytest.raises(Refused):
        team_of(box, tenant_id, [stranger])


def test_who_is_named_in_a_note_or_given_a_conversation_is_told_once(box, tenant_id, says, bruno):
    conversation_id = says("oi")
    ana = people.with_role(box, tenant_id, "manager")
    with box.unit(tenant_id, ana.actor) as uow:
        name = people.queries.names_of(uow, [bruno])[bruno]
        actions.add_note(uow, conversation_id, user_id=ana.user_id, text=f"@{name} liga para ela, @{ana.name}?")
        actions.assign(uow, conversation_id, user_id=bruno)
        actions.assign(uow, conversation_id, user_id=ana.user_id)
    with box.unit(tenant_id, Actor("user", bruno, name)) as uow:
        told = notices.list_notices(uow, bruno)
        assert [(one.kind.value, one.by_id) for one in told] == [("assigned", ana.user_id), ("mentioned", ana.user_id)]
        assert notices.list_notices(uow, ana.user_id) == []
        assert notices.count_new_notices(uow, bruno) == 2
        assert telling.mark_seen(uow, user_id=bruno, conversation_id=new_id()) == 0
        assert telling.mark_seen(uow, user_id=bruno) == 2
        assert notices.count_new_notices(uow, bruno) == 0


def test_what_was_seen_is_forgotten_after_ninety_days_and_what_was_not_stays(box, tenant_id, says, bruno, time_machine_now):
    one, two = says("oi"), says("oi", visitor="beto")
    with box.unit(tenant_id) as uow:
        actions.assign(uow, one, user_id=bruno)
        telling.mark_seen(uow, user_id=bruno)
        actions.assign(uow, two, user_id=bruno)
    time_machine_now(days=89)
    jobs.forget_old_notices(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert len(notices.list_notices(uow, bruno)) == 2
    time_machine_now(days=2)
    jobs.forget_old_notices(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert [one.seen_at for one in notices.list_notices(uow, bruno)] == [None]


def test_erasing_a_person_erases_what_was_told_of_them(box, tenant_id, says, bruno):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        actions.assign(uow, conversation_id, user_id=bruno)
        contacts.delete_contact(uow, queries.get_conversation(uow, conversation_id).contact_id)
    with box.unit(tenant_id, read_only=True) as uow:
        assert notices.list_notices(uow, bruno) == []


def test_teams_and_notices_over_the_api(client, says):
    conversation_id = says("oi")
    team = client.post("/api/v1/teams", json={"name": "Vendas", "takes_handoffs": True}).json
    assert client.patch(f"/api/v1/teams/{team['id']}", json={"deals": False}).json["takes_handoffs"]
    given = client.post(f"/api/v1/conversations/{conversation_id}/team", json={"team_id": team["id"]}).json
    assert (given["team_id"], given["handoff_reason"]) == (team["id"], "team")
    assert client.get(f"/api/v1/conversations?team={team['id']}").json["total"] == 1
    assert [each["name"] for each in client.get("/api/v1/teams").json] == ["Vendas"]
    assert client.get("/api/v1/notices").json == []
    assert client.post("/api/v1/notices/seen").status_code == 204
    assert client.delete(f"/api/v1/teams/{team['id']}").status_code == 204
    assert client.get(f"/api/v1/teams/{team['id']}").status_code == 404


def test_who_has_a_conversation_open_is_whispered_and_kept_nowhere(client, box, tenant_id, says):
    conversation_id = says("oi")
    heard = box.redis.pubsub(ignore_subscribe_messages=True)
    heard.subscribe(LIVE_CHANNEL)
    heard.get_message(timeout=60)  # subscribed
    address = f"/api/v1/conversations/{conversation_id}/presence"
    assert client.post(address, json={"state": "typing"}).status_code == 204
    assert client.post(address, json={"state": "asleep"}).status_code == 422
    assert client.post(f"/api/v1/conversations/{new_id()}/presence", json={"state": "reading"}).status_code == 404
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(OutboxRow).where(OutboxRow.name == "person.here")).all() == []
    said = json.loads(heard.get_message(timeout=60)["data"])
    heard.close()
    assert (said["event"], said["ids"]["conversation_id"], said["ids"]["state"]) == ("person.here", str(conversation_id), "typing")
    assert "seq" not in said
