import json

from appliance.core.errors import Refused
from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.events import ContactsMerged, MergeUndone, PeopleImported
from appliance.domains.leads import actions, queries
from appliance.domains.leads.events import LeadAnnounced, LeadsAccepted
from appliance.domains.leads.gateways import meta
from appliance.domains.leads.rules.mapping import event_key
from appliance.domains.leads.types import MetaSecret, Parcel

PEOPLE_AT_ONCE = 200  # in one transaction: others write between two
MOST_TURNS = 50  # then other work of the queue is done first


def move_leads(uow: UnitOfWork, event: ContactsMerged) -> None:
    """Nothing to move to, when the person was erased since: NotFound ends the delivery."""
    people.get_contact(uow, event.kept_id)
    actions.move_leads(uow, merge_id=event.merge_id, from_id=event.gone_id, to_id=event.kept_id)


def move_leads_back(uow: UnitOfWork, event: MergeUndone) -> None:
    actions.move_leads_back(uow, merge_id=event.merge_id, to_id=event.restored_id)


def capture_leads(step: Step, event: LeadsAccepted) -> None:
    """Events are marked in the turn that captures them, so each becomes a lead once; between two turns others may write."""
    for _ in range(MOST_TURNS):
        with step.read() as uow:
            waiting = actions.read_waiting(uow, event.source_id)
        if not waiting.events:
            return
        with step.progress() as uow:
            actions.capture(uow, waiting)
    with step.finish() as uow:
        uow.emit(event)


def capture_imported(step: Step, event: PeopleImported) -> None:
    """Whoever takes over finds who is written already. What is only counted is counted with the end of the delivery."""
    with step.read() as uow:
        run = queries.find_import(uow, event.listener_id)
    if run is None:
        return
    for start in range(0, 0 if run.dry_run else len(event.contact_ids), PEOPLE_AT_ONCE):
        with step.progress() as uow:
            actions.capture_imported(uow, run.id, event.contact_ids[start : start + PEOPLE_AT_ONCE])
    with step.finish() as uow:
        if run.dry_run:
            actions.count_imported(uow, run.id, event.contact_ids)
        if event.is_last:
            actions.finish_import(uow, run.id)


def fetch_lead(step: Step, event: LeadAnnounced) -> None:
    """What Meta refuses is shown at its source and left as a dead letter: with a new token it can be done again."""
    with step.read() as uow:
        source = queries.get_source(uow, event.source_id)
        token = source.secrets[MetaSecret.ACCESS_TOKEN]
        is_here = queries.is_event_known(uow, source.id, event.leadgen_id)
    if is_here:
        return
    try:
        payload = meta.fetch_lead(step.box, token, event.leadgen_id)
    except Refused as err:
        with step.progress() as uow:
            actions.keep_rejected(uow, event.source_id, "not_handed_over", f"{event.leadgen_id}: {err}".encode())
        raise
    with step.finish() as uow:
        actions.keep_lead(uow, event.source_id, Parcel(event_key(event.leadgen_id, b""), json.dumps(payload, ensure_ascii=False)))
