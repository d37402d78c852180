"""Clocks of a conversation: they begin when somebody waits for people, stand still, end, and are told of."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from appliance.core.errors import Conflict, NotFound
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.core.web import PageQuery
from appliance.domains.conversations import actions, jobs, queries
from appliance.domains.conversations.actions import service_levels
from appliance.domains.conversations.queries import InboxFilter
from appliance.domains.conversations.queries import promises as made
from appliance.domains.conversations.schemas import MacroIn, SlaPolicyIn, TeamIn
from appliance.domains.conversations.tables import SlaPromise
from appliance.domains.conversations.types import Deadline, Order, Priority, PromiseEnd, PromiseKind, Reading, Signal, Topic
from appliance.domains.identity import actions as identity
from appliance.domains.identity.queries import get_calendar
from appliance.domains.identity.schemas import DayOff, HoursIn
from tests import cast as people
from tests.suspending import resume, suspend

# what is Python is told on one database, what is SQL on both
pytestmark = pytest.mark.only_database("sqlite")
on_both = pytest.mark.only_database("sqlite", "postgresql")

FIRST, NEXT, RESOLUTION = PromiseKind
NORMAL = {"first_reply": 20, "next_reply": 60, "resolution": 600}
ALL = {"normal": NORMAL, "urgent": {"first_reply": 5, "resolution": 120}, "high": {"first_reply": 10}}


@pytest.fixture(autouse=True)
def policy(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return service_levels.create_policy(uow, SlaPolicyIn(name="Padrão", targets=ALL)).id


@pytest.fixture
def ana(box, tenant_id):
    return people.with_role(box, tenant_id, "manager")


@pytest.fixture
def waiting(box, tenant_id, says):
    """Handed to people, and nobody has it yet."""
    conversation_id = says("quero uma pessoa")
    with box.unit(tenant_id) as uow:
        actions.hand_off(uow, conversation_id, reason="wants_person")
    return conversation_id


@pytest.fixture
def do(box, tenant_id, bruno):
    """As Bruno."""

    def act(action, *given, **named):
        with box.unit(tenant_id, Actor("user", bruno, "Bruno")) as uow:
            return action(uow, *given, **named)

    return act


@pytest.fixture
def found(box, tenant_id):
    def look(conversation_id):
        with box.unit(tenant_id, read_only=True) as uow:
            conversation = queries.get_conversation(uow, conversation_id)
            rows = uow.session.scalars(select(SlaPromise).order_by(SlaPromise.started_at, SlaPromise.id)).all()
            return conversation, {row.kind: row for row in rows if row.conversation_id == conversation_id}, uow.now

    return look


def left(promise, now):
    return round((promise.due_at - now).total_seconds() / 60)


def test_the_bot_owes_nothing_and_who_waits_for_people_is_promised_an_answer_and_an_end(says, found, waiting):
    alone, none, _now = found(says("oi", visitor="beto"))
    assert (alone.sla_due_at, none) == (None, {})
    conversation, running, now = found(waiting)
    assert {kind: left(row, now) for kind, row in running.items()} == {FIRST: 20, RESOLUTION: 600}
    assert conversation.sla_due_at == running[FIRST].due_at


def test_an_answer_keeps_the_promise_and_the_next_message_makes_another(says, found, waiting, do, bruno, time_machine_now):
    time_machine_now(minutes=10)
    do(actions.reply, waiting, user_id=bruno, content={"text": "Oi, sou o Bruno."})
    conversation, rows, _now = found(waiting)
    assert (rows[FIRST].end, conversation.sla_due_at) == (PromiseEnd.MET, rows[RESOLUTION].due_at)
    says("e o prazo?")
    says("alô?")
    conversation, rows, now = found(waiting)
    assert (left(rows[NEXT], now), conversation.sla_due_at) == (60, rows[NEXT].due_at)
    time_machine_now(minutes=61)
    do(actions.reply, waiting, user_id=bruno, content={"text": "Amanhã."})
    do(actions.resolve, waiting)
    conversation, rows, _now = found(waiting)
    assert {kind: row.end for kind, row in rows.items()} == {FIRST: PromiseEnd.MET, NEXT: PromiseEnd.MISSED, RESOLUTION: PromiseEnd.MET}
    assert conversation.sla_due_at is None


@on_both
def test_put_aside_the_clock_stands_still_and_goes_on_with_what_was_left(says, found, waiting, do, time_machine_now):
    time_machine_now(minutes=5)
    do(actions.set_pending, waiting)
    assert found(waiting)[0].sla_due_at is None
    time_machine_now(days=2)
    says("voltei")
    conversation, rows, now = found(waiting)
    assert (left(rows[FIRST], now), left(rows[RESOLUTION], now)) == (15, 595)
    do(actions.snooze, waiting, until=now + timedelta(hours=1))
    time_machine_now(hours=2)
    jobs.wake_snoozed(conversation_box(do))
    conversation, rows, now = found(waiting)
    assert (left(rows[FIRST], now), conversation.sla_due_at) == (15, rows[FIRST].due_at)


def conversation_box(do):
    return do(lambda uow: uow.box)


def test_what_was_missed_is_not_mended_by_putting_it_aside(found, waiting, do, time_machine_now):
    time_machine_now(minutes=30)
    do(actions.set_pending, waiting)
    do(actions.resolve, waiting)
    assert found(waiting)[1][FIRST].end is PromiseEnd.MISSED


def test_resolved_by_mistake_it_is_as_before_and_given_back_to_the_bot_nothing_is_owed(box, tenant_id, found, waiting, do):
    before = found(waiting)[0].sla_due_at
    do(actions.resolve, waiting)
    assert found(waiting)[1][FIRST].end is PromiseEnd.DROPPED
    do(actions.reopen, waiting)
    conversation, rows, _now = found(waiting)
    assert (conversation.sla_due_at, rows[FIRST].end) == (before, None)
    do(actions.hand_back, waiting)
    conversation, rows, _now = found(waiting)
    assert (conversation.sla_due_at, {row.end for row in rows.values()}) == (None, {PromiseEnd.DROPPED})


def test_more_urgent_is_measured_anew_with_what_passed_taken_off(found, waiting, do, time_machine_now):
    time_machine_now(minutes=2)
    do(actions.set_priority, waiting, Priority.URGENT)
    conversation, rows, now = found(waiting)
    assert (left(rows[FIRST], now), left(rows[RESOLUTION], now), conversation.priority) == (3, 118, Priority.URGENT)
    do(actions.set_priority, waiting, Priority.LOW)
    conversation, rows, _now = found(waiting)
    assert (conversation.sla_due_at, rows[FIRST].end) == (None, PromiseEnd.DROPPED)
    do(actions.set_priority, waiting, Priority.HIGH)
    assert found(waiting)[0].sla_due_at is not None


def test_a_late_one_stays_late_and_one_put_aside_is_measured_anew_too(found, waiting, do, time_machine_now):
    do(actions.set_pending, waiting)
    do(actions.set_priority, waiting, Priority.URGENT)
    assert found(waiting)[0].sla_due_at is None
    assert {round(row.left_s / 60) for row in found(waiting)[1].values()} == {5, 120}
    do(actions.reopen, waiting)
    time_machine_now(minutes=6)
    late = found(waiting)[1][FIRST].due_at
    do(actions.set_priority, waiting, Priority.NORMAL)
    assert found(waiting)[1][FIRST].due_at == late


def test_whoever_is_read_as_complaining_is_more_urgent_until_somebody_says_otherwise(do, says):
    conversation_id = says("isto é um absurdo")
    message_id = do(queries.list_messages, conversation_id)[0].id
    complaining = Reading(Topic.COMPLAINT, frozenset({Signal.COMPLAINT}))
    do(actions.keep_reading, message_id, complaining, passing=False)
    assert do(queries.get_conversation, conversation_id).priority is Priority.HIGH
    do(actions.set_priority, conversation_id, Priority.LOW)
    do(actions.keep_reading, message_id, complaining, passing=False)
    assert do(queries.get_conversation, conversation_id).priority is Priority.LOW


def test_a_complaint_handed_off_is_more_urgent_and_starts_afresh_after_it_was_resolved(box, tenant_id, says, found, do, bruno):
    conversation_id = says("quero reclamar")
    do(actions.hand_off, conversation_id, reason="complaint")
    conversation, rows, now = found(conversation_id)
    assert (conversation.priority, left(rows[FIRST], now), RESOLUTION in rows) == (Priority.HIGH, 10, False)
    do(actions.resolve, conversation_id)
    says("oi de novo")
    assert found(conversation_id)[0].priority is Priority.NORMAL


@on_both
def test_near_and_missed_are_told_once_each(box, tenant_id, waiting, do, bruno, ana, time_machine_now):
    def kinds(user_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return [one.kind.value for one in queries.list_notices(uow, user_id)]

    do(actions.take_over, waiting, user_id=bruno)
    for minutes, bruno_hears, ana_hears in ((14, [], []), (2, ["due_soon"], []), (5, ["overdue", "due_soon"], ["overdue"])):
        time_machine_now(minutes=minutes)
        jobs.tell_of_deadlines(box)
        jobs.tell_of_deadlines(box)
        assert (kinds(bruno), kinds(ana.user_id)) == (bruno_hears, ana_hears)
    assert not do(actions.tell_due, waiting)


def test_of_a_suspended_organisation_nothing_is_told_until_it_goes_on(box, tenant_id, waiting):
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(SlaPromise).values(tell_at=uow.now - timedelta(minutes=1)))

    def is_to_tell():
        with box.whole_box("test", read_only=True) as uow:
            due = select(SlaPromise).where(SlaPromise.conversation_id == waiting, SlaPromise.tell_at <= uow.now)
            return uow.session.scalars(due).all() != []

    suspend(box, tenant_id)
    jobs.tell_of_deadlines(box)
    assert is_to_tell()
    resume(box, tenant_id)
    jobs.tell_of_deadlines(box)
    assert not is_to_tell()


def test_a_box_that_slept_tells_only_that_it_was_missed(box, tenant_id, waiting, do, ana, time_machine_now):
    time_machine_now(hours=3)
    jobs.tell_of_deadlines(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert [one.kind.value for one in queries.list_notices(uow, ana.user_id)] == ["overdue"]


@on_both
def test_the_list_shows_what_is_at_risk_or_missed_and_what_ends_first(box, tenant_id, says, waiting, do, time_machine_now):
    urgent = says("socorro", visitor="caio")
    do(actions.hand_off, urgent, reason="emergency")
    says("oi", visitor="beto")

    def ids(**wanted):
        with box.unit(tenant_id, read_only=True) as uow:
            return [row.id for row in queries.list_conversations(uow, InboxFilter(**wanted), PageQuery()).items]

    assert ids(order=Order.DUE)[:2] == [urgent, waiting]
    assert ids(priority=Priority.URGENT) == [urgent]
    assert (ids(deadline=Deadline.AT_RISK), ids(deadline=Deadline.MISSED)) == ([], [])
    time_machine_now(minutes=16)
    assert (ids(deadline=Deadline.AT_RISK), ids(deadline=Deadline.MISSED)) == ([waiting], [urgent])
    with box.unit(tenant_id, read_only=True) as uow:
        counts = queries.count_inbox(uow, user_id=None)
    assert (counts.at_risk, counts.missed) == (1, 1)


@on_both
def test_what_was_kept_and_missed_in_thirty_days_is_counted(box, tenant_id, says, waiting, do, bruno, time_machine_now):
    other = says("pessoa!", visitor="caio")
    do(actions.hand_off, other, reason="wants_person")
    do(actions.reply, waiting, user_id=bruno, content={"text": "Oi!"})
    time_machine_now(minutes=21)

    def figures():
        with box.unit(tenant_id, read_only=True) as uow:
            return {one.kind: (one.met, one.missed) for one in made.list_figures(uow)}

    assert figures() == {FIRST: (1, 1), NEXT: (0, 0), RESOLUTION: (0, 0)}
    do(actions.resolve, other)
    do(actions.resolve, waiting)
    time_machine_now(days=31)
    assert figures() == dict.fromkeys(PromiseKind, (0, 0))


def test_a_macro_gives_to_a_team_and_makes_urgent_and_its_undo_takes_both_back(box, tenant_id, says, do, bruno):
    team = do(service_teams, "Suporte")
    conversation_id = says("oi")
    with pytest.raises(NotFound):
        do(actions.create_macro, MacroIn(name="x", steps={"team": new_id()}))
    macro = do(actions.create_macro, MacroIn(name="Escalar", steps={"team": team, "priority": "urgent"}))
    given, before, _said = do(actions.run_macro, conversation_id, macro.id, user_id=bruno)
    assert (given.team_id, given.priority, given.sla_due_at is not None) == (team, Priority.URGENT, True)
    undone = do(actions.restore, conversation_id, before)
    assert (undone.team_id, undone.priority, undone.sla_due_at) == (None, Priority.NORMAL, None)


def service_teams(uow, name):
    return actions.create_team(uow, TeamIn(name=name)).id


def test_what_is_promised_is_counted_by_the_hours_and_holidays_of_the_company(found, says, do):
    hours = HoursIn(spans=[{"day": "mon", "opens": "09:00", "closes": "18:00"}], holidays="BR")
    do(identity.set_hours, hours)
    do(identity.set_hours, hours.model_copy(update={"days_off": [DayOff(day="2027-01-04", name="Balanço")]}))
    conversation_id = says("oi")
    do(actions.hand_off, conversation_id, reason="wants_person")
    assert found(conversation_id)[1][FIRST].due_at.astimezone(do(get_calendar).zone).strftime("%a") == "Mon"


@on_both
def test_service_levels_over_the_api(client, says, policy):
    changed = client.put(f"/api/v1/sla-policies/{policy}", json={"name": "Geral", "targets": {"normal": {"first_reply": 30}}})
    assert changed.json["targets"]["normal"] == {"first_reply": 30, "next_reply": None, "resolution": None}
    assert client.post("/api/v1/sla-policies", json={"name": "Geral", "targets": {"low": {"resolution": 9}}}).status_code == 409
    assert client.post("/api/v1/sla-policies", json={"name": "Nada", "targets": {"low": {}}}).status_code == 422
    conversation_id = says("oi")
    assert client.put(f"/api/v1/conversations/{conversation_id}/priority", json={"priority": "high"}).json["priority"] == "high"
    assert client.get("/api/v1/conversations?priority=high&order=due").json["total"] == 1
    assert client.get("/api/v1/conversations?deadline=missed").json["total"] == 0
    assert [each["kind"] for each in client.get("/api/v1/sla-figures").json] == ["first_reply", "next_reply", "resolution"]
    assert client.delete(f"/api/v1/sla-policies/{policy}").status_code == 204
    assert client.get("/api/v1/sla-policies").json == []


@on_both
def test_a_team_that_goes_takes_its_service_level_with_it(box, tenant_id, do):
    team = do(service_teams, "Vendas")
    do(service_levels.create_policy, SlaPolicyIn(name="Da equipe", team_id=team, targets=ALL))
    with pytest.raises(Conflict):
        do(service_levels.create_policy, SlaPolicyIn(name="Da equipe", targets=ALL))
    do(actions.delete_team, team)
    with box.unit(tenant_id, read_only=True) as uow:
        assert [row.name for row in made.list_policies(uow)] == ["Padrão"]
