from appliance.core import i18n
from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as contact_queries
from appliance.domains.conversations.actions.speak import queue_notice
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.tables import Conversation, Message
from appliance.domains.conversations.types import Topic


def stop_if_asked(uow: UnitOfWork, conversation: Conversation, message: Message) -> bool:
    """SAIR, STOP and "para de me mandar mensagem" opt out in the same transaction that stores them and are confirmed once.

    A message that asks for nothing else goes unanswered. In a group nobody speaks for the others.
    """
    if conversation.is_group:
        return False
    text = wording.text_of(message.content)
    asked = contact_queries.find_stop(uow, text) if text else None
    if asked is None:
        return False
    message.topic, message.signals = Topic.OPT_OUT, []
    if asked.is_all:
        conversation.answered_number = max(conversation.answered_number, message.number)
    evidence = {"message_id": str(message.id), "text": text}
    if contacts.opt_out(uow, conversation.contact_id, conversation.medium, source="message", evidence=evidence):
        with i18n.in_locale(asked.language):
            queue_notice(uow, conversation.id, _("Done: we will not write to you again. If you need us, just send a message here."))
    return True
