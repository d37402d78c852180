from appliance.core.manifest import Manifest
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.events import (
    ConsentGranted,
    ConsentWithdrawn,
    ContactChanged,
    ContactCreated,
    ContactDeleted,
    ContactsMerged,
    MergeUndone,
    NoteAdded,
)

_SEEN_WITH = "contacts:read"

MANIFEST = Manifest(
    "contacts",
    permissions={
        "contacts:read": ("owner", "admin", "manager", "rep", "agent", "read_only"),
        "contacts:write": ("owner", "admin", "manager", "rep", "agent"),
        "contacts:delete": ("owner", "admin"),
        "contacts:export": ("owner", "admin", "manager"),
        "contacts:configure": ("owner", "admin"),
    },
    live={
        ContactCreated: _SEEN_WITH,
        ContactChanged: _SEEN_WITH,
        ContactDeleted: _SEEN_WITH,
        ContactsMerged: _SEEN_WITH,
        MergeUndone: _SEEN_WITH,
        ConsentGranted: _SEEN_WITH,
        ConsentWithdrawn: _SEEN_WITH,
        NoteAdded: _SEEN_WITH,
    },
    exporters=(queries.export_contact,),
    erasers=(actions.erase_contact,),
)
