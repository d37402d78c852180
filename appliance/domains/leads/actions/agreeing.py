"""What a lead says of being written to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.actions import Asking
from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.schemas import ConsentIn
from appliance.domains.contacts.types import Channel, ConsentMode, Foreseen, Identity, IdentityKind, Purpose
from appliance.domains.leads.rules import mapping
from appliance.domains.leads.tables import LeadSource
from appliance.domains.leads.types import LeadField, Reading


@dataclass(frozen=True)
class Agreed:
    """A yes that came with somebody new."""

    person: Foreseen
    lead_id: UUID
    reading: Reading


def take_consents(uow: UnitOfWork, source: LeadSource, agreed: Collection[Agreed]) -> None:
    """Of people who were made in this unit: nothing was said before, and the ids they came with are theirs."""
    for kind, channel in ((IdentityKind.PHONE, Channel.WHATSAPP), (IdentityKind.EMAIL, Channel.EMAIL)):
        reached = [one for one in agreed if kind in {identity.kind for identity in one.person.identities}]
        if reached:
            evidence = {one.person.contact_id: _said(one.reading, {"lead_id": str(one.lead_id)}) for one in reached}
            contacts.grant_consents(uow, _yes(source, channel, {}), evidence)


def agrees(reading: Reading) -> bool:
    return mapping.is_yes(reading.get(LeadField.CONSENT))


def is_free_to_agree(source: LeadSource, person: Foreseen) -> bool:
    """Whether a yes of theirs is written as it comes: they said nothing before, and nobody is asked to confirm it."""
    return not person.version and source.confirm_by is None


def take_consent(uow: UnitOfWork, source: LeadSource, contact_id: UUID, reading: Reading, evidence: Mapping[str, str]) -> None:
    """For each address that was given and is theirs. Who said no is not brought back by what somebody typed: only, where the source
    asks for that, by confirming it from their own mailbox.
    """
    if not agrees(reading):
        return
    said = _said(reading, evidence)
    email, phone = reading.get(LeadField.EMAIL), reading.get(LeadField.PHONE)
    try:
        if people.is_theirs(uow, contact_id, Identity(IdentityKind.PHONE, phone)):
            _record(uow, source, contact_id, Channel.WHATSAPP, said)
        if people.is_theirs(uow, contact_id, Identity(IdentityKind.EMAIL, email)):
            if source.confirm_by is None:
                _record(uow, source, contact_id, Channel.EMAIL, said)
            else:
                words = (source.form or {}).get("consent_text", "")
                contacts.ask_confirmation(uow, contact_id, Asking(email, source.confirm_by, _named(source), words, said))
    except ConsentRefused:  # a minor
        return


def _record(uow: UnitOfWork, source: LeadSource, contact_id: UUID, channel: Channel, evidence: Mapping[str, str]) -> None:
    if people.latest_mode(uow, contact_id, channel, Purpose.MARKETING) is None:
        contacts.grant_consent(uow, contact_id, _yes(source, channel, evidence))


def _said(reading: Reading, evidence: Mapping[str, str]) -> Mapping[str, str]:
    return {"text": reading.get(LeadField.CONSENT_TEXT), **evidence}


def _yes(source: LeadSource, channel: Channel, evidence: Mapping[str, str]) -> ConsentIn:
    purpose, mode = Purpose.MARKETING, ConsentMode.OPT_IN
    return ConsentIn(channel=channel, purpose=purpose, mode=mode, source=_named(source), evidence=dict(evidence))


def _named(source: LeadSource) -> str:
    return f"lead: {source.name}"[:80]
