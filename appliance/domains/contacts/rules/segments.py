"""Which questions a segment may ask of whom."""

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.contacts.types import ASKED_OF_MOMENTS, TESTS, WITHOUT_VALUE, Purpose, SegmentField, SegmentTest

MOST_DAYS = 36_500

def check_condition(field: SegmentField, test: SegmentTest, value: str) -> None:
    """Raises ValueError with a sentence."""
    if test not in TESTS[field]:
        raise ValueError(str(_("This cannot be asked of that field.")))
    if test in WITHOUT_VALUE:
        return
    if not value:
        raise ValueError(str(_("Each condition needs a value to compare with.")))
    if test in ASKED_OF_MOMENTS and not (value.isascii() and value.isdigit() and int(value) <= MOST_DAYS):
        raise ValueError(str(_("Give a number of days.")))
    if field is SegmentField.CONSENT and value not in set(Purpose):
        raise ValueError(str(_("Consent is asked for a purpose: reply, service or marketing.")))
