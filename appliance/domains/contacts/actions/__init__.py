"""Writes. The caller owns the transaction."""

from appliance.domains.contacts.actions.confirming import (
    Asking,
    ask_confirmation,
    confirm_by_link,
    confirm_consent,
    forget_awaited,
    note_confirmation_sent,
    note_confirmation_unsent,
    reopen_confirmation,
)
from appliance.domains.contacts.actions.consenting import (
    grant_consent,
    grant_consents,
    hear_again,
    opt_out,
    record_consent,
    withdraw_consent,
)
from appliance.domains.contacts.actions.duplicates import dismiss_duplicate, merge_duplicate, reopen_duplicate, suggest, want_duplicates
from appliance.domains.contacts.actions.erasing import delete_contact, erase_contact
from appliance.domains.contacts.actions.freezing import add_member, freeze_segment, remove_member, thaw_segment
from appliance.domains.contacts.actions.importing import (
    count_rows,
    create_import,
    finish_import,
    forget_uploads,
    import_slice,
    refuse_import,
    rehearse_again,
    start_import,
)
from appliance.domains.contacts.actions.merging import merge_contacts, undo_merge
from appliance.domains.contacts.actions.people import change_contact, create_contact, record_seen
from appliance.domains.contacts.actions.preferences import change_settings
from appliance.domains.contacts.actions.segmenting import change_segment, create_segment, delete_segment
from appliance.domains.contacts.actions.timeline import add_note, add_timeline_entries, add_timeline_entry, reword_timeline_entry
from appliance.domains.contacts.actions.upserting import upsert_contact, upsert_foreseen

__all__ = [
    "Asking",
    "add_member",
    "add_note",
    "add_timeline_entries",
    "add_timeline_entry",
    "ask_confirmation",
    "change_contact",
    "change_segment",
    "change_settings",
    "confirm_by_link",
    "confirm_consent",
    "count_rows",
    "create_contact",
    "create_import",
    "create_segment",
    "delete_contact",
    "delete_segment",
    "dismiss_duplicate",
    "erase_contact",
    "finish_import",
    "forget_awaited",
    "forget_uploads",
    "freeze_segment",
    "grant_consent",
    "grant_consents",
    "hear_again",
    "import_slice",
    "merge_contacts",
    "merge_duplicate",
    "note_confirmation_sent",
    "note_confirmation_unsent",
    "opt_out",
    "record_consent",
    "record_seen",
    "refuse_import",
    "rehearse_again",
    "remove_member",
    "reopen_confirmation",
    "reopen_duplicate",
    "reword_timeline_entry",
    "start_import",
    "suggest",
    "thaw_segment",
    "undo_merge",
    "upsert_contact",
    "upsert_foreseen",
    "want_duplicates",
    "withdraw_consent",
]
