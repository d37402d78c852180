"""Double opt-in: what somebody typed becomes a yes once the owner of the mailbox says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, update

from appliance.core.box import Box
from appliance.core.errors import Conflict
from appliance.core.i18n import current_locale, told
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.actions.consenting import grant_consent
from appliance.domains.contacts.actions.timeline import add_timeline_entry
from appliance.domains.contacts.errors import ConfirmationOver
from appliance.domains.contacts.events import ConfirmationWanted
from appliance.domains.contacts.rules import confirming, consents
from appliance.domains.contacts.rules.emails import normalise_email
from appliance.domains.contacts.schemas import ConsentIn
from appliance.domains.contacts.tables import AwaitedConsent
from appliance.domains.contacts.types import Awaiting, Channel, ConsentMode, Identity, IdentityKind, Purpose, Question


@dataclass(frozen=True)
class Asking:
    """`sender_id` is the mailbox that asks, `evidence` what shows who typed the yes, where and when.

    `words` are shown to whoever owns the address: only what the organisation itself wrote may stand there.
    """

    address: str
    sender_id: UUID
    source: str
    words: str
    evidence: Mapping[str, str]


def ask_confirmation(uow: UnitOfWork, contact_id: UUID, asking: Asking) -> AwaitedConsent | None:
    """None for whom nobody needs to ask or may ask now: they agreed before, were asked a moment ago, or the mailbox has asked too many.

    Raises ConsentRefused for a minor.
    """
    contact = queries.lock_contact(uow, contact_id)
    consents.check_may_consent(Purpose.MARKETING, contact.born_on, uow.now.date())
    said = queries.latest_mode(uow, contact.id, Channel.EMAIL, Purpose.MARKETING)
    if said not in (None, ConsentMode.OPT_OUT) or not confirming.may_ask(queries.list_moments_asked(uow, contact.id), uow.now):
        return None
    lately = queries.list_moments_of_mailbox(uow, asking.sender_id)
    if confirming.is_spent(lately):
        return None
    awaited = AwaitedConsent(
        tenant_id=uow.tenant_id, contact_id=contact.id, sender_id=asking.sender_id, locale=current_locale(), source=asking.source,
        address=normalise_email(asking.address) or asking.address, words=asking.words, evidence=dict(asking.evidence),
        asked_at=uow.now, expires_at=uow.now + confirming.OPEN_FOR,
    )  # fmt: skip
    uow.session.add(awaited)
    uow.session.flush()
    add_timeline_entry(uow, contact.id, kind="consent.asked", object_id=awaited.id, summary=f"{Channel.EMAIL} {Purpose.MARKETING}")
    uow.emit(ConfirmationWanted(contact.id, awaited.id), delay=confirming.turn_of(lately, uow.now) - uow.now)
    return awaited


def note_confirmation_sent(uow: UnitOfWork, awaited_id: UUID, message_id: UUID) -> None:
    awaited = queries.get_awaited(uow, awaited_id)
    awaited.message_id, awaited.unsent = message_id, None


def note_confirmation_unsent(uow: UnitOfWork, awaited_id: UUID, why: object) -> None:
    awaited = queries.get_awaited(uow, awaited_id)
    awaited.message_id, awaited.unsent = None, told(why)
    uow.whisper(ConfirmationWanted(awaited.contact_id, awaited_id))


def reopen_confirmation(uow: UnitOfWork, awaited_id: UUID) -> bool:
    """Its owner is asked once more, as seldom as for a form, and has as long to answer. False: the mailbox asks when it is its turn.

    Raises ConfirmationNotFound, ConfirmationOver, Conflict.
    """
    awaited = queries.lock_awaited(uow, awaited_id)
    if confirming.standing(confirmed_at=awaited.confirmed_at, expires_at=awaited.expires_at, now=uow.now) is not Awaiting.OPEN:
        raise ConfirmationOver
    contact = queries.lock_contact(uow, awaited.contact_id)
    if awaited.message_id is not None:
        _keep_as_asked(uow, awaited)
    lately = queries.list_moments_of_mailbox(uow, awaited.sender_id, but=awaited_id)
    if not confirming.may_ask(queries.list_moments_asked(uow, contact.id, but=awaited_id), uow.now) or confirming.is_spent(lately):
        raise Conflict(_("This person was asked a short while ago, or the mailbox has asked as many as it may in a day. Try again later."))
    turn = confirming.turn_of(lately, uow.now)
    awaited.message_id, awaited.unsent = None, None
    awaited.asked_at, awaited.expires_at = uow.now, uow.now + confirming.OPEN_FOR
    if turn > uow.now:
        uow.emit(ConfirmationWanted(awaited.contact_id, awaited_id), delay=turn - uow.now)
    return turn <= uow.now


def _keep_as_asked(uow: UnitOfWork, awaited: AwaitedConsent) -> None:
    """A mail was written and did not arrive: it counts among those that this person and the mailbox may have."""
    before = AwaitedConsent(
        tenant_id=uow.tenant_id, contact_id=awaited.contact_id, sender_id=awaited.sender_id, locale=awaited.locale, source=awaited.source,
        address=awaited.address, words=awaited.words, evidence=awaited.evidence, message_id=awaited.message_id, asked_at=awaited.asked_at,
        expires_at=uow.now,
    )  # fmt: skip
    uow.session.add(before)
    uow.session.flush()


def confirm_by_link(box: Box, awaited_id: UUID, proof: str, how: Mapping[str, str]) -> Question:
    """Raises ConfirmationNotFound, ConfirmationOver, ConsentRefused."""
    question = queries.find_question(box, awaited_id, proof)
    with box.unit(question.tenant_id, queries.OWNER_OF_MAILBOX) as uow:
        confirm_consent(uow, awaited_id, how)
    return question


def confirm_consent(uow: UnitOfWork, awaited_id: UUID, how: Mapping[str, str]) -> None:
    """Once is enough: the second time changes nothing. `how` joins the evidence. Raises ConfirmationOver, ConsentRefused."""
    awaited = queries.lock_awaited(uow, awaited_id)
    state = confirming.standing(confirmed_at=awaited.confirmed_at, expires_at=awaited.expires_at, now=uow.now)
    if state is Awaiting.CONFIRMED:
        return
    contact = queries.get_contact(uow, awaited.contact_id)
    if state is Awaiting.OVER or not queries.is_theirs(uow, contact.id, Identity(IdentityKind.EMAIL, awaited.address)):
        raise ConfirmationOver
    evidence = {**awaited.evidence, "address": awaited.address, "asked_at": awaited.asked_at.isoformat(), **how}
    evidence["message_id"] = str(awaited.message_id or "")
    grant_consent(
        uow, contact.id,
        ConsentIn(
            channel=Channel.EMAIL, purpose=Purpose.MARKETING, mode=ConsentMode.DOUBLE_OPT_IN, source=awaited.source, evidence=evidence
        ),
    )  # fmt: skip
    same = update(AwaitedConsent).where(AwaitedConsent.contact_id == contact.id, AwaitedConsent.confirmed_at.is_(None))
    uow.session.execute(same.values(confirmed_at=uow.now))


def forget_awaited(uow: UnitOfWork) -> None:
    """Of all organisations; needs the box scope."""
    uow.session.execute(delete(AwaitedConsent).where(AwaitedConsent.asked_at < uow.now - confirming.KEPT_FOR))
