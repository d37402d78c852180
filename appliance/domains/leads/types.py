from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from appliance.domains.contacts.types import Foreseen

LARGEST = 2**20  # bytes of a webhook


class SourceKind(StrEnum):
    WEBHOOK = "webhook"  # signed with the source's secret
    FORM = "form"  # filled in by the person, on any site
    META = "meta_lead_ads"  # Meta says that there is a lead; the box fetches it
    API = "api"  # by somebody signed in, with a key of theirs
    IMPORT = "csv_import"  # the people of an imported file


class LeadStatus(StrEnum):
    NEW = "new"
    WORKING = "working"
    QUALIFIED = "qualified"
    CONVERTED = "converted"
    LOST = "lost"


class ImportState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # something failed for good: a person may do it again, or send the file once more


class LeadField(StrEnum):
    """What a place in a payload holds."""

    EVENT_ID = "event_id"
    EXTERNAL_ID = "external_id"
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    EMAIL = "email"
    PHONE = "phone"
    COMPANY = "company"
    DOCUMENT = "document"
    REGION = "region"
    TAGS = "tags"
    SCORE = "score"
    CONSENT = "consent"
    CONSENT_TEXT = "consent_text"
    UTM_SOURCE = "utm_source"
    UTM_MEDIUM = "utm_medium"
    UTM_CAMPAIGN = "utm_campaign"
    UTM_TERM = "utm_term"
    UTM_CONTENT = "utm_content"


class MetaSecret(StrEnum):
    """What Meta gives for an app and a page."""

    APP_SECRET = "app_secret"  # noqa: S105 - its name
    VERIFY_TOKEN = "verify_token"  # noqa: S105 - its name
    ACCESS_TOKEN = "access_token"  # noqa: S105 - its name


class FormField(StrEnum):
    """What our own form may ask besides a message."""

    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    COMPANY = "company"
    REGION = "region"


@dataclass(frozen=True)
class Found:
    """One field of a reading: where it was looked for, and what was there ("" for nothing)."""

    path: str
    value: str
    guessed: bool


@dataclass(frozen=True)
class Reading:
    """What a payload says, as the mapping of its source understands it."""

    found: dict[LeadField, Found] = field(default_factory=dict)

    def get(self, name: LeadField) -> str:
        return self.found[name].value if name in self.found else ""

    def utm(self) -> dict[str, str]:
        return {name.removeprefix("utm_"): one.value for name, one in self.found.items() if name.startswith("utm_") and one.value}


class EventState(StrEnum):
    """What became of something that was taken."""

    WAITING = "waiting"
    CAPTURED = "captured"
    NOT_TAKEN = "not_taken"  # the source understood nobody in it; with another mapping it may


@dataclass(frozen=True)
class Doorway:
    """What must be known of a source before its tenant's unit of work may be opened."""

    source_id: UUID
    tenant_id: UUID
    kind: SourceKind
    name: str
    secrets: Mapping[str, str]
    mapping: Mapping[str, str]
    form: dict[str, Any] | None = None


@dataclass(frozen=True)
class Arrived:
    """A payload on its way in. `event_id` names it for good: the same again is the same lead. A `signature` and a `nonce` are good once."""

    event_id: str
    body: str
    payload: object
    nonce: str = ""
    signature: str = ""
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Letter:
    """A signed webhook as it stands at the door."""

    body: bytes
    timestamp: str = ""
    signature: str = ""
    event_id: str = ""
    nonce: str = ""


@dataclass(frozen=True)
class Parcel:
    """What is kept of something that arrived. `key` is the digest of the sender's id for it."""

    key: str
    body: str
    nonce: str = ""
    signature: str = ""

    def __len__(self) -> int:
        return len(self.body)


@dataclass(frozen=True)
class Understood:
    """An event that waits, read before anybody's turn to write is taken. `person`: None where it is captured by itself.

    `unreadable`: why nothing can come of it.
    """

    event_id: UUID
    reading: Reading
    person: Foreseen | None = None
    unreadable: str = ""


@dataclass(frozen=True)
class Captured:
    lead_id: UUID
    contact_id: UUID


@dataclass(frozen=True)
class Receipt:
    """`id` is the box's own number of an event, the same for each repeat of it."""

    id: UUID
    lead_id: UUID | None = None
    contact_id: UUID | None = None
    reason: str | None = None

    @property
    def state(self) -> EventState:
        if self.lead_id is not None:
            return EventState.CAPTURED
        return EventState.WAITING if self.reason is None else EventState.NOT_TAKEN
