from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID


class IdentityKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    WHATSAPP = "whatsapp"  # the account number WhatsApp itself confirmed; may differ from the phone people dial
    WHATSAPP_LID = "whatsapp_lid"
    WHATSAPP_USER = "whatsapp_user"  # business-scoped user id: the only id of somebody who hides the number
    WHATSAPP_GROUP = "whatsapp_group"  # many people, and none of them
    WEBCHAT = "webchat"
    EXTERNAL = "external"  # id in another system, named by the scope


@dataclass(frozen=True)
class Identity:
    """One way to recognise a person. `scope` says where `value` is unique: a channel, another system, or everywhere ("")."""

    kind: IdentityKind
    value: str
    scope: str = ""


@dataclass(frozen=True)
class Foreseen:
    """What becomes of somebody who was named, unless others write meanwhile: a new contact, or a known one of whom nothing changes."""

    contact_id: UUID
    version: int = 0  # of a known one
    columns: Mapping[str, Any] = field(default_factory=dict)
    identities: tuple[Identity, ...] = ()


class Unforeseen(StrEnum):
    ALONE = "alone"  # more becomes of them than can be foreseen
    LATER = "later"  # it hangs on somebody who was named before them


class Channel(StrEnum):
    WHATSAPP = "whatsapp"
    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    WEBCHAT = "webchat"
    SIMULATOR = "simulator"


class Purpose(StrEnum):
    REPLY = "reply"  # answering what the person just wrote
    SERVICE = "service"  # notices about what the person has with us
    MARKETING = "marketing"


class ConsentMode(StrEnum):
    OPT_IN = "opt_in"
    DOUBLE_OPT_IN = "double_opt_in"
    OPT_OUT = "opt_out"


class Awaiting(StrEnum):
    """Where a yes stands that somebody typed, and that the owner of the mailbox is asked about."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    OVER = "over"  # too old


@dataclass(frozen=True)
class Question:
    """What the owner of a mailbox is asked by the link that was sent there. `words`: what was agreed to, as the organisation wrote it."""

    tenant_id: UUID
    state: Awaiting
    address: str
    words: str


class LawfulBasis(StrEnum):
    """The bases of LGPD art. 7 (GDPR art. 6) that fit writing to somebody."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGITIMATE_INTEREST = "legitimate_interest"
    LEGAL_OBLIGATION = "legal_obligation"


class Stop(NamedTuple):
    """In which language somebody asks to be written to no more. `is_all`: nothing else in the message waits for an answer."""

    language: str
    is_all: bool


class Objection(StrEnum):
    """Why a message may not be sent."""

    OPTED_OUT = "opted_out"
    SILENCED = "silenced"  # they asked for silence and have not written since
    NEVER_OPTED_IN = "never_opted_in"
    UNCONFIRMED = "unconfirmed"  # somebody typed a yes, and the owner of the mailbox has not confirmed it
    MINOR = "minor"


class Likeness(StrEnum):
    """Why two contacts may be one person."""

    SAID_TOGETHER = "said_together"  # one row, form or webhook held an id of each
    DOCUMENT = "document"
    NAME_AND_COMPANY = "name_and_company"
    NAME = "name"  # and nothing that speaks against it


class DuplicateState(StrEnum):
    OPEN = "open"
    MERGED = "merged"
    DISMISSED = "dismissed"  # somebody said that they are two


class ContactSort(StrEnum):
    NAME = "name"
    NEWEST = "newest"
    LAST_SEEN = "last_seen"


class SegmentKind(StrEnum):
    LIVE = "live"  # who fits is asked anew each time
    STATIC = "static"  # a list of people: who fitted when it was frozen, and who was put in or taken out by hand since


class SegmentField(StrEnum):
    """What a condition of a segment is about."""

    NAME = "name"
    COMPANY = "company"
    EMAIL = "email"
    PHONE = "phone"
    REGION = "region"
    OWNER = "owner"  # the value is a member's id
    ATTRIBUTE = "attribute"  # the key says which
    TAG = "tag"
    CONSENT = "consent"  # the value is a purpose, or one with its channel
    EVENT = "event"  # the value is a kind of the timeline, like lead.captured
    LAST_SEEN = "last_seen"
    CREATED = "created"


class SegmentTest(StrEnum):
    EQUALS = "equals"
    CONTAINS = "contains"
    IS_SET = "is_set"
    IS_EMPTY = "is_empty"
    HAS = "has"
    HAS_NOT = "has_not"
    WITHIN_DAYS = "within_days"
    NOT_WITHIN_DAYS = "not_within_days"


_ASKED_OF_TEXT = (SegmentTest.CONTAINS, SegmentTest.EQUALS, SegmentTest.IS_SET, SegmentTest.IS_EMPTY)
_ASKED_OF_SETS = (SegmentTest.HAS, SegmentTest.HAS_NOT)
ASKED_OF_MOMENTS = (SegmentTest.WITHIN_DAYS, SegmentTest.NOT_WITHIN_DAYS)
TESTS: Mapping[SegmentField, tuple[SegmentTest, ...]] = {
    SegmentField.NAME: _ASKED_OF_TEXT,
    SegmentField.COMPANY: _ASKED_OF_TEXT,
    SegmentField.EMAIL: _ASKED_OF_TEXT,
    SegmentField.PHONE: _ASKED_OF_TEXT,
    SegmentField.REGION: _ASKED_OF_TEXT,
    SegmentField.OWNER: (SegmentTest.EQUALS, SegmentTest.IS_SET, SegmentTest.IS_EMPTY),
    SegmentField.ATTRIBUTE: _ASKED_OF_TEXT,
    SegmentField.TAG: _ASKED_OF_SETS,
    SegmentField.CONSENT: _ASKED_OF_SETS,
    SegmentField.EVENT: (*_ASKED_OF_SETS, *ASKED_OF_MOMENTS),  # the key says of how many days
    SegmentField.LAST_SEEN: (*ASKED_OF_MOMENTS, SegmentTest.IS_SET, SegmentTest.IS_EMPTY),
    SegmentField.CREATED: ASKED_OF_MOMENTS,
}
WITHOUT_VALUE = frozenset({SegmentTest.IS_SET, SegmentTest.IS_EMPTY})


class Match(StrEnum):
    ALL = "all"
    ANY = "any"


class ImportStatus(StrEnum):
    UPLOADED = "uploaded"
    RUNNING = "running"
    DONE = "done"


class ImportTarget(StrEnum):
    """What a column of an imported file holds."""

    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    COMPANY = "company"
    EMAIL = "email"
    PHONE = "phone"
    DOCUMENT = "document"
    BORN_ON = "born_on"
    REGION = "region"
    TAGS = "tags"
    EXTERNAL_ID = "external_id"
    ATTRIBUTE = "attribute"  # kept under the column's own name
    IGNORE = "ignore"


WORKBOOK = "xlsx"  # in place of an encoding


@dataclass(frozen=True)
class ImportRow:
    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """An uploaded table as it was found. `rows` does not count the headers."""

    encoding: str
    delimiter: str
    headers: list[str]
    sample: list[list[str]]
    rows: int
