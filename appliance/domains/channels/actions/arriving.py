"""What a mail that came says, stored as messages and outcomes, whichever way it came."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.channels.actions.receive import receive_changes
from appliance.domains.channels.gateways.email import complaints
from appliance.domains.channels.gateways.email.mail import Bounce, Complaint, Kept, Mail
from appliance.domains.channels.tables import Channel
from appliance.domains.channels.types import Change, Spoken
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.schemas import media_kind
from appliance.domains.conversations.types import Incoming, MessageKind, MessageStatus, Person, StatusReport

_OUTCOMES = {"failed": MessageStatus.FAILED, "delivered": MessageStatus.DELIVERED}


def store_mail(uow: UnitOfWork, channel: Channel, mail: Mail, kept: Kept) -> None:
    """The same mail again changes nothing."""
    change = _change(uow, channel, mail, kept)
    unanswered = {one.address: _is_all_answered(uow, channel.id, one.address) for one in change.spoken}
    receive_changes(uow, channel, [change])
    if mail.is_automatic:
        for address, is_quiet in unanswered.items():
            _leave_alone(uow, channel.id, address, is_quiet=is_quiet)


def _change(uow: UnitOfWork, channel: Channel, mail: Mail, kept: Kept) -> Change:
    if mail.bounces:
        return Change(reports=tuple(_reports(mail.bounces, kept)))
    if mail.complaint is not None:
        return _heed_complaint(uow, channel, mail.complaint, mail)
    if mail.sender == channel.external_id:
        return Change()  # a copy of what we sent, or a loop
    if not mail.sender:
        return Change(rejected=(("mail_without_sender", {"subject": mail.subject, "text": mail.text}),))
    address = _thread(uow, channel.id, mail) or mail.sender
    person = Person((Identity(IdentityKind.EMAIL, mail.sender),), mail.name)
    copies = [one for one in mail.copies if one not in (channel.external_id, address)]
    messages = tuple(_messages(mail, kept, written_by=mail.sender if address != mail.sender else "", copies=copies))
    return Change((Spoken(person, address, messages),), reports=tuple(_read_by(mail, kept)))


def _heed_complaint(uow: UnitOfWork, channel: Channel, complaint: Complaint, mail: Mail) -> Change:
    """Who calls our mail spam gets no notice and no offer any more, if the report proves that it is about a mail to this one person.

    One that proves nothing is put aside for people to see: whoever writes reports can make them up.
    """
    message_id = complaints.message_of(uow.box, uow.tenant_id, channel.id, complaint.proof)
    if message_id is None:
        return Change(rejected=(("complaint_without_proof", {"from": mail.sender, "subject": mail.subject, "text": mail.text}),))
    if complaint.kind != "not-spam":
        conversation = threads.get_conversation(uow, threads.get_message(uow, message_id).conversation_id)
        evidence = {"message_id": str(message_id), "kind": complaint.kind}
        contacts.opt_out(uow, conversation.contact_id, conversation.medium, source="complaint", evidence=evidence)
    return Change()


def _thread(uow: UnitOfWork, channel_id: UUID, mail: Mail) -> str:
    """The address of the conversation that this mail says it belongs to."""
    for said in reversed(mail.references):
        known = threads.find_by_provider_id(uow, channel_id, said)
        if known is not None:
            return threads.get_conversation(uow, known.conversation_id).address
    return ""


def _messages(mail: Mail, kept: Kept, *, written_by: str, copies: list[str]) -> Iterator[Incoming]:
    """The words, then each file, as messages one behind the other; each says whose it is."""
    about: dict[str, Any] = {
        "subject": mail.subject, "references": list(mail.references), "original": kept.original, "from": written_by,
        "too_large": mail.is_too_large, "cc": copies, "automatic": mail.is_automatic,
        "forged": mail.is_forged,
    }  # fmt: skip
    parent = mail.references[-1] if mail.references else None
    text = mail.text or mail.subject
    parts: list[tuple[MessageKind, dict[str, Any]]] = [(MessageKind.TEXT, {"text": text})] if text or not kept.files else []
    parts += [(_kind(media), {"media": dict(media)}) for media in kept.files]
    whose = {name: about[name] for name in ("from", "automatic", "forged")}
    for number, (kind, content) in enumerate(parts):
        told = {name: value for name, value in (whose if number else about).items() if value}
        whole = content if number and not told else {**content, "mail": {**told, **({"part": number} if number else {})}}
        provider_id = f"{kept.provider_id}#{number}" if number else kept.provider_id
        yield Incoming(provider_id, kind, whole, kept.arrived_at, None if number else parent)


def _kind(media: Mapping[str, object]) -> MessageKind:
    return media_kind(str(media.get("true_type") or media.get("mime_type", "")))


def _reports(bounces: tuple[Bounce, ...], kept: Kept) -> Iterator[StatusReport]:
    for bounce in bounces:
        if bounce.action in _OUTCOMES:
            client_id = bounce.message_id.partition("@")[0]
            yield StatusReport(
                _OUTCOMES[bounce.action], kept.arrived_at, provider_id=bounce.message_id, client_id=client_id,
                error_code="bounced", error=bounce.said,
            )  # fmt: skip


def _read_by(mail: Mail, kept: Kept) -> Iterator[StatusReport]:
    """Who answers a mail has read it, also one that nobody confirmed."""
    if mail.references and not mail.is_automatic:
        parent = mail.references[-1]
        yield StatusReport(MessageStatus.READ, kept.arrived_at, provider_id=parent, client_id=parent.partition("@")[0])


def _is_all_answered(uow: UnitOfWork, channel_id: UUID, address: str) -> bool:
    found = threads.find_thread(uow, channel_id, address)
    if found is None:
        return True
    return not threads.list_unanswered(uow, threads.get_conversation(uow, found), limit=1)


def _leave_alone(uow: UnitOfWork, channel_id: UUID, address: str, *, is_quiet: bool) -> None:
    """No agent answers a machine. What a person wrote before still waits for its answer."""
    found = threads.find_thread(uow, channel_id, address)
    if is_quiet and found is not None:
        conversations.note_answered(uow, found, threads.get_conversation(uow, found).last_number)
