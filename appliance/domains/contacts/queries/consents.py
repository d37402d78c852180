from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, func, select

from appliance.core.rows import required
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts.errors import ContactNotFound
from appliance.domains.contacts.queries.confirming import list_awaited
from appliance.domains.contacts.queries.people import get_contact
from appliance.domains.contacts.queries.preferences import get_settings
from appliance.domains.contacts.rules import consents, stopping
from appliance.domains.contacts.tables import Consent, Contact
from appliance.domains.contacts.types import Channel, ConsentMode, Purpose, Stop


def check_may_send(uow: UnitOfWork, contact_id: UUID, channel: Channel, purpose: Purpose) -> None:
    """The one gate every outbound path passes. Raises ConsentRefused, ContactNotFound."""
    person_id, born_on, latest = _standing(uow, contact_id, channel, purpose)
    is_awaited = latest is None and (channel, purpose) == (Channel.EMAIL, Purpose.MARKETING) and bool(list_awaited(uow, person_id))
    consents.check_may_send(purpose, latest, born_on=born_on, today=uow.now.date(), is_awaited=is_awaited)


def latest_mode(uow: UnitOfWork, contact_id: UUID, channel: Channel, purpose: Purpose) -> ConsentMode | None:
    """The person's last word, or None when nothing was ever said. Raises ContactNotFound."""
    return _standing(uow, contact_id, channel, purpose)[2]


def _standing(uow: UnitOfWork, contact_id: UUID, channel: Channel, purpose: Purpose) -> tuple[UUID, date | None, ConsentMode | None]:
    """Whoever they are by now, their birthday and their last word."""
    said = select(Consent.mode).where(Consent.contact_id == Contact.id, Consent.channel == channel, Consent.purpose == purpose)
    latest = said.order_by(Consent.id.desc()).limit(1).scalar_subquery()
    known = select(Contact.merged_into_id, Contact.born_on, latest.label("latest")).where(Contact.id == contact_id)
    row = required(uow.session.execute(known).one_or_none(), ContactNotFound)
    if row.merged_into_id is not None:
        return _standing(uow, row.merged_into_id, channel, purpose)
    return contact_id, row.born_on, row.latest


def find_silenced(uow: UnitOfWork, contact_ids: Collection[UUID]) -> dict[tuple[UUID, Channel], datetime]:
    """Those of them who asked for silence, with the channel on which they have not written since, and when they asked.

    Under the ids that were given, also of whom was merged away.
    """
    said_at = func.coalesce(Consent.said_at, Consent.recorded_at).label("at")
    known = select(Contact.id, Contact.merged_into_id, Consent.channel, Consent.mode, said_at).where(Contact.id.in_(contact_ids))
    words = known.outerjoin(Consent, and_(Consent.contact_id == Contact.id, Consent.purpose == Purpose.REPLY))
    rows = uow.session.execute(words.order_by(Consent.id)).all()
    latest = {(row.id, row.channel): row for row in rows if row.merged_into_id is None}
    silent = {place: row.at for place, row in latest.items() if row.mode is ConsentMode.OPT_OUT}
    if gone := {row.id: row.merged_into_id for row in rows if row.merged_into_id is not None}:
        theirs = find_silenced(uow, set(gone.values()))
        silent |= {(given, channel): at for given, kept in gone.items() for (person, channel), at in theirs.items() if person == kept}
    return silent


def list_consents(uow: UnitOfWork, contact_id: UUID) -> Sequence[Consent]:
    """The ledger, newest first."""
    contact = get_contact(uow, contact_id)
    ledger = select(Consent).where(Consent.contact_id == contact.id)
    return uow.session.scalars(ledger.order_by(Consent.id.desc()).limit(500)).all()


def list_stop_words() -> list[tuple[str, ...]]:
    """Those that work in every company, by language."""
    return list(consents.STOP_WORDS.values())


def find_stop(uow: UnitOfWork, text: str) -> Stop | None:
    """Whether somebody asks to be written to no more, in Portuguese, in English or in the organisation's own words."""
    return stopping.find_stop(text, get_settings(uow).opt_out_words)
