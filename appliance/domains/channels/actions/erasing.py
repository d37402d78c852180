from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.channels.actions.envelopes import read_all
from appliance.domains.channels.actions.members import drop_members
from appliance.domains.channels.actions.posting import drop_letters_of
from appliance.domains.channels.actions.rejected import drop_rejected_of
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations import actions as conversations


def erase_contact(uow: UnitOfWork, contact_id: UUID) -> int:
    """What waits to be read may be about this person, and only reading tells: so it is read first, then all of it goes.

    One transaction, however much waits: an erasure that was committed in parts could end between what was read and what goes,
    and nobody would hold the person's name any more to go on with.
    """
    said = conversations.erase_contact(uow, contact_id) if read_all(uow) else 0
    forms = contacts.list_known_forms(uow, contact_id)
    return said + drop_letters_of(uow, forms) + drop_rejected_of(uow, forms) + drop_members(uow, forms)
