"""Reading in what webhooks brought; sending: claim and commit, call the outside with no transaction open, commit what it said."""

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from appliance.core import deliveries
from appliance.core.backoff import chance
from appliance.core.deliveries import LeaseLost
from appliance.core.errors import Later, Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import pack, told
from appliance.core.jobs import Step
from appliance.core.outbound import NotAllowed
from appliance.core.rows import PASSING, SPOILS, surely
from appliance.core.suspension import is_suspended_now
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import actions, queries
from appliance.domains.channels.errors import Deferred, KeyRefused
from appliance.domains.channels.events import ChannelChanged, MailPosted, MediaAnnounced, TemplateQueued, WebhooksAccepted
from appliance.domains.channels.gateways.email import filing
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.rules import pacing
from appliance.domains.channels.rules.fitting import fit
from appliance.domains.channels.rules.mentions import Mention
from appliance.domains.channels.types import Account, Sent, TemplateStatus, Unconfirmed
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.events import ConfirmationWanted
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as conversation_queries
from appliance.domains.conversations.events import MessageQueued
from appliance.domains.conversations.types import WORTH_SAYING, MessageStatus, Outgoing, StatusReport, Wait

WHILE_SUSPENDED = timedelta(minutes=10)
log = structlog.get_logger()


def tell_of_trouble(uow: UnitOfWork, event: ChannelChanged) -> None:
    """Those who can mend it hear of a channel that stopped working, whyever; not of a number that they unlinked themselves."""
    if queries.is_down(uow, event.channel_id):
        conversations.tell_channel_down(uow, event.channel_id)
    else:
        conversations.drop_channel_down(uow, event.channel_id)


def store_webhooks(uow: UnitOfWork, event: WebhooksAccepted) -> None:
    """An envelope goes in the transaction that stores what it says, so it is read once."""
    actions.read_envelopes(uow, event.channel_id)


def read_posted_mail(step: Step, event: MailPosted) -> None:
    """What came with it is stored first, then all that it says in one transaction. What cannot be read holds nobody up."""
    with step.read() as uow:
        posted = queries.get_posted(uow, event.mail_id)
        if posted.read_at is not None:
            return
        account, file_id, arrived_at = queries.get_account(uow, posted.channel_id), posted.file_id, posted.received_at
    raw = step.box.blobs.read_all(step.tenant_id, file_id)
    try:
        mail, kept = filing.unpack(step.box, account, raw, arrived_at=arrived_at, lies_in=file_id)
        with step.finish() as uow:
            actions.take_in_posted(uow, event.mail_id, mail, kept)
    except PASSING:
        raise
    except SPOILS as err:
        log.warning("posted_mail_spoilt", error=type(err).__name__)
        with step.finish() as uow:
            actions.put_aside_posted(uow, event.mail_id, f"unreadable_{type(err).__name__}", raw)


def ask_for_confirmation(step: Step, event: ConfirmationWanted) -> None:
    """What its mailbox refuses stands at the person, with a button to try again."""
    try:
        with step.finish() as uow:
            actions.ask_by_mail(uow, event.awaited_id)
    except Refused as err:
        with step.finish() as uow:
            contacts.note_confirmation_unsent(uow, event.awaited_id, err)


def send_message(step: Step, event: MessageQueued) -> None:
    """One attempt. Unavailable leaves it queued and comes back later; everything else ends here."""
    try:
        wait, claimed = _claim_with_names(step, event)
    except Shut:
        _park(step, event)
        return
    if wait > pacing.HOURS_AWAY:
        _set_aside(step, event, wait)
        return
    if wait > pacing.WORTH_WAITING:
        _postpone(step, event.message_id, Unavailable(_("The channel waits before it sends again."), retry_after=wait.total_seconds()))
        return
    if claimed is None:
        return
    outgoing, account = claimed
    time.sleep(wait.total_seconds())
    gateway = gateway_of(account.kind)
    transport = gateway.open(step.box, account)
    try:
        result = transport.send(fit(outgoing, gateway.kind))
    except Refused as err:
        surely(partial(_refused, step, outgoing, err))
    except Unavailable as err:
        surely(partial(_unavailable, step, outgoing, err))
    else:
        surely(partial(_taken, step, outgoing, result))


