from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class IdentityKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    WHATSAPP = "whatsapp"  # the account number WhatsApp itself confirmed; may differ from the phone people dial
    WHATSAPP_LID = "whatsapp_lid"
    WHATSAPP_USER = "whatsapp_user"  # business-scoped user id: the only id of somebody who hides the number
    WEBCHAT = "webchat"
    EXTERNAL = "external"  # id in another system, named by the scope


@dataclass(frozen=True)
class Identity:
    """One way to recognise a person. `scope` says where `value` is unique: a channel, another system, or everywhere ("")."""

    kind: IdentityKind
    value: str
    scope: str = ""


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


class LawfulBasis(StrEnum):
    """The bases of LGPD art. 7 (GDPR art. 6) that fit writing to somebody."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGITIMATE_INTEREST = "legitimate_interest"
    LEGAL_OBLIGATION = "legal_obligation"


class Objection(StrEnum):
    """Why a message may not be sent."""

    OPTED_OUT = "opted_out"
    NEVER_OPTED_IN = "never_opted_in"
    MINOR = "minor"


class ContactSort(StrEnum):
    NAME = "name"
    NEWEST = "newest"
    LAST_SEEN = "last_seen"


class SegmentField(StrEnum):
    """What a condition of a segment is about."""

    NAME = "name"
    COMPANY = "company"
    EMAIL = "email"
    PHONE = "phone"
    REGION = "region"
    TAG = "tag"
    CONSENT = "consent"  # the value is a purpose
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
    SegmentField.TAG: _ASKED_OF_SETS,
    SegmentField.CONSENT: _ASKED_OF_SETS,
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
