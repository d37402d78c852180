from datetime import timedelta

from appliance.core import clock
from appliance.domains.conversations import actions, jobs, queries
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import MessageStatus


def test_a_message_handed_out_long_ago_is_shown_to_a_person_instead_of_waiting_for_ever(box, tenant_id, says):
    conversation_id = says("oi")
    with box.unit(tenant_id) as uow:
        message = actions.queue_notice(uow, conversation_id, "bom dia")
        uow.session.flush()
        row = uow.session.get_one(Message, message.id)
        row.status, row.created_at = MessageStatus.SENDING, clock.now() - timedelta(hours=1)
    jobs.settle_stuck(box)
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.get_message(uow, message.id).status is MessageStatus.UNCONFIRMED