class Shut(Exception):
    """The link of the number is not open."""


def _set_aside(step: Step, event: MessageQueued, wait: timedelta) -> None:
    """Its turn is on another day: it is announced again then, and waiting costs it no try."""
    with step.finish() as uow:
        uow.emit(event, delay=wait)


def _park(step: Step, event: MessageQueued) -> None:
    """The message waits untouched, however long: it is announced again when the link opens."""
    with step.finish() as uow:
        channel_id = conversation_queries.get_message(uow, event.message_id).channel_id
        queries.lock_link(uow, channel_id)  # whoever opens it meanwhile announces this one too, or has opened it
        if not queries.is_shut(uow, channel_id):
            raise Unavailable(_("The link has just opened."))
        conversations.note_waiting(uow, event.message_id, Wait.NOT_CONNECTED)


class NamesMembers(Exception):
    """Of a group, who are looked up before anybody else is kept from writing."""


def _claim_with_names(step: Step, event: MessageQueued) -> tuple[timedelta, tuple[Outgoing, Account] | None]:
    """Raises Shut."""
    try:
        return _claim(step, event)
    except NamesMembers:
        with step.read() as uow:
            named = actions.find_mentioned(uow, event.message_id)
        return _claim(step, event, named)


def _claim(
    step: Step, event: MessageQueued, named: Sequence[Mention] | None = None
) -> tuple[timedelta, tuple[Outgoing, Account] | None]:
    """How long until its turn, and, when that is soon, the message claimed for one attempt. Raises Shut, NamesMembers."""
    with step.progress() as uow:
        message = conversation_queries.get_message(uow, event.message_id)
        if queries.is_shut(uow, message.channel_id):
            raise Shut
        if named is None and actions.may_name_members(uow, message):
            raise NamesMembers
        if message.status is MessageStatus.QUEUED and actions.withdraw_overtaken(uow, message):
            return timedelta(0), None
        turn = queries.find_pause(uow, message.channel_id)
        if turn is None and message.status is MessageStatus.QUEUED:
            turn = message.send_after or actions.take_turn(uow, message.channel_id)
            conversations.hold_until(uow, message.id, turn)
        wait = max((turn or uow.now) - uow.now, timedelta(0))
        if wait > WORTH_SAYING:
            conversations.note_waiting(uow, message.id, _why(wait, is_its_turn=turn == message.send_after))
        outgoing = conversations.begin_sending(uow, message.id) if wait <= pacing.WORTH_WAITING else None
        if outgoing is None:
            return wait, None
        outgoing = actions.number_members(actions.put_link_in(uow, outgoing), named or ())
        return wait, (outgoing, queries.get_account(uow, outgoing.channel_id))


def _why(wait: timedelta, *, is_its_turn: bool) -> Wait:
    if not is_its_turn:
        return Wait.CHANNEL_RESTS
    return Wait.DAILY_LIMIT if wait > pacing.HOURS_AWAY else Wait.PACE


def _taken(step: Step, outgoing: Outgoing, result: Sent | Unconfirmed) -> None:
    try:
        with step.finish() as uow:
            if isinstance(result, Unconfirmed):
                conversations.mark_unconfirmed(uow, outgoing.message_id)
                _await_echo(uow, outgoing, result)
                return
            _confirm(uow, outgoing, result)
            actions.note_success(uow, outgoing.channel_id)
    except LeaseLost:
        # Somebody thought this attempt dead and declared the message unconfirmed; we know better.
        if isinstance(result, Sent):
            with step.box.unit(step.tenant_id) as uow:
                _confirm(uow, outgoing, result)
        raise


