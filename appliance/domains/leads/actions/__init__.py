"""Writes. The caller owns the transaction."""

from appliance.domains.leads.actions.accepting import accept_leads, keep_lead, retry_rejected
from appliance.domains.leads.actions.capturing import announce_leads, capture_lead
from appliance.domains.leads.actions.importing import capture_imported, count_imported, finish_import, open_list, start_import
from appliance.domains.leads.actions.rejecting import keep_rejected, prune_rejected
from appliance.domains.leads.actions.sources import change_source, create_source, delete_source, renew_secret
from appliance.domains.leads.actions.waiting import Waiting, capture, read_waiting
from appliance.domains.leads.actions.working import change_lead, convert_lead, erase_contact, move_leads, move_leads_back

__all__ = [
    "Waiting",
    "accept_leads",
    "announce_leads",
    "capture",
    "capture_imported",
    "capture_lead",
    "change_lead",
    "change_source",
    "convert_lead",
    "count_imported",
    "create_source",
    "delete_source",
    "erase_contact",
    "finish_import",
    "keep_lead",
    "keep_rejected",
    "move_leads",
    "move_leads_back",
    "open_list",
    "prune_rejected",
    "read_waiting",
    "renew_secret",
    "retry_rejected",
    "start_import",
]
