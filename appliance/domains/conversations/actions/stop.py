from appliance.core import i18n
from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as contact_queries
from appliance.domains.conversations.actions.speak import queue_notice
from appliance.domains.conversations.rules import wording
from appliance.domains.conversations.tables import Conversation, Message

LONGEST_STOP = 60
LANGUAGES = ("pt", "en")


def stop_if_asked(uow: UnitOfWork, conversation: Conversation, message: Message) -> bool:
    """SAIR, STOP and their like opt out in the same transaction that stores them, are confirmed once, and go unanswered."""
    text = wording.text_of(message.content)
    if not text or len(text) > LONGEST_STOP or "?" in text:  # whoever asks something does not ask to stop
        return False
    language = next((language for language in LANGUAGES if contact_queries.is_opt_out(uow, text, language)), None)
    if language is None:
        return False
    conversation.answered_number = message.number
    evidence = {"message_id": str(message.id), "text": text}
    if contacts.opt_out(uow, conversation.contact_id, conversation.medium, source="message", evidence=evidence):
        with i18n.in_locale(language):
            queue_notice(uow, conversation.id, _("Done: we will not write to you again. If you need us, just send a message here."))
    return True
