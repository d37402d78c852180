from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.queries.confirming import list_awaited
from appliance.domains.contacts.queries.people import find_successors, get_contact
from appliance.domains.contacts.queries.preferences import get_settings
from appliance.domains.contacts.rules import consents, stopping
from appliance.domains.contacts.tables import Consent
from appliance.domains.contacts.types import Channel, ConsentMode, Purpose, Stop


def check_may_send(uow: UnitOfWork, contact_id: UUID, channel: Channel, purpose: Purpose) -> None:
    """The one gate every outbound path passes. Raises ConsentRefused, ContactNotFound."""
    contact = get_contact(uow, contact_id)
    latest = latest_mode(uow, contact.id, channel, purpose)
    is_awaited = latest is None and (channel, purpose) == (Channel.EMAIL, Purpose.MARKETING) and bool(list_awaited(uow, contact.id))
    consents.check_may_send(purpose, latest, born_on=contact.born_on, today=uow.now.date(), is_awaited=is_awaited)


def latest_mode(uow: UnitOfWork, contact_id: UUID, channel: Channel, purpose: Purpose) -> ConsentMode | None:
    """The person's last word, or None when nothing was ever said. Raises ContactNotFound."""
    contact = get_contact(uow, contact_id)
    said = select(Consent.mode).where(Consent.contact_id == contact.id, Consent.channel == channel, Consent.purpose == purpose)
    return uow.session.scalar(said.order_by(Consent.recorded_at.desc(), Consent.id.desc()).limit(1))


def find_silenced(uow: UnitOfWork, contact_ids: Collection[UUID]) -> dict[tuple[UUID, Channel], datetime]:
    """Those of them who asked for silence, with the channel on which they have not written since, and when they asked.

    Under the ids that were given, also of whom was merged away.
    """
    persons = find_successors(uow, contact_ids)
    said = select(Consent.contact_id, Consent.channel, Consent.mode, func.coalesce(Consent.said_at, Consent.recorded_at).label("at")).where(
        Consent.contact_id.in_(set(persons.values())), Consent.purpose == Purpose.REPLY
    )
    latest = {(row.contact_id, row.channel): row for row in uow.session.execute(said.order_by(Consent.recorded_at, Consent.id))}
    silent = [row for row in latest.values() if row.mode is ConsentMode.OPT_OUT]
    return {(given, row.channel): row.at for row in silent for given, person in persons.items() if person == row.contact_id}


def list_consents(uow: UnitOfWork, contact_id: UUID) -> Sequence[Consent]:
    """The ledger, newest first."""
    contact = get_contact(uow, contact_id)
    ledger = select(Consent).where(Consent.contact_id == contact.id)
    return uow.session.scalars(ledger.order_by(Consent.recorded_at.desc(), Consent.id.desc()).limit(500)).all()


def list_stop_words() -> list[tuple[str, ...]]:
    """Those that work in every company, by language."""
    return list(consents.STOP_WORDS.values())


def find_stop(uow: UnitOfWork, text: str) -> Stop | None:
    """Whether somebody asks to be written to no more, in Portuguese, in English or in the organisation's own words."""
    return stopping.find_stop(text, get_settings(uow).opt_out_words)