def _await_echo(uow: UnitOfWork, outgoing: Outgoing, result: Unconfirmed) -> None:
    if result.provider_id:
        echo = StatusReport(MessageStatus.SENDING, uow.now, provider_id=result.provider_id, client_id=outgoing.client_id)
        conversations.apply_status(uow, outgoing.channel_id, echo)


def _confirm(uow: UnitOfWork, outgoing: Outgoing, sent: Sent) -> None:
    conversations.confirm_sent(uow, outgoing.message_id, sent.provider_id)
    actions.expect_charge(uow, outgoing)
    actions.tell_sent(uow, outgoing)
    if sent.delivered:
        report = StatusReport(MessageStatus.DELIVERED, uow.now, provider_id=sent.provider_id, client_id=outgoing.client_id)
        conversations.apply_status(uow, outgoing.channel_id, report)


def _refused(step: Step, outgoing: Outgoing, err: Refused) -> None:
    with step.finish() as uow:
        conversations.mark_failed(uow, outgoing.message_id, code="refused", error=err)
        actions.tell_failed(uow, outgoing.message_id)
        actions.note_refused_message(uow, outgoing.channel_id)
        if isinstance(err, NotAllowed | KeyRefused):
            actions.note_refusal(uow, outgoing.channel_id, err)


def _unavailable(step: Step, outgoing: Outgoing, err: Unavailable) -> None:
    with step.progress() as uow:
        conversations.give_back(uow, outgoing.message_id, error=err)
        if not isinstance(err, Deferred):
            actions.note_failure(uow, outgoing.channel_id, err)
    _postpone(step, outgoing.message_id, err)


def _postpone(step: Step, message_id: UUID, err: Unavailable) -> None:
    """Raises Later, which brings the message back; after half a day of tries it fails, and what was written next may go."""
    with step.read() as uow:
        attempts = deliveries.get_delivery(uow, step.delivery_id).attempts
        waited = uow.now - conversation_queries.get_message(uow, message_id).created_at
    if not pacing.is_hopeless(attempts, waited):
        wait = pacing.wait_of(attempts, chance=chance(), retry_after=err.retry_after)
        raise Later(err, retry_after=wait.total_seconds()) from err
    with step.finish() as uow:
        conversations.mark_failed(uow, message_id, code="unavailable", error=err)
        actions.tell_failed(uow, message_id)


def fetch_media(step: Step, event: MediaAnnounced) -> None:
    """Bring a contact's file home, sealed; or say in its place why it could not come."""
    with step.read() as uow:
        account = queries.get_account(uow, event.channel_id)
        announced = dict(conversation_queries.get_message(uow, event.message_id).content.get("media", {}))
    if announced.get("blob_id"):
        return
    try:
        stored: dict[str, object] = gateway_of(account.kind).fetch(step.box, account, str(announced["provider_id"]))
    except Refused as err:
        stored = {"error": pack(told(err))}
    except Unavailable as err:
        with step.read() as uow:
            if is_suspended_now(uow):  # a number that is closed: it costs no try
                raise Later(err, retry_after=WHILE_SUSPENDED.total_seconds()) from err
        raise
    with step.finish() as uow:
        conversations.attach_media(uow, event.message_id, stored)


def hand_in_template(step: Step, event: TemplateQueued) -> None:
    """Ask the provider to approve it. What it refuses goes back to who wrote it, with its words."""
    with step.read() as uow:
        template = queries.get_template(uow, event.template_id)
        if template.status is not TemplateStatus.QUEUED:
            return
        account, wanted = queries.get_account(uow, template.channel_id), actions.wanted_of(template)
    try:
        provider_id, status = gateway_of(account.kind).submit_template(step.box, account, wanted)
    except Refused as err:
        with step.finish() as uow:
            actions.note_not_submitted(uow, event.template_id, err, is_final=True)
    except Unavailable as err:
        with step.progress() as uow:
            actions.note_not_submitted(uow, event.template_id, err, is_final=False)
        raise
    else:
        with step.finish() as uow:
            actions.note_submitted(uow, event.template_id, provider_id, status)
