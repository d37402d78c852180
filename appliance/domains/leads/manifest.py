from datetime import timedelta

from appliance.core.manifest import Cron, Manifest, Subscription
from appliance.domains.contacts.events import ContactsMerged, MergeUndone, PeopleImported
from appliance.domains.leads import actions, jobs, queries, subscribers
from appliance.domains.leads.api import checks, forms, leads, meta, receipts, sources
from appliance.domains.leads.events import (
    LeadAnnounced,
    LeadCaptured,
    LeadChanged,
    LeadConverted,
    LeadsAccepted,
    LeadsImported,
    SourceChanged,
)

MANIFEST = Manifest(
    "leads",
    apis=(leads.api, sources.api, receipts.api, receipts.webhook, meta.api, forms.api, checks.api),
    subscriptions=(
        Subscription(ContactsMerged, subscribers.move_leads),
        Subscription(MergeUndone, subscribers.move_leads_back),
        Subscription(LeadsAccepted, subscribers.capture_leads, mode="staged", takes_in=True),
        Subscription(PeopleImported, subscribers.capture_imported, mode="staged"),
        Subscription(LeadAnnounced, subscribers.fetch_lead, mode="staged", takes_in=True),
    ),
    cron=(Cron("prune_rejected", jobs.prune_rejected, every=timedelta(hours=6)),),
    permissions={
        leads.READ: ("owner", "admin", "manager", "rep", "agent", "read_only"),
        leads.WRITE: ("owner", "admin", "manager", "rep", "agent"),
        sources.MANAGE: ("owner", "admin"),
    },
    live=dict.fromkeys((LeadCaptured, LeadChanged, LeadConverted, LeadsImported, SourceChanged), leads.READ),
    exporters=(queries.export_contact,),
    erasers=(actions.erase_contact,),
)
