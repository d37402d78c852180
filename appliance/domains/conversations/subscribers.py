from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.events import ContactsMerged, MergeUndone
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.events import FileOrphaned, HandoffOverdue, HandoffRequested, MessageReceived
from appliance.domains.conversations.rules import wording

PUT_BACK = ("unassigned", "team")


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
        summary=wording.preview_of(message.kind, message.content),
        happened_at=message.created_at,
    )


def move_conversations(uow: UnitOfWork, event: ContactsMerged) -> None:
    """Nothing to move to, when the person was erased since: NotFound ends the delivery."""
    people.get_contact(uow, event.kept_id)
    actions.move_conversations(uow, merge_id=event.merge_id, from_id=event.gone_id, to_id=event.kept_id)


def move_conversations_back(uow: UnitOfWork, event: MergeUndone) -> None:
    actions.move_conversations_back(uow, merge_id=event.merge_id, to_id=event.restored_id)


def deal_handed_off(uow: UnitOfWork, event: HandoffRequested) -> None:
    """To one of those present, when the company deals out what waits. What a person put back is not dealt again at once."""
    if event.reason not in PUT_BACK:
        actions.deal_waiting(uow, event.conversation_id)


def deal_overdue(uow: UnitOfWork, event: HandoffOverdue) -> None:
    """Somebody may have come by now."""
    actions.deal_waiting(uow, event.conversation_id)


def forget_file(step: Step, event: FileOrphaned) -> None:
    step.box.blobs.delete(step.tenant_id, event.blob_id)
