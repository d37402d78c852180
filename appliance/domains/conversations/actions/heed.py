"""What was made of a contact's message goes into the list, where people see it."""

from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.actions import promises
from appliance.domains.conversations.events import ConversationChanged
from appliance.domains.conversations.rules.promises import raised
from appliance.domains.conversations.types import Reading, Signal


def keep_reading(uow: UnitOfWork, message_id: UUID, reading: Reading, *, passing: bool) -> None:
    """`passing`: a greeting and its like, after which the conversation is about what it was about. Signals stay until it is resolved."""
    message = queries.get_message(uow, message_id)
    message.topic, message.signals = reading.topic, sorted(reading.signals)
    conversation = queries.get_conversation(uow, message.conversation_id)
    topic = conversation.topic if passing and conversation.topic is not None else reading.topic
    is_complaint = Signal.COMPLAINT in reading.signals and Signal.COMPLAINT not in conversation.signals
    signals = sorted({*conversation.signals, *reading.signals})
    if (topic, signals) != (conversation.topic, conversation.signals):
        changed = queries.lock_conversation(uow, conversation.id)
        changed.topic, changed.signals = topic, signals
        uow.emit(ConversationChanged(conversation.id))
    if is_complaint:
        promises.set_priority(uow, conversation.id, raised(conversation.priority, "complaint"))
