from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries
from appliance.domains.contacts.actions.timeline import add_timeline_entries, add_timeline_entry
from appliance.domains.contacts.events import ConsentGranted, ConsentWithdrawn
from appliance.domains.contacts.rules import consents
from appliance.domains.contacts.schemas import ConsentIn
from appliance.domains.contacts.tables import Consent
from appliance.domains.contacts.types import Channel, ConsentMode, Purpose


def grant_consent(uow: UnitOfWork, contact_id: UUID, said: ConsentIn) -> Consent:
    """Add a yes to the ledger. Raises ContactNotFound, ConsentRefused."""
    contact = queries.get_contact(uow, contact_id)
    consents.check_may_consent(said.purpose, contact.born_on, uow.now.date())
    [consent] = grant_consents(uow, said, {contact.id: said.evidence})
    return consent


def grant_consents(uow: UnitOfWork, said: ConsentIn, evidence: Mapping[UUID, Mapping[str, Any]]) -> Sequence[Consent]:
    """The same yes of many, unchecked: of contacts whom nothing speaks against, as of those made in this unit."""
    rows = [_consent(uow, contact_id, said, shown) for contact_id, shown in evidence.items()]
    uow.session.add_all(rows)
    uow.session.flush()
    add_timeline_entries(uow, "consent.granted", {row.id: row.contact_id for row in rows}, summary=f"{said.channel} {said.purpose}")
    uow.emit_all(ConsentGranted(row.contact_id, row.id, said.channel, said.purpose) for row in rows)
    return rows


def withdraw_consent(uow: UnitOfWork, contact_id: UUID, said: ConsentIn) -> Consent:
    """Add a no to the ledger. Raises ContactNotFound."""
    contact = queries.get_contact(uow, contact_id)
    consent = _append(uow, contact.id, said)
    add_timeline_entry(uow, contact.id, kind="consent.withdrawn", object_id=consent.id, summary=f"{said.channel} {said.purpose}")
    uow.emit(ConsentWithdrawn(contact.id, consent.id, said.channel, said.purpose))
    return consent


def record_consent(uow: UnitOfWork, contact_id: UUID, said: ConsentIn) -> Consent:
    """Add the person's word, whichever it is."""
    record = withdraw_consent if said.mode is ConsentMode.OPT_OUT else grant_consent
    return record(uow, contact_id, said)


def opt_out(
    uow: UnitOfWork, contact_id: UUID, channel: Channel, *, source: str, evidence: Mapping[str, object], silent_from: datetime | None = None
) -> bool:
    """The person said stop: no more notices and no marketing on this channel. True the first time, when it is confirmed.

    `silent_from`: not even an answer to what was written before then, until `hear_again`. Who says so once more moves that on.
    """
    contact = queries.get_contact(uow, contact_id)
    open_purposes = [
        purpose
        for purpose in (consents.WITHDRAWN_BY_STOP if silent_from else consents.WITHDRAWN_BY_LEAVING)
        if queries.latest_mode(uow, contact.id, channel, purpose) is not ConsentMode.OPT_OUT
    ]
    since = queries.find_silenced(uow, [contact.id]).get((contact.id, channel))
    said_again = [Purpose.REPLY] if silent_from and since and silent_from > since else []
    for purpose in (*open_purposes, *said_again):
        consent = withdraw_consent(uow, contact.id, _word(channel, purpose, ConsentMode.OPT_OUT, source, evidence))
        consent.said_at = silent_from
    return bool(open_purposes)


def hear_again(uow: UnitOfWork, contact_id: UUID, channel: Channel, *, evidence: Mapping[str, object]) -> None:
    """Who asked for silence writes: they may be answered. Notices and marketing stay withdrawn."""
    grant_consent(uow, contact_id, _word(channel, Purpose.REPLY, ConsentMode.OPT_IN, "message", evidence))


def _word(channel: Channel, purpose: Purpose, mode: ConsentMode, source: str, evidence: Mapping[str, object]) -> ConsentIn:
    return ConsentIn(channel=channel, purpose=purpose, mode=mode, source=source, evidence=dict(evidence))


def _append(uow: UnitOfWork, contact_id: UUID, said: ConsentIn) -> Consent:
    consent = _consent(uow, contact_id, said, said.evidence)
    uow.session.add(consent)
    uow.session.flush()
    return consent


def _consent(uow: UnitOfWork, contact_id: UUID, said: ConsentIn, evidence: Mapping[str, Any]) -> Consent:
    known = said.model_dump(exclude={"evidence"})
    return Consent(id=new_id(), tenant_id=uow.tenant_id, contact_id=contact_id, recorded_at=uow.now, evidence=dict(evidence), **known)
