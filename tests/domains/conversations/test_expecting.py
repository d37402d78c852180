"""Whoever waits for a person: people hear of it, and the one who waits hears once what to expect."""

from datetime import timedelta

import pytest

from appliance.core import clock
from appliance.core.ids import new_id
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Identity, IdentityKind, Purpose
from appliance.domains.conversations import actions, jobs, queries
from appliance.domains.conversations.actions import handle, service_levels
from appliance.domains.conversations.actions import teams as acting
from appliance.domains.conversations.schemas import SlaPolicyIn, TeamIn
from appliance.domains.conversations.types import Arrival, Incoming, MessageKind, Person, Route, Sender
from appliance.domains.identity import actions as identity
from appliance.domains.identity.schemas import HoursIn
from tests import cast as people

COMES = "Obrigado pela mensagem. Uma pessoa da nossa equipe vai responder por aqui."
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pytest.fixture
def simulator(box, tenant_id):
    """No agent answers here."""
    with box.unit(tenant_id) as uow:
        return channels.create_channel(uow, ChannelIn(kind="simulator", name="Simulator")).id


@pytest.fixture
def heard(box, tenant_id):
    """What the contact was told by the box itself."""

    def read(conversation_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return [one.content["text"] for one in queries.list_messages(uow, conversation_id) if one.sender is Sender.SYSTEM]

    return read


@pytest.fixture
def soon(run_deliveries, time_machine_now):
    """All that happens within a minute."""

    def run():
        run_deliveries()
        time_machine_now(seconds=31)
        run_deliveries()
        run_deliveries()

    return run


@pytest.fixture
def told(box, tenant_id):
    def read(user_id):
        with box.unit(tenant_id, read_only=True) as uow:
            return [one.kind.value for one in queries.list_notices(uow, user_id)]

    return read


@pytest.fixture
def do(box, tenant_id):
    def act(action, *given, **named):
        with box.unit(tenant_id) as uow:
            return action(uow, *given, **named)

    return act


def test_without_an_agent_and_a_team_all_who_may_answer_hear_of_it_once(box, tenant_id, says, bruno, told, run_deliveries):
    ana, reader = (people.with_role(box, tenant_id, role).user_id for role in ("manager", "read_only"))
    says("oi")
    run_deliveries()
    says("alguém aí?")
    run_deliveries()
    assert (told(bruno), told(ana), told(reader)) == (["waiting"], ["waiting"], [])


def test_only_the_team_hears_of_what_is_its(box, tenant_id, says, bruno, told, do, run_deliveries):
    ana = people.with_role(box, tenant_id, "agent").user_id
    do(acting.create_team, TeamIn(name="Vendas", member_ids=[ana], takes_handoffs=True))
    says("oi")
    run_deliveries()
    assert (told(ana), told(bruno)) == (["waiting"], [])


def test_a_team_of_nobody_who_may_answer_is_no_reason_for_silence(box, tenant_id, says, bruno, told, do, run_deliveries):
    do(acting.create_team, TeamIn(name="Ninguém", member_ids=[], takes_handoffs=True))
    says("oi")
    run_deliveries()
    assert told(bruno) == ["waiting"]


def test_who_still_waits_is_new_again_once_and_gone_when_somebody_takes_it(box, says, bruno, told, do, run_deliveries, time_machine_now):
    conversation_id = says("oi")
    run_deliveries()
    do(actions.mark_seen, user_id=bruno)
    for new in (1, 0):
        time_machine_now(minutes=11)
        jobs.remind_of_waiting(box)
        run_deliveries()
        assert told(bruno) == ["still_waiting"]
        assert do(actions.mark_seen, user_id=bruno) == new
    do(actions.take_over, conversation_id, user_id=new_id())
    assert told(bruno) == []


@pytest.mark.parametrize("reason", ["wants_person", "unassigned", "team", "snooze_over", "asked_by_colleague", "refused"])
def test_whatever_the_reason_people_hear_of_it(says, bruno, told, do, run_deliveries, reason):
    conversation_id = says("oi")
    run_deliveries()
    do(actions.take_over, conversation_id, user_id=bruno)
    do(lambda uow: handle.await_person(uow, queries.lock_conversation(uow, conversation_id), reason))
    run_deliveries()
    assert "waiting" in told(bruno)


def test_what_comes_back_is_told_to_whose_it_is(box, says, bruno, told, do, run_deliveries, time_machine_now):
    conversation_id = says("oi")
    run_deliveries()
    do(actions.take_over, conversation_id, user_id=bruno)
    do(lambda uow: actions.snooze(uow, conversation_id, until=uow.now + timedelta(hours=1)))
    time_machine_now(hours=2)
    jobs.wake_snoozed(box)
    jobs.wake_snoozed(box)
    assert told(bruno) == ["woken"]


def test_the_contact_hears_once_that_a_person_comes(says, heard, do, soon, bruno, time_machine_now):
    conversation_id = says("oi")
    soon()
    says("alguém?")
    soon()
    assert heard(conversation_id) == [COMES]
    do(actions.reply, conversation_id, user_id=bruno, content={"text": "Pois não"})
    do(actions.resolve, conversation_id)
    time_machine_now(hours=1)
    says("obrigado")
    soon()
    assert heard(conversation_id) == [COMES]
    with_preview = do(queries.get_conversation, conversation_id)
    assert (with_preview.preview, with_preview.waiting_since is not None) == ("obrigado", True)


def test_what_the_box_says_puts_nobody_above_who_wrote_later(says, heard, do, soon):
    conversation_id = says("oi")
    wrote = do(queries.get_conversation, conversation_id).last_message_at
    soon()
    assert heard(conversation_id) == [COMES]
    assert do(queries.get_conversation, conversation_id).last_message_at == wrote


def test_within_hours_it_is_said_by_when_where_that_is_promised(says, heard, do, soon):
    targets = {"normal": {"first_reply": 20}}
    do(service_levels.create_policy, SlaPolicyIn(name="Padrão", targets=targets))
    conversation_id = says("oi")
    soon()
    (said,) = heard(conversation_id)
    assert said.startswith(f"{COMES} A resposta vem no mais tardar ")


def test_outside_hours_it_is_said_when_they_begin(says, heard, do, soon):
    in_three_days = WEEKDAYS[(clock.now() + timedelta(days=3)).weekday()]
    do(identity.set_hours, HoursIn(spans=[{"day": in_three_days, "opens": "09:00", "closes": "18:00"}]))
    conversation_id = says("oi")
    soon()
    (said,) = heard(conversation_id)
    assert said.startswith(f"{COMES} O atendimento abre ")


def test_who_asked_to_be_left_alone_hears_nothing_and_nobody_is_called(says, heard, told, bruno, soon):
    conversation_id = says("sair")
    soon()
    assert [COMES in said for said in heard(conversation_id)] == [False]
    assert told(bruno) == []
    says("tem azulejo?")
    soon()
    assert [COMES in said for said in heard(conversation_id)] == [False]


def group_says(uow, channel_id, text):
    route = Route(channel_id, "whatsapp_qr", Medium.WHATSAPP, "1203630@g.us", is_group=True)
    person = Person((Identity(IdentityKind.WHATSAPP, "+5531999990001"),), "Grupo")
    said = Incoming("g-1", MessageKind.TEXT, {"text": text}, uow.now)
    return actions.receive_messages(uow, [Arrival(route, person, (said,))])[0].conversation_id


def test_in_a_group_nothing_is_said_and_nobody_called(simulator, heard, told, bruno, do, soon):
    conversation_id = do(group_says, simulator, "bom dia")
    soon()
    assert (heard(conversation_id), told(bruno)) == ([], [])


def test_who_wrote_to_an_agent_that_answers_nobody_is_told_too(agent_id, heard, told, bruno, soon, do):
    channel_id = do(channels.create_channel, ChannelIn(kind="simulator", name="Com agente", agent_id=agent_id)).id
    conversation_id = do(channels.receive_simulated, channel_id, visitor="ana", name="Ana", text="oi")
    soon()
    assert (heard(conversation_id), told(bruno)) == ([COMES], ["waiting"])


def test_whom_somebody_answers_within_moments_hears_nothing_of_the_box(says, heard, do, run_deliveries, soon, bruno):
    conversation_id = says("oi")
    run_deliveries()
    do(actions.reply, conversation_id, user_id=bruno, content={"text": "Pois não"})
    soon()
    assert heard(conversation_id) == []


def test_that_a_person_comes_is_a_notice(says, do):
    conversation_id = says("tem azulejo?")
    assert do(actions.tell_expected, conversation_id, "no_agent").purpose is Purpose.SERVICE
    asked = says("tem piso?", visitor="bia")
    assert do(actions.say_expected, asked, "Chamo alguém.", "pt", is_open=True).purpose is Purpose.REPLY
