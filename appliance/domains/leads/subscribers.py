import json

from sqlalchemy.exc import IntegrityError

from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.jobs import Step
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.events import ContactsMerged, MergeUndone
from appliance.domains.leads import actions, queries
from appliance.domains.leads.errors import NobodyNamed, SourceSilent
from appliance.domains.leads.events import LeadAnnounced
from appliance.domains.leads.gateways import meta
from appliance.domains.leads.types import Arrived, MetaSecret


def move_leads(uow: UnitOfWork, event: ContactsMerged) -> None:
    """Nothing to move to, when the person was erased since: NotFound ends the delivery."""
    people.get_contact(uow, event.kept_id)
    actions.move_leads(uow, merge_id=event.merge_id, from_id=event.gone_id, to_id=event.kept_id)


def move_leads_back(uow: UnitOfWork, event: MergeUndone) -> None:
    actions.move_leads_back(uow, merge_id=event.merge_id, to_id=event.restored_id)


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
    _capture(step, event, json.dumps(payload, ensure_ascii=False), payload)


def _capture(step: Step, event: LeadAnnounced, body: str, payload: object) -> None:
    try:
        with step.finish() as uow:
            try:
                with uow.session.begin_nested():
                    actions.capture_lead(uow, event.source_id, Arrived(event.leadgen_id, body, payload))
            except (NobodyNamed, SourceSilent) as err:
                actions.keep_rejected(uow, event.source_id, "names_nobody" if isinstance(err, NobodyNamed) else "silent", body.encode())
    except IntegrityError as err:  # it was announced twice and the other was first
        raise Unavailable(_("The same lead came many times at once. Send it again."), retry_after=1) from err
