"""What a mailbox brings: stored in the transaction that remembers how far it is read."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from appliance.core.rows import locked
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions.receive import receive_changes
from appliance.domains.channels.actions.rejected import keep_rejected
from appliance.domains.channels.actions.send import note_refusal, note_success
from appliance.domains.channels.gateways.email.mail import Bounce, Kept, Mail
from appliance.domains.channels.tables import Channel, Mailbox
from appliance.domains.channels.types import Change, ChannelStatus, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.schemas import media_kind
from appliance.domains.conversations.types import Incoming, MessageKind, MessageStatus, Person, StatusReport

_OUTCOMES = {"failed": MessageStatus.FAILED, "delivered": MessageStatus.DELIVERED}


def open_mailbox(uow: UnitOfWork, channel_id: UUID, *, source: str, validity: int, last_uid: int) -> None:
    """It can be read, from behind `last_uid` on. What was wrong with it is over."""
    channel, place = queries.lock_channel(uow, channel_id), _lock(uow, channel_id)
    if place is None:
        place = _new(uow, channel_id)
    place.source, place.uid_validity, place.last_uid, place.looked_at = source, validity, last_uid, uow.now
    channel.verified_at = channel.verified_at or uow.now
    was_ours = channel.status is ChannelStatus.FAILING and channel.status_detail == place.problem
    if channel.status is ChannelStatus.NEW or was_ours:
        note_success(uow, channel_id)
    place.problem = ""


def note_mailbox_trouble(uow: UnitOfWork, channel_id: UUID, problem: str) -> None:
    """Nothing comes in for this reason; what is to be sent goes on."""
    place = _lock(uow, channel_id) or _new(uow, channel_id)
    if place.problem != problem[:500]:
        place.problem = problem[:500]
        note_refusal(uow, channel_id, problem)


def note_looked(uow: UnitOfWork, channel_id: UUID) -> None:
    place = _lock(uow, channel_id)
    if place is not None:
        place.looked_at = uow.now


def take_in_mail(uow: UnitOfWork, channel_id: UUID, mail: Mail, kept: Kept) -> bool:
    """False when somebody else took it, or the mailbox is no longer the one it lay in."""
    if not _advance(uow, channel_id, kept):
        return False
    channel = queries.get_channel(uow, channel_id)
    change = _change(uow, channel, mail, kept)
    unanswered = {one.address: _is_all_answered(uow, channel_id, one.address) for one in change.spoken}
    receive_changes(uow, channel, [change])
    if mail.is_automatic:
        for address, is_quiet in unanswered.items():
            _leave_alone(uow, channel_id, address, is_quiet=is_quiet)
    return True


def put_aside_mail(uow: UnitOfWork, channel_id: UUID, kept: Kept, reason: str, raw: bytes) -> None:
    """It cannot be used, and those behind it shall not wait for it."""
    if _advance(uow, channel_id, kept):
        keep_rejected(uow, channel_id, [(reason, raw.decode("utf-8", "replace").replace("\x00", ""))])


def _lock(uow: UnitOfWork, channel_id: UUID) -> Mailbox | None:
    return uow.session.scalar(locked(select(Mailbox).where(Mailbox.channel_id == channel_id)))


def _new(uow: UnitOfWork, channel_id: UUID) -> Mailbox:
    place = Mailbox(
        tenant_id=uow.tenant_id, channel_id=channel_id, source="", uid_validity=0, last_uid=0, looked_at=uow.now, problem=""
    )
    uow.session.add(place)
    return place


def _advance(uow: UnitOfWork, channel_id: UUID, kept: Kept) -> bool:
    place = _lock(uow, channel_id)
    if place is None or place.uid_validity != kept.validity or kept.uid <= place.last_uid:
        return False
    place.last_uid, place.looked_at, place.last_mail_at = kept.uid, uow.now, uow.now
    return True


def _change(uow: UnitOfWork, channel: Channel, mail: Mail, kept: Kept) -> Change:
    if mail.bounces:
        return Change(reports=tuple(_reports(mail.bounces, kept)))
    if mail.sender == channel.external_id:
        return Change()  # a copy of what we sent, or a loop
    if not mail.sender:
        return Change(rejected=(("mail_without_sender", {"subject": mail.subject, "text": mail.text}),))
    address = _thread(uow, channel.id, mail) or mail.sender
    person = Person((Identity(IdentityKind.EMAIL, mail.sender),), mail.name)
    messages = tuple(_messages(mail, kept, written_by=mail.sender if address != mail.sender else ""))
    return Change((Spoken(person, address, messages),), reports=tuple(_read_by(mail, kept)))


def _thread(uow: UnitOfWork, channel_id: UUID, mail: Mail) -> str:
    """The address of the conversation that this mail says it belongs to."""
    for said in reversed(mail.references):
        known = threads.find_by_provider_id(uow, channel_id, said)
        if known is not None:
            return threads.get_conversation(uow, known.conversation_id).address
    return ""


def _messages(mail: Mail, kept: Kept, *, written_by: str) -> Iterator[Incoming]:
    """The words, then each file, as messages one behind the other."""
    about: dict[str, Any] = {
        "subject": mail.subject, "references": list(mail.references), "original": kept.original, "from": written_by,
        "too_large": mail.is_too_large,
    }  # fmt: skip
    parent = mail.references[-1] if mail.references else None
    text = mail.text or mail.subject
    parts: list[tuple[MessageKind, dict[str, Any]]] = [(MessageKind.TEXT, {"text": text})] if text or not kept.files else []
    parts += [(_kind(media), {"media": dict(media)}) for media in kept.files]
    for number, (kind, content) in enumerate(parts):
        whole = content if number else {**content, "mail": {name: value for name, value in about.items() if value}}
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
