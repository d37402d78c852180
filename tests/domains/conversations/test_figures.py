from datetime import timedelta

from sqlalchemy import update

from appliance.core import clock
from appliance.core.ids import first_id_at, new_id
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.queries import DayFigures
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import AgentReply, MessageStatus

DAY = timedelta(days=1)


def days(box, tenant_id, count=3):
    last = clock.now() - timedelta(hours=1)
    with box.unit(tenant_id, read_only=True) as uow:
        return queries.list_days(uow, [last - DAY * back for back in reversed(range(count))])


def shift(box, tenant_id, conversation_id, **changes):
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Message).where(Message.conversation_id == conversation_id).values(**changes))


def test_what_came_in_and_who_answered_is_counted(box, tenant_id, says, bruno):
    found = says("olá")
    with box.unit(tenant_id) as uow:
        actions.queue_agent_reply(uow, found, AgentReply("Oi!", 1))
    shift(box, tenant_id, found, status=MessageStatus.SENT)
    with box.unit(tenant_id) as uow:
        actions.reply(uow, found, user_id=bruno, content={"text": "Sou o Bruno."})
    assert days(box, tenant_id)[-1] == DayFigures(received=1, by_agents=1, by_people=1)


def test_what_a_person_withdrew_was_not_answered(box, tenant_id, says, bruno):
    found = says("olá")
    with box.unit(tenant_id) as uow:
        actions.queue_agent_reply(uow, found, AgentReply("Oi!", 1))
    with box.unit(tenant_id) as uow:
        actions.take_over(uow, found, user_id=bruno)
    assert days(box, tenant_id)[-1].by_agents == 0


def test_a_day_ends_where_the_next_begins(box, tenant_id, says):
    shift(box, tenant_id, says("ontem"), created_at=clock.now() - DAY)
    says("hoje", visitor="bia")
    assert [day.received for day in days(box, tenant_id)] == [0, 1, 1]


def test_what_is_older_than_the_first_day_is_left_out(box, tenant_id, says):
    shift(box, tenant_id, says("antes"), created_at=clock.now() - DAY * 9)
    assert [day.received for day in days(box, tenant_id)] == [0, 0, 0]


def test_another_organisation_counts_nothing(box, tenant_id, other_tenant_id, says):
    says("olá")
    assert days(box, other_tenant_id)[-1] == DayFigures()


def test_who_waits_longest_comes_first(box, tenant_id, says):
    first, second = says("olá"), says("oi", visitor="bia")
    says("ninguém chamou", visitor="caio")
    with box.unit(tenant_id) as uow:
        for conversation_id in (second, first):
            actions.hand_off(uow, conversation_id, reason="wants_person")
        uow.session.execute(update(Conversation).where(Conversation.id == second).values(waiting_since=uow.now - DAY))
    with box.unit(tenant_id, read_only=True) as uow:
        assert [row.id for row in queries.list_waiting(uow)] == [second, first]


def test_ids_made_from_a_moment_on_are_not_smaller_than_its_first():
    before = clock.now() - timedelta(seconds=1)
    made = new_id()
    assert first_id_at(before) < made < first_id_at(clock.now() + timedelta(seconds=1))
