from appliance.core import deliveries
from appliance.core.errors import Conflict, Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.events import ContactsMerged, MergeUndone
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.events import (
    ConversationResolved,
    HandoffOverdue,
    HandoffRequested,
    MessageReceived,
    SilenceAsked,
    WordsOverdue,
    WordsWanted,
)
from appliance.domains.conversations.rules import wording

PATIENCE = 5  # attempts while the models are away or busy, about a minute and a half


def record_message(uow: UnitOfWork, event: MessageReceived) -> None:
    """The contact was here, and their story says so."""
    message = queries.get_message(uow, event.message_id)
    conversation = queries.get_conversation(uow, event.conversation_id)
    contacts.record_seen(uow, conversation.contact_id, conversation.medium, at=message.created_at)
    contacts.add_timeline_entry(
        uow,
        conversation.contact_id,
        kind="message.received",
        object_id=message.id,
        summary=wording.preview_of(message.kind, message.content, is_deleted=message.deleted_at is not None),
        happened_at=message.created_at,
    )


def move_conversations(uow: UnitOfWork, event: ContactsMerged) -> None:
    """Nothing to move to, when the person was erased since: NotFound ends the delivery."""
    people.get_contact(uow, event.kept_id)
    actions.move_conversations(uow, merge_id=event.merge_id, from_id=event.gone_id, to_id=event.kept_id)


def move_conversations_back(uow: UnitOfWork, event: MergeUndone) -> None:
    actions.move_conversations_back(uow, merge_id=event.merge_id, from_id=event.kept_id, to_id=event.restored_id)


def deal_handed_off(uow: UnitOfWork, event: HandoffRequested) -> None:
    """To one of those present, when the company deals out what waits, else all hear of it. What a person put back is not dealt again
    at once.
    """
    actions.call_person(uow, event.conversation_id, event.reason)


def tell_expected(uow: UnitOfWork, event: HandoffRequested) -> None:
    """Not at once: whom somebody answers within moments needs no word of the box."""
    actions.tell_expected(uow, event.conversation_id, event.reason)


def deal_overdue(uow: UnitOfWork, event: HandoffOverdue) -> None:
    """Somebody may have come by now."""
    actions.call_person(uow, event.conversation_id, is_overdue=True)


def keep_silence(uow: UnitOfWork, event: SilenceAsked) -> None:
    actions.keep_silence(uow, event.conversation_id)


def ask_satisfaction(uow: UnitOfWork, event: ConversationResolved) -> None:
    """A while after, so that what was resolved by mistake asks nothing."""
    actions.ask(uow, event.conversation_id)


def write_down(step: Step, event: WordsWanted) -> None:
    """What is said in a recording. Where it cannot be known, that is kept in its place, so that nobody waits."""
    with step.read() as uow:
        recording = queries.find_recording(uow, event.message_id)
        is_last = deliveries.get_delivery(uow, step.delivery_id).attempts >= PATIENCE
    if recording is None:
        return
    try:
        transcript = actions.write_down(step.box, step.tenant_id, recording)
    except Unavailable as err:
        if not is_last:
            raise
        transcript = actions.heard_nothing(err)
    except (Conflict, Refused) as err:
        transcript = actions.heard_nothing(err)
    with step.finish() as uow:
        actions.keep_words(uow, event.message_id, transcript)


def give_up_words(uow: UnitOfWork, event: WordsOverdue) -> None:
    """Whatever became of the file or of the models: a customer does not wait for ever. Words that come later are kept all the same."""
    late = actions.heard_nothing(Unavailable(_("It could not be listened to in time.")))
    actions.keep_words(uow, event.message_id, late)
