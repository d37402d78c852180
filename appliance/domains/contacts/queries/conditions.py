"""What several lists of contacts ask."""

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import aliased, selectinload

from appliance.domains.contacts.tables import Consent, Contact
from appliance.domains.contacts.types import Channel, ConsentMode, Purpose


def present() -> Select[Contact]:
    return select(Contact).where(Contact.merged_into_id.is_(None)).options(selectinload(Contact.tag_rows))


def agreed_to(purpose: Purpose, channel: Channel | None = None) -> ColumnElement[bool]:
    """On this channel the last word is a yes; on some channel, where none is named."""
    later = aliased(Consent)
    revised = exists().where(
        later.contact_id == Consent.contact_id,
        later.channel == Consent.channel,
        later.purpose == Consent.purpose,
        later.id > Consent.id,
    )
    agreed = exists().where(
        Consent.contact_id == Contact.id, Consent.purpose == purpose, Consent.mode != ConsentMode.OPT_OUT, ~revised
    )
    return agreed.where(Consent.channel == channel) if channel else agreed
