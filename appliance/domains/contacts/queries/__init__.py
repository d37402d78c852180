"""Reads. Each takes the unit of work of the caller."""

from appliance.domains.contacts.queries.consents import check_may_send, is_opt_out, latest_mode, list_consents
from appliance.domains.contacts.queries.imports import get_import, list_import_problems, list_imports, lock_import
from appliance.domains.contacts.queries.people import (
    count_contacts,
    find_contacts,
    find_owners,
    get_contact,
    is_theirs,
    list_contacts,
    list_contacts_after,
    list_identities,
    list_known_forms,
    list_tags,
    lock_contact,
)
from appliance.domains.contacts.queries.preferences import document_index, get_settings
from appliance.domains.contacts.queries.privacy import export_contact
from appliance.domains.contacts.queries.segments import (
    count_fitting,
    get_segment,
    list_segment_contacts,
    list_segments,
    lock_segment,
)
from appliance.domains.contacts.queries.timeline import get_merge, list_merges, list_notes, list_timeline
from appliance.domains.contacts.rules.importing import guess_mapping
from appliance.domains.contacts.rules.mentions import mentions

__all__ = [
    "check_may_send",
    "count_contacts",
    "count_fitting",
    "document_index",
    "export_contact",
    "find_contacts",
    "find_owners",
    "get_contact",
    "get_import",
    "get_merge",
    "get_segment",
    "get_settings",
    "guess_mapping",
    "is_opt_out",
    "is_theirs",
    "latest_mode",
    "list_consents",
    "list_contacts",
    "list_contacts_after",
    "list_identities",
    "list_import_problems",
    "list_imports",
    "list_known_forms",
    "list_merges",
    "list_notes",
    "list_segment_contacts",
    "list_segments",
    "list_tags",
    "list_timeline",
    "lock_contact",
    "lock_import",
    "lock_segment",
    "mentions",
]
