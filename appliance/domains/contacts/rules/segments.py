"""Which questions a segment may ask of whom."""

import re
from uuid import UUID

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.contacts.types import ASKED_OF_MOMENTS, TESTS, WITHOUT_VALUE, Channel, Purpose, SegmentField, SegmentTest

MOST_DAYS = 36_500
_KIND = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")


def check_condition(field: SegmentField, test: SegmentTest, value: str, key: str) -> None:
    """Raises ValueError with a sentence."""
    if test not in TESTS[field]:
        raise ValueError(str(_("This cannot be asked of that field.")))
    if field is SegmentField.ATTRIBUTE and (not key or '"' in key or "\\" in key):  # neither can be said in a path of JSON
        raise ValueError(str(_("Say which attribute, without quotation marks.")))
    if test in WITHOUT_VALUE:
        return
    if not value:
        raise ValueError(str(_("Each condition needs a value to compare with.")))
    days = key if field is SegmentField.EVENT else value
    if test in ASKED_OF_MOMENTS and not (days.isascii() and days.isdigit() and int(days) <= MOST_DAYS):
        raise ValueError(str(_("Give a number of days.")))
    if field is SegmentField.CONSENT:
        read_consent(value)
    if field is SegmentField.EVENT and not _KIND.fullmatch(value):
        raise ValueError(str(_("An event is written like lead.captured.")))
    if field is SegmentField.OWNER and not _is_id(value):
        raise ValueError(str(_("Choose a person of your team.")))


def read_consent(value: str) -> tuple[Purpose, Channel | None]:
    """`marketing`, on whatever channel, or `marketing:whatsapp`. Raises ValueError with a sentence."""
    purpose, colon, channel = value.partition(":")
    if purpose not in set(Purpose) or (colon and channel not in set(Channel)):
        raise ValueError(str(_("Consent is asked for reply, service or marketing, or for one of them on a channel: marketing:email.")))
    return Purpose(purpose), Channel(channel) if channel else None


def _is_id(value: str) -> bool:
    try:
        UUID(value)
    except ValueError:
        return False
    return True
