from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.events import ContactsMerged, MergeUndone
from appliance.domains.leads import actions


def move_leads(uow: UnitOfWork, event: ContactsMerged) -> None:
    """Nothing to move to, when the person was erased since: NotFound ends the delivery."""
    people.get_contact(uow, event.kept_id)
    actions.move_leads(uow, merge_id=event.merge_id, from_id=event.gone_id, to_id=event.kept_id)


def move_leads_back(uow: UnitOfWork, event: MergeUndone) -> None:
    actions.move_leads_back(uow, merge_id=event.merge_id, to_id=event.restored_id)
