"""Writes. The caller owns the transaction."""

from appliance.domains.contacts.actions.consenting import grant_consent, opt_out, record_consent, withdraw_consent
from appliance.domains.contacts.actions.erasing import delete_contact, erase_contact
from appliance.domains.contacts.actions.importing import (
    create_import,
    finish_import,
    forget_abandoned_uploads,
    import_slice,
    start_import,
)
from appliance.domains.contacts.actions.merging import merge_contacts, undo_merge
from appliance.domains.contacts.actions.people import change_contact, create_contact, record_seen
from appliance.domains.contacts.actions.preferences import change_settings
from appliance.domains.contacts.actions.segmenting import change_segment, create_segment, delete_segment
from appliance.domains.contacts.actions.timeline import add_note, add_timeline_entry
from appliance.domains.contacts.actions.upserting import upsert_contact

__all__ = [
    "add_note",
    "add_timeline_entry",
    "change_contact",
    "change_segment",
    "change_settings",
    "create_contact",
    "create_import",
    "create_segment",
    "delete_contact",
    "delete_segment",
    "erase_contact",
    "finish_import",
    "forget_abandoned_uploads",
    "grant_consent",
    "import_slice",
    "merge_contacts",
    "opt_out",
    "record_consent",
    "record_seen",
    "start_import",
    "undo_merge",
    "upsert_contact",
    "withdraw_consent",
]
