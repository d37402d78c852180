import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from appliance.core import crypto
from appliance.core.box import Box
from appliance.core.rows import locked, required
from appliance.core.uow import Actor, UnitOfWork
from appliance.domains.contacts.errors import ConfirmationNotFound
from appliance.domains.contacts.rules import confirming
from appliance.domains.contacts.tables import AwaitedConsent
from appliance.domains.contacts.types import Question

OWNER_OF_MAILBOX = Actor("contact", name="e-mail")


def get_awaited(uow: UnitOfWork, awaited_id: UUID) -> AwaitedConsent:
    return required(uow.session.get(AwaitedConsent, awaited_id), ConfirmationNotFound)


def find_awaited_by(uow: UnitOfWork, awaited_id: UUID, message_id: UUID) -> AwaitedConsent | None:
    """None where it is not this message that asks for it, or there is nothing to confirm any more."""
    its = select(AwaitedConsent).where(AwaitedConsent.id == awaited_id, AwaitedConsent.message_id == message_id)
    return uow.session.scalar(its)


def lock_awaited(uow: UnitOfWork, awaited_id: UUID) -> AwaitedConsent:
    return required(uow.session.scalar(locked(select(AwaitedConsent).where(AwaitedConsent.id == awaited_id))), ConfirmationNotFound)


def list_awaited(uow: UnitOfWork, contact_id: UUID) -> Sequence[AwaitedConsent]:
    """Still to be confirmed, newest first."""
    still = select(AwaitedConsent).where(
        AwaitedConsent.contact_id == contact_id, AwaitedConsent.confirmed_at.is_(None), AwaitedConsent.expires_at > uow.now
    )
    return uow.session.scalars(still.order_by(AwaitedConsent.asked_at.desc(), AwaitedConsent.id.desc()).limit(20)).all()


def list_moments_asked(uow: UnitOfWork, contact_id: UUID, *, but: UUID | None = None) -> Sequence[datetime]:
    """When this person was asked lately, whether or not they answered. `but`: leaves this one out."""
    theirs = select(AwaitedConsent.asked_at).where(AwaitedConsent.contact_id == contact_id, AwaitedConsent.id.is_distinct_from(but))
    return uow.session.scalars(theirs.where(AwaitedConsent.asked_at > uow.now - confirming.KEPT_FOR).limit(100)).all()


def list_moments_of_mailbox(uow: UnitOfWork, sender_id: UUID, *, but: UUID | None = None) -> Sequence[datetime]:
    """When it was to ask somebody within the last day, oldest first. `but`: leaves this one out."""
    its = select(AwaitedConsent.asked_at).where(AwaitedConsent.sender_id == sender_id, AwaitedConsent.id.is_distinct_from(but))
    today = its.where(AwaitedConsent.asked_at > uow.now - timedelta(days=1))
    return uow.session.scalars(today.order_by(AwaitedConsent.asked_at)).all()


def is_mailbox_spent(uow: UnitOfWork, sender_id: UUID) -> bool:
    """A mailbox that has asked as many within a day as it may: whoever says yes now is not asked."""
    return confirming.is_spent(list_moments_of_mailbox(uow, sender_id))


def confirmation_proof(uow: UnitOfWork, awaited_id: UUID) -> str:
    """What proves that a link was made by this box."""
    return _proof(uow.box, uow.tenant_id, awaited_id)


def _proof(box: Box, tenant_id: UUID, awaited_id: UUID) -> str:
    return crypto.proof_of(box.keys.tenant_key(tenant_id), "confirmations", awaited_id)


def find_question(box: Box, awaited_id: UUID, proof: str) -> Question:
    """Raises ConfirmationNotFound, also for a link that somebody made up."""
    with box.whole_box("confirmation of a consent", read_only=True) as uow:
        awaited = get_awaited(uow, awaited_id)
        if not hmac.compare_digest(proof.encode(), _proof(box, awaited.tenant_id, awaited_id).encode()):
            raise ConfirmationNotFound
        state = confirming.standing(confirmed_at=awaited.confirmed_at, expires_at=awaited.expires_at, now=uow.now)
        return Question(awaited.tenant_id, state, awaited.address, awaited.words)
