from datetime import timedelta

from appliance.core.manifest import Cron, Manifest, Subscription
from appliance.domains.contacts import actions, jobs, queries, subscribers
from appliance.domains.contacts.api import duplicates, files, history, people, segments
from appliance.domains.contacts.events import (
    ConfirmationWanted,
    ConsentGranted,
    ConsentWithdrawn,
    ContactChanged,
    ContactCreated,
    ContactDeleted,
    ContactsMerged,
    DuplicateDecided,
    DuplicatesFound,
    DuplicatesWanted,
    ImportAdvanced,
    ImportFinished,
    ImportStarted,
    MergeUndone,
    NoteAdded,
    SegmentChanged,
)

_SEEN_WITH = "contacts:read"

MANIFEST = Manifest(
    "contacts",
    apis=(people.api, duplicates.api, history.api, files.api, segments.api),
    subscriptions=(
        Subscription(ImportStarted, subscribers.run_import, queue="slow", mode="staged"),
        Subscription(ImportFinished, subscribers.look_after_import),
        Subscription(DuplicatesWanted, subscribers.find_duplicates, queue="slow", mode="staged"),
    ),
    cron=(
        Cron("forget_abandoned_uploads", jobs.forget_abandoned_uploads, every=timedelta(days=1)),
        Cron("forget_awaited_consents", jobs.forget_awaited_consents, every=timedelta(days=1)),
        Cron("look_for_duplicates", jobs.look_for_duplicates, every=timedelta(days=1)),
    ),
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
        ConfirmationWanted: _SEEN_WITH,
        ConsentGranted: _SEEN_WITH,
        ConsentWithdrawn: _SEEN_WITH,
        NoteAdded: _SEEN_WITH,
        DuplicatesFound: _SEEN_WITH,
        DuplicateDecided: _SEEN_WITH,
        SegmentChanged: _SEEN_WITH,
        ImportAdvanced: _SEEN_WITH,
        ImportFinished: _SEEN_WITH,
    },
    exporters=(queries.export_contact,),
    erasers=(actions.erase_contact,),
)
