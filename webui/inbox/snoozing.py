"""Times that a conversation is usually put aside for."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.support import LazyProxy

from appliance.core.i18n import lazy_gettext as _

MORNING, EVENING = time(9), time(18)
MONDAY = 0


def choices(now: datetime, zone: ZoneInfo) -> list[tuple[LazyProxy, datetime]]:
    """(words, moment), soonest first; this evening only while it is some hours away."""
    here = now.astimezone(zone)
    evening = datetime.combine(here.date(), EVENING, zone)
    tomorrow = datetime.combine(here.date() + timedelta(days=1), MORNING, zone)
    monday = datetime.combine(here.date() + timedelta(days=(MONDAY - here.weekday() - 1) % 7 + 1), MORNING, zone)
    found = [(_("In an hour"), here + timedelta(hours=1)), (_("Tomorrow morning"), tomorrow)]
    if evening - here >= timedelta(hours=2):
        found.insert(1, (_("This evening"), evening))
    return [*found, (_("Monday morning"), monday)] if monday != tomorrow else found
